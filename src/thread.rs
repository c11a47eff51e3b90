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

/// All signals of the calling thread, blocked until this is dropped.
///
/// A thread that is started meanwhile inherits that: no handler of the host ever runs on it.
pub(crate) struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    pub(crate) fn new() -> SignalsBlocked {
        // SAFETY: a sigset_t is a plain array of integers, for which zero is a value; both sets outlive the calls.
        // This leaves out the signals that the C library needs for itself, which the kernel's own call would not.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            SignalsBlocked(before)
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that the thread had.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}
