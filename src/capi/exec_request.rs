//! `libcni_exec_request`: a plugin that a callback is asked to find or to run.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::{Path, PathBuf};

use super::context::libcni_context;
use super::ffi::infallible;
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::exec::Environment;
use crate::types::command::Command;
use crate::types::shape;

/// A plugin to find or to run. Valid until the callback returns; so is everything that it gives.
pub struct libcni_exec_request {
    command: &'static CStr,
    plugin: CString,
    path: CString,
    dirs: CString,
    stdin: *const u8,
    stdin_len: usize,
    env: *const Environment,
    /// The context of the call, as C sees it.
    context: libcni_context,
}

impl libcni_exec_request {
    pub(super) fn new(
        command: Command,
        plugin: &str,
        path: Option<&Path>,
        dirs: &[PathBuf],
        stdin: &[u8],
        env: &Environment,
        context: &Context,
    ) -> Result<libcni_exec_request> {
        let c_string = |what: &str, text: Vec<u8>| {
            CString::new(text)
                .map_err(|_| Error::new(Status::InvalidArgument, format!("{what} has a NUL character")))
        };
        let dirs: Vec<_> = dirs.iter().map(|dir| dir.to_string_lossy()).collect();
        // Strings always serialise.
        let dirs = shape::print(&dirs).unwrap_or_default().into_bytes();
        let path = path.map(|path| path.as_os_str().as_encoded_bytes().to_owned()).unwrap_or_default();
        Ok(libcni_exec_request {
            command: match command {
                Command::Add => c"ADD",
                Command::Check => c"CHECK",
                Command::Del => c"DEL",
                Command::Gc => c"GC",
                Command::Status => c"STATUS",
                Command::Version => c"VERSION",
            },
            plugin: c_string("the plugin's type", plugin.as_bytes().to_owned())?,
            path: c_string("the plugin's path", path)?,
            dirs: c_string("a plugin directory", dirs)?,
            stdin: stdin.as_ptr(),
            stdin_len: stdin.len(),
            env,
            context: libcni_context(context.clone()),
        })
    }
}

/// # Safety
/// `request` is NULL or points to a valid request.
unsafe fn get<T>(
    request: *const libcni_exec_request,
    otherwise: T,
    get: impl FnOnce(&libcni_exec_request) -> T,
) -> T {
    // SAFETY: as this function's own contract.
    match unsafe { request.as_ref() } {
        Some(request) => infallible(otherwise, || get(request)),
        None => otherwise,
    }
}

/// The CNI command: "ADD", "CHECK", "DEL", "GC", "STATUS" or "VERSION".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_command(request: *const libcni_exec_request) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.command.as_ptr()) }
}

/// The plugin's type, as in the configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_plugin(request: *const libcni_exec_request) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.plugin.as_ptr()) }
}

/// The plugin's program; "" in find_in_path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_path(request: *const libcni_exec_request) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.path.as_ptr()) }
}

/// The directories in which plugins are searched: a JSON array.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_dirs(request: *const libcni_exec_request) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.dirs.as_ptr()) }
}

/// The plugin's whole stdin: its configuration. Not NUL-terminated.
///
/// @param len receives its length in bytes; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_stdin(
    request: *const libcni_exec_request,
    len: *mut usize,
) -> *const c_char {
    infallible(std::ptr::null(), || {
        // SAFETY: the caller passes NULL or the request of its callback.
        let request = unsafe { request.as_ref() };
        let (stdin, length) = request.map_or((std::ptr::null(), 0), |r| (r.stdin, r.stdin_len));
        if !len.is_null() {
            // SAFETY: the caller passes NULL or a place for a length.
            unsafe { len.write(length) };
        }
        stdin.cast()
    })
}

/// The variable at place `i` of the plugin's environment, as "NAME=value"; NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_env(
    request: *const libcni_exec_request,
    i: usize,
) -> *const c_char {
    infallible(std::ptr::null(), || {
        // SAFETY: the caller passes NULL or the request of its callback.
        let Some(request) = (unsafe { request.as_ref() }) else { return std::ptr::null() };
        // SAFETY: the request was made with a reference to it, which lives until the callback returns.
        let env = unsafe { &*request.env };
        env.get(i).map_or(std::ptr::null(), CStr::as_ptr)
    })
}

/// The `call_data` of the call's context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_call_data(request: *const libcni_exec_request) -> *mut c_void {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null_mut(), |request| request.context.0.call_data().0) }
}

/// The context for calls that the callback makes itself: it has the call's deadline and cancellation, and the locks
/// that the call holds. Not to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_request_context(
    request: *const libcni_exec_request,
) -> *const libcni_context {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| &raw const request.context) }
}
