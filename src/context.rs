//! [`Context`]: the deadline, the cancellation and the trace ids of calls.

use std::any::Any;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, Status};
use crate::types::shape::{self, Member, Shape, Value};

mod held_locks;
mod host_environment;
mod interrupt;
mod trace;
mod wake;

pub use held_locks::{HeldLocks, LOCKS_VARIABLE, LockId};
pub use host_environment::HostEnvironment;
pub use trace::TraceContext;

use interrupt::Interrupt;

/// The deadline, cancellation and trace ids of one or more calls.
///
/// Cheap to clone; clones are the same context. Any thread may cancel it at any time.
#[derive(Clone, Debug)]
pub struct Context {
    shared: Arc<Inner>,
    /// The locks that the operation holds which this context was handed on by: a call made with it, or a
    /// plugin that it runs, does not take them again.
    held: HeldLocks,
    /// The deadline of these calls alone, or of the operation that this context was handed on by.
    limit: Option<Instant>,
    /// Neither deadline nor cancellation count: an operation that cleans up behind a cancelled one.
    detached: bool,
    /// Asked while a call waits.
    interrupt: Option<Interrupt>,
    /// The host's own, for its callbacks.
    host_data: Option<Arc<dyn Any + Send + Sync>>,
    /// In place of what a call would read.
    host_environment: Option<HostEnvironment>,
}

#[derive(Debug)]
struct Inner {
    deadline: Option<Instant>,
    cancelled: AtomicBool,
    /// Readable once the context is cancelled; `None` in a context that cannot be cancelled.
    wake: Option<OwnedFd>,
    trace: TraceContext,
    env: Option<EnvPolicy>,
    #[cfg_attr(not(feature = "capi"), allow(dead_code))]
    call_data: CallData,
}

/// Which variables of the host's environment a plugin gets besides the `CNI_*` ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnvPolicy {
    /// All of them.
    #[default]
    Inherit,
    /// `PATH` alone.
    Clean,
    /// Those with these names.
    Keep(Vec<String>),
    /// None; these, as name and value, are the environment.
    Exactly(Vec<(String, String)>),
}

/// The host's own pointer, handed through to its callbacks and never followed here.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "capi"), allow(dead_code))]
pub(crate) struct CallData(pub(crate) *mut std::ffi::c_void);

// SAFETY: the pointer is opaque to this library: it is copied and handed back to the host's callbacks,
// never dereferenced. What may be done with it on which thread is the host's own contract with itself.
unsafe impl Send for CallData {}
// SAFETY: as above; sharing a copy of an address touches no memory behind it.
unsafe impl Sync for CallData {}

impl Default for CallData {
    fn default() -> CallData {
        CallData(std::ptr::null_mut())
    }
}

/// What a [`Context`] is made of.
#[derive(Clone, Debug, Default)]
pub struct ContextOptions {
    /// Counted from the making of the context; the earlier of this and a call's own deadline wins.
    pub timeout: Option<Duration>,
    /// Replaces the environment policy of the [`Cni`](crate::Cni) for the calls of this context.
    pub env: Option<EnvPolicy>,
    /// W3C trace ids for the plugins' environment.
    pub trace: TraceContext,
    /// The locks that are held around the calls of this context, which do not wait for them.
    pub locks: HeldLocks,
}

impl ContextOptions {
    /// Reads the options of `libcni_context_new`.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], with the key and the place.
    pub fn from_json(text: &str) -> Result<ContextOptions> {
        shape::read("context options", text)
    }
}

impl Shape for ContextOptions {
    fn read(value: Value<'_>) -> shape::Result<ContextOptions> {
        let (mut options, mut locks) = (ContextOptions::default(), String::new());
        let ContextOptions { timeout, env, trace, .. } = &mut options;
        shape::object(
            value,
            &mut [
                Member::new("timeoutMs", timeout),
                Member::new("env", env),
                Member::new("traceparent", &mut trace.traceparent),
                Member::new("tracestate", &mut trace.tracestate),
                Member::new("baggage", &mut trace.baggage),
                Member::new("locks", &mut locks),
            ],
        )?;
        options.locks = HeldLocks::parse(&locks);
        Ok(options)
    }
}

