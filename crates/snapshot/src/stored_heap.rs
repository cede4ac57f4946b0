//! Heaps that are kept for later, outside of memory where possible.

use std::borrow::Borrow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use memtop_heap::{CaptureInfo, Heap};

use crate::error::SnapshotError;
use crate::load::{load, load_info_and_size};
use crate::scratch_file::ScratchFile;

/// The memory that a series may take once it is loaded, for it to stay loaded: with it, finding leaks takes no more than is
/// documented for any series.
const SMALL_SERIES: u64 = 20_000_000;

/// A heap that is loaded when it is needed. The information about its capture is always available.
#[derive(Debug)]
pub struct StoredHeap {
    info: CaptureInfo,
    /// The memory that it takes once it is loaded, in bytes.
    loaded_bytes: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Scratch(ScratchFile),
    File(PathBuf),
    Memory(Arc<Heap>),
}

impl StoredHeap {
    /// Keeps a heap in a temporary file; its memory is freed unless it is shared. If no file can be written,
    /// it stays in memory, and the error is returned.
    #[must_use]
    pub fn new(heap: Arc<Heap>) -> (Self, Option<SnapshotError>) {
        Self::with(heap, ScratchFile::save)
    }

    /// Keeps a heap like [`StoredHeap::new`], in another directory.
    #[must_use]
    pub fn new_in(heap: Arc<Heap>, directory: &Path) -> (Self, Option<SnapshotError>) {
        Self::with(heap, |heap| ScratchFile::save_in(heap, directory))
    }

    fn with(
        heap: Arc<Heap>,
        save: impl FnOnce(&Heap) -> Result<ScratchFile, SnapshotError>,
    ) -> (Self, Option<SnapshotError>) {
        let (info, loaded_bytes) = (heap.info().clone(), heap.memory_bytes());
        match save(&heap) {
            Ok(file) => (Self { info, loaded_bytes, place: Place::Scratch(file) }, None),
            Err(error) => (Self { info, loaded_bytes, place: Place::Memory(heap) }, Some(error)),
        }
    }

    /// The snapshot at `path`, which must stay there.
    ///
    /// # Errors
    /// If it is not a snapshot: see [`crate::load_info`].
    pub fn of_file(path: &Path) -> Result<Self, SnapshotError> {
        let (info, loaded_bytes) = load_info_and_size(path)?;
        Ok(Self { info, loaded_bytes, place: Place::File(path.to_owned()) })
    }

    /// The information about its capture.
    #[must_use]
    pub fn info(&self) -> &CaptureInfo {
        &self.info
    }

    /// The memory that it takes, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        match &self.place {
            Place::Memory(heap) => heap.memory_bytes(),
            Place::Scratch(_) | Place::File(_) => 0,
        }
    }

    /// The heap, loaded again unless it is in memory.
    ///
    /// # Errors
    /// If the file can no longer be read.
    pub fn heap(&self) -> Result<Arc<Heap>, SnapshotError> {
        match &self.place {
            Place::Scratch(file) => file.load().map(Arc::new),
            Place::File(path) => load(path).map(|loaded| Arc::new(loaded.heap)),
            Place::Memory(heap) => Ok(Arc::clone(heap)),
        }
    }
}

/// Heaps that are loaded when they are needed. Small ones stay loaded then.
#[derive(Debug)]
pub struct StoredHeaps<H> {
    stored: Vec<H>,
    /// Those that were loaded, if they stay.
    loaded: Option<Vec<OnceLock<Arc<Heap>>>>,
}

impl<H: Borrow<StoredHeap>> StoredHeaps<H> {
    /// A series of these heaps.
    #[must_use]
    pub fn new(stored: Vec<H>) -> Self {
        let bytes = stored.iter().fold(0_u64, |sum, one| sum.saturating_add(one.borrow().loaded_bytes));
        let loaded = (bytes <= SMALL_SERIES).then(|| stored.iter().map(|_| OnceLock::new()).collect());
        Self { stored, loaded }
    }

    /// Whether heaps stay in memory once they are loaded.
    #[must_use]
    pub fn are_kept(&self) -> bool {
        self.loaded.is_some()
    }

    /// The information about their captures.
    #[must_use]
    pub fn captures(&self) -> Vec<&CaptureInfo> {
        self.stored.iter().map(|one| one.borrow().info()).collect()
    }

    /// The heap at `index`.
    ///
    /// # Errors
    /// As [`StoredHeap::heap`].
    ///
    /// # Panics
    /// If there is none.
    pub fn heap(&self, index: usize) -> Result<Arc<Heap>, SnapshotError> {
        let kept = self.loaded.as_ref().map(|loaded| &loaded[index]);
        if let Some(heap) = kept.and_then(OnceLock::get) {
            return Ok(Arc::clone(heap));
        }
        let heap = self.stored[index].borrow().heap()?;
        if let Some(place) = kept {
            // Another thread may have loaded the same.
            _ = place.set(Arc::clone(&heap));
        }
        Ok(heap)
    }
}
