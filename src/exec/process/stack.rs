//! The memory that a new process starts on, until it is the plugin.
//!
//! Making it costs about as much as a pipe: a mapping, a guard area, the first touch of its pages. So a few are
//! kept for the next runs.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, TryLockError};

use libc::c_void;

/// What is known of the new process.
///
/// In shared memory, to be readable here even where the child got a copy of everything else.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How it failed to become the plugin; both zero while it has not.
    pub(super) step: AtomicI32,
    pub(super) errno: AtomicI32,
    /// Not zero while it uses this stack and this process's memory, if it runs beside it.
    pub(super) in_use: AtomicI32,
}

/// A guard area, the stack, the report.
#[derive(Debug)]
pub(super) struct Stack(ptr::NonNull<c_void>);

// SAFETY: the region belongs to this value alone; what is shared in it, the report, is atomic.
unsafe impl Send for Stack {}

impl Stack {
    /// As large as the largest page there is.
    const GUARD: usize = 64 << 10;
    const STACK: usize = 64 << 10;
    const REPORT: usize = 64;
    const SIZE: usize = Stack::GUARD + Stack::STACK;

    fn new() -> io::Result<Stack> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { libc::mmap(ptr::null_mut(), Stack::SIZE, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Stack(ptr::NonNull::new(start).ok_or_else(io::Error::last_os_error)?);
        // SAFETY: the range is the start of the mapping just made.
        match unsafe { libc::mprotect(start, Stack::GUARD, libc::PROT_NONE) } {
            0 => Ok(stack),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Where the stack begins, growing down; aligned as the largest requirement there is.
    pub(super) fn top(&self) -> *mut c_void {
        // SAFETY: inside of the mapping.
        unsafe { self.0.as_ptr().byte_add(Stack::SIZE - Stack::REPORT) }
    }

    pub(super) fn report(&self) -> &Report {
        const { assert!(size_of::<Report>() <= Stack::REPORT) };
        // SAFETY: the last bytes of the mapping, aligned and outside of the stack; the kernel has set them to
        // zero, which is a Report, and they are only ever accessed as one.
        unsafe { &*self.top().cast::<Report>() }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made; nothing borrowed from it outlives this value.
        unsafe { libc::munmap(self.0.as_ptr(), Stack::SIZE) };
    }
}

/// Stacks for the next runs.
///
/// A stack is shared memory. A forked copy of the host has the same pages, and must not start its plugins on
/// them while the original does: it finds its own [`Mark`] gone, and lets go of what it inherited.
#[derive(Debug, Default)]
pub(super) struct Stacks(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    mark: Option<Mark>,
    stacks: Vec<Stack>,
}

impl Stacks {
    /// As many as there are calls at once on a busy host; each has touched two or three pages.
    const MOST: usize = 16;

    /// A stack whose report says nothing.
    pub(super) fn take(&self) -> io::Result<Stack> {
        match self.with(|kept| kept.stacks.pop()) {
            Some(Some(stack)) => Ok(stack),
            _ => Stack::new(),
        }
    }

    /// Keeps a stack that no process uses any more.
    pub(super) fn put_back(&self, stack: Stack) {
        // Whoever failed to become a plugin left its report there. The others' is untouched.
        stack.report().step.store(0, Ordering::Relaxed);
        self.with(|kept| {
            if kept.mark.is_none() {
                kept.mark = Mark::new();
            }
            // Without a mark (before Linux 4.14) a forked copy could not tell.
            if kept.mark.is_some() && kept.stacks.len() < Stacks::MOST {
                kept.stacks.push(stack);
            }
        });
    }

    /// Never waits: another thread that is at it is not worth it, and in a forked copy of the host it may be
    /// one that is gone.
    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let mut kept = match self.0.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(kept)) => kept.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if kept.mark.as_ref().is_some_and(|mark| !mark.stands()) {
            *kept = Kept::default();
        }
        Some(act(&mut kept))
    }
}

/// Memory that a forked copy of this process finds empty.
#[derive(Debug)]
struct Mark(ptr::NonNull<c_void>);

// SAFETY: the mapping belongs to this value alone, and is only read once it is made.
unsafe impl Send for Mark {}

impl Mark {
    /// The kernel makes whole pages of it.
    const SIZE: usize = 1;

    fn new() -> Option<Mark> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { libc::mmap(ptr::null_mut(), Mark::SIZE, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let mark = Mark(ptr::NonNull::new(start)?);
        // SAFETY: the range is the mapping just made.
        if unsafe { libc::madvise(start, Mark::SIZE, libc::MADV_WIPEONFORK) } != 0 {
            return None;
        }
        mark.value().store(1, Ordering::Relaxed);
        Some(mark)
    }

    fn stands(&self) -> bool {
        self.value().load(Ordering::Relaxed) != 0
    }

    fn value(&self) -> &AtomicU32 {
        // SAFETY: the start of a mapping of at least a page, which is accessed as this alone; zero is a value.
        unsafe { self.0.cast::<AtomicU32>().as_ref() }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made; nothing borrowed from it outlives this value.
        unsafe { libc::munmap(self.0.as_ptr(), Mark::SIZE) };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_stack_is_used_again_without_its_report() {
        let stacks = Stacks::default();
        let stack = stacks.take().unwrap();
        let place = stack.top();
        stack.report().step.store(7, Ordering::Relaxed);
        stacks.put_back(stack);
        let again = stacks.take().unwrap();
        assert_eq!(again.top(), place);
        assert_eq!(again.report().step.load(Ordering::Relaxed), 0);
        let other = stacks.take().unwrap();
        assert_ne!(other.top(), place);
    }

    #[test]
    fn a_forked_copy_takes_no_stack_of_the_original() {
        let stacks = Stacks::default();
        stacks.put_back(Stack::new().unwrap());
        // SAFETY: the child only loads an integer from its own memory and leaves by _exit.
        let stands_in_child = unsafe {
            match libc::fork() {
                0 => libc::_exit(i32::from(stacks.0.lock().unwrap().mark.as_ref().unwrap().stands())),
                child => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                    libc::WEXITSTATUS(status)
                }
            }
        };
        assert_eq!(stands_in_child, 0);
        assert!(stacks.0.lock().unwrap().mark.as_ref().unwrap().stands());
    }
}
