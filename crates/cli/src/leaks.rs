//! `mem_top leaks FILE FILE FILE…`: what grows over a series of snapshots.

use std::path::PathBuf;

use clap::Args;
use memtop_analyze::{LeaksOptions, Thresholds, Verdict};
use memtop_heap::Heap;
use memtop_report::{json, parse_size, text};

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::{FINE, GROWTH, INCONCLUSIVE, load};

const LONG: &str = "\
Says what grows over snapshots of one process: which container, held where, by how
much, keeping what alive.

Take three snapshots or more, some minutes of ordinary work apart; four make a surer
answer. A cache that is not full yet looks like a leak: let the program warm up first.
Two snapshots give candidates; one shows only where memory is.";

const EXAMPLES: &str = "\
Examples:
  mem_top leaks 1.parquet 2.parquet 3.parquet 4.parquet
  mem_top leaks --json *.parquet | jq '.suspects[0].holder'
  mem_top leaks --min-growth 100kB *.parquet || echo look at this

Exit status: 0 no growth, 1 a leak or native growth, 2 failure, 3 inconclusive.";

/// What grows over a series of snapshots: the leak, named
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Snapshots of one process, in any order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Accuse no place that grew by less in all [default: 1 kB]; units: kB, MB, GB or KiB, MiB, GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    min_growth: Option<u64>,
    #[command(flatten)]
    pub(crate) output: Output,
}

fn size(text: &str) -> Result<u64, String> {
    parse_size(text).map_err(|error| error.to_string())
}

/// # Errors
/// If a file cannot be read, or the snapshots are of different processes.
pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let progress = Progress::new();
    let heaps = load::heaps(&arguments.files, &progress)?;
    progress.say(format!("looking at what grows over {} snapshots …", heaps.len()));
    let mut thresholds = Thresholds::default();
    thresholds.bytes = arguments.min_growth.unwrap_or(thresholds.bytes);
    let limit = arguments.output.limit().unwrap_or(usize::MAX);
    let options = LeaksOptions { limit, thresholds, ..LeaksOptions::default() };
    let answer = memtop_analyze::leaks(&heaps.iter().collect::<Vec<&Heap>>(), &options).map_err(|error| {
        Failure::series(&error, &arguments.files, "give snapshots that were taken while one process ran")
    })?;
    drop(progress);
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::leaks(&answer)),
        false => text::leaks(&answer, &arguments.output.style()),
    })?;
    Ok(match answer.verdict {
        Verdict::NoGrowth => FINE,
        Verdict::Leak | Verdict::NativeGrowth => GROWTH,
        Verdict::Inconclusive => INCONCLUSIVE,
    })
}
