//! Heaps from files.

use std::path::{Path, PathBuf};

use memtop_analyze::{HeapHandle, HeapSeries};
use memtop_heap::{CaptureInfo, Heap};
use memtop_snapshot::StoredHeap;

use crate::failure::Failure;
use crate::progress::Progress;

/// The heap in a file.
///
/// # Errors
/// If it cannot be read, with the reason and a hint.
pub(crate) fn heap(path: &Path) -> Result<Heap, Failure> {
    Ok(memtop_snapshot::load(path)?.heap)
}

/// The heaps in two files, in the order given.
///
/// # Errors
/// As [`stored`], or if one cannot be read.
pub(crate) fn heaps(paths: &[PathBuf], progress: &Progress) -> Result<Vec<Heap>, Failure> {
    check_each_once(paths)?;
    let load = |(index, path): (usize, &PathBuf)| {
        progress.say(format!("loading {} of {} …", index + 1, paths.len()));
        heap(path)
    };
    paths.iter().enumerate().map(load).collect()
}

/// The heaps in several files, in the order given, each to be loaded when it is needed.
///
/// # Errors
/// If one is not a snapshot, or is given twice: it would count as a time without growth.
pub(crate) fn stored(paths: &[PathBuf]) -> Result<Heaps, Failure> {
    check_each_once(paths)?;
    let stored = paths.iter().map(|path| StoredHeap::of_file(path)).collect::<Result<_, _>>()?;
    Ok(Heaps(stored))
}

fn check_each_once(paths: &[PathBuf]) -> Result<(), Failure> {
    let real: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    for (place, path) in real.iter().enumerate() {
        if let Some(before) = real[..place].iter().position(|known| known == path) {
            let message = match paths[before] == paths[place] {
                true => format!("{} is given twice", paths[place].display()),
                false => format!("{} and {} are one file", paths[before].display(), paths[place].display()),
            };
            return Err(Failure::new(message, "give each snapshot once"));
        }
    }
    Ok(())
}

/// Heaps that are loaded when they are needed.
#[derive(Debug, Default)]
pub(crate) struct Heaps(pub(crate) Vec<StoredHeap>);

impl HeapSeries for Heaps {
    type Error = Failure;

    fn captures(&self) -> Vec<&CaptureInfo> {
        self.0.iter().map(StoredHeap::info).collect()
    }

    fn heap(&self, index: usize) -> Result<HeapHandle<'_>, Failure> {
        // What was let go of before makes room for it.
        memtop_remote::return_free_memory();
        Ok(HeapHandle::Owned(self.0[index].heap()?))
    }

    fn is_in_memory(&self) -> bool {
        false
    }
}
