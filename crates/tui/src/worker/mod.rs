//! The thread of a source: captures it at the pace that the budget allows, analyses the captures, and answers requests
//! of the view.
//!
//! Invariant: however long it runs, it keeps only a few heaps: those of the leak finder, and the one whose details are
//! shown. A panic here becomes an [`Update::Gone`] and does not garble the screen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use memtop_heap::Heap;

use crate::inspect::{Details, Examined, Subject};
use crate::messages::{Command, Update};
use crate::observe::{Observation, observe};
use crate::pace::{Costs, Pace, after_failure};
use crate::source::{CaptureSource, SourceError};
use crate::thinned_series::ThinnedSeries;

/// The number of heaps that are kept for the leak finder.
const HEAPS: usize = 6;
/// The longest time between two of them.
const LONGEST_GAP: Duration = Duration::from_secs(600);
/// The time between two samples of the process.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// The thread of a source.
pub(crate) struct Worker {
    pub(crate) source: Box<dyn CaptureSource>,
    pub(crate) pace: Pace,
    /// The start of the view's clock.
    pub(crate) clock: Instant,
    pub(crate) commands: Receiver<Command>,
    pub(crate) send: Box<dyn Fn(Update) -> bool + Send>,
    /// Held during a capture and its analysis, which take memory, so that one source of several works at a time.
    pub(crate) permit: Arc<Mutex<()>>,
}

/// The state of the thread between captures.
struct History {
    heaps: ThinnedSeries<Arc<Heap>>,
    latest: Option<Examined>,
    suspects: Arc<Vec<memtop_analyze::Suspect>>,
    /// The capture whose details are shown, if it is no longer the latest.
    pinned: Option<(Examined, Arc<Vec<memtop_analyze::Suspect>>)>,
    /// Whether details are shown.
    explaining: bool,
    captures: u64,
    failures: u32,
    frozen: bool,
    gone: bool,
    /// The costs of the last captures.
    costs: Costs,
    /// The start of the last capture.
    last: Option<Instant>,
    /// When the next capture is due.
    due: Instant,
    /// Whether the next capture need not wait for the interval.
    hurry: bool,
}

impl Worker {
    /// Runs until [`Command::Stop`], or until the view has ended.
    pub(crate) fn run(mut self) {
        let now = Instant::now();
        let mut history = History {
            heaps: ThinnedSeries::new(HEAPS, LONGEST_GAP),
            latest: None,
            suspects: Arc::default(),
            pinned: None,
            explaining: false,
            captures: 0,
            failures: 0,
            frozen: false,
            gone: false,
            costs: Costs::default(),
            last: None,
            due: now,
            hurry: false,
        };
        let mut next_sample = now;
        loop {
            let now = Instant::now();
            let capturing = !history.frozen && !history.gone;
            if capturing && now >= history.due {
                if !self.guarded(|worker| worker.capture(&mut history)) {
                    return;
                }
                continue;
            }
            if !history.gone && now >= next_sample {
                next_sample = now + SAMPLE_INTERVAL;
                if !self.guarded(|worker| worker.sample(&mut history)) {
                    return;
                }
                continue;
            }
            let wake = match (history.gone, capturing) {
                (true, _) => now + Duration::from_secs(3600),
                (_, true) => next_sample.min(history.due),
                (_, false) => next_sample,
            };
            match self.commands.recv_timeout(wake.saturating_duration_since(now)) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(command) => {
                    if !self.guarded(|worker| worker.handle(&mut history, command)) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Does work that may panic. After a panic it reports the process as gone, and the thread ends. Returns whether to
    /// go on.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> bool) -> bool {
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(go_on) => go_on,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text =
                    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
                (self.send)(Update::Gone(format!("internal error, please report it: {text}")));
                false
            }
        }
    }

    fn sample(&mut self, history: &mut History) -> bool {
        match self.source.sample() {
            Ok(sample) => (self.send)(Update::ProcessSample(self.clock.elapsed(), sample)),
            Err(SourceError::Gone(reason)) => {
                history.gone = true;
                (self.send)(Update::Gone(reason))
            }
            Err(SourceError::Failed(_)) => true,
        }
    }

