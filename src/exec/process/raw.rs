//! System calls that leave `errno` alone, for the new process until it is the plugin.
//!
//! `errno` belongs to a thread, and the new process has that of the thread which made it. The C library's functions would
//! change it under the hands of that thread, which runs on.

use std::ffi::{c_int, c_long};

/// Whether this really leaves `errno` alone. Where it does not, the caller has to wait while the new process makes its
/// calls.
pub(super) const LEAVES_ERRNO_ALONE: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Makes a system call of up to four arguments; `Err` is the number of the error.
///
/// # Safety
/// What the call reads and writes has to be valid for it, as its manual page says.
pub(super) unsafe fn call(number: c_long, arguments: [usize; 4]) -> Result<usize, c_int> {
    // The kernel answers with the negative number of an error, of which it has less than 4096.
    const LAST_ERROR: isize = -4095;
    // SAFETY: as the caller promises.
    match unsafe { enter(number, arguments) } {
        error @ LAST_ERROR..0 => Err(error.unsigned_abs() as c_int),
        result => Ok(result.cast_unsigned()),
    }
}

/// # Safety
/// As [`call`].
#[cfg(target_arch = "x86_64")]
unsafe fn enter(number: c_long, [a, b, c, d]: [usize; 4]) -> isize {
    let result: isize;
    // SAFETY: the kernel's convention: the number and the result in rax, the arguments in these registers; rcx and r11 are
    // lost, the stack is not touched. What the call itself does to memory is the caller's promise.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// # Safety
/// As [`call`].
#[cfg(target_arch = "aarch64")]
unsafe fn enter(number: c_long, [a, b, c, d]: [usize; 4]) -> isize {
    let result: isize;
    // SAFETY: the kernel's convention: the number in x8, the arguments in x0 to x3, the result in x0; the stack is not
    // touched. What the call itself does to memory is the caller's promise.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result, in("x1") b, in("x2") c, in("x3") d,
            options(nostack),
        );
    }
    result
}

/// # Safety
/// As [`call`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn enter(number: c_long, [a, b, c, d]: [usize; 4]) -> isize {
    // SAFETY: as the caller promises.
    match unsafe { libc::syscall(number, a, b, c, d) } {
        -1 => -(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL) as isize),
        result => result as isize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_errors_come_back_and_errno_stays() {
        // SAFETY: errno of this thread; getpid and close take numbers, and no descriptor has that one.
        unsafe {
            *libc::__errno_location() = 77;
            assert_eq!(call(libc::SYS_getpid, [0; 4]), Ok(std::process::id() as usize));
            assert_eq!(call(libc::SYS_close, [usize::MAX, 0, 0, 0]), Err(libc::EBADF));
            assert!(*libc::__errno_location() == 77 || !LEAVES_ERRNO_ALONE);
        }
    }
}
