//! `mem_top dump PID -o FILE`: a process's heap as a snapshot, to be asked later and elsewhere.

use std::path::{Path, PathBuf};

use clap::Args;
use memtop_analyze::Retained;
use memtop_heap::{Heap, ObjectId};
use memtop_remote::Purpose;
use memtop_report::{SavedSnapshot, json, text};
use memtop_snapshot::SaveOptions;

use crate::FINE;
use crate::failure::Failure;
use crate::input::{Capturing, Input, is_core, subject};
use crate::output::Output;
use crate::output_file;
use crate::processes::Processes;
use crate::progress::Progress;

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
    subject: Input,
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
    if let Input::File(path) = &arguments.subject
        && !is_core(path)
    {
        return Err(Failure::new(
            format!("{} is no process", arguments.subject),
            "dump takes the number of a process, which `mem_top ps` lists, or a core file",
        ));
    }
    let path = &arguments.output_file;
    // Known before the process is stopped for nothing.
    let replaced = output_file::check(path)?;
    let progress = Progress::new();
    let purpose = if arguments.retained { Purpose::Answers } else { Purpose::Heap };
    let heap = arguments.subject.heap_for(purpose, &arguments.capturing, processes, &progress)?;
    progress.say("saving …");
    let bytes = save(&heap, path, arguments.retained, arguments.capturing.with_keys)?;
    drop(progress);
    let answer = SavedSnapshot {
        info: heap.info().clone(),
        file: path.display().to_string(),
        bytes,
        objects: heap.objects().len() as u64,
        replaced,
    };
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::saved_snapshot(&answer)),
        false => text::saved_snapshot(&answer, &arguments.output.style()),
    })?;
    Ok(FINE)
}

/// Saves a heap in a directory as `mem_top-PID-N.parquet`, N being the first number behind those that are there: nothing
/// is replaced, be it of this process or of another that had the number. Gives the path and N.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn save_in(heap: &Heap, folder: &Path, with_keys: bool) -> Result<(PathBuf, u64), Failure> {
    let before = format!("mem_top-{}-", heap.info().process.pid);
    let number =
        |name: &str| -> Option<u64> { name.strip_prefix(&before)?.strip_suffix(".parquet")?.parse().ok() };
    let there = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let last = there.filter_map(|entry| number(entry.file_name().to_str()?)).max().unwrap_or(0);
    let mut numbers = last..u64::MAX;
    let names = std::iter::from_fn(|| {
        numbers.next().map(|number| folder.join(format!("{before}{}.parquet", number + 1)))
    });
    let (path, _) = memtop_snapshot::save_new(heap, names, &SaveOptions { with_keys })?;
    Ok((path, numbers.start))
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

#[cfg(test)]
mod tests {
    use memtop_heap::testing::graph_with_accounts;
    use memtop_heap::{CaptureInfo, ProcessIdentity};

    use super::*;

    #[test]
    fn snapshots_of_two_processes_with_one_number_stand_side_by_side() {
        let folder = std::env::temp_dir().join(format!("mem_top-save-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let heap = |started| {
            let process = ProcessIdentity { pid: 1, started, ..ProcessIdentity::default() };
            let info = CaptureInfo { process, ..CaptureInfo::default() };
            graph_with_accounts("root -> a", info)
        };
        let mut numbers = Vec::new();
        for started in [7, 8, 7] {
            let saved = save_in(heap(started).heap(), &folder, false);
            numbers.push(saved.map(|(_, number)| number).map_err(|failure| failure.message));
        }
        assert_eq!(numbers, [Ok(1), Ok(2), Ok(3)]);
        // A gap is not filled: numbers are in the order of time.
        std::fs::remove_file(folder.join("mem_top-1-2.parquet")).expect("it is there");
        std::fs::write(folder.join("mem_top-12-9.parquet"), "another process's").expect("a file");
        let (path, number) =
            save_in(heap(9).heap(), &folder, false).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!((path.as_path(), number), (folder.join("mem_top-1-4.parquet").as_path(), 4));
        let started = |number: u64| {
            let file = folder.join(format!("mem_top-1-{number}.parquet"));
            memtop_snapshot::load(&file).map(|loaded| loaded.heap.info().process.started).ok()
        };
        assert_eq!([1, 2, 3, 4].map(started), [Some(7), None, Some(7), Some(9)]);
        std::fs::remove_dir_all(&folder).expect("it goes");
    }
}
