//! `mem_top diff OLD NEW`: which types became more or larger between two snapshots, or from one until now.

use clap::Args;
use memtop_analyze::{Diff, DiffOptions, memory_total};
use memtop_report::{html, json, text};

use crate::failure::Failure;
use crate::input::{Capturing, Input, subject};
use crate::output::Output;
use crate::page::PageArguments;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::{FINE, load};

const LONG: &str = "\
Says which types became more or larger between two snapshots of one process, or from a
snapshot until now, the largest change first. Garbage that awaits the collector does
not count.

What grew between two snapshots need not be a leak: `mem_top leaks` with three or more
tells what keeps growing, and where it is held.";

const EXAMPLES: &str = "\
Examples:
  mem_top diff 1.parquet 2.parquet
  mem_top diff 1.parquet 4711                     what changed until now
  mem_top diff --limit 0 --json 1.parquet 2.parquet | jq '.types[] | select(.growth > 100)'
  mem_top diff --html grown.html 1.parquet 2.parquet
  mem_top diff --any-process before-the-change.parquet after-the-change.parquet";

/// Which types became more or larger between two snapshots
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The older snapshot
    #[arg(value_name = "OLD", value_parser = subject())]
    old: Input,
    /// The newer snapshot, or the process
    #[arg(value_name = "NEW|PID", value_parser = subject())]
    new: Input,
    /// Compare snapshots of different processes too
    #[arg(long)]
    any_process: bool,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    page: PageArguments,
}

/// # Errors
/// If a file cannot be read or the process not be captured, or they are of different processes and that was not asked for.
pub(crate) fn run(arguments: &Arguments, processes: &dyn Processes) -> Result<u8, Failure> {
    arguments.page.check()?;
    let progress = Progress::new();
    let heaps = match (&arguments.old, &arguments.new) {
        (Input::File(old), Input::File(new)) => {
            arguments.capturing.only_for_a_process()?;
            load::heaps(&[old.clone(), new.clone()], &progress)?
        }
        (Input::Process(pid), _) => {
            let message = format!("process {pid} was given as the older of two, and it is captured only now");
            return Err(Failure::new(message, "give a snapshot first: `mem_top diff OLD.parquet PID`"));
        }
        // The process last, for the snapshot may be none.
        (old, new) => {
            let old = old.heap(&Capturing::default(), processes, &progress)?;
            vec![old, new.heap(&arguments.capturing, processes, &progress)?]
        }
    };
    let [old, new] = [&heaps[0], &heaps[1]];
    let names = [arguments.old.to_string(), arguments.new.to_string()];
    let options = DiffOptions { limit: None, any_process: arguments.any_process };
    let all = memtop_analyze::diff(old, new, &options).map_err(|error| {
        Failure::series(&error, &names, "to compare them all the same, add --any-process")
    })?;
    drop(progress);
    // The page has more rows than are printed.
    let answer = limited(&all, arguments.output.limit().unwrap_or(usize::MAX));
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::diff(&answer, old.info(), new.info())),
        false => text::diff(&answer, old.info(), new.info(), &arguments.output.style()),
    })?;
    arguments
        .page
        .write(|| Ok(html::diff(&all, [old.info(), new.info()], &[memory_total(old), memory_total(new)])))?;
    Ok(FINE)
}

/// The first rows; the others are counted.
fn limited(all: &Diff, limit: usize) -> Diff {
    let rows: Vec<_> = all.rows.iter().take(limit).cloned().collect();
    let omitted = all.omitted + all.rows.len() - rows.len();
    Diff { rows, omitted, old: all.old, new: all.new }
}
