//! `mem_top diff OLD NEW`: which types grew between two snapshots, or from a snapshot until now.

use clap::Args;
use memtop_analyze::{Diff, DiffOptions, memory_total};
use memtop_report::{html, json, text};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::html_page::HtmlPage;
use crate::input::{CaptureArguments, Input, input};
use crate::load;
use crate::output::Output;
use crate::progress::Progress;

const LONG: &str = "\
Shows which types have more objects or take more memory than before: between two
snapshots of a process, or between a snapshot and the process now. The largest change
comes first. Garbage that awaits the collector is not counted.

Growth between two snapshots need not be a leak. With three snapshots or more,
`mem_top leaks` finds what keeps growing, and where it is held.";

const EXAMPLES: &str = "\
Examples:
  mem_top diff 1.parquet 2.parquet
  mem_top diff 1.parquet 4711                     compare with the process now
  mem_top diff --limit 0 --json 1.parquet 2.parquet | jq '.types[] | select(.growth > 100)'
  mem_top diff --html grown.html 1.parquet 2.parquet
  mem_top diff --any-process before-the-change.parquet after-the-change.parquet";

/// Show which types grew between two snapshots
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The older snapshot
    #[arg(value_name = "OLD", value_parser = input())]
    old: Input,
    /// The newer snapshot, or the PID of the process
    #[arg(value_name = "NEW|PID", value_parser = input())]
    new: Input,
    /// Allow snapshots of different processes
    #[arg(long)]
    any_process: bool,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    page: HtmlPage,
}

/// # Errors
/// If a file cannot be read, the process cannot be captured, or the heaps are of different processes and
/// `--any-process` was not given.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>) -> Result<u8, Failure> {
    arguments.page.check()?;
    let progress = Progress::new();
    let heaps = match (&arguments.old, &arguments.new) {
        (Input::File(old), Input::File(new)) => {
            arguments.capture.refuse_for_a_file()?;
            load::heaps(&[old.clone(), new.clone()], &progress)?
        }
        (Input::Process(pid), _) => {
            let message = format!("process {pid} was given as OLD, but it is captured now");
            return Err(Failure::new(message, "give the snapshot first: `mem_top diff OLD.parquet PID`"));
        }
        // The file first: if it cannot be loaded, the process is not paused in vain.
        (old, new) => {
            let old = old.heap(&CaptureArguments::default(), context.processes, &progress)?;
            vec![old, new.heap(&arguments.capture, context.processes, &progress)?]
        }
    };
    let [old, new] = [&heaps[0], &heaps[1]];
    let names = [arguments.old.to_string(), arguments.new.to_string()];
    let options = DiffOptions { limit: None, any_process: arguments.any_process };
    let all = memtop_analyze::diff(old, new, &options)
        .map_err(|error| Failure::series(&error, &names, "to compare them anyway, add --any-process"))?;
    drop(progress);
    // The page has more rows than are printed.
    let answer = limited(&all, arguments.output.limit().unwrap_or(usize::MAX));
    arguments.page.print_answer(&match arguments.output.json {
        true => json::to_text(&json::diff(&answer, old.info(), new.info())),
        false => text::diff(&answer, old.info(), new.info(), &arguments.output.style()),
    })?;
    arguments
        .page
        .write(|| Ok(html::diff(&all, [old.info(), new.info()], &[memory_total(old), memory_total(new)])))?;
    Ok(exit::SUCCESS)
}

/// Keeps the first rows and counts the others as omitted.
fn limited(all: &Diff, limit: usize) -> Diff {
    let rows: Vec<_> = all.rows.iter().take(limit).cloned().collect();
    let omitted = all.omitted + all.rows.len() - rows.len();
    Diff { rows, omitted, old: all.old, new: all.new }
}
