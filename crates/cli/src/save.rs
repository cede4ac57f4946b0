//! Saves heaps as snapshot files, and writes them to standard output.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use memtop_analyze::Retained;
use memtop_heap::{Heap, ObjectId};
use memtop_snapshot::SaveOptions;

use crate::failure::Failure;
use crate::output_file::is_standard;

/// Saves a heap, with retained sizes if `retained`. Returns the size of the file in bytes.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn save(heap: &Heap, path: &Path, retained: bool, with_keys: bool) -> Result<u64, Failure> {
    let sizes = retained.then(|| Retained::new(heap));
    let of = sizes.as_ref().map(|sizes| |id: ObjectId| sizes.of(id));
    let of = of.as_ref().map(|of| of as &dyn Fn(ObjectId) -> Option<u64>);
    let options = SaveOptions { with_keys };
    let saved = match is_standard(path) {
        true => memtop_snapshot::save_to(heap, of, io::stdout(), Path::new("standard output"), &options)?,
        false => memtop_snapshot::save(heap, of, path, &options)?,
    };
    Ok(saved.bytes)
}

/// Checks that standard output may have the bytes of a snapshot.
///
/// # Errors
/// If it is a terminal.
pub(crate) fn check_standard_output() -> Result<(), Failure> {
    match io::stdout().is_terminal() {
        true => Err(Failure::new(
            "a snapshot is binary and cannot be shown in a terminal",
            "write it to a file, `-o 1.parquet`, or into a pipe",
        )),
        false => Ok(()),
    }
}

/// Saves a heap in a directory as `mem_top-PID-N.parquet`. N follows the largest number that is there, so nothing is
/// replaced, be it of this process or of an earlier one with the same PID. Returns the path and N.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn save_in(heap: &Heap, folder: &Path, with_keys: bool) -> Result<(PathBuf, u64), Failure> {
    let prefix = format!("mem_top-{}-", heap.info().process.pid);
    let number =
        |name: &str| -> Option<u64> { name.strip_prefix(&prefix)?.strip_suffix(".parquet")?.parse().ok() };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let last = entries.filter_map(|entry| number(entry.file_name().to_str()?)).max().unwrap_or(0);
    let mut numbers = last..u64::MAX;
    let names = std::iter::from_fn(|| {
        numbers.next().map(|number| folder.join(format!("{prefix}{}.parquet", number + 1)))
    });
    let (path, _) = memtop_snapshot::save_new(heap, names, &SaveOptions { with_keys })?;
    Ok((path, numbers.start))
}

#[cfg(test)]
mod tests {
    use memtop_heap::testing::graph_with_accounts;
    use memtop_heap::{CaptureInfo, ProcessIdentity};

    use super::*;

    #[test]
    fn snapshots_of_two_processes_with_the_same_pid_are_numbered_one_after_the_other() {
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
