//! `mem_top leaks PID`, `mem_top leaks FILE FILE FILE…`: what grows over a series of heaps.
//!
//! The snapshots of a process it takes itself; the answer is the same.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use memtop_analyze::{
    DiffOptions, HeapSeries, Leaks, LeaksError, LeaksOptions, MemberLeaks, Note, Thresholds, Verdict, diff,
    leaks_of, merge_members, order_of,
};
use memtop_heap::Heap;
use memtop_remote::Purpose;
use memtop_report::html::{self, HeapView, LeaksPage};
use memtop_report::{HeapReportOptions, json, parse_duration, parse_share, parse_size, text};

use crate::clock::Clock;
use crate::console::Console;
use crate::failure::Failure;
use crate::input::{Capturing, Input, for_a_process, subject};
use crate::load::{self, Heaps};
use crate::output::Output;
use crate::page::PageArguments;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::watch::{End, LEAST, Plan, Series, Watched, watch};
use crate::{FINE, GROWTH, INCONCLUSIVE, INTERRUPTED, dump};

const LONG: &str = "\
Says what grows in a process: which container, held where, by how much, keeping what
alive. Of a process it takes the snapshots itself, some time apart; it can be given
snapshots that were saved, too.

Three snapshots or more are needed, some minutes of ordinary work apart; four make a
surer answer. A cache that is not full yet looks like a leak: let the program warm up
first. Two snapshots give candidates; one shows only where memory is.

^C ends it earlier: after the third snapshot with the answer so far.";

const EXAMPLES: &str = "\
Examples:
  mem_top leaks 4711                              5 snapshots, 30 s apart
  mem_top leaks 4711 --count 6 --interval 5m
  mem_top leaks 4711 --children                   a server and its workers, as one
  mem_top leaks 4711 --save snapshots             and keep the snapshots
  mem_top leaks 1.parquet 2.parquet 3.parquet 4.parquet
  mem_top leaks --html leaks.html *.parquet       the answer as a page, too
  mem_top leaks --json *.parquet | jq '.suspects[0].holder'
  mem_top leaks --min-growth 100kB *.parquet || echo look at this

Exit status: 0 no growth, 1 a leak or native growth, 2 failure, 3 inconclusive,
130 interrupted before the third snapshot.";

/// What grows: the leak, named
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A process; or snapshots of one process, in any order
    #[arg(required = true, value_name = "PID|FILE", value_parser = subject())]
    subjects: Vec<Input>,
    /// Accuse no place that grew by less in all [default: 1 kB]; units: kB, MB, GB or KiB, MiB, GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    min_growth: Option<u64>,
    #[command(flatten)]
    series: SeriesArguments,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    page: PageArguments,
}

/// How often a process is captured.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Taking snapshots of a process")]
struct SeriesArguments {
    /// How many snapshots [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: Option<u32>,
    /// The time between two [default: 30s]: 250ms, 30s, 5m, 1.5h
    #[arg(long, value_name = "TIME", value_parser = time)]
    interval: Option<Duration>,
    /// Stop the process for at most this share of the time, and wait longer if need be [default: 1%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    budget: Option<f64>,
    /// Take its descendants that are Pythons too: a server and its workers
    #[arg(long)]
    children: bool,
    /// Save each snapshot in this directory too, as mem_top-PID-1.parquet and so on; replaces none
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

impl SeriesArguments {
    /// # Errors
    /// If one was given: they mean nothing for files.
    fn only_for_a_process(&self) -> Result<(), Failure> {
        let given = [
            ("--count", self.count.is_some()),
            ("--interval", self.interval.is_some()),
            ("--budget", self.budget.is_some()),
            ("--children", self.children),
            ("--save", self.save.is_some()),
        ];
        given.iter().find(|(_, given)| *given).map_or(Ok(()), |(name, _)| Err(for_a_process(name)))
    }
}

pub(crate) fn size(text: &str) -> Result<u64, String> {
    parse_size(text).map_err(|error| error.to_string())
}

pub(crate) fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

pub(crate) fn share(text: &str) -> Result<f64, String> {
    parse_share(text).map_err(|error| error.to_string())
}

/// # Errors
/// If a file cannot be read, the snapshots are of different processes, or the process cannot be captured.
pub(crate) fn run(
    arguments: &Arguments,
    processes: &dyn Processes,
    clock: &dyn Clock,
    talk: &dyn Console,
) -> Result<u8, Failure> {
    arguments.page.check()?;
    if let [Input::Process(pid)] = arguments.subjects.as_slice() {
        return of_process(arguments, *pid, processes, clock, talk);
    }
    arguments.series.only_for_a_process()?;
    arguments.capturing.only_for_a_process()?;
    let paths = arguments.subjects.iter().map(|subject| match subject {
        Input::File(path) => Ok(path.clone()),
        Input::Process(pid) => Err(Failure::new(
            format!("process {pid} was given beside others"),
            format!("give one process alone, or files; a file of that name is ./{pid}"),
        )),
    });
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    let progress = Progress::new();
    let heaps = load::stored(&paths)?;
    progress.say(format!("looking at what grows over {} snapshots …", paths.len()));
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let answer = find(&heaps, arguments, arguments.output.limit()).map_err(|error| {
        Failure::leaks(error, &names, "give snapshots of one process, taken while it ran one program")
    })?;
    drop(progress);
    tell(&answer, &heaps, arguments)
}

fn find(heaps: &Heaps, arguments: &Arguments, limit: Option<usize>) -> Result<Leaks, LeaksError<Failure>> {
    let mut thresholds = Thresholds::default();
    thresholds.bytes = arguments.min_growth.unwrap_or(thresholds.bytes);
    let options = LeaksOptions { limit: limit.unwrap_or(usize::MAX), thresholds, ..LeaksOptions::default() };
    leaks_of(heaps, &options)
}

fn tell(answer: &Leaks, heaps: &Heaps, arguments: &Arguments) -> Result<u8, Failure> {
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::leaks(answer)),
        false => text::leaks(answer, &arguments.output.style()),
    })?;
    arguments.page.write(|| page(answer, heaps, arguments.output.limit()))?;
    Ok(status(answer.verdict))
}

