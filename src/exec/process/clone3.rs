//! `clone3` with a stack for the new process, which the C library has no function for.
//!
//! Linux 5.5 and later, on the processors below; [`spawn`](super::spawn) does without it elsewhere.

use std::ffi::{c_int, c_void};
use std::io;

/// What the new process runs. It must not return.
pub(super) type Main = extern "C" fn(*mut c_void) -> c_int;

/// Resets the handlers of signals; ignored signals stay ignored. Of Linux 5.5.
pub(super) const CLEAR_SIGHAND: u64 = 1 << 32;

/// The first published form of the kernel's `struct clone_args` (`linux/sched.h`), which every later kernel
/// accepts.
#[repr(C, align(8))]
#[derive(Default)]
pub(super) struct Arguments {
    pub flags: u64,
    /// Where the kernel writes the descriptor of the process, for `CLONE_PIDFD`.
    pub pidfd: u64,
    pub child_tid: u64,
    pub parent_tid: u64,
    /// The signal that tells the parent of the end.
    pub exit_signal: u64,
    /// The lowest address of the stack, and how many bytes it has.
    pub stack: u64,
    pub stack_size: u64,
    pub tls: u64,
}

/// Makes a process that calls `main(argument)` on the stack in `arguments`; tells its number.
///
/// # Errors
/// ENOSYS where there is no such call, or a filter of system calls pretends that; else as `clone3`.
///
/// # Safety
/// `arguments` name a stack, aligned at its end, that nobody else uses while the process does. With `CLONE_VM` they
/// have `CLONE_VFORK` as well, and `main` with all that it uses outlives the call and does not return.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) unsafe fn clone3(
    arguments: &mut Arguments,
    main: Main,
    argument: *mut c_void,
) -> io::Result<libc::pid_t> {
    let result: isize;
    // SAFETY: the kernel reads `arguments`, and writes what they tell it to. The new process begins behind the
    // system call with the registers of this one but for the stack, on which it calls `main`; it never comes to
    // what follows. In this process nothing but the result and what the kernel takes for itself is changed.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            // No frame is above this one.
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 as isize => result,
            in("rdi") arguments,
            in("rsi") size_of::<Arguments>(),
            in("r12") argument,
            in("r13") main,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") arguments => result,
            in("x1") size_of::<Arguments>(),
            in("x20") argument,
            in("x21") main,
        );
    }
    match i32::try_from(result) {
        Ok(pid) if pid > 0 => Ok(pid),
        Ok(error) => Err(io::Error::from_raw_os_error(-error)),
        Err(_) => Err(io::Error::from_raw_os_error(libc::ENOSYS)),
    }
}

/// No such call on this processor.
///
/// # Safety
/// None needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) unsafe fn clone3(_: &mut Arguments, _: Main, _: *mut c_void) -> io::Result<libc::pid_t> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}
