//! `libcni_plugin_request`: what a plugin is asked.

use std::ffi::{CStr, CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt;

use super::buf::libcni_buf;
use super::context::libcni_context;
use super::error::libcni_error;
use super::ffi::{Out, boundary, infallible, optional_text, required, text};
use crate::error::{Error, Result, Status, code};
use crate::plugin::Request;
use crate::text;
use crate::types::command::Command;
use crate::types::shape;

/// What a plugin is asked, checked by the rules of the protocol. Valid until the callback returns; so is everything that it
/// gives.
pub struct libcni_plugin_request {
    /// The request, whose lifetime is that of the callback.
    request: *const Request<'static>,
    command: CString,
    container_id: CString,
    netns: CString,
    if_name: CString,
    args: CString,
    network_name: CString,
    cni_version: CString,
    config: CString,
    /// The context of the call, as C sees it.
    context: libcni_context,
}

impl libcni_plugin_request {
    /// The request as C sees it; not to be used after `request` has gone.
    pub(super) fn new(request: &Request<'_>) -> Result<libcni_plugin_request> {
        let c_string = |what: &str, text: &[u8]| {
            // The environment has no NUL, and JSON escapes it.
            CString::new(text)
                .map_err(|_| Error::of_plugin(code::INTERNAL, format!("{what} has a NUL character"), ""))
        };
        Ok(libcni_plugin_request {
            request: std::ptr::from_ref(request).cast(),
            command: c_string("the command", request.command().name().as_bytes())?,
            container_id: c_string("the container's id", request.container_id().as_bytes())?,
            netns: c_string("the netns", request.netns().as_os_str().as_bytes())?,
            if_name: c_string("the interface's name", request.if_name().as_bytes())?,
            args: c_string("CNI_ARGS", request.args().as_bytes())?,
            network_name: c_string("the network's name", request.network_name().as_bytes())?,
            cni_version: c_string("the version", request.cni_version().as_bytes())?,
            config: c_string("the configuration", request.config_text().as_bytes())?,
            context: libcni_context(request.context().clone()),
        })
    }

    /// # Safety
    /// Its callback has not returned.
    unsafe fn request(&self) -> &Request<'_> {
        // SAFETY: made of a reference that outlives the callback, and given out for no longer.
        unsafe { &*self.request.cast() }
    }
}

/// # Safety
/// `request` is NULL or points to the request of a callback that has not returned.
unsafe fn get<T>(
    request: *const libcni_plugin_request,
    otherwise: T,
    get: impl FnOnce(&libcni_plugin_request) -> T,
) -> T {
    // SAFETY: as this function's own contract.
    match unsafe { request.as_ref() } {
        Some(request) => infallible(otherwise, || get(request)),
        None => otherwise,
    }
}

/// The CNI command: "ADD", "CHECK", "DEL", "GC" or "STATUS".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_command(
    request: *const libcni_plugin_request,
) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.command.as_ptr()) }
}

/// The container's id; may be "" in GC and STATUS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_container_id(
    request: *const libcni_plugin_request,
) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.container_id.as_ptr()) }
}

/// The path of the container's network namespace. May be "", and what it names may be gone, in DEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_netns(request: *const libcni_plugin_request) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.netns.as_ptr()) }
}

/// The name of the interface in the container; may be "" in GC and STATUS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_if_name(
    request: *const libcni_plugin_request,
) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.if_name.as_ptr()) }
}

/// CNI_ARGS as it stands; libcni_plugin_request_load_args() reads it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_args(request: *const libcni_plugin_request) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.args.as_ptr()) }
}

/// The network's name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_network_name(
    request: *const libcni_plugin_request,
) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.network_name.as_ptr()) }
}

/// The version of the specification that the configuration is written in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_cni_version(
    request: *const libcni_plugin_request,
) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.cni_version.as_ptr()) }
}

/// The configuration: a JSON object, with U+FFFD for bytes that are not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_config(
    request: *const libcni_plugin_request,
) -> *const c_char {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| request.config.as_ptr()) }
}

/// The plugin's stdin, byte for byte. Not NUL-terminated.
///
/// @param len receives its length in bytes; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_stdin(
    request: *const libcni_plugin_request,
    len: *mut usize,
) -> *const c_char {
    let none: (*const u8, usize) = (std::ptr::null(), 0);
    // SAFETY: the caller passes NULL or the request of its callback, and NULL or a place for a length.
    unsafe {
        let (data, length) = get(request, none, |request| {
            let stdin = request.request().stdin();
            (stdin.as_ptr(), stdin.len())
        });
        if !len.is_null() {
            len.write(length);
        }
        data.cast()
    }
}

