//! What may end a call besides its deadline and the cancellation of its context: a question to the host.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a call waits at most before it asks again.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Interrupt {
    ask: Arc<dyn Fn() -> bool + Send + Sync>,
    came: Arc<AtomicBool>,
}

impl Interrupt {
    /// A question besides an earlier one.
    pub(super) fn new(
        earlier: Option<Interrupt>,
        ask: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Interrupt {
        let ask: Arc<dyn Fn() -> bool + Send + Sync> = match earlier {
            None => Arc::new(ask),
            Some(earlier) => Arc::new(move || earlier.ask() || ask()),
        };
        Interrupt { ask, came: Arc::default() }
    }

    /// Asks the host, and remembers a yes.
    pub(super) fn ask(&self) -> bool {
        if (self.ask)() {
            self.came.store(true, Ordering::SeqCst);
        }
        self.came()
    }

    pub(super) fn came(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Interrupt").field("came", &self.came).finish_non_exhaustive()
    }
}
