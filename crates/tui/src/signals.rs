//! Signals as flags that the event loop checks, so that the handlers do next to nothing.
//!
//! Invariant: once the view has ended, signals have their default effect.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGTSTP};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signals that end the view. In the view ^C is a key, so `SIGINT` comes from another process.
#[cfg(unix)]
const ENDING: &[i32] = &[SIGTERM, SIGINT, SIGHUP];
#[cfg(not(unix))]
const ENDING: &[i32] = &[SIGTERM, SIGINT];

/// How often the watchdog checks whether a signal was handled.
#[cfg(unix)]
const WATCHDOG_INTERVAL: Duration = Duration::from_millis(200);
/// How long handling a signal may take.
#[cfg(unix)]
const WATCHDOG_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the signal whose flag is set, if there is one.
fn received(ending: &[(i32, Arc<AtomicBool>)]) -> Option<i32> {
    ending.iter().find(|(_, flag)| flag.load(Ordering::Relaxed)).map(|(signal, _)| *signal)
}

/// The signals that arrived.
pub(crate) struct Signals {
    ending: Vec<(i32, Arc<AtomicBool>)>,
    stop: Arc<AtomicBool>,
    /// Once this is set, signals have their default effect.
    default: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn register() -> io::Result<Self> {
        let default = Arc::new(AtomicBool::new(false));
        let watched = |signal| {
            let flag = Arc::new(AtomicBool::new(false));
            flag::register_conditional_default(signal, Arc::clone(&default))?;
            flag::register(signal, Arc::clone(&flag))?;
            Ok::<_, io::Error>(flag)
        };
        let ending =
            ENDING.iter().map(|&signal| Ok((signal, watched(signal)?))).collect::<io::Result<_>>()?;
        #[cfg(unix)]
        let stop = watched(SIGTSTP)?;
        #[cfg(not(unix))]
        let stop = Arc::default();
        let signals = Self { ending, stop, default };
        #[cfg(unix)]
        signals.watch()?;
        Ok(signals)
    }

    /// Starts a watchdog thread, which ends the process if the event loop does not handle a signal, or if the terminal
    /// is gone: crossterm then neither waits nor returns when it reads, and blocks the event loop for ever.
    #[cfg(unix)]
    fn watch(&self) -> io::Result<()> {
        let (ending, ended) = (self.ending.clone(), Arc::clone(&self.default));
        let watch = move || {
            let mut since = None;
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(WATCHDOG_INTERVAL);
                let gone = || (!io::stdin().is_terminal()).then_some(SIGHUP);
                let Some(signal) = received(&ending).or_else(gone) else {
                    since = None;
                    continue;
                };
                if since.get_or_insert_with(Instant::now).elapsed() > WATCHDOG_TIMEOUT {
                    crate::terminal::restore();
                    // If this fails, there is no place to report it.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
    }

    /// Returns the signal that ends the view, if one arrived.
    pub(crate) fn ending(&self) -> Option<i32> {
        received(&self.ending)
    }

    /// Whether a signal arrived that stops the process. Reports it once.
    pub(crate) fn stops(&self) -> bool {
        self.stop.swap(false, Ordering::Relaxed)
    }

    /// Stops the process until it is continued. Returns at once on systems that cannot stop a process.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn stop_now() -> io::Result<()> {
        #[cfg(unix)]
        return signal_hook::low_level::emulate_default_handler(SIGTSTP);
        #[cfg(not(unix))]
        Ok(())
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.default.store(true, Ordering::Relaxed);
    }
}
