//! A process, or a server with its workers, captured several times over.
//!
//! Invariant: however it ends (all captures taken, ^C, the process gone), what was captured until then is handed out.
//! Each process is stopped for at most the budget's share of the time. Heaps are kept outside of memory where that can
//! be: in the container of a process that is near its limit, holding several copies of its heap would end it.
//!
//! It judges nothing: what the heaps say is the finder's to tell.

use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::{SeriesError, same_process};
use memtop_heap::Heap;
use memtop_remote::CaptureOptions;
use memtop_report::{duration, grouped};
use memtop_snapshot::StoredHeap;

use crate::clock::Clock;
use crate::console::Console;
use crate::failure::Failure;
use crate::load::Heaps;
use crate::pace::period;
use crate::processes::Processes;

/// What is captured, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The process.
    pub(crate) pid: u32,
    /// Whether its descendants are captured with it.
    pub(crate) children: bool,
    /// How many captures of each.
    pub(crate) count: usize,
    /// The least time from one to the next.
    pub(crate) interval: Duration,
    /// The share of the time that a process may be stopped, above 0 and at most 1.
    pub(crate) budget: f64,
    /// How it is captured.
    pub(crate) options: CaptureOptions,
}

/// The captures of one process.
#[derive(Debug)]
pub(crate) struct Watched {
    /// The process.
    pub(crate) pid: u32,
    /// In the order of time; at least one.
    pub(crate) heaps: Heaps,
}

impl Watched {
    /// Nothing of a process was captured yet.
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid, heaps: Heaps::default() }
    }

    /// Keeps a heap outside of memory where that can be; else says why not, for the notes.
    pub(crate) fn keep(&mut self, heap: Heap) -> Option<String> {
        let (stored, error) = StoredHeap::new(Arc::new(heap));
        self.heaps.0.push(stored);
        memtop_remote::return_free_memory();
        error.map(|error| {
            format!(
                "snapshots were kept in memory, as a temporary file could not be written ({error}): TMPDIR names \
                 another directory"
            )
        })
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    /// All captures were taken.
    Complete,
    /// Somebody had seen enough.
    Interrupted,
    /// The process ended.
    Gone,
    /// Captures failed, again and again.
    Failed(Failure),
}

