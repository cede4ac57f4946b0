//! The thread of a source: captures it at the pace that the budget allows, finds out what there is to show, answers
//! questions, and tells the view.
//!
//! Invariant: it keeps a few heaps, however long it runs: those that the finder looks at, and the one that is being
//! looked into. A panic here becomes a message, never a torn screen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use memtop_heap::Heap;

use crate::inspect::{Details, Examined, Subject};
use crate::observe::{Observation, observe};
use crate::pace::{Costs, Pace, after_failure};
use crate::series::Series;
use crate::source::{CaptureSource, ProcessSample, SourceError};

/// What the view asks of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Capture no more, or go on.
    Freeze(bool),
    /// Capture as soon as the budget allows.
    CaptureNow,
    /// Another interval.
    Interval(Duration),
    /// What is known of a subject. The heap is kept until [`Command::Release`].
    Explain(Subject),
    /// Nothing is looked into any more.
    Release,
    /// Save a snapshot of what is shown.
    Save,
    /// Write a report of the heaps that are kept.
    Report,
    /// End.
    Stop,
}

/// What a source tells the view.
#[derive(Debug, Clone)]
pub enum Update {
    /// A capture begins: the process is about to be stopped.
    Capturing,
    /// The capture is made, and the process runs on; what it shows is being found out.
    Analysing,
    /// A capture was made; the next one may begin after so long, counted from the capture's start.
    Captured(Box<Observation>, Duration),
    /// What is known without stopping it, at a time of the view's clock.
    ProcessSample(Duration, ProcessSample),
    /// A capture failed; the next one comes after so long.
    Failed(String, Duration),
    /// The process ended.
    Gone(String),
    /// What is known of a subject; none if it is not there any more.
    Details(Subject, Option<Box<Details>>),
    /// A snapshot or a report was written: what, and where or why not.
    Written(&'static str, Result<PathBuf, String>),
}

/// So many heaps are kept for the finder …
pub(crate) const HEAPS: usize = 6;
/// … in the end at most so far apart.
const FARTHEST: Duration = Duration::from_secs(600);
/// How often the process is asked what can be known without stopping it.
const PULSE: Duration = Duration::from_secs(1);

/// What a source's thread needs.
pub(crate) struct Worker {
    pub(crate) source: Box<dyn CaptureSource>,
    pub(crate) pace: Pace,
    /// When the view's clock began.
    pub(crate) clock: Instant,
    pub(crate) commands: Receiver<Command>,
    pub(crate) send: Box<dyn Fn(Update) -> bool + Send>,
    /// Of several sources one works at a time: heaps in the making take memory.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// What it knows.
struct History {
    heaps: Series<Arc<Heap>>,
    latest: Option<Examined>,
    suspects: Arc<Vec<memtop_analyze::Suspect>>,
    /// What is being looked into, if that is not the latest any more.
    pinned: Option<(Examined, Arc<Vec<memtop_analyze::Suspect>>)>,
    looking: bool,
    captures: u64,
    failures: u32,
    frozen: bool,
    gone: bool,
    /// What the last captures cost.
    costs: Costs,
    /// When the last one began.
    last: Option<Instant>,
    /// When the next capture is due.
    due: Instant,
    hurry: bool,
}

impl Worker {
    /// Works until it is told to stop, or nobody listens any more.
    pub(crate) fn run(mut self) {
        let now = Instant::now();
        let mut history = History {
            heaps: Series::new(HEAPS, FARTHEST),
            latest: None,
            suspects: Arc::default(),
            pinned: None,
            looking: false,
            captures: 0,
            failures: 0,
            frozen: false,
            gone: false,
            costs: Costs::default(),
            last: None,
            due: now,
            hurry: false,
        };
        let mut next_pulse = now;
        loop {
            let now = Instant::now();
            let capturing = !history.frozen && !history.gone;
            if capturing && now >= history.due {
                if !self.guarded(|worker| worker.capture(&mut history)) {
                    return;
                }
                continue;
            }
            if !history.gone && now >= next_pulse {
                next_pulse = now + PULSE;
                if !self.guarded(|worker| worker.sample(&mut history)) {
                    return;
                }
                continue;
            }
            let wake = match (history.gone, capturing) {
                (true, _) => now + Duration::from_secs(3600),
                (_, true) => next_pulse.min(history.due),
                (_, false) => next_pulse,
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

    /// Does something that may panic; a panic is told as a failed capture. Whether anybody still listens.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> bool) -> bool {
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(goes_on) => goes_on,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text =
                    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
                (self.send)(Update::Gone(format!("mem_top itself failed: {text}")));
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
        let turn = Arc::clone(&self.turn);
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
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
        history.keep_what_is_looked_into();
        // The heap before goes, before the next one's dominators come.
        history.latest = None;
        let examined = Examined::new(Arc::clone(&heap), history.captures);
        history.heaps.push(at, Arc::clone(&heap));
        let mut observation = match history.observed(&examined, at) {
            Ok(observation) => observation,
            // It became another process: exec, or an interpreter that was started anew. What was before is no past of it.
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
        let (pause, work) = history.costs.dearest();
        let period = self.pace.period(pause, work);
        history.due = begun + period;
        history.hurry = false;
        (self.send)(Update::Captured(Box::new(observation), period))
    }

    /// Does as it is told. Whether anybody still listens.
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
                history.looking = true;
                let details = history.details(&subject);
                return (self.send)(Update::Details(subject, details.map(Box::new)));
            }
            Command::Release => {
                history.looking = false;
                history.pinned = None;
            }
            Command::Save => {
                let saved = match &history.latest {
                    Some(latest) => self.source.save(&latest.heap),
                    None => Err("there is no capture yet".to_owned()),
                };
                return (self.send)(Update::Written("snapshot", saved));
            }
            Command::Report => {
                let heaps: Vec<&Heap> = history.heaps.even().map(|heap| &**heap).collect();
                let written = match heaps.is_empty() {
                    true => Err("there is no capture yet".to_owned()),
                    false => self.source.report(&heaps),
                };
                return (self.send)(Update::Written("report", written));
            }
        }
        true
    }