    fn capture(&mut self, history: &mut History) -> bool {
        let permit = Arc::clone(&self.permit);
        let _permit = permit.lock().unwrap_or_else(PoisonError::into_inner);
        if !(self.send)(Update::Capturing) {
            return false;
        }
        let begun = Instant::now();
        let at = begun.saturating_duration_since(self.clock);
        let heap = match self.source.capture() {
            Ok(heap) => Arc::new(heap),
            Err(SourceError::Gone(reason)) => {
                history.gone = true;
                return (self.send)(Update::Gone(reason));
            }
            Err(SourceError::Failed(reason)) => {
                history.failures += 1;
                let wait = after_failure(&self.pace, history.failures, begun.elapsed());
                history.last = Some(begun);
                history.due = begun + wait;
                return (self.send)(Update::Failed(reason, wait));
            }
        };
        if !(self.send)(Update::Analysing) {
            return false;
        }
        history.failures = 0;
        history.captures += 1;
        history.pin_explained();
        // Drops the previous heap before the dominators of the next one are computed.
        history.latest = None;
        let examined = Examined::new(Arc::clone(&heap), history.captures);
        history.heaps.push(at, Arc::clone(&heap));
        let mut observation = match history.observed(&examined, at) {
            Ok(observation) => observation,
            // It became another program by exec, or its interpreter was started again: a new series begins.
            Err(_) => {
                history.heaps.clear();
                history.heaps.push(at, Arc::clone(&heap));
                match history.observed(&examined, at) {
                    Ok(observation) => observation,
                    Err(error) => return (self.send)(Update::Failed(error.to_string(), self.pace.interval)),
                }
            }
        };
        let leaks = &observation.leaks;
        history.suspects = Arc::new(leaks.suspects.iter().chain(&leaks.candidates).cloned().collect());
        history.latest = Some(examined);
        observation.work = begun.elapsed();
        history.costs.add(observation.pause(), observation.work);
        history.last = Some(begun);
        let (pause, work) = history.costs.highest();
        let period = self.pace.period(pause, work);
        history.due = begun + period;
        history.hurry = false;
        (self.send)(Update::Captured(Box::new(observation), period))
    }

    /// Handles a request. Returns whether to go on.
    fn handle(&mut self, history: &mut History, command: Command) -> bool {
        match command {
            Command::Stop => return false,
            Command::Freeze(frozen) => history.frozen = frozen,
            Command::CaptureNow => {
                history.hurry = true;
                self.reschedule(history);
            }
            Command::Interval(interval) => {
                self.pace = self.pace.with_interval(interval);
                self.reschedule(history);
            }
            Command::Explain(subject) => {
                history.explaining = true;
                let details = history.details(&subject);
                return (self.send)(Update::Details(subject, details.map(Box::new)));
            }
            Command::Release => {
                history.explaining = false;
                history.pinned = None;
            }
            Command::Save => {
                let saved = match &history.latest {
                    Some(latest) => self.source.save(&latest.heap),
                    None => Err("no capture yet".to_owned()),
                };
                return (self.send)(Update::Written("snapshot", saved));
            }
            Command::Report => {
                let heaps: Vec<&Heap> = history.heaps.even().map(|heap| &**heap).collect();
                let written = match heaps.is_empty() {
                    true => Err("no capture yet".to_owned()),
                    false => self.source.report(&heaps),
                };
                return (self.send)(Update::Written("report", written));
            }
        }
        true
    }

    /// Computes anew when the next capture is due.
    fn reschedule(&self, history: &mut History) {
        // The wait after a failure is not shortened.
        let Some(begun) = history.last.filter(|_| history.failures == 0) else { return };
        let (pause, work) = history.costs.highest();
        let period = if history.hurry { self.pace.least(pause, work) } else { self.pace.period(pause, work) };
        history.due = begun + period;
    }
}

impl History {
    fn observed(
        &self,
        examined: &Examined,
        at: Duration,
    ) -> Result<Observation, memtop_analyze::SeriesError> {
        let heaps: Vec<&Heap> = self.heaps.even().map(|heap| &**heap).collect();
        observe(&examined.heap, &examined.retained, &heaps, examined.number, at)
    }

    /// Keeps the capture whose details are shown, so that they do not change while the user reads them.
    fn pin_explained(&mut self) {
        if self.explaining && self.pinned.is_none() {
            self.pinned = self.latest.take().map(|latest| (latest, Arc::clone(&self.suspects)));
        }
    }

    fn details(&self, subject: &Subject) -> Option<Details> {
        match &self.pinned {
            Some((examined, suspects)) => examined.details(subject, suspects),
            None => self.latest.as_ref()?.details(subject, &self.suspects),
        }
    }
}

/// The view's end of a worker.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    pub(crate) commands: Sender<Command>,
    pub(crate) thread: std::thread::JoinHandle<()>,
}

#[cfg(test)]
mod tests;
