//! `mem_top report FILE`: what is in one heap, and what holds most of it.

use std::path::PathBuf;

use clap::Args;
use memtop_report::{HeapReport, HeapReportOptions, json, text};

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::{FINE, load};

const LONG: &str = "\
Says what is in the heap of one snapshot: where memory accumulates, the types and the
objects that retain most, what resident memory is made of, and what awaits the
collector.

The retained size of an object is what would be freed if it went. What is large need
not be a leak: `mem_top leaks` tells what grows.";

const EXAMPLES: &str = "\
Examples:
  mem_top report 3.parquet
  mem_top report --limit 30 3.parquet
  mem_top report --json 3.parquet | jq '.types[0]'";

/// What is in one heap, and what holds most of it
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A snapshot
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If the file cannot be read.
pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let progress = Progress::new();
    progress.say("loading …");
    let heap = load::heap(&arguments.file)?;
    progress.say("finding out who retains what …");
    let answer = HeapReport::new(&heap, &HeapReportOptions { limit: arguments.output.limit() });
    drop(progress);
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::heap_report(&answer)),
        false => text::heap_report(&answer, &arguments.output.style()),
    })?;
    Ok(FINE)
}
