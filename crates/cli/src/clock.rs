//! Time, and what ends a wait: a trait, so that tests need not wait.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// So often it is asked whether to go on.
const TICK: Duration = Duration::from_millis(50);

/// A clock that never goes back, and on which one can wait.
pub(crate) trait Clock {
    /// The time since some moment.
    fn now(&self) -> Duration;

    /// Waits; ends earlier if it is interrupted.
    fn sleep(&self, duration: Duration);

    /// From now on ^C interrupts a wait instead of ending the program; once it has, the next one ends it.
    fn listen(&self);

    /// Whether it was interrupted since it listens.
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
            // In this order: the first ^C sets the flag, the second finds it set. Where signals cannot be had, ^C ends
            // the program, as it does without this.
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
    //! A clock that goes only when somebody waits on it.

    use super::*;

    /// A clock that is interrupted at a moment, or never.
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

        /// Time passes while something else is done.
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
