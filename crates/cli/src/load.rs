//! Loads heaps from snapshot files.

use std::path::{Path, PathBuf};

use memtop_analyze::{HeapHandle, HeapSeries};
use memtop_heap::{CaptureInfo, Heap};
use memtop_snapshot::{StoredHeap, StoredHeaps};

use crate::failure::Failure;
use crate::progress::Progress;

/// Loads the heap in a file.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn heap(path: &Path) -> Result<Heap, Failure> {
    Ok(memtop_snapshot::load(path)?.heap)
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
    let stored = paths.iter().map(|path| StoredHeap::of_file(path)).collect::<Result<_, _>>()?;
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
