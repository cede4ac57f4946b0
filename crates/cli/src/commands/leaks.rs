//! `mem_top leaks PID`, `mem_top leaks FILE…`: finds what grows over a series of heaps.
//!
//! A series of a running process is captured first; the answer is the same as for saved snapshots.

use std::path::PathBuf;

use clap::Args;
use memtop_analyze::{
    DiffOptions, HeapSeries, Leaks, LeaksError, LeaksOptions, MemberLeaks, Note, Thresholds, Verdict, diff,
    leaks_of, merge_members, order_of,
};
use memtop_heap::Heap;
use memtop_remote::Purpose;
use memtop_report::html::{self, HeapView, LeaksPage};
use memtop_report::{HeapReportOptions, json, text};

use crate::console::Console;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::html_page::HtmlPage;
use crate::input::{CaptureArguments, Input, input};
use crate::load::{self, StoredSeries};
use crate::output::Output;
use crate::parse;
use crate::patterns::{OwnPatterns, PatternsFile};
use crate::progress::Progress;
use crate::save::save_in;
use crate::series_arguments::{SeriesArguments, announcement};
use crate::watch::{CaptureSeries, MIN_ROUNDS, ProcessSeries, SeriesEnd, WatchOptions, watch};

const LONG: &str = "\
Finds what grows in a process: which container, where it is held, how fast it grows and
how much memory it retains. Given a PID, it takes the snapshots itself; given files, it
reads snapshots that were saved before.

It needs at least three snapshots, some minutes of ordinary work apart; four make the
answer more certain. A cache that is still filling up looks like a leak, so let the
program warm up first. Two snapshots give candidates only, and one shows only where
memory is.

Press ^C to end a series early: from the third snapshot on, it gives the answer so far.";

const EXAMPLES: &str = "\
Examples:
  mem_top leaks 4711                              5 snapshots, 30 s apart
  mem_top leaks 4711 --count 6 --interval 5m
  mem_top leaks 4711 --duration 1h                5 snapshots within an hour
  mem_top leaks 4711 --children                   a server and its workers, merged
  mem_top leaks 4711 --save snapshots             keep the snapshots
  mem_top leaks 1.parquet 2.parquet 3.parquet 4.parquet
  mem_top leaks --html leaks.html *.parquet       as an HTML page too
  mem_top leaks --json *.parquet | jq '.suspects[0].holder'
  mem_top leaks --patterns our-leaks.toml *.parquet
  mem_top leaks --min-growth 100kB *.parquet || echo look at this

Exit status: 0 no growth, 1 a leak or native growth, 2 failure, 3 inconclusive,
130 interrupted before the third snapshot.";

/// Find what grows in a process or over saved snapshots
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// PID of a process, or snapshots of one process in any order
    #[arg(required = true, value_name = "PID|FILE", value_parser = input())]
    inputs: Vec<Input>,
    /// Ignore growth below SIZE in total, such as 100kB or 1MiB [default: 1 kB]
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    min_growth: Option<u64>,
    #[command(flatten)]
    patterns: PatternsFile,
    #[command(flatten)]
    series: SeriesArguments,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    page: HtmlPage,
}

/// # Errors
/// If a file cannot be read, the snapshots are of different processes, or the process cannot be captured.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>) -> Result<u8, Failure> {
    arguments.page.check()?;
    let own = arguments.patterns.read()?;
    match arguments.inputs.as_slice() {
        [Input::Process(pid)] => of_process(arguments, &own, *pid, context),
        _ => of_files(arguments, &own),
    }
}

fn of_files(arguments: &Arguments, own: &OwnPatterns) -> Result<u8, Failure> {
    arguments.series.refuse_for_files()?;
    arguments.capture.refuse_for_a_file()?;
    let paths = arguments.inputs.iter().map(|input| match input {
        Input::File(path) => Ok(path.clone()),
        Input::Process(pid) => Err(Failure::new(
            format!("process {pid} was given together with other arguments"),
            format!("give a single PID, or only files; for a file with that name, write ./{pid}"),
        )),
    });
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    let progress = Progress::new();
    let heaps = load::stored(&paths)?;
    progress.set(format!("analysing growth over {} snapshots …", paths.len()));
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let answer = find(&heaps, arguments, own, arguments.output.limit()).map_err(|error| {
        Failure::leaks(error, &names, "give snapshots of one process, taken while it ran the same program")
    })?;
    drop(progress);
    print(&answer, &heaps, arguments)
}

