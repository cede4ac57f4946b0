//! Captures a process, or a process group, several times.
//!
//! Invariants: however a series ends (all captures taken, ^C, the process gone), what was captured is returned. Each
//! process is paused for at most the budget's share of the time. Heaps are kept outside of memory where possible: in
//! the container of a process that is near its memory limit, several copies of its heap would end it.

use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::{SeriesError, period_within_budget, same_process};
use memtop_heap::Heap;
use memtop_remote::CaptureOptions;
use memtop_report::{duration, grouped};
use memtop_snapshot::StoredHeap;

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;

/// The process to capture, and how often.
#[derive(Debug, Clone)]
pub(crate) struct WatchOptions {
    /// The process.
    pub(crate) pid: u32,
    /// Whether its Python descendants are captured too.
    pub(crate) children: bool,
    /// The number of captures of each process.
    pub(crate) count: usize,
    /// The shortest time between the starts of two captures.
    pub(crate) interval: Duration,
    /// The share of the time that a process may be paused, above 0 and at most 1.
    pub(crate) budget: f64,
    /// How a process is captured.
    pub(crate) capture: CaptureOptions,
}

/// The captures of one process.
#[derive(Debug)]
pub(crate) struct ProcessSeries {
    /// The process.
    pub(crate) pid: u32,
    /// Its heaps, oldest first.
    pub(crate) heaps: Vec<StoredHeap>,
}

impl ProcessSeries {
    /// A series without captures.
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid, heaps: Vec::new() }
    }

    /// Adds a heap, outside of memory where possible. Returns a note if that was not possible.
    pub(crate) fn add(&mut self, heap: Heap) -> Option<String> {
        let (stored, error) = StoredHeap::new(Arc::new(heap));
        self.heaps.push(stored);
        memtop_remote::return_free_memory();
        error.map(|error| {
            format!(
                "snapshots were kept in memory, because a temporary file could not be written ({error}); set TMPDIR to \
                 another directory"
            )
        })
    }
}

/// Why a series ended.
#[derive(Debug)]
pub(crate) enum SeriesEnd {
    /// All captures were taken.
    Complete,
    /// ^C was pressed.
    Interrupted,
    /// The process ended.
    Gone,
    /// Captures failed repeatedly.
    Failed(Failure),
}

/// All that was captured.
#[derive(Debug)]
pub(crate) struct CaptureSeries {
    /// The processes, by PID.
    pub(crate) processes: Vec<ProcessSeries>,
    /// The number of rounds; a round captures each process once.
    pub(crate) rounds: usize,
    /// Why it ended.
    pub(crate) end: SeriesEnd,
    /// Notes for the user, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// The fewest rounds that can prove a leak, and so give an answer when interrupted.
pub(crate) const MIN_ROUNDS: usize = 3;
/// This many failures in a row end a series.
const MAX_FAILURES: usize = 3;
/// How often the status line is updated.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Takes a series of captures. `on_capture` is called with each heap and its number, from 1; it may return a note.
///
/// # Errors
/// If the first round captures nothing.
pub(crate) fn watch(
    options: &WatchOptions,
    context: Context<'_>,
    on_capture: &mut dyn FnMut(&Heap, usize) -> Option<String>,
) -> Result<CaptureSeries, Failure> {
    memtop_remote::return_free_memory();
    context.clock.listen();
    let series =
        CaptureSeries { processes: Vec::new(), rounds: 0, end: SeriesEnd::Complete, notes: Vec::new() };
    let mut watcher = Watcher { options, context, series };
    watcher.run(on_capture)?;
    context.console.set_status("");
    Ok(watcher.series)
}

/// A series in the making.
struct Watcher<'a> {
    options: &'a WatchOptions,
    context: Context<'a>,
    series: CaptureSeries,
}

/// The result of one round.
struct Round {
    processes: usize,
    objects: u64,
    /// The longest pause, in nanoseconds.
    pause: u64,
}

/// Why a round captured nothing.
struct RoundFailure {
    failure: Failure,
    /// Whether another round would fail too.
    is_final: bool,
}