/// A variable of the plugin's environment. Inside a process this is not the process's own environment, but what the
/// plugin's program would get.
///
/// @param name the variable's name.
/// @return its value; NULL when it is not there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_variable(
    request: *const libcni_plugin_request,
    name: *const c_char,
) -> *const c_char {
    if name.is_null() {
        return std::ptr::null();
    }
    // SAFETY: the caller passes NULL or the request of its callback, and a NUL-terminated name.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes();
        get(request, std::ptr::null(), |request| {
            let line = request.request().environment().iter().find(|line| {
                line.to_bytes().strip_prefix(name).is_some_and(|rest| rest.first() == Some(&b'='))
            });
            // Behind the name and `=`, still inside the line.
            line.map_or(std::ptr::null(), |line| line.as_ptr().add(name.len() + 1))
        })
    }
}

/// The `call_data` of the call's context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_call_data(
    request: *const libcni_plugin_request,
) -> *mut c_void {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null_mut(), |request| request.context.0.call_data().0) }
}

/// The context of the call: a long piece of work looks whether it is cancelled. A program's never is: its runtime ends
/// it. Not to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_context(
    request: *const libcni_plugin_request,
) -> *const libcni_context {
    // SAFETY: the caller passes NULL or the request of its callback.
    unsafe { get(request, std::ptr::null(), |request| &raw const request.context) }
}

/// The result of the plugin before this one (ADD), or of the attachment (CHECK, DEL), in the request's version.
///
/// @param result receives the result, or "null" without one; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, or LIBCNI_ERR_PLUGIN (code 6) when the configuration's is not a valid one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_prev_result(
    request: *const libcni_plugin_request,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (result, request) =
            unsafe { (Out::required("result", result)?, required("request", request)?.request()) };
        let prev_result = request.prev_result()?;
        result.set_text(prev_result.map_or_else(|| String::from("null"), |result| result.to_json()));
        Ok(())
    })
}

/// Reads CNI_ARGS, `K=V;K2=V2`. An argument whose name is not among `names` is an error, unless IgnoreUnknown is set to `1`
/// or `true` in them.
///
/// @param names a JSON array of the names that the plugin knows.
/// @param args receives a JSON object of those that were given, as strings; free it with libcni_buf_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT for `names`, or LIBCNI_ERR_PLUGIN (code 4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_load_args(
    request: *const libcni_plugin_request,
    names: *const c_char,
    args: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (args, request, names) = unsafe {
            (Out::required("args", args)?, required("request", request)?.request(), text("names", names)?)
        };
        let names: Vec<String> = shape::read("names", names)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        args.set_json(&request.known_args(&names)?)
    })
}

/// Writes a line for people to the plugin's stderr. Inside a process, where stderr is the host's, it goes where the stderr
/// of the plugin's program would go: to the events and errors of the call.
///
/// @param line a text without the end of the line; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_log(
    request: *const libcni_plugin_request,
    line: *const c_char,
) {
    if line.is_null() {
        return;
    }
    // SAFETY: the caller passes NULL or the request of its callback, and a NUL-terminated text.
    unsafe {
        let line = CStr::from_ptr(line).to_bytes();
        get(request, (), |request| request.request().log(text::lossy(line)));
    }
}

/// Runs another plugin as part of one's own work (specification, section 4). It is found in CNI_PATH, inside a process
/// among its plugins first, and gets the environment of this request with its own command. An ADD that fails is followed
/// by DEL before this returns. What the plugin writes to stderr is logged.
///
/// @param command "ADD", "CHECK", "DEL", "GC" or "STATUS"; NULL is the request's own.
/// @param type the type of the plugin.
/// @param config its configuration, a JSON object.
/// @param result ADD: receives the result, in the version in which the plugin gave it; free it with libcni_buf_free(). Other
///        commands have none. May be NULL.
/// @param err on failure the error, to be handed to libcni_plugin_response_set_failure() and freed; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_PLUGIN when it failed, ...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_request_delegate(
    request: *const libcni_plugin_request,
    command: *const c_char,
    r#type: *const c_char,
    config: *const c_char,
    result: *mut libcni_buf,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (request, command, plugin_type, config) = unsafe {
            (
                required("request", request)?.request(),
                optional_text("command", command)?,
                text("type", r#type)?,
                text("config", config)?,
            )
        };
        let command = match command {
            None => request.command(),
            Some(name) => {
                Command::from_name(name).filter(|command| *command != Command::Version).ok_or_else(|| {
                    let message = format!("no command {} can be delegated", text::quote(name));
                    Error::new(Status::InvalidArgument, message)
                })?
            }
        };
        let delegated = request.delegate(command, plugin_type, config)?;
        if let Some(added) = delegated.filter(|_| !result.is_null()) {
            // SAFETY: not NULL, so a place for a text.
            unsafe { Out::required("result", result)? }.set_text(added.to_json());
        }
        Ok(())
    })
}