/// All that was captured.
#[derive(Debug)]
pub(crate) struct Series {
    /// Each process, by its number.
    pub(crate) watched: Vec<Watched>,
    /// How many times captures were taken.
    pub(crate) rounds: usize,
    /// How it ended.
    pub(crate) end: End,
    /// What a reader should know, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// So many failures in a row end it.
const FAILURES: usize = 3;
/// What goes on is told so often.
const SECOND: Duration = Duration::from_secs(1);

/// Captures as planned. `taken` is given each heap, with its place from 1; what it answers is a note.
///
/// # Errors
/// If nothing at all can be captured, with the reason.
pub(crate) fn watch(
    plan: &Plan,
    processes: &dyn Processes,
    clock: &dyn Clock,
    talk: &dyn Console,
    taken: &mut dyn FnMut(&Heap, usize) -> Option<String>,
) -> Result<Series, Failure> {
    let mut series = Series { watched: Vec::new(), rounds: 0, end: End::Complete, notes: Vec::new() };
    let mut failures = 0;
    memtop_remote::return_free_memory();
    clock.listen();
    while series.rounds < plan.count {
        let begun = clock.now();
        let round = capture_all(plan, processes, &mut series, taken);
        match round {
            Ok(round) => {
                failures = 0;
                series.rounds += 1;
                let pause = Duration::from_nanos(round.pause);
                let next = period(plan.interval, pause, plan.budget);
                talk.line(&told(plan, &series, &round, next));
                if series.rounds == plan.count {
                    break;
                }
                if let Some(end) =
                    wait(plan, &series, begun.saturating_add(next), round.pause, processes, clock, talk)
                {
                    series.end = end;
                    break;
                }
            }
            Err(_) if series.rounds > 0 && !processes.is_running(plan.pid) => {
                series.end = End::Gone;
                break;
            }
            Err(missed) if series.rounds == 0 => return Err(missed.failure),
            Err(Missed { failure, is_final }) => {
                failures += 1;
                talk.line(&failure.message);
                if is_final || failures == FAILURES {
                    series.end = End::Failed(failure);
                    break;
                }
                let next = begun.saturating_add(plan.interval);
                if let Some(end) = wait(plan, &series, next, 0, processes, clock, talk) {
                    series.end = end;
                    break;
                }
            }
        }
    }
    talk.status("");
    Ok(series)
}

/// What one round captured.
struct Round {
    processes: usize,
    objects: u64,
    /// The longest, in nanoseconds.
    pause: u64,
}

/// Why a round captured nothing.
struct Missed {
    failure: Failure,
    /// Whether it is no use to try again.
    is_final: bool,
}

fn capture_all(
    plan: &Plan,
    processes: &dyn Processes,
    series: &mut Series,
    taken: &mut dyn FnMut(&Heap, usize) -> Option<String>,
) -> Result<Round, Missed> {
    let mut pids = vec![plan.pid];
    if plan.children {
        pids.extend(processes.children(plan.pid));
    }
    let mut round = Round { processes: 0, objects: 0, pause: 0 };
    let mut first_failure = None;
    for pid in pids {
        let heap = match processes.capture(pid, &plan.options) {
            Ok(heap) => heap,
            Err(failure) => {
                // Among workers some may end or just begin; the others are captured all the same.
                first_failure.get_or_insert(failure);
                continue;
            }
        };
        let at = series.watched.binary_search_by_key(&pid, |watched| watched.pid);
        let at = match at {
            Ok(at) => at,
            Err(at) => {
                series.watched.insert(at, Watched::new(pid));
                at
            }
        };
        let watched = &mut series.watched[at];
        let heaps = &mut watched.heaps.0;
        let before = heaps.first().map(|first| same_process(first.info(), heap.info()));
        if let Some(Err(error)) = before {
            // The number is another process's by now, or it called exec: of the workers' the old one's heaps make room,
            // else it is the end.
            if !plan.children {
                return Err(Missed { failure: became_another(pid, &error), is_final: true });
            }
            heaps.clear();
        }
        round.processes += 1;
        round.objects += heap.objects().len() as u64;
        round.pause = round.pause.max(heap.info().pause.unwrap_or(0));
        series.notes.extend(taken(&heap, heaps.len() + 1));
        if let Some(note) = watched.keep(heap).filter(|note| !series.notes.contains(note)) {
            series.notes.push(note);
        }
    }
    match first_failure {
        Some(failure) if round.processes == 0 => Err(Missed { failure, is_final: false }),
        _ => Ok(round),
    }
}

/// Why a process cannot be followed any further.
fn became_another(pid: u32, error: &SeriesError) -> Failure {
    let (message, hint) = match error {
        SeriesError::OtherProgram { programs, .. } => (
            format!("process {pid} called exec and so became another program ({programs})"),
            format!("mem_top leaks {pid} looks at what it runs now"),
        ),
        SeriesError::OtherProcess { .. } => (
            format!("process {pid} ended, and its number is another's now"),
            "mem_top ps lists the processes".to_owned(),
        ),
        other => (other.to_string(), format!("mem_top leaks {pid} looks at what it runs now")),
    };
    Failure { message, hint: Some(hint), status: crate::FAILURE }
}

/// What is said of a round: `snapshot 2 of 5: 54,720 objects; stood still for 12.3 ms; the next in 30 s`.
fn told(plan: &Plan, series: &Series, round: &Round, next: Duration) -> String {
    let mut text =
        format!("snapshot {} of {}: {} objects", series.rounds, plan.count, grouped(round.objects));
    if plan.children {
        text.push_str(&format!(" in {} processes", round.processes));
    }
    match (plan.options.pause, plan.children) {
        (false, _) => text.push_str("; not stopped"),
        (true, false) => text.push_str(&format!("; stood still for {}", duration(round.pause))),
        (true, true) => text.push_str(&format!("; each stood still for {} at most", duration(round.pause))),
    }
    if series.rounds < plan.count {
        let nanoseconds = u64::try_from(next.as_nanos()).unwrap_or(u64::MAX);
        text.push_str(&format!("; the next {} after it", duration(nanoseconds)));
        if next > plan.interval {
            text.push_str(", to keep to the budget");
        }
    }
    text
}

/// Waits for the next; what ended it meanwhile.
fn wait(
    plan: &Plan,
    series: &Series,
    due: Duration,
    pause: u64,
    processes: &dyn Processes,
    clock: &dyn Clock,
    talk: &dyn Console,
) -> Option<End> {
    loop {
        if clock.is_interrupted() {
            return Some(End::Interrupted);
        }
        if !processes.is_running(plan.pid) {
            return Some(End::Gone);
        }
        let left = due.saturating_sub(clock.now());
        if left.is_zero() {
            return None;
        }
        let enough = if series.rounds >= LEAST { "^C for the answer so far" } else { "^C to end" };
        let (next, of, seconds) = (series.rounds + 1, plan.count, left.as_secs_f64().ceil());
        let pause =
            if pause > 0 { format!("; the last pause was {}", duration(pause)) } else { String::new() };
        talk.status(&format!("snapshot {next} of {of} in {seconds} s{pause}; {enough}"));
        clock.sleep(left.min(SECOND));
    }
}

/// The fewest captures that make an accusation, and so an answer when it is interrupted.
pub(crate) const LEAST: usize = 3;

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use memtop_heap::testing::graph_with_accounts;
    use memtop_heap::{CaptureInfo, ProcessIdentity, ProgramImage};