impl Watcher<'_> {
    fn run(&mut self, on_capture: &mut dyn FnMut(&Heap, usize) -> Option<String>) -> Result<(), Failure> {
        let Context { processes, clock, console } = self.context;
        let mut failures = 0;
        while self.series.rounds < self.options.count {
            let start = clock.now();
            let (wait, pause) = match self.capture_round(on_capture) {
                Ok(round) => {
                    failures = 0;
                    self.series.rounds += 1;
                    let least = period_within_budget(Duration::from_nanos(round.pause), self.options.budget);
                    let period = self.options.interval.max(least);
                    console.print_line(&self.describe(&round, period));
                    (period, round.pause)
                }
                Err(_) if self.series.rounds > 0 && !processes.is_running(self.options.pid) => {
                    self.series.end = SeriesEnd::Gone;
                    return Ok(());
                }
                Err(failed) if self.series.rounds == 0 => return Err(failed.failure),
                Err(RoundFailure { failure, is_final }) => {
                    failures += 1;
                    console.print_line(&failure.message);
                    if is_final || failures == MAX_FAILURES {
                        self.series.end = SeriesEnd::Failed(failure);
                        return Ok(());
                    }
                    (self.options.interval, 0)
                }
            };
            if self.series.rounds == self.options.count {
                return Ok(());
            }
            if let Some(end) = self.wait_until(start.saturating_add(wait), pause) {
                self.series.end = end;
                return Ok(());
            }
        }
        Ok(())
    }

    fn capture_round(
        &mut self,
        on_capture: &mut dyn FnMut(&Heap, usize) -> Option<String>,
    ) -> Result<Round, RoundFailure> {
        let Context { processes, .. } = self.context;
        let mut pids = vec![self.options.pid];
        if self.options.children {
            pids.extend(processes.children(self.options.pid));
        }
        let mut round = Round { processes: 0, objects: 0, pause: 0 };
        let mut first_failure = None;
        for pid in pids {
            match processes.capture(pid, &self.options.capture) {
                Ok(heap) => self.add(pid, heap, &mut round, on_capture)?,
                // A child process may end or start just now; the others are captured all the same.
                Err(failure) => drop(first_failure.get_or_insert(failure)),
            }
        }
        match first_failure {
            Some(failure) if round.processes == 0 => Err(RoundFailure { failure, is_final: false }),
            _ => Ok(round),
        }
    }

    /// Adds a heap to the series of its process.
    fn add(
        &mut self,
        pid: u32,
        heap: Heap,
        round: &mut Round,
        on_capture: &mut dyn FnMut(&Heap, usize) -> Option<String>,
    ) -> Result<(), RoundFailure> {
        let known = self.series.processes.binary_search_by_key(&pid, |process| process.pid);
        let index = known.unwrap_or_else(|index| {
            self.series.processes.insert(index, ProcessSeries::new(pid));
            index
        });
        let process = &mut self.series.processes[index];
        let heaps = &mut process.heaps;
        if let Some(Err(error)) = heaps.first().map(|first| same_process(first.info(), heap.info())) {
            // The PID was reused, or the process called exec. That ends the series of a single process; in a group, the
            // heaps of the old process are dropped.
            if !self.options.children {
                return Err(RoundFailure { failure: became_another(pid, &error), is_final: true });
            }
            heaps.clear();
        }
        round.processes += 1;
        round.objects += heap.objects().len() as u64;
        round.pause = round.pause.max(heap.info().pause.unwrap_or(0));
        self.series.notes.extend(on_capture(&heap, heaps.len() + 1));
        if let Some(note) = process.add(heap).filter(|note| !self.series.notes.contains(note)) {
            self.series.notes.push(note);
        }
        Ok(())
    }

    /// Describes a round: `snapshot 2 of 5: 54,720 objects; paused for 12.3 ms; next in 30 s`.
    fn describe(&self, round: &Round, period: Duration) -> String {
        let (rounds, options) = (self.series.rounds, self.options);
        let mut text = format!("snapshot {rounds} of {}: {} objects", options.count, grouped(round.objects));
        if options.children {
            text.push_str(&format!(" in {} processes", round.processes));
        }
        match (options.capture.pause, options.children) {
            (false, _) => text.push_str("; not paused"),
            (true, false) => text.push_str(&format!("; paused for {}", duration(round.pause))),
            (true, true) => text.push_str(&format!("; each paused for at most {}", duration(round.pause))),
        }
        if rounds < options.count {
            let nanoseconds = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
            text.push_str(&format!("; next one {} later", duration(nanoseconds)));
            if period > options.interval {
                text.push_str(", to stay within the budget");
            }
        }
        text
    }

    /// Waits until the next round is due. Returns why the series ends, if it ends meanwhile.
    fn wait_until(&self, due: Duration, pause: u64) -> Option<SeriesEnd> {
        let Context { processes, clock, console } = self.context;
        loop {
            if clock.is_interrupted() {
                return Some(SeriesEnd::Interrupted);
            }
            if !processes.is_running(self.options.pid) {
                return Some(SeriesEnd::Gone);
            }
            let left = due.saturating_sub(clock.now());
            if left.is_zero() {
                return None;
            }
            let hint = if self.series.rounds >= MIN_ROUNDS { "for the answer so far" } else { "to cancel" };
            let (next, count, seconds) =
                (self.series.rounds + 1, self.options.count, left.as_secs_f64().ceil());
            let pause = if pause > 0 { format!("; last pause {}", duration(pause)) } else { String::new() };
            console.set_status(&format!("snapshot {next} of {count} in {seconds} s{pause}; press ^C {hint}"));
            clock.sleep(left.min(STATUS_INTERVAL));
        }
    }
}

/// Returns why a process cannot be followed any further.
fn became_another(pid: u32, error: &SeriesError) -> Failure {
    let again = format!("`mem_top leaks {pid}` analyses the program that it runs now");
    let (message, hint) = match error {
        SeriesError::OtherProgram { programs, .. } => {
            (format!("process {pid} called exec and became another program ({programs})"), again)
        }
        SeriesError::OtherProcess { .. } => (
            format!("process {pid} ended, and another process has its PID now"),
            "`mem_top ps` lists the Python processes".to_owned(),
        ),
        other => (other.to_string(), again),
    };
    Failure { message, hint: Some(hint), status: exit::FAILURE }
}

#[cfg(test)]
mod tests;
