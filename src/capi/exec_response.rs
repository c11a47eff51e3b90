//! `libcni_exec_response`: what a callback answers.

use std::ffi::{CStr, c_char};

use super::ffi::infallible;

/// The answer of a callback. What is set is copied.
#[derive(Default)]
pub struct libcni_exec_response {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) code: i32,
    pub(super) signal: i32,
    pub(super) path: Option<Vec<u8>>,
    pub(super) error: Option<String>,
}

/// Sets the plugin's stdout.
///
/// @param data `len` bytes, copied; may be NULL when `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_response_set_stdout(
    response: *mut libcni_exec_response,
    data: *const c_char,
    len: usize,
) {
    // SAFETY: the caller passes NULL or the response of its callback, and that many bytes.
    infallible((), || unsafe {
        if let Some(response) = response.as_mut() {
            response.stdout = copied(data, len);
        }
    });
}

/// Sets the plugin's stderr.
///
/// @param data `len` bytes, copied; may be NULL when `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_response_set_stderr(
    response: *mut libcni_exec_response,
    data: *const c_char,
    len: usize,
) {
    // SAFETY: the caller passes NULL or the response of its callback, and that many bytes.
    infallible((), || unsafe {
        if let Some(response) = response.as_mut() {
            response.stderr = copied(data, len);
        }
    });
}

/// # Safety
/// `data` points to `len` bytes, or is NULL and `len` is 0.
unsafe fn copied(data: *const c_char, len: usize) -> Vec<u8> {
    if data.is_null() || len == 0 {
        return Vec::new();
    }
    // SAFETY: as this function's own contract.
    unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) }.to_vec()
}

/// Sets how the plugin ended.
///
/// @param code its exit code.
/// @param signal the signal that ended it, or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_response_set_exit(
    response: *mut libcni_exec_response,
    code: i32,
    signal: i32,
) {
    // SAFETY: the caller passes NULL or the response of its callback.
    infallible((), || unsafe {
        if let Some(response) = response.as_mut() {
            (response.code, response.signal) = (code, signal);
        }
    });
}

/// Sets the path of the program that find_in_path found.
///
/// @param path a path, copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_response_set_path(
    response: *mut libcni_exec_response,
    path: *const c_char,
) {
    infallible((), || {
        if path.is_null() {
            return;
        }
        // SAFETY: the caller passes NULL or the response of its callback, and a NUL-terminated path.
        unsafe {
            if let Some(response) = response.as_mut() {
                response.path = Some(CStr::from_ptr(path).to_bytes().to_owned());
            }
        }
    });
}

/// Sets why the callback failed. The call then ends with LIBCNI_ERR_CALLBACK, whatever the callback returns but
/// LIBCNI_DEFAULT.
///
/// @param message a text for people, copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_exec_response_set_error(
    response: *mut libcni_exec_response,
    message: *const c_char,
) {
    infallible((), || {
        // SAFETY: the caller passes NULL or the response of its callback.
        let Some(response) = (unsafe { response.as_mut() }) else { return };
        let message = if message.is_null() {
            String::from("no message")
        } else {
            // SAFETY: not NULL, so a NUL-terminated text.
            unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
        };
        response.error = Some(message);
    });
}
