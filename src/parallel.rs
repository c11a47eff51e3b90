//! The same work for several things at the same time, on threads that end with the call.
//!
//! The threads are made by the calling thread and so have its namespaces, which plugins that they start inherit in turn. All
//! signals are blocked in them: a handler of the host never runs on a thread that it does not know.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::thread::SignalsBlocked;

/// However much there is to do.
const MOST_THREADS: usize = 64;

/// Plugins are run with a few frames of this library, and with the host's callbacks.
const STACK_BYTES: usize = 1 << 20;

/// How often the host is asked whether it wants the call to end.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The answers of `work` for each item, in their order. It returns when all of them have been worked on.
pub(crate) fn map<T: Send, R: Send>(
    ctx: &Context,
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> Result<R> + Sync,
) -> Vec<Result<R>> {
    let items: Vec<_> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let lost = || Mutex::new(Err(Error::new(Status::Internal, "the work of a thread panicked")));
    let mut outcomes: Vec<Mutex<Result<R>>> = Vec::new();
    outcomes.resize_with(items.len(), lost);
    each(ctx, items.len(), &|index| {
        let item = held(&items[index]).take();
        if let Some(outcome) = item.map(&work) {
            *held(&outcomes[index]) = outcome;
        }
    });
    outcomes.into_iter().map(|outcome| outcome.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// What nobody can have left half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work` for each number below `count`. Not generic: a set-up and its undoing would each have all of it.
fn each(ctx: &Context, count: usize, work: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let (left, is_done) = (Mutex::new(count), Condvar::new());
    // Work on what nobody has begun yet, until there is none.
    let run = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            // A panic is no outcome, which is an error.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(index)));
            *held(&left) -= 1;
            is_done.notify_one();
        }
    };
    std::thread::scope(|scope| {
        let threads = count.min(MOST_THREADS);
        let mut started = Vec::with_capacity(threads);
        {
            let _blocked = SignalsBlocked::new();
            for _ in 0..threads {
                let thread = std::thread::Builder::new()
                    .name(String::from("cni-call"))
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, run);
                // Where there is no further thread to be had, those that there are do the work.
                let Ok(thread) = thread else { break };
                started.push(thread);
            }
        }
        if started.is_empty() {
            run();
        }
        loop {
            let waited = is_done.wait_timeout_while(held(&left), ASK_EVERY, |left| *left > 0);
            let (left, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            drop(left);
            if !timeout.timed_out() {
                break;
            }
            // Hosts that can tell only on the thread of the call whether it shall end are asked here.
            ctx.ask_host();
        }
        // The scope waits for the work alone. The host may want to do next what only a process with one thread can.
        for thread in started {
            let _ = thread.join();
        }
    });
}
