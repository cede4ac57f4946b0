//! `mem_top diff OLD NEW`: which types became more or larger between two snapshots.

use std::path::PathBuf;

use clap::Args;
use memtop_analyze::DiffOptions;
use memtop_report::{json, text};

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::{FINE, load};

const LONG: &str = "\
Says which types became more or larger between two snapshots of one process, the
largest change first. Garbage that awaits the collector does not count.

What grew between two snapshots need not be a leak: `mem_top leaks` with three or more
tells what keeps growing, and where it is held.";

const EXAMPLES: &str = "\
Examples:
  mem_top diff 1.parquet 2.parquet
  mem_top diff --limit 0 --json 1.parquet 2.parquet | jq '.types[] | select(.growth > 100)'
  mem_top diff --any-process before-the-change.parquet after-the-change.parquet";

/// Which types became more or larger between two snapshots
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The older snapshot
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer snapshot
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Compare snapshots of different processes too
    #[arg(long)]
    any_process: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If a file cannot be read, or the snapshots are of different processes and that was not asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let progress = Progress::new();
    let paths = [arguments.old.clone(), arguments.new.clone()];
    let heaps = load::heaps(&paths, &progress)?;
    let [old, new] = [&heaps[0], &heaps[1]];
    let options = DiffOptions { limit: arguments.output.limit(), any_process: arguments.any_process };
    let answer = memtop_analyze::diff(old, new, &options).map_err(|error| {
        Failure::series(&error, &paths, "to compare them all the same, add --any-process")
    })?;
    drop(progress);
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::diff(&answer, old.info(), new.info())),
        false => text::diff(&answer, old.info(), new.info(), &arguments.output.style()),
    })?;
    Ok(FINE)
}
