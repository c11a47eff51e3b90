//! The host's callbacks: another way to find and to run plugins, and an observer.

use std::ffi::{CString, OsString, c_char, c_void};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::exec_request::libcni_exec_request;
use super::exec_response::libcni_exec_response;
use super::plugin::{self, libcni_plugin};
use crate::cni::{Cni, CniOptions, Event, Observer};
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::exec::process::ProcessExec;
use crate::exec::{Environment, Exec, ExecRequest, FindRequest, Outcome, Termination};
use crate::types::shape;

/// What a callback returns when it leaves the request to libcni.
pub const LIBCNI_DEFAULT: i32 = 1;

/// The version of struct libcni_hooks that this header declares.
pub const LIBCNI_HOOKS_VERSION: u32 = 2;

/// The host's callbacks. Start with LIBCNI_HOOKS_INIT; a callback that is NULL is not called.
///
/// They run on the thread of the call that they belong to (of a set-up of networks with `parallel`: on its threads,
/// which have the namespaces of the caller's and end with the call), possibly several at the same time, and
/// must neither unwind nor jump out. They may call libcni. A callback returns 0 when it handled the request,
/// LIBCNI_DEFAULT when libcni shall, and a negative number when it failed (LIBCNI_ERR_CALLBACK).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct libcni_hooks {
    /// LIBCNI_HOOKS_VERSION.
    pub version: u32,
    /// 0.
    pub reserved: u32,
    /// The host's own pointer, handed to every callback.
    pub user_data: *mut c_void,
    /// Runs a plugin. The answer, set on the response: its stdout, its stderr, its exit code or signal.
    pub exec_plugin: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_exec_request,
            response: *mut libcni_exec_response,
        ) -> i32,
    >,
    /// Finds a plugin's program. The answer, set on the response: its path.
    pub find_in_path: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            request: *const libcni_exec_request,
            response: *mut libcni_exec_response,
        ) -> i32,
    >,
    /// Told of what happens. `event_json` is an object. `event` is "begin" and "end" for every plugin's run, with `command`,
    /// `plugin`, `index`, `path`, `containerId`, `ifName`, and at the end `pid`, `durationMs`, `exitCode` or `signal` or
    /// `exitUnknown`, `timedOut`, `cancelled`, `notStarted`, `stderr`, where they apply; or "cacheProblem" for a file of the
    /// cache that was of no use, with `path`, `message` and, where it was moved, `setAside`. `call_data` is the context's.
    /// Costs nothing when it is NULL.
    pub on_event: Option<
        unsafe extern "C" fn(user_data: *mut c_void, call_data: *mut c_void, event_json: *const c_char),
    >,
    /// Called once, after the last call, on any thread, and only if libcni_new() succeeded.
    pub finalize: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Since version 2: plugins that live in the process, each asked for its type before the callbacks above and before the
    /// file system. An array, copied with its texts; may be NULL when there are none.
    pub plugins: *const libcni_plugin,
    /// Since version 2: how many.
    pub plugin_count: usize,
}

/// How much of the struct there is in version 1.
const VERSION_1_BYTES: usize = std::mem::offset_of!(libcni_hooks, plugins);

/// The struct that `hooks` points to; what its version does not have is empty.
///
/// # Safety
/// `hooks` points to a struct whose version tells its size.
unsafe fn read(hooks: *const libcni_hooks) -> Result<libcni_hooks> {
    // The version comes first in every version of the struct, and tells how much of it there is to read.
    // SAFETY: by contract it has a version.
    let version = unsafe { (&raw const (*hooks).version).read() };
    let bytes = match version {
        1 => VERSION_1_BYTES,
        LIBCNI_HOOKS_VERSION => size_of::<libcni_hooks>(),
        _ => {
            let message = format!(
                "hooks have version {version}, this library knows 1 to {LIBCNI_HOOKS_VERSION}: initialise them with LIBCNI_HOOKS_INIT"
            );
            return Err(Error::new(Status::InvalidArgument, message));
        }
    };
    let mut whole = libcni_hooks {
        version,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        exec_plugin: None,
        find_in_path: None,
        on_event: None,
        finalize: None,
        plugins: std::ptr::null(),
        plugin_count: 0,
    };
    // SAFETY: the struct has that many bytes in its version, and `whole` at least as many; every value of the host's
    // struct is one of ours, a callback that is NULL being None.
    unsafe { std::ptr::copy_nonoverlapping(hooks.cast::<u8>(), (&raw mut whole).cast::<u8>(), bytes) };
    Ok(whole)
}

