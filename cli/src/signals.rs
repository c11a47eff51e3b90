//! Ctrl-C, and being told to end: the plugin that runs is ended, what is half made is cleaned up.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use cni::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Incoming;

/// What shells add to the number of a signal.
const SIGNALLED: u8 = 128;

/// The first signal that came.
pub(crate) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// From now on the first signal cancels the context, and the second one ends the program at once, as it would have
    /// without us. Signals that the program was started to ignore (`nohup`, a background job) stay ignored.
    pub(crate) fn watch(context: &Context) -> Signals {
        let first = Arc::new(AtomicU8::new(0));
        let ignored = ignored();
        let wanted =
            [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
        if let Ok(mut incoming) = Incoming::new(wanted) {
            let (first, context) = (Arc::clone(&first), context.clone());
            let wait = move || incoming.forever().for_each(|signal| came(&first, &context, signal));
            // Without the thread, the signals would be lost: then the program is better off without Ctrl-C's order.
            let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
        }
        Signals(first)
    }

    /// The exit code for the first signal, if one came.
    pub(crate) fn came(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|signal| *signal != 0).map(|signal| SIGNALLED + signal)
    }
}

fn came(first: &AtomicU8, context: &Context, signal: c_int) {
    // Proof: the three signals are small positive numbers.
    let number = u8::try_from(signal).unwrap_or_default();
    if first.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        context.cancel();
    } else {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

/// The signals that are ignored, a bit for each. (Asking the kernel for one signal's action would take unsafe code.)
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).unwrap_or_default()
}