impl Context {
    /// A context without deadline that cannot be cancelled.
    pub fn background() -> Context {
        Context::of(Inner::new(ContextOptions::default(), CallData::default(), None))
    }

    /// A context that can be cancelled.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for malformed trace ids; [`Status::Io`] when the process has no file
    /// descriptor left.
    pub fn new(options: ContextOptions) -> Result<Context> {
        Context::with_call_data(options, CallData::default())
    }

    /// [`Context::new`] with the host's own pointer.
    pub(crate) fn with_call_data(options: ContextOptions, call_data: CallData) -> Result<Context> {
        options.trace.validate()?;
        let wake = wake::new().map_err(|error| {
            Error::new(Status::Io, format!("failed to make the context's wake-up descriptor: {error}"))
        })?;
        let held = options.locks.clone();
        Ok(Context { held, ..Context::of(Inner::new(options, call_data, Some(wake))) })
    }

    fn of(inner: Inner) -> Context {
        Context {
            shared: Arc::new(inner),
            held: HeldLocks::default(),
            limit: None,
            detached: false,
            interrupt: None,
            host_data: None,
            host_environment: None,
        }
    }

    /// A context that can be cancelled, with a deadline that far from now.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn with_timeout(timeout: Duration) -> Result<Context> {
        Context::new(ContextOptions { timeout: Some(timeout), ..ContextOptions::default() })
    }

    /// The same context for calls that must be over that far from now, or at its own deadline if that is
    /// earlier. Cancelling one cancels the other.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Context {
        let limit = self.limit.into_iter().chain(Instant::now().checked_add(timeout)).min();
        Context { limit, ..self.clone() }
    }

    /// The same context for calls that `interrupted` can end, as a cancellation does: before a plugin is
    /// started, and every 50 ms while such a call waits for a plugin or for a lock, it is asked on the thread of
    /// the call, which ends when the answer is true. Other calls of this context go on. What was to be asked
    /// before is asked, too.
    ///
    /// This is for hosts that can look at what has happened on the thread of the call only, as an interpreter
    /// at the signals that have arrived.
    #[must_use]
    pub fn interrupted_by(&self, interrupted: impl Fn() -> bool + Send + Sync + 'static) -> Context {
        let interrupt = Interrupt::new(self.interrupt.clone(), interrupted);
        Context { interrupt: Some(interrupt), ..self.clone() }
    }

    /// The same context, with something that the callbacks of its calls find with [`Context::host_data`], on whatever
    /// thread they run: a call that attaches a container to several networks at the same time has several. In place
    /// of what was there before.
    #[must_use]
    pub fn with_host_data(&self, data: Arc<dyn Any + Send + Sync>) -> Context {
        Context { host_data: Some(data), ..self.clone() }
    }

    /// What [`Context::with_host_data`] put in, if it is of that type.
    pub fn host_data<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.host_data.clone()?.downcast().ok()
    }

    /// The same context for calls that take the host's environment for this one, and read none themselves.
    ///
    /// This is for hosts whose threads may change the environment while others make calls, and that know when to read it, as an
    /// interpreter that lets one thread run at a time.
    #[must_use]
    pub fn with_host_environment(&self, environment: HostEnvironment) -> Context {
        Context { host_environment: Some(environment), ..self.clone() }
    }

    pub(crate) fn host_environment(&self) -> Option<&HostEnvironment> {
        self.host_environment.as_ref()
    }

    /// Cancels every call of this context, now and later.
    ///
    /// Async-signal-safe: it stores a flag and writes eight bytes to a descriptor, and keeps `errno`.
    /// Nothing happens in a [`background`](Context::background) context.
    pub fn cancel(&self) {
        if let Some(wake) = &self.shared.wake {
            self.shared.cancelled.store(true, Ordering::SeqCst);
            wake::notify(wake.as_raw_fd());
        }
    }

    /// Whether the context was cancelled, or the calls of this copy of it interrupted.
    pub fn is_cancelled(&self) -> bool {
        let interrupted = || self.interrupt.as_ref().is_some_and(Interrupt::came);
        !self.detached && (self.shared.cancelled.load(Ordering::SeqCst) || interrupted())
    }

    /// When the calls of this context must be over.
    pub fn deadline(&self) -> Option<Instant> {
        let own = self.shared.deadline.filter(|_| !self.detached);
        own.into_iter().chain(self.limit).min()
    }

    /// The trace ids.
    pub fn trace(&self) -> &TraceContext {
        &self.shared.trace
    }

    /// The trace ids as variables of a plugin's environment.
    pub(crate) fn trace_variables(&self) -> Vec<(&'static str, String)> {
        self.shared.trace.variables()
    }

    /// The environment policy of these calls, if it differs from the handle's.
    pub(crate) fn env(&self) -> Option<&EnvPolicy> {
        self.shared.env.as_ref()
    }

    #[cfg_attr(not(feature = "capi"), allow(dead_code))]
    pub(crate) fn call_data(&self) -> CallData {
        self.shared.call_data
    }

    /// A descriptor for `poll`: readable once the context is cancelled. A wake-up without
    /// [`Context::is_cancelled`] comes from a forked copy of the host and is drained with
    /// [`Context::drain_spurious_wake`].
    pub(crate) fn wake(&self) -> Option<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        self.shared.wake.as_ref().filter(|_| !self.detached).map(AsFd::as_fd)
    }

    /// Takes back a wake-up that is no cancellation: a forked copy of the host cancelled its copy of the
    /// context.
    pub(crate) fn drain_spurious_wake(&self) {
        let Some(wake) = &self.shared.wake else { return };
        // Not `is_cancelled`, which says nothing in a detached context: other calls wait for the same wake-up.
        let cancelled = || self.shared.cancelled.load(Ordering::SeqCst);
        if !cancelled() {
            wake::drain(wake.as_raw_fd());
            if cancelled() {
                // The host's own came in between, and other calls may wait for the wake-up just taken.
                wake::notify(wake.as_raw_fd());
            }
        }
    }

    /// Whether a plugin may still be started.
    ///
    /// # Errors
    /// [`Status::Cancelled`](crate::Status::Cancelled); [`Status::Timeout`](crate::Status::Timeout) when that deadline
    /// has passed.
    pub(crate) fn check_time(&self, deadline: Option<Instant>) -> Result<()> {
        self.ask_host();
        if self.is_cancelled() {
            return Err(Error::new(
                Status::Cancelled,
                "the call was cancelled before the plugin was started",
            ));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let message = "the deadline of the call passed before the plugin was started";
            return Err(Error::new(Status::Timeout, message).with(|facts| facts.timed_out = true));
        }
        Ok(())
    }

    /// Asks the host whether it wants the call to end; for whoever waits, between waits that are no longer
    /// than until [`Context::ask_again_at`].
    pub(crate) fn ask_host(&self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.ask();
        }
    }

    /// When to ask the host again; `None` when it does not want to be asked.
    pub(crate) fn ask_again_at(&self) -> Option<Instant> {
        self.interrupt.as_ref().and_then(|_| Instant::now().checked_add(interrupt::PAUSE))
    }

    /// The locks that come with this context.
    pub(crate) fn held(&self) -> &HeldLocks {
        &self.held
    }

    /// The same context for what runs under these locks.
    pub(crate) fn holding(&self, held: HeldLocks) -> Context {
        Context { held, ..self.clone() }
    }

    /// The same context for what an operation runs that must be over by then: callbacks that make calls of
    /// their own are bound by it as well.
    pub(crate) fn until(&self, deadline: Option<Instant>) -> Context {
        Context { limit: deadline, ..self.clone() }
    }

    /// The same context without its deadline and cancellation.
    pub(crate) fn uncancelled(&self) -> Context {
        Context { limit: None, detached: true, ..self.clone() }
    }
}

impl Inner {
    fn new(options: ContextOptions, call_data: CallData, wake: Option<OwnedFd>) -> Inner {
        Inner {
            // A timeout beyond what the clock can count is no deadline.
            deadline: options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            cancelled: AtomicBool::new(false),
            wake,
            trace: options.trace,
            env: options.env,
            call_data,
        }
    }
}
