//! `mem_top dump PID -o FILE`: a process's heap as a snapshot, to be asked later and elsewhere.

use std::path::{Path, PathBuf};

use clap::Args;
use memtop_analyze::Retained;
use memtop_heap::{Heap, ObjectId};
use memtop_remote::Purpose;
use memtop_report::{Dumped, json, text};
use memtop_snapshot::SaveOptions;

use crate::FINE;
use crate::failure::Failure;
use crate::output::Output;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::subject::{Capturing, Subject, is_core, subject};
use crate::written;

const LONG: &str = "\
Saves the heap of a running process as a snapshot: one file, which `mem_top report`,
`leaks`, `diff` and `why` read, as do DuckDB, pandas and other tools for Parquet.

No contents of objects are in it, and of keys only names, unless --with-keys is given.
The file is for its owner alone (mode 0600), and appears when it is complete; one that
stands there is replaced as a whole, and that is said.";

const EXAMPLES: &str = "\
Examples:
  mem_top dump 4711 -o 1.parquet
  mem_top dump 4711 -o 2.parquet --retained       with what each object retains
  mem_top leaks 1.parquet 2.parquet 3.parquet";

/// Save a process's heap as a snapshot
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The process; or a core file
    #[arg(value_name = "PID|CORE", value_parser = subject())]
    subject: Subject,
    /// The file
    #[arg(short, long, value_name = "FILE")]
    output_file: PathBuf,
    /// Find out what each object retains, and save that too
    #[arg(long)]
    retained: bool,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If the process cannot be captured, or the file not be written.
pub(crate) fn run(arguments: &Arguments, processes: &dyn Processes) -> Result<u8, Failure> {
    if let Subject::File(path) = &arguments.subject
        && !is_core(path)
    {
        return Err(Failure::new(
            format!("{} is no process", arguments.subject),
            "dump takes the number of a process, which `mem_top ps` lists, or a core file",
        ));
    }
    let path = &arguments.output_file;
    // Known before the process is stopped for nothing.
    let replaced = written::check(path)?;
    let progress = Progress::new();
    let purpose = if arguments.retained { Purpose::Answers } else { Purpose::Heap };
    let heap = arguments.subject.heap_for(purpose, &arguments.capturing, processes, &progress)?;
    progress.say("saving …");
    let bytes = save(&heap, path, arguments.retained, arguments.capturing.with_keys)?;
    drop(progress);
    let answer = Dumped {
        info: heap.info().clone(),
        file: path.display().to_string(),
        bytes,
        objects: heap.objects().len() as u64,
        replaced,
    };
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::dumped(&answer)),
        false => text::dumped(&answer, &arguments.output.style()),
    })?;
    Ok(FINE)
}

/// Saves a heap; gives the size of the file in bytes.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn save(heap: &Heap, path: &Path, retained: bool, with_keys: bool) -> Result<u64, Failure> {
    let sizes = retained.then(|| Retained::new(heap));
    let of = sizes.as_ref().map(|sizes| |id: ObjectId| sizes.of(id));
    let of = of.as_ref().map(|of| of as &dyn Fn(ObjectId) -> Option<u64>);
    Ok(memtop_snapshot::save(heap, of, path, &SaveOptions { with_keys })?.bytes)
}
