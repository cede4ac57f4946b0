//! A heap in a temporary file, to free its memory until it is needed again. It is written as rows ([`rows`]), not as
//! Parquet, which takes ten times as long and more memory.
//!
//! Invariants: only its owner can read the file (mode 0600), and its name is removed as soon as it is
//! created, so that nobody else finds it and the system frees it however the process ends. The rules of every
//! snapshot apply: no contents of objects, and keys only if the capture includes them.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use memtop_heap::Heap;

use crate::error::SnapshotError;
use crate::guard::guarded;
use crate::read_at::OpenFile;
use crate::view::View;
use crate::{file, rows};

/// See the module's header.
#[derive(Debug)]
pub struct ScratchFile {
    file: OpenFile,
    /// Its directory, for errors.
    directory: PathBuf,
}

impl ScratchFile {
    /// Saves a heap to a new temporary file in the [`scratch_directory`]. Linear; takes about ten megabytes
    /// while it works, however large the heap is, unless a single list is larger.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(heap: &Heap) -> Result<Self, SnapshotError> {
        Self::save_in(heap, &scratch_directory())
    }

    /// Saves a heap like [`ScratchFile::save`], in another directory.
    ///
    /// # Errors
    /// As [`ScratchFile::save`].
    pub fn save_in(heap: &Heap, directory: &Path) -> Result<Self, SnapshotError> {
        let name = directory.join("mem_top");
        let in_place = |source| SnapshotError::Write { path: name.clone(), source };
        let file = file::create_nameless(&name).map_err(in_place)?;
        let written = rows::write(&View::new(heap, heap.info().with_keys), BufWriter::new(file));
        let written = written.map_err(|fault| fault.while_writing(&name))?;
        let file = written.into_inner().map_err(|error| in_place(error.into_error()))?;
        Ok(Self { file: OpenFile::new(file).map_err(in_place)?, directory: directory.to_owned() })
    }

    /// Reads the heap. It can be read any number of times.
    ///
    /// # Errors
    /// If the file cannot be read, or has changed.
    pub fn load(&self) -> Result<Heap, SnapshotError> {
        guarded(|| rows::read(&self.file))
            .map_err(|fault| fault.while_reading(&self.directory.join("a temporary file")))
    }
}

/// The directory of temporary files: `TMPDIR`, else `/tmp`. If `/tmp` is in memory, where a file would free
/// nothing, it is `/var/tmp` if that is on a disk.
#[must_use]
pub fn scratch_directory() -> PathBuf {
    let usual = std::env::temp_dir();
    let other = Path::new("/var/tmp");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let is_given = std::env::var_os("TMPDIR").is_some_and(|directory| !directory.is_empty());
    let use_other =
        !is_given && is_in_memory(&usual, &mounts) && other.is_dir() && !is_in_memory(other, &mounts);
    if use_other { other.to_owned() } else { usual }
}

/// True if a directory's file system keeps its files in memory, by the lines of `/proc/self/mountinfo`
/// (`proc_pid_mountinfo(5)`).
fn is_in_memory(directory: &Path, mounts: &str) -> bool {
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let of = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let at = PathBuf::from(place.split(' ').nth(4)?);
        let kind = kind.split(' ').next()?.to_owned();
        directory.starts_with(&at).then_some((at.components().count(), kind))
    };
    // If several are mounted at one place, the last one counts.
    let nearest = mounts.lines().filter_map(of).max_by_key(|(depth, _)| *depth);
    nearest.is_some_and(|(_, kind)| kind == "tmpfs" || kind == "ramfs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_is_recognised_by_the_nearest_mount() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      30 22 0:30 / /no/tmp rw shared:1 - tmpfs tmpfs rw\n\
                      31 30 8:2 / /no/tmp/disk rw - ext4 /dev/sda2 rw\n";
        let in_memory = ["/no/tmp", "/no/tmp/x", "/no/tmp/disk/x", "/no/tmpx", "/no"]
            .map(|directory| is_in_memory(Path::new(directory), mounts));
        assert_eq!(in_memory, [true, true, false, false, false]);
        assert!(!is_in_memory(Path::new("/no"), ""));
    }
}