/// The page for `answer`, which is that for `heaps`: with more of the last heap, and what changed since the first.
///
/// # Errors
/// If a heap cannot be loaded any more.
fn page(answer: &Leaks, heaps: &Heaps, limit: Option<usize>) -> Result<String, Failure> {
    let captures = heaps.captures();
    // They were found to be of one process before.
    let order = order_of(&captures).unwrap_or_else(|_| (0..captures.len()).collect());
    let (Some(&first), Some(&last)) = (order.first(), order.last()) else { return Ok(String::new()) };
    let last = heaps.heap(last)?;
    let changes = match order.len() {
        1 => None,
        _ => diff(&*heaps.heap(first)?, &last, &DiffOptions::default()).ok(),
    };
    let captures: Vec<_> = order.into_iter().map(|place| captures[place]).collect();
    let view = HeapView::new(&last, &HeapReportOptions { limit });
    Ok(html::leaks(&LeaksPage { answer, captures: &captures, last: &view, changes: changes.as_ref() }))
}

/// The exit status that says the verdict.
pub(crate) fn status(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NoGrowth => FINE,
        Verdict::Leak | Verdict::NativeGrowth => GROWTH,
        Verdict::Inconclusive => INCONCLUSIVE,
    }
}

fn of_process(
    arguments: &Arguments,
    pid: u32,
    processes: &dyn Processes,
    clock: &dyn Clock,
    talk: &dyn Console,
) -> Result<u8, Failure> {
    let given = &arguments.series;
    let plan = Plan {
        pid,
        children: given.children,
        count: given.count.unwrap_or(5) as usize,
        interval: given.interval.unwrap_or(Duration::from_secs(30)),
        budget: given.budget.unwrap_or(0.01),
        options: arguments.capturing.options_for(Purpose::Series),
    };
    if let Some(folder) = &given.save {
        std::fs::create_dir_all(folder).map_err(|error| {
            let message = format!("{}: the directory cannot be made: {error}", folder.display());
            Failure::new(message, "give another one")
        })?;
    }
    let mut save = |heap: &Heap, place: usize| -> Option<String> {
        match dump::save_in(heap, given.save.as_ref()?, plan.options.with_keys) {
            Ok((_, number)) if number == place as u64 => None,
            Ok((path, _)) => {
                talk.line(&format!("saved as {}, behind those that are there", path.display()));
                None
            }
            Err(failure) => {
                talk.line(&failure.message);
                Some(format!("a snapshot was not saved: {}", failure.message))
            }
        }
    };
    let series = watch(&plan, processes, clock, talk, &mut save)?;
    let notes = notes(&plan, &series)?;
    talk.status(&format!("looking at what grows over {} snapshots …", series.rounds));
    if plan.children {
        return of_workers(arguments, series, notes, talk);
    }
    // One process was captured, or there would be no series.
    let heaps = series.watched.into_iter().next().map(|watched| watched.heaps).unwrap_or_default();
    let mut answer = find(&heaps, arguments, arguments.output.limit())
        .map_err(|error| Failure::leaks(error, &[], "the process became another program meanwhile"))?;
    answer.notes.extend(notes.into_iter().map(Note::Text));
    talk.status("");
    tell(&answer, &heaps, arguments)
}

