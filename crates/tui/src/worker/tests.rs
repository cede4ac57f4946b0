//! A worker with a scripted source.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, ProcessIdentity};

use super::*;
use crate::source::{ProcessSample, Title};

type Script = Box<dyn FnMut(usize) -> Result<Heap, SourceError> + Send>;

/// A source whose captures come from a function.
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
        if self.alive { Ok(ProcessSample::default()) } else { Err(SourceError::Gone("no sample".to_owned())) }
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
    updates: Receiver<Update>,
    captures: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

fn start(interval: u64, script: Script, alive: bool) -> Started {
    let captures = Arc::new(AtomicUsize::new(0));
    let source = Box::new(Scripted { script, captures: Arc::clone(&captures), alive });
    let (commands, receiver) = channel();
    let (sender, updates) = channel();
    let worker = Worker {
        source,
        pace: Pace::new(Duration::from_millis(interval), 1.0),
        clock: Instant::now(),
        commands: receiver,
        send: Box::new(move |update| sender.send(update).is_ok()),
        permit: Arc::default(),
    };
    let thread = std::thread::spawn(|| worker.run());
    Started { commands, updates, captures, thread }
}

impl Started {
    /// Returns the first result of `wanted` for an update.
    fn wait<T>(&self, wanted: impl Fn(Update) -> Option<T>) -> T {
        loop {
            let update = self.updates.recv_timeout(Duration::from_secs(20)).expect("an update");
            if let Some(found) = wanted(update) {
                return found;
            }
        }
    }

    fn captured(&self) -> Box<Observation> {
        self.wait(|update| match update {
            Update::Captured(observation, _) => Some(observation),
            _ => None,
        })
    }
}

#[test]
fn a_worker_captures_explains_saves_and_ends() {
    let started = start(250, Box::new(|nth| Ok(heap(1, nth))), true);
    assert_eq!(started.captured().number, 1);
    assert_eq!(started.captured().number, 2);
    let address = 0x1000;
    started.commands.send(Command::Explain(Subject::Object(address))).expect("it listens");
    let details = started.wait(|update| match update {
        Update::Details(_, details) => Some(details),
        _ => None,
    });
    let explained = details.expect("the first object is there").capture;
    // The details stay those of one capture, while captures go on.
    let later = started.captured().number;
    started.commands.send(Command::Explain(Subject::Object(address))).expect("it listens");
    let again = started.wait(|update| match update {
        Update::Details(_, details) => details,
        _ => None,
    });
    assert!(later > explained && again.capture == explained);
    started.commands.send(Command::Save).expect("it listens");
    started.wait(|update| matches!(update, Update::Written("snapshot", Ok(_))).then_some(()));
    started.commands.send(Command::Report).expect("it listens");
    started.wait(|update| matches!(update, Update::Written("report", Ok(_))).then_some(()));
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
    started.thread.join().expect("it ends with the view");
}

#[test]
fn nothing_is_captured_while_frozen() {
    let started = start(250, Box::new(|nth| Ok(heap(1, nth))), true);
    started.captured();
    started.commands.send(Command::Freeze(true)).expect("it listens");
    started.commands.send(Command::Save).expect("it listens");
    started.wait(|update| matches!(update, Update::Written(..)).then_some(()));
    let before = started.captures.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(900));
    assert_eq!(started.captures.load(Ordering::Relaxed), before);
    started.commands.send(Command::Freeze(false)).expect("it listens");
    started.captured();
}

#[test]
fn another_process_with_the_same_pid_begins_a_new_series() {
    let started = start(250, Box::new(|nth| Ok(heap(if nth < 2 { 1 } else { 2 }, nth))), true);
    let lengths = [1, 2, 3].map(|_| started.captured().leaks.snapshots.len());
    assert_eq!(lengths, [1, 2, 1]);
}

#[test]
fn a_failed_capture_is_reported_and_repeated() {
    let script = |nth| if nth == 0 { Err(SourceError::Failed("busy".to_owned())) } else { Ok(heap(1, nth)) };
    let started = start(250, Box::new(script), true);
    let reason = started.wait(|update| match update {
        Update::Failed(reason, wait) => Some((reason, wait >= Duration::from_millis(500))),
        _ => None,
    });
    assert_eq!(reason, ("busy".to_owned(), true));
    started.captured();
}

#[test]
fn an_ended_process_is_reported_once_and_can_still_be_explained() {
    let script = |nth| if nth == 0 { Ok(heap(1, nth)) } else { Err(SourceError::Gone("over".to_owned())) };
    let started = start(250, Box::new(script), true);
    started.captured();
    started.wait(|update| matches!(update, Update::Gone(reason) if reason == "over").then_some(()));
    started.commands.send(Command::Explain(Subject::Object(0x1000))).expect("it listens");
    let found = started.wait(|update| match update {
        Update::Details(_, details) => Some(details.is_some()),
        update => panic!("{update:?}"),
    });
    assert!(found);
    assert_eq!(started.captures.load(Ordering::Relaxed), 2);
}

#[test]
fn a_process_that_cannot_be_sampled_is_no_longer_captured() {
    let started = start(60_000, Box::new(|nth| Ok(heap(1, nth))), false);
    started.wait(|update| matches!(update, Update::Gone(reason) if reason == "no sample").then_some(()));
    assert_eq!(started.captures.load(Ordering::Relaxed), 1);
}

#[test]
fn a_panic_is_reported_as_the_end() {
    let started = start(250, Box::new(|_| panic!("a mistake")), true);
    let reason = started.wait(|update| match update {
        Update::Gone(reason) => Some(reason),
        _ => None,
    });
    assert_eq!(reason, "internal error, please report it: a mistake");
    started.thread.join().expect("the thread ends in order");
}
