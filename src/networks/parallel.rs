//! The same work for several networks at the same time, on threads that end with the call.
//!
//! The threads are made by the calling thread and so have its namespaces, which their plugins inherit in turn. All
//! signals are blocked in them: a handler of the host never runs on a thread that it does not know.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::thread::SignalsBlocked;

/// How many plugins run at once, however many networks there are.
const MOST_THREADS: usize = 64;

/// Plugins are run with a few frames of this library, and with the host's callbacks.
const STACK_BYTES: usize = 1 << 20;

/// How often the host is asked whether it wants the call to end.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The answers of `work` for each item, in their order. It returns when all of them have been worked on.
pub(super) fn map<T: Sync, R: Send>(
    ctx: &Context,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Vec<Result<R>> {
    let next = AtomicUsize::new(0);
    let threads = NonZeroUsize::new(items.len().min(MOST_THREADS));
    let (answer, answers) = mpsc::channel();
    // Work on what nobody has begun yet, until there is none.
    let run = |answer: &mpsc::Sender<(usize, Result<R>)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(item)));
            let outcome = outcome
                .unwrap_or_else(|_| Err(Error::new(Status::Internal, "the work on a network panicked")));
            // The receiver lives as long as the scope.
            let _ = answer.send((index, outcome));
        }
    };
    let mut outcomes: Vec<Option<Result<R>>> = Vec::new();
    outcomes.resize_with(items.len(), || None);
    std::thread::scope(|scope| {
        let mut started = Vec::with_capacity(threads.map_or(0, NonZeroUsize::get));
        {
            let _blocked = SignalsBlocked::new();
            for _ in 0..threads.map_or(0, NonZeroUsize::get) {
                let answer = answer.clone();
                let thread = std::thread::Builder::new()
                    .name(String::from("cni-network"))
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, || {
                        let answer = answer;
                        run(&answer);
                    });
                // Where there is no further thread to be had, those that there are do the work.
                let Ok(thread) = thread else { break };
                started.push(thread);
            }
        }
        if started.is_empty() {
            run(&answer);
        }
        drop(answer);
        // Hosts that can tell only on the thread of the call whether it shall end are asked here.
        loop {
            match answers.recv_timeout(ASK_EVERY) {
                Ok((index, outcome)) => {
                    if let Some(place) = outcomes.get_mut(index) {
                        *place = Some(outcome);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => ctx.ask_host(),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        // The scope waits for the work alone. The host may want to do next what only a process with one thread can.
        for thread in started {
            // A panic is an outcome already.
            let _ = thread.join();
        }
    });
    let lost = || Err(Error::new(Status::Internal, "the work on a network was lost"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
}
