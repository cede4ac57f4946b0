//! Loads heaps from snapshot files.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memtop_analyze::{HeapHandle, HeapSeries};
use memtop_heap::{CaptureInfo, Heap};
use memtop_snapshot::{Limits, StoredHeap, StoredHeaps};

use crate::failure::Failure;
use crate::output_file::is_standard;
use crate::progress::Progress;

/// Loads the heap in a file.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn heap(path: &Path) -> Result<Heap, Failure> {
    if is_standard(path) {
        return standard_input();
    }
    Ok(memtop_snapshot::load(path)?.heap)
}

/// Loads the heap that comes in through standard input.
fn standard_input() -> Result<Heap, Failure> {
    const NAME: &str = "standard input";
    let hint = "pipe one into it: `mem_top dump PID -o - | mem_top report -`";
    if io::stdin().is_terminal() {
        return Err(Failure::new("standard input is a terminal, and not a snapshot", hint));
    }
    // A heap takes more memory than its file.
    let most = memtop_remote::free_memory().bytes / 2;
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("cannot read standard input: {error}"), hint))?;
    if bytes.len() as u64 > most {
        return Err(Failure::new(
            "standard input is too large for the memory that is free",
            "save it as a file, and read it on a machine with more memory",
        ));
    }
    Ok(memtop_snapshot::load_from(bytes, Path::new(NAME), &Limits::default())?.heap)
}

/// Loads the heaps in several files, in the order given.
///
/// # Errors
/// If a file is given twice, or cannot be read.
pub(crate) fn heaps(paths: &[PathBuf], progress: &Progress) -> Result<Vec<Heap>, Failure> {
    refuse_duplicates(paths)?;
    let load = |(index, path): (usize, &PathBuf)| {
        progress.set(format!("loading {} of {} …", index + 1, paths.len()));
        heap(path)
    };
    paths.iter().enumerate().map(load).collect()
}

/// Opens several files, in the order given; each heap is loaded when it is needed.
///
/// # Errors
/// If a file is not a snapshot, or is given twice: it would count as an interval without growth.
pub(crate) fn stored(paths: &[PathBuf]) -> Result<StoredSeries, Failure> {
    refuse_duplicates(paths)?;
    let open = |path: &PathBuf| -> Result<StoredHeap, Failure> {
        match is_standard(path) {
            true => Ok(StoredHeap::new(Arc::new(standard_input()?)).0),
            false => Ok(StoredHeap::of_file(path)?),
        }
    };
    let stored = paths.iter().map(open).collect::<Result<_, _>>()?;
    Ok(StoredSeries::new(stored))
}

fn refuse_duplicates(paths: &[PathBuf]) -> Result<(), Failure> {
    let real: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    for (index, path) in real.iter().enumerate() {
        if let Some(first) = real[..index].iter().position(|known| known == path) {
            let message = match paths[first] == paths[index] {
                true => format!("{} is given twice", paths[index].display()),
                false => {
                    format!("{} and {} are the same file", paths[first].display(), paths[index].display())
                }
            };
            return Err(Failure::new(message, "give each snapshot once"));
        }
    }
    Ok(())
}

/// Stored heaps as a series.
#[derive(Debug)]
pub(crate) struct StoredSeries(StoredHeaps<StoredHeap>);

impl StoredSeries {
    /// A series of these heaps, oldest first.
    pub(crate) fn new(heaps: Vec<StoredHeap>) -> Self {
        Self(StoredHeaps::new(heaps))
    }
}

impl HeapSeries for StoredSeries {
    type Error = Failure;

    fn captures(&self) -> Vec<&CaptureInfo> {
        self.0.captures()
    }

    fn heap(&self, index: usize) -> Result<HeapHandle<'_>, Failure> {
        if !self.0.are_kept() {
            // Returns what the heap before it took, to make room for this one.
            memtop_remote::return_free_memory();
        }
        Ok(HeapHandle::Owned(self.0.heap(index)?))
    }

    fn is_in_memory(&self) -> bool {
        self.0.are_kept()
    }
}
