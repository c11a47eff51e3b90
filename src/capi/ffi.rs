//! Crossing the border: strings in, owned things out, panics stopped.
//!
//! The rules that every export keeps by going through [`boundary`] and the readers here: a NULL or a text
//! that is not UTF-8 is an `INVALID_ARGUMENT` that names the parameter; out-parameters are written only
//! on success and `*err` only on failure; nothing unwinds into C, and no cancellation of the thread out of it.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::buf::libcni_buf;
use super::error::libcni_error;
use super::status::LIBCNI_OK;
use crate::error::{Error, Result, Status};
use crate::thread::NotCancellable;
use crate::types::shape;

/// Runs the body of an export. Returns the status, and gives the error away when the caller wants it.
pub(super) fn boundary(err: *mut *mut libcni_error, body: impl FnOnce() -> Result<()>) -> i32 {
    let mut body = Some(body);
    guarded(err, &mut || body.take().map_or(Ok(()), |body| body()))
}

/// Not generic: each export would have all of it.
fn guarded(err: *mut *mut libcni_error, body: &mut dyn FnMut() -> Result<()>) -> i32 {
    let _whole = NotCancellable::new();
    // Unwind safety: the body owns or borrows immutable things only, and whatever it was building when it
    // panicked is dropped.
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| String::from("no message"));
        Err(Error::new(Status::Internal, format!("libcni panicked: {text}")))
    });
    match outcome {
        Ok(()) => LIBCNI_OK,
        Err(error) => {
            let status = error.status().number();
            if !err.is_null() {
                // SAFETY: the caller passes NULL or a place for a pointer; the contents of the place are
                // overwritten without being read.
                unsafe { err.write(libcni_error::give(error)) };
            }
            status
        }
    }
}

/// For exports that cannot fail: a panic becomes `otherwise`.
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// A text parameter that must be there.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that outlives `'a`.
pub(super) unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<&'a str> {
    // SAFETY: as this function's own contract.
    unsafe { optional_text(name, text) }?.ok_or_else(|| null(name))
}

/// A text parameter that may be NULL.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that outlives `'a`.
pub(super) unsafe fn optional_text<'a>(name: &str, text: *const c_char) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so by contract a NUL-terminated string.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|error| {
        let message = format!("{name} is not UTF-8: invalid byte at offset {}", error.valid_up_to());
        Error::new(Status::InvalidArgument, message)
    })
}

/// A handle or a place that must be there.
///
/// # Safety
/// `pointer` is NULL or points to a valid `T` that outlives `'a` and is not written meanwhile.
pub(super) unsafe fn required<'a, T>(name: &str, pointer: *const T) -> Result<&'a T> {
    // SAFETY: as this function's own contract.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// A place for a result, checked before any work is done.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `place` is NULL or may be written until the export returns. What it holds is not read.
    pub(super) unsafe fn required(name: &str, place: *mut T) -> Result<Out<T>> {
        if place.is_null() { Err(null(name)) } else { Ok(Out(place)) }
    }

    pub(super) fn set(&self, value: T) {
        // SAFETY: by the contract of `required`, the place may be written; the old content is not read.
        unsafe { self.0.write(value) };
    }
}

impl Out<libcni_buf> {
    /// Gives a text away.
    pub(super) fn set_text(&self, text: String) {
        self.set(libcni_buf::give(text));
    }

    /// Gives a value away as JSON.
    pub(super) fn set_json(&self, value: &impl serde::Serialize) -> Result<()> {
        let text = shape::print(value)
            .map_err(|error| Error::new(Status::Internal, format!("failed to print an answer: {error}")))?;
        self.set_text(text);
        Ok(())
    }
}

fn null(name: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{name} is NULL"))
}
