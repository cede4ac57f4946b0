//! Signals, as flags that the input loop looks at: a handler itself does next to nothing.
//!
//! Invariant: once the view has ended, a signal does what it does by default.

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

/// Those that end the view. ^C is a key as long as the terminal is taken; the signal comes from elsewhere.
#[cfg(unix)]
const ENDING: &[i32] = &[SIGTERM, SIGINT, SIGHUP];
#[cfg(not(unix))]
const ENDING: &[i32] = &[SIGTERM, SIGINT];

/// How often it is looked whether a signal was seen to, and for how long that may take.
#[cfg(unix)]
const LOOK: Duration = Duration::from_millis(200);
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(2);

fn came(ending: &[(i32, Arc<AtomicBool>)]) -> Option<i32> {
    ending.iter().find(|(_, flag)| flag.load(Ordering::Relaxed)).map(|(signal, _)| *signal)
}

/// Signals that came.
pub(crate) struct Signals {
    ending: Vec<(i32, Arc<AtomicBool>)>,
    stop: Arc<AtomicBool>,
    /// Once this is set, a signal does what it does by default.
    default: Arc<AtomicBool>,
}

impl Signals {
    /// Looks out for signals.
    ///
    /// # Errors
    /// If the system does not let it.
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

    /// Ends the process if nobody sees to a signal, or to a terminal that is gone: reading from such a one neither waits
    /// nor ends within crossterm, and holds the input loop for ever.
    #[cfg(unix)]
    fn watch(&self) -> io::Result<()> {
        let (ending, ended) = (self.ending.clone(), Arc::clone(&self.default));
        let watch = move || {
            let mut since = None;
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                let gone = || (!io::stdin().is_terminal()).then_some(SIGHUP);
                let Some(signal) = came(&ending).or_else(gone) else {
                    since = None;
                    continue;
                };
                if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    crate::terminal::give_back();
                    // There is nobody to tell that it failed.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
    }

    /// The signal that ends the view, if one came.
    pub(crate) fn ending(&self) -> Option<i32> {
        came(&self.ending)
    }

    /// Whether one came that stops it; told once.
    pub(crate) fn stops(&self) -> bool {
        self.stop.swap(false, Ordering::Relaxed)
    }

    /// Stops the process, until it is told to go on. Where no process can be stopped, it goes on at once.
    ///
    /// # Errors
    /// If the system does not let it.
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
