//! The heaps of a series, handed out one at a time, so that they need not all be in memory at once.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use memtop_heap::{CaptureInfo, Heap};

/// A heap that a [`HeapSeries`] hands out. An owned one is freed with its last copy.
#[derive(Debug, Clone)]
pub enum HeapHandle<'a> {
    /// A heap that stays in memory.
    Borrowed(&'a Heap),
    /// A heap that was loaded for the caller.
    Owned(Arc<Heap>),
}

impl Deref for HeapHandle<'_> {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        match self {
            Self::Borrowed(heap) => heap,
            Self::Owned(heap) => heap,
        }
    }
}

/// Heaps of one process, by index. An index always gives the same heap.
pub trait HeapSeries: Sync {
    /// The error if a heap cannot be loaded.
    type Error;

    /// The captures by index, which need no heap.
    fn captures(&self) -> Vec<&CaptureInfo>;

    /// The heap at `index`, which is below the number of captures.
    ///
    /// # Errors
    /// If it cannot be loaded.
    fn heap(&self, index: usize) -> Result<HeapHandle<'_>, Self::Error>;

    /// Whether all heaps are in memory anyway. If not, at most two are asked for at once, and each is asked for
    /// several times.
    fn is_in_memory(&self) -> bool;
}

impl HeapSeries for [&Heap] {
    type Error = Infallible;

    fn captures(&self) -> Vec<&CaptureInfo> {
        self.iter().map(|heap| heap.info()).collect()
    }

    fn heap(&self, index: usize) -> Result<HeapHandle<'_>, Infallible> {
        Ok(HeapHandle::Borrowed(self[index]))
    }

    fn is_in_memory(&self) -> bool {
        true
    }
}