    use super::*;
    use crate::clock::testing::FakeClock;

    /// Processes that live for a time, each captured within a time and with a pause.
    struct Fakes<'a> {
        clock: &'a FakeClock,
        /// By number: from when to when it runs, and how long each capture stops it.
        lives: BTreeMap<u32, (Duration, Duration, Duration)>,
        /// Captures that fail, by their place from 0.
        fails: Vec<usize>,
        tried: Cell<usize>,
        /// When they become other programs.
        execs_at: Option<Duration>,
        /// When each was captured.
        captured: RefCell<Vec<(u32, Duration)>>,
    }

    const FOREVER: Duration = Duration::from_secs(1_000_000);

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    impl<'a> Fakes<'a> {
        fn new(clock: &'a FakeClock, lives: &[(u32, Duration, Duration, Duration)]) -> Self {
            let lives = lives.iter().map(|&(pid, from, to, pause)| (pid, (from, to, pause))).collect();
            Self {
                clock,
                lives,
                fails: Vec::new(),
                tried: Cell::new(0),
                execs_at: None,
                captured: RefCell::default(),
            }
        }

        fn times(&self, pid: u32) -> Vec<u64> {
            let captured = self.captured.borrow();
            captured.iter().filter(|(of, _)| *of == pid).map(|(_, at)| at.as_millis() as u64).collect()
        }
    }

    impl Processes for Fakes<'_> {
        fn capture(&self, pid: u32, _: &CaptureOptions) -> Result<Heap, Failure> {
            let tried = self.tried.replace(self.tried.get() + 1);
            if !self.is_running(pid) || self.fails.contains(&tried) {
                return Err(Failure::new(format!("process {pid}: capture {tried} failed"), "try again"));
            }
            let now = self.clock.now();
            self.captured.borrow_mut().push((pid, now));
            let pause = self.lives[&pid].2;
            self.clock.pass(pause + ms(5));
            let is_second = self.execs_at.is_some_and(|at| now >= at);
            let image = Some(ProgramImage { layout: u64::from(is_second), random: None });
            let info = CaptureInfo {
                process: ProcessIdentity { pid, started: 1, image, ..ProcessIdentity::default() },
                program: if is_second { "second.py" } else { "first.py" }.to_owned(),
                uptime: Some(now.as_micros() as u64),
                pause: Some(pause.as_nanos() as u64),
                ..CaptureInfo::default()
            };
            Ok(graph_with_accounts("module:m -> globals:dict", info).heap().clone())
        }

        fn children(&self, pid: u32) -> Vec<u32> {
            self.lives.keys().copied().filter(|&other| other > pid && self.is_running(other)).collect()
        }

        fn is_running(&self, pid: u32) -> bool {
            let now = self.clock.now();
            self.lives.get(&pid).is_some_and(|&(from, to, _)| from <= now && now < to)
        }
    }

    #[derive(Default)]
    struct Told(RefCell<Vec<String>>);

    impl Console for Told {
        fn line(&self, text: &str) {
            self.0.borrow_mut().push(text.to_owned());
        }
        fn status(&self, _: &str) {}
    }

    fn plan() -> Plan {
        Plan {
            pid: 7,
            children: false,
            count: 5,
            interval: s(30),
            budget: 0.01,
            options: CaptureOptions { pause: true, ..CaptureOptions::default() },
        }
    }

    fn watched(plan: &Plan, fakes: &Fakes<'_>, told: &Told) -> Result<Series, Failure> {
        watch(plan, fakes, fakes.clock, told, &mut |_, _| None)
    }

    #[test]
    fn captures_are_an_interval_apart() {
        let clock = FakeClock::default();
        let fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(12))]);
        let told = Told::default();
        let series = watched(&plan(), &fakes, &told).expect("it runs");
        assert!(matches!(series.end, End::Complete));
        assert_eq!(fakes.times(7), [0, 30_000, 60_000, 90_000, 120_000]);
        let told = told.0.into_inner();
        assert_eq!(told[0], "snapshot 1 of 5: 1 objects; stood still for 12 ms; the next 30 s after it");
        assert_eq!(told[4], "snapshot 5 of 5: 1 objects; stood still for 12 ms");
    }

    #[test]
    fn a_long_pause_stretches_the_interval_to_keep_to_the_budget() {
        let clock = FakeClock::default();
        let fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(600))]);
        let told = Told::default();
        watched(&Plan { count: 3, ..plan() }, &fakes, &told).expect("it runs");
        assert_eq!(fakes.times(7), [0, 60_000, 120_000]);
        assert!(
            told.0.borrow()[0].ends_with("; the next 1 min after it, to keep to the budget"),
            "{:?}",
            told.0
        );
    }

    #[test]
    fn an_interruption_hands_out_what_there_is() {
        for (at, rounds) in [(0, 1), (10, 1), (61, 3)] {
            let clock = FakeClock::interrupted_at(s(at));
            let fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
            let series = watched(&plan(), &fakes, &Told::default()).expect("it runs");
            assert!(matches!(series.end, End::Interrupted));
            assert_eq!((series.rounds, series.watched[0].heaps.0.len()), (rounds, rounds), "at {at} s");
            assert!(clock.now() <= s(at + 2), "it does not wait for the next one");
        }
    }

    #[test]
    fn a_process_that_ends_is_noticed_within_a_second_or_so() {
        let clock = FakeClock::default();
        let fakes = Fakes::new(&clock, &[(7, s(0), s(70), ms(1))]);
        let series = watched(&plan(), &fakes, &Told::default()).expect("it runs");
        assert!(matches!(series.end, End::Gone));
        assert_eq!(series.rounds, 3);
        assert!(clock.now() <= s(72));
    }

    #[test]
    fn a_process_that_is_not_there_is_a_failure() {
        let clock = FakeClock::default();
        let fakes = Fakes::new(&clock, &[]);
        let failure = watched(&plan(), &fakes, &Told::default()).expect_err("there is none");
        assert_eq!(failure.message, "process 7: capture 0 failed");
    }

    #[test]
    fn a_capture_that_fails_is_tried_again_and_failing_ones_end_it() {
        let clock = FakeClock::default();
        let mut fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
        fakes.fails = vec![1, 3, 4];
        let series = watched(&plan(), &fakes, &Told::default()).expect("it runs");
        assert!(matches!(series.end, End::Complete));
        assert_eq!(fakes.times(7), [0, 60_000, 150_000, 180_000, 210_000]);
        let clock = FakeClock::default();
        let mut fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
        fakes.fails = vec![2, 3, 4];
        let series = watched(&plan(), &fakes, &Told::default()).expect("it runs");
        assert!(
            matches!(series.end, End::Failed(failure) if failure.message == "process 7: capture 4 failed")
        );
        assert_eq!(series.rounds, 2);
    }

    #[test]
    fn a_process_that_calls_exec_is_not_followed_any_further() {
        let clock = FakeClock::default();
        let mut fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
        fakes.execs_at = Some(s(70));
        let series = watched(&plan(), &fakes, &Told::default()).expect("it runs");
        let End::Failed(failure) = series.end else { panic!("it went on") };
        assert_eq!(
            failure.message,
            "process 7 called exec and so became another program (first.py and second.py)"
        );
        assert_eq!(failure.hint.as_deref(), Some("mem_top leaks 7 looks at what it runs now"));
        // What was captured before is the answer, and nothing is tried again.
        assert_eq!((series.rounds, fakes.times(7)), (3, vec![0, 30_000, 60_000, 90_000]));

        // Among workers the other program begins anew.
        let clock = FakeClock::default();
        let fakes = Fakes { clock: &clock, captured: RefCell::default(), tried: Cell::new(0), ..fakes };
        let series = watched(&Plan { children: true, ..plan() }, &fakes, &Told::default()).expect("it runs");
        assert!(matches!(series.end, End::Complete));
        assert_eq!((series.rounds, series.watched[0].heaps.0.len()), (5, 2));
    }

    #[test]
    fn workers_come_and_go() {
        let clock = FakeClock::default();
        let lives = [
            (7, s(0), FOREVER, ms(1)),
            (8, s(0), s(45), ms(2)),
            (9, s(0), FOREVER, ms(3)),
            (10, s(50), FOREVER, ms(4)),
        ];
        let fakes = Fakes::new(&clock, &lives);
        let told = Told::default();
        let series = watched(&Plan { children: true, ..plan() }, &fakes, &told).expect("it runs");
        let seen: Vec<_> = series.watched.iter().map(|one| (one.pid, one.heaps.0.len())).collect();
        assert_eq!(seen, [(7, 5), (8, 2), (9, 5), (10, 3)]);
        let told = told.0.into_inner();
        assert_eq!(
            told[0],
            "snapshot 1 of 5: 3 objects in 3 processes; each stood still for 3 ms at most; the next 30 s after it"
        );
    }
}
