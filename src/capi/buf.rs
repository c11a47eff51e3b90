//! `libcni_buf`: a text that C owns.

use std::ffi::{c_char, c_void};

use super::ffi::infallible;

/// An owned text: JSON in UTF-8, with a NUL behind it that `len` does not count.
///
/// Start with LIBCNI_BUF_INIT. A function writes it only when it succeeds; give it back with
/// libcni_buf_free().
#[repr(C)]
pub struct libcni_buf {
    /// The text; NULL in an empty buffer.
    pub data: *mut c_char,
    /// Its length in bytes, without the NUL.
    pub len: usize,
}

impl libcni_buf {
    /// Moves a text to C.
    pub(super) fn give(text: String) -> libcni_buf {
        let len = text.len();
        let mut bytes = text.into_bytes();
        bytes.push(0);
        // As a boxed slice it can be rebuilt from its address and length alone.
        let data = Box::into_raw(bytes.into_boxed_slice());
        libcni_buf { data: data.cast(), len }
    }
}

/// Frees a buffer's text and resets the fields, so that a second call is harmless.
///
/// @param buf a buffer that libcni filled or LIBCNI_BUF_INIT; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_buf_free(buf: *mut libcni_buf) {
    infallible((), || {
        // SAFETY: the caller passes NULL or a valid buffer that no other thread uses.
        let Some(buf) = (unsafe { buf.as_mut() }) else { return };
        let data = std::mem::replace(&mut buf.data, std::ptr::null_mut());
        let len = std::mem::take(&mut buf.len);
        if !data.is_null() {
            let bytes = std::ptr::slice_from_raw_parts_mut(data.cast::<c_void>().cast::<u8>(), len + 1);
            // SAFETY: a buffer that is not empty was filled by `give`: a boxed slice of len + 1 bytes,
            // which the reset above makes sure is freed once.
            drop(unsafe { Box::from_raw(bytes) });
        }
    });
}
