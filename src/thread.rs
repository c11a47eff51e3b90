//! The calling thread, which is the host's.

/// Keeps the calling thread from being cancelled (`pthread_cancel`), until it is dropped.
///
/// A thread that ended in the middle of an operation would leave a plugin, its pipes, its zombie and locks behind;
/// and the unwinding with which the C library ends it cannot pass through Rust: it aborts the host.
pub(crate) struct NotCancellable(libc::c_int);

unsafe extern "C" {
    fn pthread_setcancelstate(state: libc::c_int, old: *mut libc::c_int) -> libc::c_int;
}

impl NotCancellable {
    pub(crate) fn new() -> NotCancellable {
        const PTHREAD_CANCEL_DISABLE: libc::c_int = 1;
        let mut before = 0;
        // SAFETY: the function writes one int, to a variable that outlives the call.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        NotCancellable(before)
    }
}

impl Drop for NotCancellable {
    fn drop(&mut self) {
        // SAFETY: as above; the state is the one that the thread had.
        unsafe { pthread_setcancelstate(self.0, &raw mut self.0) };
    }
}
