//! Series of made-up processes, on a clock that only the test advances.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, ProcessIdentity, ProgramImage};

use super::*;
use crate::clock::Clock;
use crate::clock::testing::FakeClock;
use crate::console::Console;
use crate::processes::Processes;

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
struct Lines(RefCell<Vec<String>>);

impl Console for Lines {
    fn print_line(&self, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }
    fn set_status(&self, _: &str) {}
}

fn options() -> WatchOptions {
    WatchOptions {
        pid: 7,
        children: false,
        count: 5,
        interval: s(30),
        budget: 0.01,
        capture: CaptureOptions { pause: true, ..CaptureOptions::default() },
    }
}

fn watched(options: &WatchOptions, fakes: &Fakes<'_>, lines: &Lines) -> Result<CaptureSeries, Failure> {
    let context = Context { processes: fakes, clock: fakes.clock, console: lines };
    watch(options, context, &mut |_, _| None)
}

#[test]
fn captures_are_an_interval_apart() {
    let clock = FakeClock::default();
    let fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(12))]);
    let lines = Lines::default();
    let series = watched(&options(), &fakes, &lines).expect("it runs");
    assert!(matches!(series.end, SeriesEnd::Complete));
    assert_eq!(fakes.times(7), [0, 30_000, 60_000, 90_000, 120_000]);
    let lines = lines.0.into_inner();
    assert_eq!(lines[0], "snapshot 1 of 5: 1 objects; paused for 12 ms; next one 30 s later");
    assert_eq!(lines[4], "snapshot 5 of 5: 1 objects; paused for 12 ms");
}

#[test]
fn a_long_pause_stretches_the_interval_to_keep_to_the_budget() {
    let clock = FakeClock::default();
    let fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(600))]);
    let lines = Lines::default();
    watched(&WatchOptions { count: 3, ..options() }, &fakes, &lines).expect("it runs");
    assert_eq!(fakes.times(7), [0, 60_000, 120_000]);
    assert!(
        lines.0.borrow()[0].ends_with("; next one 1 min later, to stay within the budget"),
        "{:?}",
        lines.0
    );
}

#[test]
fn an_interrupted_series_returns_what_was_captured() {
    for (at, rounds) in [(0, 1), (10, 1), (61, 3)] {
        let clock = FakeClock::interrupted_at(s(at));
        let fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
        let series = watched(&options(), &fakes, &Lines::default()).expect("it runs");
        assert!(matches!(series.end, SeriesEnd::Interrupted));
        assert_eq!((series.rounds, series.processes[0].heaps.len()), (rounds, rounds), "at {at} s");
        assert!(clock.now() <= s(at + 2), "it does not wait for the next one");
    }
}

#[test]
fn a_process_that_ends_is_noticed_within_a_second_or_so() {
    let clock = FakeClock::default();
    let fakes = Fakes::new(&clock, &[(7, s(0), s(70), ms(1))]);
    let series = watched(&options(), &fakes, &Lines::default()).expect("it runs");
    assert!(matches!(series.end, SeriesEnd::Gone));
    assert_eq!(series.rounds, 3);
    assert!(clock.now() <= s(72));
}

#[test]
fn a_process_that_does_not_exist_is_a_failure() {
    let clock = FakeClock::default();
    let fakes = Fakes::new(&clock, &[]);
    let failure = watched(&options(), &fakes, &Lines::default()).expect_err("there is none");
    assert_eq!(failure.message, "process 7: capture 0 failed");
}

#[test]
fn a_failed_capture_is_repeated_and_three_failures_end_the_series() {
    let clock = FakeClock::default();
    let mut fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
    fakes.fails = vec![1, 3, 4];
    let series = watched(&options(), &fakes, &Lines::default()).expect("it runs");
    assert!(matches!(series.end, SeriesEnd::Complete));
    assert_eq!(fakes.times(7), [0, 60_000, 150_000, 180_000, 210_000]);
    let clock = FakeClock::default();
    let mut fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
    fakes.fails = vec![2, 3, 4];
    let series = watched(&options(), &fakes, &Lines::default()).expect("it runs");
    assert!(
        matches!(series.end, SeriesEnd::Failed(failure) if failure.message == "process 7: capture 4 failed")
    );
    assert_eq!(series.rounds, 2);
}

#[test]
fn exec_ends_the_series_of_a_process() {
    let clock = FakeClock::default();
    let mut fakes = Fakes::new(&clock, &[(7, s(0), FOREVER, ms(1))]);
    fakes.execs_at = Some(s(70));
    let series = watched(&options(), &fakes, &Lines::default()).expect("it runs");
    let SeriesEnd::Failed(failure) = series.end else { panic!("it went on") };
    assert_eq!(failure.message, "process 7 called exec and became another program (first.py and second.py)");
    assert_eq!(failure.hint.as_deref(), Some("`mem_top leaks 7` analyses the program that it runs now"));
    // What was captured before is the answer, and nothing is tried again.
    assert_eq!((series.rounds, fakes.times(7)), (3, vec![0, 30_000, 60_000, 90_000]));

    // In a group, the other program starts a new series.
    let clock = FakeClock::default();
    let fakes = Fakes { clock: &clock, captured: RefCell::default(), tried: Cell::new(0), ..fakes };
    let series =
        watched(&WatchOptions { children: true, ..options() }, &fakes, &Lines::default()).expect("it runs");
    assert!(matches!(series.end, SeriesEnd::Complete));
    assert_eq!((series.rounds, series.processes[0].heaps.len()), (5, 2));
}

#[test]
fn processes_of_a_group_start_and_end() {
    let clock = FakeClock::default();
    let lives = [
        (7, s(0), FOREVER, ms(1)),
        (8, s(0), s(45), ms(2)),
        (9, s(0), FOREVER, ms(3)),
        (10, s(50), FOREVER, ms(4)),
    ];
    let fakes = Fakes::new(&clock, &lives);
    let lines = Lines::default();
    let series = watched(&WatchOptions { children: true, ..options() }, &fakes, &lines).expect("it runs");
    let seen: Vec<_> = series.processes.iter().map(|one| (one.pid, one.heaps.len())).collect();
    assert_eq!(seen, [(7, 5), (8, 2), (9, 5), (10, 3)]);
    let lines = lines.0.into_inner();
    assert_eq!(
        lines[0],
        "snapshot 1 of 5: 3 objects in 3 processes; each paused for at most 3 ms; next one 30 s later"
    );
}
