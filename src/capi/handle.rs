//! `libcni`: a configured CNI runtime.

use std::ffi::c_char;

use super::error::libcni_error;
use super::ffi::{Out, boundary, infallible, optional_text};
use super::hooks::{self, libcni_hooks};
use crate::cni::{Cni, CniOptions};

/// A configured CNI runtime: opaque, immutable, free to be used by any number of threads at once.
pub struct libcni(pub(super) Cni);

/// Makes a CNI runtime. Cheap: it touches no file.
///
/// @param options NULL or a JSON object with any of
///        - `pluginDirs`: array of directories in which plugins are searched (default: `$CNI_PATH` split at `:`, else
///          `/opt/cni/bin`);
///        - `cacheDir`: where attachments are remembered (default `/var/lib/cni`; `null`: nothing is kept on disk);
///        - `timeoutMs`: how long each call may take, from its start (default: for ever);
///        - `killGraceMs`: how long a plugin that is being ended gets between SIGTERM and SIGKILL (default 1000);
///        - `maxOutputBytes`: the most that is kept of a plugin's stdout, and of its stderr (default 16 MiB);
///        - `env`: what plugins get of the environment: `"inherit"` (default), `"clean"` (PATH alone), an array of names to
///          keep, or an object that is the environment. All but the last read it in each call, as `getenv` does: no other thread
///          may change it then (`setenv`, `putenv`);
///        - `rollback`: whether a failed ADD is followed by a DEL of the whole list (default false), and
///          `rollbackTimeoutMs`, how long that may take (default 30000);
///        - `preflight`: whether ADD finds every plugin, and the cache writable, before the first plugin runs (default true);
///        - `locking`: whether operations on one attachment wait for each other, across processes (default true);
///        - `durable`: whether cache files are flushed to the disk before a call returns (default true);
///        - `builtins`: array of plugins of libcni that live in the process: `"loopback"` (default: none).
/// @param hooks NULL or the host's callbacks; copied.
/// @param out the new runtime; free it with libcni_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK or LIBCNI_ERR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_new(
    options: *const c_char,
    hooks: *const libcni_hooks,
    out: *mut *mut libcni,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (out, options) = unsafe { (Out::required("out", out)?, optional_text("options", options)?) };
        let options = match options {
            Some(options) => CniOptions::from_json(options)?,
            None => CniOptions::default(),
        };
        // SAFETY: the caller passes NULL or a valid struct of callbacks.
        let cni = unsafe { hooks::runtime(options, hooks)? };
        out.set(Box::into_raw(Box::new(libcni(cni))));
        Ok(())
    })
}

/// Frees a runtime. Calls that still run on other threads must have returned.
///
/// @param cni a runtime, which must not be used afterwards; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_free(cni: *mut libcni) {
    infallible((), || {
        if !cni.is_null() {
            // SAFETY: a pointer that is not NULL came from libcni_new, and the caller frees it once.
            drop(unsafe { Box::from_raw(cni) });
        }
    });
}
