//! A heap that is kept for later, outside of memory where possible.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memtop_heap::{CaptureInfo, Heap};

use crate::error::SnapshotError;
use crate::load::{load, load_info};
use crate::scratch_file::ScratchFile;

/// A heap that is loaded when it is needed. The information about its capture is always available.
#[derive(Debug)]
pub struct StoredHeap {
    info: CaptureInfo,
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
        let info = heap.info().clone();
        match save(&heap) {
            Ok(file) => (Self { info, place: Place::Scratch(file) }, None),
            Err(error) => (Self { info, place: Place::Memory(heap) }, Some(error)),
        }
    }

    /// The snapshot at `path`, which must stay there.
    ///
    /// # Errors
    /// If it is not a snapshot: see [`crate::load_info`].
    pub fn of_file(path: &Path) -> Result<Self, SnapshotError> {
        Ok(Self { info: load_info(path)?, place: Place::File(path.to_owned()) })
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