/// The runtime with these callbacks.
///
/// # Safety
/// `hooks` is NULL or points to a struct whose version tells its size, and whose callbacks may be called from
/// any thread until `finalize`.
pub(super) unsafe fn runtime(options: CniOptions, hooks: *const libcni_hooks) -> Result<Cni> {
    if hooks.is_null() {
        return Ok(Cni::new(options).of_c());
    }
    // SAFETY: not NULL, so a struct whose version tells its size.
    let hooks = unsafe { read(hooks)? };
    if hooks.reserved != 0 {
        return Err(Error::new(Status::InvalidArgument, "hooks.reserved is not 0"));
    }
    // Before there is a Host, whose end would call finalize.
    // SAFETY: by contract an array of that many plugins.
    let plugins = unsafe { plugin::of_host(hooks.plugins, hooks.plugin_count)? };
    let host = Arc::new(Host(hooks));
    let exec = HostExec { host: host.clone(), process: ProcessExec::default() };
    let cni = match hooks.on_event {
        Some(_) => Cni::with_observer(options, exec, HostObserver(host)).of_c(),
        None => Cni::with_exec(options, exec).of_c(),
    };
    let with = |cni: Cni, (plugin_type, table)| cni.with_plugin(plugin_type, Arc::new(table));
    Ok(plugins.into_iter().fold(cni, with))
}

/// The callbacks; told when nobody needs them any more.
struct Host(libcni_hooks);

// SAFETY: the host promises that its callbacks may run on any thread, and that user_data is fit for that;
// libcni only hands the pointer back.
unsafe impl Send for Host {}
// SAFETY: as above: concurrent calls are part of the promise.
unsafe impl Sync for Host {}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(finalize) = self.0.finalize {
            // SAFETY: the last user of the callbacks is gone, and this runs once.
            unsafe { finalize(self.0.user_data) };
        }
    }
}

struct HostExec {
    host: Arc<Host>,
    process: ProcessExec,
}

struct HostObserver(Arc<Host>);

type Callback =
    unsafe extern "C" fn(*mut c_void, *const libcni_exec_request, *mut libcni_exec_response) -> i32;

impl Exec for HostExec {
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf> {
        let Some(callback) = self.host.0.find_in_path else { return self.process.find_in_path(request) };
        let FindRequest { command, plugin, dirs, context, .. } = *request;
        let seen = libcni_exec_request::new(command, plugin, None, dirs, &[], &Environment::new(), context)?;
        match self.call("find_in_path", callback, &seen)? {
            None => self.process.find_in_path(request),
            Some(response) => {
                let path = response
                    .path
                    .ok_or_else(|| failed("find_in_path", "it handled the request and set no path"))?;
                Ok(PathBuf::from(OsString::from_vec(path)))
            }
        }
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome> {
        let Some(callback) = self.host.0.exec_plugin else { return self.process.exec_plugin(request) };
        let ExecRequest { command, plugin, path, dirs, stdin, env, context, .. } = *request;
        let started = std::time::Instant::now();
        let seen = libcni_exec_request::new(command, plugin, Some(path), dirs, stdin, env, context)?;
        let Some(response) = self.call("exec_plugin", callback, &seen)? else {
            return self.process.exec_plugin(request);
        };
        let termination = match response.signal {
            0 => Termination::Exited(response.code),
            signal => Termination::Signaled(signal),
        };
        Ok(Outcome {
            termination,
            interruption: None,
            stdout: response.stdout,
            stderr: response.stderr,
            pid: None,
            duration: started.elapsed(),
        })
    }
}

impl HostExec {
    /// The answer of a callback; `None` when it leaves the request to us.
    fn call(
        &self,
        name: &str,
        callback: Callback,
        request: &libcni_exec_request,
    ) -> Result<Option<libcni_exec_response>> {
        let mut response = libcni_exec_response::default();
        // SAFETY: the host's callback, with its own user_data, and a request and a response that live until it
        // returns.
        let returned = unsafe { callback(self.host.0.user_data, request, &raw mut response) };
        match returned {
            LIBCNI_DEFAULT => Ok(None),
            0 if response.error.is_none() => Ok(Some(response)),
            _ => {
                let why = response.error.unwrap_or_else(|| format!("it returned {returned}"));
                Err(failed(name, &why))
            }
        }
    }
}

fn failed(name: &str, why: &str) -> Error {
    Error::new(Status::Callback, format!("the callback {name} failed: {why}"))
}

impl Observer for HostObserver {
    fn on_event(&self, ctx: &Context, event: &Event<'_>) {
        let Host(hooks) = &*self.0;
        let Some(on_event) = hooks.on_event else { return };
        let json = shape::print(event).ok().and_then(|json| CString::new(json).ok());
        if let Some(json) = json {
            // SAFETY: the host's callback, with its own pointers, and a text that lives until it returns.
            unsafe { on_event(hooks.user_data, ctx.call_data().0, json.as_ptr()) };
        }
    }
}
