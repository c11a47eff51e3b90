//! `libcni_context`: the deadline, cancellation and trace ids of calls.

use std::ffi::{c_char, c_void};

use super::error::libcni_error;
use super::ffi::{Out, boundary, infallible, optional_text};
use crate::context::{CallData, Context, ContextOptions};

/// The deadline, cancellation and trace ids of one or more calls. Any number of calls on any threads may
/// share one. A function that takes a context takes NULL for one without deadline.
pub struct libcni_context(pub(super) Context);

/// The context of a call; NULL is one without deadline.
///
/// # Safety
/// `ctx` is NULL or points to a valid context.
pub(super) unsafe fn of_call(ctx: *const libcni_context) -> Context {
    // A clone keeps the context alive even if the host frees its handle while the call runs.
    // SAFETY: as this function's own contract.
    unsafe { ctx.as_ref() }.map_or_else(Context::background, |ctx| ctx.0.clone())
}

/// Makes a context.
///
/// @param options NULL or a JSON object with any of: `timeoutMs` (integer: calls with this context must be over
///        that many milliseconds from now; the earlier of this and the call's own deadline wins), `env` (in place of the
///        handle's, see libcni_new()), `traceparent`, `tracestate`, `baggage` (W3C trace ids, which plugins get as
///        TRACEPARENT, TRACESTATE and BAGGAGE), `locks` (the value of LIBCNI_LOCKS in a callback's request, for calls that it
///        makes with a context of their own).
/// @param call_data the host's own pointer, handed to its hooks; may be NULL.
/// @param out the new context; free it with libcni_context_free().
/// @param err on failure the error; may be NULL.
/// @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT, or LIBCNI_ERR_IO when the process has no file descriptor left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_context_new(
    options: *const c_char,
    call_data: *mut c_void,
    out: *mut *mut libcni_context,
    err: *mut *mut libcni_error,
) -> i32 {
    boundary(err, || {
        // SAFETY: the caller passes NULL or what the documentation asks for.
        let (out, options) = unsafe { (Out::required("out", out)?, optional_text("options", options)?) };
        let options = options.map_or_else(|| Ok(ContextOptions::default()), ContextOptions::from_json)?;
        let context = Context::with_call_data(options, CallData(call_data))?;
        out.set(Box::into_raw(Box::new(libcni_context(context))));
        Ok(())
    })
}

/// Cancels every call with this context, running or to come: a running plugin and its process group are
/// ended, and the call returns LIBCNI_ERR_CANCELLED. May be called from any thread and from a signal
/// handler; keeps errno.
///
/// @param ctx a context; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_context_cancel(ctx: *const libcni_context) {
    // No panic boundary is needed, nor would one be async-signal-safe: `cancel` stores a flag and calls
    // write(2).
    // SAFETY: the caller passes NULL or a valid context.
    if let Some(ctx) = unsafe { ctx.as_ref() } {
        ctx.0.cancel();
    }
}

/// Whether the context was cancelled. May be called from any thread and from a signal handler.
///
/// @param ctx a context; NULL gives false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_context_is_cancelled(ctx: *const libcni_context) -> bool {
    // SAFETY: the caller passes NULL or a valid context.
    unsafe { ctx.as_ref() }.is_some_and(|ctx| ctx.0.is_cancelled())
}

/// Frees a context. Calls that run with it keep what they need; but nobody may cancel through the freed
/// handle any more.
///
/// @param ctx a context, which must not be used afterwards; may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libcni_context_free(ctx: *mut libcni_context) {
    infallible((), || {
        if !ctx.is_null() {
            // SAFETY: a pointer that is not NULL came from libcni_context_new, and the caller frees it once.
            drop(unsafe { Box::from_raw(ctx) });
        }
    });
}
