//! `libcni_plugin_response`: what a plugin answers.

use std::ffi::{CStr, c_char};

use super::error::libcni_error;
use super::ffi::infallible;
use crate::error::Error;

/// The answer of a plugin's callback. What is set is copied.
#[derive(Default)]
pub struct libcni_plugin_response {
    pub(super) result: Option<Vec<u8>>,
    pub(super) failure: Option<Error>,
}

/// # Safety
/// `text` is NULL or NUL-terminated.
unsafe fn lossy(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as this function's own contract.
    crate::text::lossy(unsafe { CStr::from_ptr(text) }.to_bytes()).into_owned()
}

/// Sets the result of ADD.
///
/// @param result a JSON object in any version of the specification; one without `cniVersion` is of the request's version. The
///        runtime gets it in the request's version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_response_set_result(
    response: *mut libcni_plugin_response,
    result: *const c_char,
) {
    infallible((), || {
        // SAFETY: the caller passes NULL or the response of its callback.
        let Some(response) = (unsafe { response.as_mut() }) else { return };
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        response.result = (!result.is_null()).then(|| unsafe { CStr::from_ptr(result) }.to_bytes().to_vec());
    });
}

/// Sets the error: the plugin fails with this error object.
///
/// @param code 1 to 99 codes of the specification, 100 and above the plugin's own.
/// @param msg a short text for people; NULL is "".
/// @param details a longer one; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_response_set_error(
    response: *mut libcni_plugin_response,
    code: u32,
    msg: *const c_char,
    details: *const c_char,
) {
    infallible((), || {
        // SAFETY: the caller passes NULL or the response of its callback.
        let Some(response) = (unsafe { response.as_mut() }) else { return };
        // SAFETY: the caller passes NULL or NUL-terminated texts.
        let (msg, details) = unsafe { (lossy(msg), lossy(details)) };
        response.failure = Some(Error::of_plugin(code, msg, details));
    });
}

/// Sets the error to one that a function of libcni gave: the error object of a plugin that was delegated to stays as it is,
/// any other error has the code 999.
///
/// @param error an error, which stays the caller's; NULL sets one without a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_plugin_response_set_failure(
    response: *mut libcni_plugin_response,
    error: *const libcni_error,
) {
    infallible((), || {
        // SAFETY: the caller passes NULL or the response of its callback.
        let Some(response) = (unsafe { response.as_mut() }) else { return };
        // SAFETY: the caller passes NULL or a valid error.
        let failure = unsafe { error.as_ref() }.map(libcni_error::as_failure);
        response.failure = Some(failure.unwrap_or_else(|| Error::of_plugin(crate::code::INTERNAL, "", "")));
    });
}