/// What is to be said of how a series ended.
///
/// # Errors
/// If there are too few snapshots for an answer.
fn notes(plan: &Plan, series: &Series) -> Result<Vec<String>, Failure> {
    let (pid, rounds) = (plan.pid, series.rounds);
    let so_far = format!("after {rounds} of {} snapshots", plan.count);
    let mut notes = series.notes.clone();
    match &series.end {
        End::Complete => {}
        End::Interrupted if rounds < LEAST => {
            return Err(Failure {
                message: format!("interrupted {so_far}: {LEAST} are the least for an answer"),
                hint: Some("a shorter --interval gives an answer earlier".to_owned()),
                status: INTERRUPTED,
            });
        }
        End::Interrupted => notes.push(format!("interrupted {so_far}: this is the answer so far")),
        End::Gone if rounds < 2 => {
            let hint = "for a program that ends by itself: `mem_top run`, or a shorter --interval";
            return Err(Failure::new(format!("process {pid} ended {so_far}: nothing can be compared"), hint));
        }
        End::Gone => notes.push(format!("the process ended {so_far}: this is the answer until then")),
        End::Failed(failure) if rounds < 2 => {
            return Err(Failure {
                message: failure.message.clone(),
                hint: failure.hint.clone(),
                status: failure.status,
            });
        }
        End::Failed(failure) => notes.push(format!("no more could be taken {so_far}: {}", failure.message)),
    }
    Ok(notes)
}

/// The answer for a server and its workers.
fn of_workers(
    arguments: &Arguments,
    series: Series,
    notes: Vec<String>,
    talk: &dyn Console,
) -> Result<u8, Failure> {
    let mut workers = Vec::new();
    for Watched { pid, heaps } in series.watched {
        // The heaps of one process are let go before those of the next are looked at.
        let answer = find(&heaps, arguments, None)
            .map_err(|error| Failure::leaks(error, &[], "a worker became another program meanwhile"))?;
        workers.push(MemberLeaks { pid, answer });
    }
    let mut answer = merge_members(workers, arguments.output.limit().unwrap_or(usize::MAX));
    answer.notes.extend(notes.into_iter().map(Note::Text));
    talk.status("");
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::group_leaks(&answer)),
        false => text::group_leaks(&answer, &arguments.output.style()),
    })?;
    arguments.page.write(|| Ok(html::group_leaks(&answer)))?;
    Ok(status(answer.verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use memtop_remote::CaptureOptions;

    fn plan() -> Plan {
        let options = CaptureOptions::default();
        Plan { pid: 7, children: false, count: 5, interval: Duration::from_secs(30), budget: 0.01, options }
    }

    fn ended(end: End, rounds: usize) -> Result<Vec<String>, (String, u8)> {
        let series = Series { watched: Vec::new(), rounds, end, notes: vec!["a note".to_owned()] };
        notes(&plan(), &series).map_err(|failure| (failure.message, failure.status))
    }

    #[test]
    fn how_a_series_ended_is_said() {
        let says = |text: &str| Ok(vec!["a note".to_owned(), text.to_owned()]);
        assert_eq!(ended(End::Complete, 5), Ok(vec!["a note".to_owned()]));
        assert_eq!(
            ended(End::Interrupted, 3),
            says("interrupted after 3 of 5 snapshots: this is the answer so far")
        );
        assert_eq!(
            ended(End::Gone, 2),
            says("the process ended after 2 of 5 snapshots: this is the answer until then")
        );
        let failed = || End::Failed(Failure::new("it does not stop", "wait"));
        assert_eq!(
            ended(failed(), 2),
            says("no more could be taken after 2 of 5 snapshots: it does not stop")
        );
        let interrupted = "interrupted after 2 of 5 snapshots: 3 are the least for an answer";
        assert_eq!(ended(End::Interrupted, 2), Err((interrupted.to_owned(), INTERRUPTED)));
        let gone = "process 7 ended after 1 of 5 snapshots: nothing can be compared";
        assert_eq!(ended(End::Gone, 1), Err((gone.to_owned(), crate::FAILURE)));
        assert_eq!(ended(failed(), 1), Err(("it does not stop".to_owned(), crate::FAILURE)));
    }
}