fn find(
    heaps: &StoredSeries,
    arguments: &Arguments,
    own: &OwnPatterns,
    limit: Option<usize>,
) -> Result<Leaks, LeaksError<Failure>> {
    let mut thresholds = Thresholds::default();
    thresholds.bytes = arguments.min_growth.unwrap_or(thresholds.bytes);
    let options = LeaksOptions { limit: limit.unwrap_or(usize::MAX), thresholds, ..LeaksOptions::default() };
    let mut answer = leaks_of(heaps, &options)?;
    own.advise(&mut answer);
    Ok(answer)
}

fn print(answer: &Leaks, heaps: &StoredSeries, arguments: &Arguments) -> Result<u8, Failure> {
    arguments.page.print_answer(&match arguments.output.json {
        true => json::to_text(&json::leaks(answer)),
        false => text::leaks(answer, &arguments.output.style()),
    })?;
    arguments.page.write(|| page(answer, heaps, arguments.output.limit()))?;
    Ok(status(answer.verdict))
}

/// Returns the HTML page of an answer, with a report of the last heap and its changes since the first.
///
/// # Errors
/// If a heap can no longer be loaded.
fn page(answer: &Leaks, heaps: &StoredSeries, limit: Option<usize>) -> Result<String, Failure> {
    let captures = heaps.captures();
    // The heaps are known to be of one process, or there would be no answer.
    let order = order_of(&captures).unwrap_or_else(|_| (0..captures.len()).collect());
    let (Some(&first), Some(&last)) = (order.first(), order.last()) else { return Ok(String::new()) };
    let last = heaps.heap(last)?;
    let changes = match order.len() {
        1 => None,
        _ => diff(&*heaps.heap(first)?, &last, &DiffOptions::default()).ok(),
    };
    let captures: Vec<_> = order.into_iter().map(|index| captures[index]).collect();
    let view = HeapView::new(&last, &HeapReportOptions { limit });
    Ok(html::leaks(&LeaksPage { answer, captures: &captures, last: &view, changes: changes.as_ref() }))
}

/// Returns the exit status for a verdict.
fn status(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NoGrowth => exit::SUCCESS,
        Verdict::Leak | Verdict::NativeGrowth | Verdict::GarbageGrowth | Verdict::UncollectableCycles => {
            exit::GROWTH
        }
        Verdict::Inconclusive => exit::INCONCLUSIVE,
    }
}

fn of_process(
    arguments: &Arguments,
    own: &OwnPatterns,
    pid: u32,
    context: Context<'_>,
) -> Result<u8, Failure> {
    let given = &arguments.series;
    let (count, interval) = given.plan()?;
    let options = WatchOptions {
        pid,
        children: given.children,
        count,
        interval,
        budget: given.budget(),
        capture: arguments.capture.options_for(Purpose::Series),
    };
    if let Some(folder) = &given.save {
        std::fs::create_dir_all(folder).map_err(|error| {
            let message = format!("cannot create the directory {}: {error}", folder.display());
            Failure::new(message, "give another directory to --save")
        })?;
    }
    let console = context.console;
    if let Some(plan) = announcement(count, interval) {
        console.print_line(&plan);
    }
    let mut save = |heap: &Heap, number: usize| -> Option<String> {
        match save_in(heap, given.save.as_ref()?, options.capture.with_keys) {
            Ok((_, saved)) if saved == number as u64 => None,
            Ok((path, _)) => {
                console.print_line(&format!("saved as {}, after the files already there", path.display()));
                None
            }
            Err(failure) => {
                console.print_line(&failure.message);
                Some(format!("a snapshot was not saved: {}", failure.message))
            }
        }
    };
    let series = watch(&options, context, &mut save)?;
    let notes = notes(&options, &series)?;
    console.set_status(&format!("analysing growth over {} snapshots …", series.rounds));
    if options.children {
        return of_group(arguments, own, series, notes, console);
    }
    // There is exactly one process, or the series would be a failure.
    let heaps = series.processes.into_iter().next().map(|process| process.heaps).unwrap_or_default();
    let heaps = StoredSeries::new(heaps);
    let mut answer = find(&heaps, arguments, own, arguments.output.limit())
        .map_err(|error| Failure::leaks(error, &[], BECAME_ANOTHER))?;
    answer.notes.extend(notes.into_iter().map(Note::Text));
    console.set_status("");
    print(&answer, &heaps, arguments)
}

/// The advice if the heaps of a process are of different programs.
const BECAME_ANOTHER: &str = "the process started another program during the series; run the command again";

