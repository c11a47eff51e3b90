//! `libcni_error`: a failure with everything that is known about it.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::ffi::infallible;
use crate::error::Error;

/// What went wrong: owned by whoever received it, immutable, free to be read by several threads. Free it
/// with libcni_error_free().
pub struct libcni_error {
    error: Error,
    message: CString,
    /// Made when it is first asked for.
    json: OnceLock<CString>,
}

impl libcni_error {
    /// Moves an error to C.
    pub(super) fn give(error: Error) -> *mut libcni_error {
        let message = without_nul(error.message().to_owned());
        Box::into_raw(Box::new(libcni_error { error, message, json: OnceLock::new() }))
    }
}

impl libcni_error {
    /// The same failure once more, as far as a plugin's error object can tell it.
    pub(super) fn as_failure(&self) -> Error {
        self.error.as_failure()
    }
}

/// A C string ends at its first NUL: what outside data has in it is shown as U+FFFD.
fn without_nul(text: String) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\u{fffd}");
        CString::new(text).unwrap_or_default()
    })
}

/// The status that the failed function returned.
///
/// @param err an error; NULL gives LIBCNI_OK.
/// @return a LIBCNI_ERR_* number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_error_status(err: *const libcni_error) -> i32 {
    // SAFETY: the caller passes NULL or a valid error.
    infallible(0, || unsafe { err.as_ref() }.map_or(0, |err| err.error.status().number()))
}

/// The error code of the CNI specification.
///
/// @param err an error; NULL gives 0.
/// @return 1 to 99 codes of the specification, 100 and above the plugin's own, 0 none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_error_code(err: *const libcni_error) -> u32 {
    // SAFETY: the caller passes NULL or a valid error.
    infallible(0, || unsafe { err.as_ref() }.map_or(0, |err| err.error.code()))
}

/// The error as one text for people.
///
/// @param err an error; NULL gives "".
/// @return UTF-8 text that lives as long as the error; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_error_message(err: *const libcni_error) -> *const c_char {
    // SAFETY: the caller passes NULL or a valid error.
    infallible(c"".as_ptr(), || unsafe { err.as_ref() }.map_or(c"".as_ptr(), |err| err.message.as_ptr()))
}

/// Everything that is known about the error, as a JSON object: `status`, `message`, and where they apply
/// `code`, `msg` and `details` (of the plugin's error object), `plugin` (its type), `index` (its place in the
/// list), `path` (of the program or file), `command`, `exitCode`, `signal`, `timedOut`, `stderr` and `stdout`
/// (their ends), `durationMs`, `result` (what the plugins returned, when only writing the cache failed),
/// `attachment` and `causes` (an array of such objects).
///
/// @param err an error; NULL gives "{}".
/// @return UTF-8 text that lives as long as the error; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_error_json(err: *const libcni_error) -> *const c_char {
    infallible(c"{}".as_ptr(), || {
        // SAFETY: the caller passes NULL or a valid error.
        let Some(err) = (unsafe { err.as_ref() }) else { return c"{}".as_ptr() };
        // JSON escapes NUL, so there is none in it.
        err.json.get_or_init(|| without_nul(err.error.to_json())).as_ptr()
    })
}

/// Frees an error.
///
/// @param err an error, which must not be used afterwards; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_error_free(err: *mut libcni_error) {
    infallible((), || {
        if !err.is_null() {
            // SAFETY: a pointer that is not NULL came from `give`, and the caller frees it once.
            drop(unsafe { Box::from_raw(err) });
        }
    });
}
