//! `mem_top dump PID -o FILE`: saves a process's heap as a snapshot, to be analysed later or elsewhere.

use std::path::PathBuf;

use clap::Args;
use memtop_remote::Purpose;
use memtop_report::{SavedSnapshot, json, text};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::input::{CaptureArguments, Input, input, is_core};
use crate::output::{self, Output};
use crate::output_file::{self, is_standard};
use crate::progress::Progress;
use crate::save::{check_standard_output, save};

const LONG: &str = "\
Saves the heap of a running process as a snapshot. A snapshot is a Parquet file, which
`mem_top report`, `leaks`, `diff`, `why` and `export` read, and DuckDB, pandas and other
tools too.

It holds no contents of objects and, unless --with-keys is given, only those dict keys
that are identifiers. The file is readable by its owner only (mode 0600) and appears
when it is complete. An existing file is replaced, which the answer mentions.";

const EXAMPLES: &str = "\
Examples:
  mem_top dump 4711 -o 1.parquet
  mem_top dump 4711 -o 2.parquet --retained       with the retained size of each object
  mem_top leaks 1.parquet 2.parquet 3.parquet";

/// Save the heap of a process as a snapshot
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// PID of the process, or a core file
    #[arg(value_name = "PID|CORE", value_parser = input())]
    input: Input,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output_file: PathBuf,
    /// Also compute and save the retained size of each object
    #[arg(long)]
    retained: bool,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If the process cannot be captured, or the file cannot be written.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>) -> Result<u8, Failure> {
    if let Input::File(path) = &arguments.input
        && !is_core(path)
    {
        return Err(Failure::new(
            format!("{} is neither a PID nor a core file", arguments.input),
            "`mem_top ps` lists the PIDs of the Python processes",
        ));
    }
    let path = &arguments.output_file;
    let to_stdout = is_standard(path);
    let replaced = match to_stdout {
        true => check_standard_output().map(|()| false)?,
        false => output_file::check(path)?,
    };
    let progress = Progress::new();
    let purpose = if arguments.retained { Purpose::Answers } else { Purpose::Heap };
    let heap = arguments.input.heap_for(purpose, &arguments.capture, context.processes, &progress)?;
    progress.set("saving …");
    let bytes = save(&heap, path, arguments.retained, arguments.capture.with_keys)?;
    drop(progress);
    let answer = SavedSnapshot {
        info: heap.info().clone(),
        file: if to_stdout { "standard output".to_owned() } else { path.display().to_string() },
        bytes,
        objects: heap.objects().len() as u64,
        replaced,
    };
    let style = if to_stdout { arguments.output.error_style(true) } else { arguments.output.style() };
    let said = match arguments.output.json {
        true => json::to_text(&json::saved_snapshot(&answer)),
        false => text::saved_snapshot(&answer, &style),
    };
    match to_stdout {
        true => output::print_error(&said),
        false => Output::print(&said)?,
    }
    Ok(exit::SUCCESS)
}