/// Returns the notes on how a series ended.
///
/// # Errors
/// If there are too few snapshots for an answer.
fn notes(options: &WatchOptions, series: &CaptureSeries) -> Result<Vec<String>, Failure> {
    let (pid, rounds) = (options.pid, series.rounds);
    let after = format!("after {rounds} of {} snapshots", options.count);
    let mut notes = series.notes.clone();
    match &series.end {
        SeriesEnd::Complete => {}
        SeriesEnd::Interrupted if rounds < MIN_ROUNDS => {
            return Err(Failure {
                message: format!("interrupted {after}: an answer needs at least {MIN_ROUNDS}"),
                hint: Some("use a shorter --interval to get an answer earlier".to_owned()),
                status: exit::INTERRUPTED,
            });
        }
        SeriesEnd::Interrupted => notes.push(format!("interrupted {after}: this is the answer so far")),
        SeriesEnd::Gone if rounds < 2 => {
            return Err(Failure::new(
                format!("process {pid} ended {after}: there is nothing to compare"),
                "use a shorter --interval, or `mem_top run` for a program that ends by itself",
            ));
        }
        SeriesEnd::Gone => notes.push(format!("the process ended {after}: this is the answer up to then")),
        SeriesEnd::Failed(failure) if rounds < 2 => {
            return Err(Failure {
                message: failure.message.clone(),
                hint: failure.hint.clone(),
                status: failure.status,
            });
        }
        SeriesEnd::Failed(failure) => notes.push(format!("captures failed {after}: {}", failure.message)),
    }
    Ok(notes)
}

/// Prints the answer for a process group.
fn of_group(
    arguments: &Arguments,
    own: &OwnPatterns,
    series: CaptureSeries,
    notes: Vec<String>,
    console: &dyn Console,
) -> Result<u8, Failure> {
    let mut members = Vec::new();
    for ProcessSeries { pid, heaps } in series.processes {
        // The heaps of one process are dropped before those of the next are analysed.
        let heaps = StoredSeries::new(heaps);
        let answer =
            find(&heaps, arguments, own, None).map_err(|error| Failure::leaks(error, &[], BECAME_ANOTHER))?;
        members.push(MemberLeaks { pid, answer });
    }
    let mut answer = merge_members(members, arguments.output.limit().unwrap_or(usize::MAX));
    answer.notes.extend(notes.into_iter().map(Note::Text));
    console.set_status("");
    arguments.page.print_answer(&match arguments.output.json {
        true => json::to_text(&json::group_leaks(&answer)),
        false => text::group_leaks(&answer, &arguments.output.style()),
    })?;
    arguments.page.write(|| Ok(html::group_leaks(&answer)))?;
    Ok(status(answer.verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use memtop_remote::CaptureOptions;

    fn options() -> WatchOptions {
        let capture = CaptureOptions::default();
        WatchOptions {
            pid: 7,
            children: false,
            count: 5,
            interval: Duration::from_secs(30),
            budget: 0.01,
            capture,
        }
    }

    fn ended(end: SeriesEnd, rounds: usize) -> Result<Vec<String>, (String, u8)> {
        let series = CaptureSeries { processes: Vec::new(), rounds, end, notes: vec!["a note".to_owned()] };
        notes(&options(), &series).map_err(|failure| (failure.message, failure.status))
    }

    #[test]
    fn the_notes_say_how_a_series_ended() {
        let says = |text: &str| Ok(vec!["a note".to_owned(), text.to_owned()]);
        assert_eq!(ended(SeriesEnd::Complete, 5), Ok(vec!["a note".to_owned()]));
        assert_eq!(
            ended(SeriesEnd::Interrupted, 3),
            says("interrupted after 3 of 5 snapshots: this is the answer so far")
        );
        assert_eq!(
            ended(SeriesEnd::Gone, 2),
            says("the process ended after 2 of 5 snapshots: this is the answer up to then")
        );
        let failed = || SeriesEnd::Failed(Failure::new("it does not stop", "wait"));
        assert_eq!(ended(failed(), 2), says("captures failed after 2 of 5 snapshots: it does not stop"));
        let interrupted = "interrupted after 2 of 5 snapshots: an answer needs at least 3";
        assert_eq!(ended(SeriesEnd::Interrupted, 2), Err((interrupted.to_owned(), exit::INTERRUPTED)));
        let gone = "process 7 ended after 1 of 5 snapshots: there is nothing to compare";
        assert_eq!(ended(SeriesEnd::Gone, 1), Err((gone.to_owned(), exit::FAILURE)));
        assert_eq!(ended(failed(), 1), Err(("it does not stop".to_owned(), exit::FAILURE)));
    }
}
