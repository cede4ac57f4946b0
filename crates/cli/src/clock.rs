//! Time and ^C as a trait, so that tests need not wait.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// How often a wait checks for an interruption.
const TICK: Duration = Duration::from_millis(50);

/// A monotonic clock that can wait and be interrupted.
pub(crate) trait Clock {
    /// The time since a fixed moment.
    fn now(&self) -> Duration;

    /// Waits, or returns early if interrupted.
    fn sleep(&self, duration: Duration);

    /// From now on the first ^C interrupts waits instead of ending the program; the second one ends it.
    fn listen(&self);

    /// Whether ^C was pressed since [`Clock::listen`].
    fn is_interrupted(&self) -> bool;
}

/// The system's clock and signals.
#[derive(Debug)]
pub(crate) struct SystemClock {
    start: Instant,
    interrupted: Arc<AtomicBool>,
    listens: Cell<bool>,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), interrupted: Arc::default(), listens: Cell::new(false) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        let end = self.now() + duration;
        loop {
            let left = end.saturating_sub(self.now());
            if left.is_zero() || self.is_interrupted() {
                return;
            }
            std::thread::sleep(left.min(TICK));
        }
    }

    fn listen(&self) {
        if !self.listens.replace(true) {
            // The order matters: the first ^C sets the flag, and the second one finds it set. Errors are ignored: then
            // ^C ends the program, which is the default.
            let _ = flag::register_conditional_default(SIGINT, Arc::clone(&self.interrupted));
            let _ = flag::register(SIGINT, Arc::clone(&self.interrupted));
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A clock that advances only while somebody waits on it.

    use super::*;

    /// A clock that is interrupted at a given time, or never.
    #[derive(Debug, Default)]
    pub(crate) struct FakeClock {
        now: Cell<Duration>,
        interrupted_at: Option<Duration>,
        listens: Cell<bool>,
    }

    impl FakeClock {
        pub(crate) fn interrupted_at(moment: Duration) -> Self {
            Self { interrupted_at: Some(moment), ..Self::default() }
        }

        /// Advances the clock, as for work that takes time.
        pub(crate) fn pass(&self, duration: Duration) {
            self.now.set(self.now.get() + duration);
        }
    }

    impl Clock for FakeClock {
        fn now(&self) -> Duration {
            self.now.get()
        }

        fn sleep(&self, duration: Duration) {
            self.pass(duration);
        }

        fn listen(&self) {
            self.listens.set(true);
        }

        fn is_interrupted(&self) -> bool {
            self.listens.get() && self.interrupted_at.is_some_and(|at| self.now.get() >= at)
        }
    }
}