    /// When the next capture is due, after something about that changed.
    fn reschedule(&self, history: &mut History) {
        // After a failure its own wait stands.
        let Some(begun) = history.last.filter(|_| history.failures == 0) else { return };
        let (pause, work) = history.costs.dearest();
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

    /// What a person is looking into stays as it was when they began.
    fn keep_what_is_looked_into(&mut self) {
        if self.looking && self.pinned.is_none() {
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

/// The ends of a worker's channels that the view holds.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) commands: Sender<Command>,
    pub(crate) thread: std::thread::JoinHandle<()>,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread::JoinHandle;

    use memtop_heap::testing::graph_with_accounts;
    use memtop_heap::{CaptureInfo, ProcessIdentity};

    use super::*;
    use crate::source::Title;

    type Script = Box<dyn FnMut(usize) -> Result<Heap, SourceError> + Send>;

    /// A source that does as its script says.
    struct Scripted {
        script: Script,
        captures: Arc<AtomicUsize>,
        alive: bool,
    }

    impl CaptureSource for Scripted {
        fn title(&self) -> Title {
            Title::default()
        }

        fn capture(&mut self) -> Result<Heap, SourceError> {
            (self.script)(self.captures.fetch_add(1, Ordering::Relaxed))
        }

        fn sample(&mut self) -> Result<ProcessSample, SourceError> {
            if self.alive {
                Ok(ProcessSample::default())
            } else {
                Err(SourceError::Gone("no sample".to_owned()))
            }
        }

        fn save(&self, heap: &Heap) -> Result<PathBuf, String> {
            Ok(PathBuf::from(heap.objects().len().to_string()))
        }

        fn report(&self, heaps: &[&Heap]) -> Result<PathBuf, String> {
            Ok(PathBuf::from(heaps.len().to_string()))
        }
    }

    fn heap(pid: u32, nth: usize) -> Heap {
        let info = CaptureInfo {
            process: ProcessIdentity { pid, ..ProcessIdentity::default() },
            uptime: Some(nth as u64 * 1000),
            pause: Some(1000),
            ..CaptureInfo::default()
        };
        let items = "list -> x([*]);".repeat(nth);
        graph_with_accounts(&format!("module:m -> g:dict -> list:list('l'); {items}"), info).heap().clone()
    }

    struct Started {
        commands: Sender<Command>,
        reports: Receiver<Update>,
        captures: Arc<AtomicUsize>,
        thread: JoinHandle<()>,
    }

    fn start(interval: u64, script: Script, alive: bool) -> Started {
        let captures = Arc::new(AtomicUsize::new(0));
        let source = Box::new(Scripted { script, captures: Arc::clone(&captures), alive });
        let (commands, handled) = channel();
        let (told, reports) = channel();
        let worker = Worker {
            source,
            pace: Pace::new(Duration::from_millis(interval), 1.0),
            clock: Instant::now(),
            commands: handled,
            send: Box::new(move |report| told.send(report).is_ok()),
            turn: Arc::default(),
        };
        let thread = std::thread::spawn(|| worker.run());
        Started { commands, reports, captures, thread }
    }

    impl Started {
        /// The next report that `wanted` takes.
        fn wait<T>(&self, wanted: impl Fn(Update) -> Option<T>) -> T {
            loop {
                let report = self.reports.recv_timeout(Duration::from_secs(20)).expect("it tells something");
                if let Some(found) = wanted(report) {
                    return found;
                }
            }
        }

        fn captured(&self) -> Box<Observation> {
            self.wait(|report| match report {
                Update::Captured(observation, _) => Some(observation),
                _ => None,
            })
        }
    }

    #[test]
    fn it_captures_answers_saves_and_ends() {
        let started = start(250, Box::new(|nth| Ok(heap(1, nth))), true);
        assert_eq!(started.captured().number, 1);
        assert_eq!(started.captured().number, 2);
        let address = 0x1000;
        started.commands.send(Command::Explain(Subject::Object(address))).expect("it listens");
        let details = started.wait(|report| match report {
            Update::Details(_, details) => Some(details),
            _ => None,
        });
        let looked_at = details.expect("the first object is there").capture;
        // What is looked into stays as it was, while captures go on.
        let later = started.captured().number;
        started.commands.send(Command::Explain(Subject::Object(address))).expect("it listens");
        let again = started.wait(|report| match report {
            Update::Details(_, details) => details,
            _ => None,
        });
        assert!(later > looked_at && again.capture == looked_at);
        started.commands.send(Command::Save).expect("it listens");
        started.wait(|report| matches!(report, Update::Written("snapshot", Ok(_))).then_some(()));
        started.commands.send(Command::Report).expect("it listens");
        started.wait(|report| matches!(report, Update::Written("report", Ok(_))).then_some(()));
        started.commands.send(Command::Stop).expect("it listens");
        started.thread.join().expect("it ends");
    }

    #[test]
    fn a_few_heaps_are_kept_however_many_there_were() {
        let started = start(250, Box::new(|nth| Ok(heap(1, nth))), true);
        for _ in 0..12 {
            let observation = started.captured();
            assert!(observation.leaks.snapshots.len() <= HEAPS);
        }
        drop(started.commands);
        started.thread.join().expect("it ends when nobody asks any more");
    }

    #[test]
    fn frozen_it_captures_nothing() {
        let started = start(250, Box::new(|nth| Ok(heap(1, nth))), true);
        started.captured();
        started.commands.send(Command::Freeze(true)).expect("it listens");
        started.commands.send(Command::Save).expect("it listens");
        started.wait(|report| matches!(report, Update::Written(..)).then_some(()));
        let before = started.captures.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(900));
        assert_eq!(started.captures.load(Ordering::Relaxed), before);
        started.commands.send(Command::Freeze(false)).expect("it listens");
        started.captured();
    }

    #[test]
    fn another_process_in_its_place_begins_a_new_series() {
        let started = start(250, Box::new(|nth| Ok(heap(if nth < 2 { 1 } else { 2 }, nth))), true);
        let told = [1, 2, 3].map(|_| started.captured().leaks.snapshots.len());
        assert_eq!(told, [1, 2, 1]);
    }

    #[test]
    fn a_failure_is_told_and_tried_again() {
        let script =
            |nth| if nth == 0 { Err(SourceError::Failed("busy".to_owned())) } else { Ok(heap(1, nth)) };
        let started = start(250, Box::new(script), true);
        let reason = started.wait(|report| match report {
            Update::Failed(reason, wait) => Some((reason, wait >= Duration::from_millis(500))),
            _ => None,
        });
        assert_eq!(reason, ("busy".to_owned(), true));
        started.captured();
    }

    #[test]
    fn that_the_process_ended_is_told_once_and_it_can_still_be_looked_into() {
        let script =
            |nth| if nth == 0 { Ok(heap(1, nth)) } else { Err(SourceError::Gone("over".to_owned())) };
        let started = start(250, Box::new(script), true);
        started.captured();
        started.wait(|report| matches!(report, Update::Gone(reason) if reason == "over").then_some(()));
        started.commands.send(Command::Explain(Subject::Object(0x1000))).expect("it listens");
        let found = started.wait(|report| match report {
            Update::Details(_, details) => Some(details.is_some()),
            report => panic!("{report:?}"),
        });
        assert!(found);
        assert_eq!(started.captures.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_process_without_a_pulse_is_not_captured_any_more() {
        let started = start(60_000, Box::new(|nth| Ok(heap(1, nth))), false);
        started.wait(|report| matches!(report, Update::Gone(reason) if reason == "no sample").then_some(()));
        assert_eq!(started.captures.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panic_is_told_as_an_end() {
        let started = start(250, Box::new(|_| panic!("a mistake")), true);
        let reason = started.wait(|report| match report {
            Update::Gone(reason) => Some(reason),
            _ => None,
        });
        assert_eq!(reason, "mem_top itself failed: a mistake");
        started.thread.join().expect("the thread ends in order");
    }
}
