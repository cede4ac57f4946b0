//! `mmap.mmap` (`mmap_object` in `Modules/mmapmodule.c`).

use super::definition::{Definition, ReadBuffers};
use super::view::ObjectView;
use crate::buffer::{BufferSink, Claim};

pub(super) const MMAP: Definition =
    Definition { buffers: ReadBuffers::outside(buffers), ..Definition::standard("mmap", &["mmap.mmap"]) };

/// The mapped memory. A map that was closed has none.
fn buffers(map: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const DATA: u64 = 16;
    const SIZE: u64 = 24;
    sink.add(Claim::Mapped, map.word(DATA), map.word(SIZE));
}
