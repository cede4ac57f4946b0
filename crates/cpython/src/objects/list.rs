//! `list` (`PyListObject` in `Include/cpython/listobject.h`).

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, ReadBuffers, SizeFormula};
use super::view::{ObjectView, WORD};
use crate::address::MAX_ITEMS;
use crate::buffer::{BufferSink, Claim};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{container, object};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::Visited;

pub(super) const LIST: Definition = Definition {
    kind: ObjectKind::List,
    shape: Shape::List,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::List),
    buffers: ReadBuffers::large_in_size(buffers),
    ..Definition::interpreter(&["list"])
};

impl<M: Memory> Decoder<'_, M> {
    #[inline]
    pub(super) fn list(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let items = self.pointer(at + container::LIST_ITEMS as u64);
        let allocated = self.word(at + container::LIST_ALLOCATED as u64).min(MAX_ITEMS);
        let count = self.word(at + object::SIZE as u64).min(allocated);
        self.items(items, count, visited, sink);
    }
}

/// `list___sizeof___impl` in `listobject.c`. While a list is being sorted, the number of allocated items is
/// -1.
#[inline]
pub(crate) fn size<M: Memory + ?Sized>(list: &ObjectView<'_, M>) -> u64 {
    match list.word(container::LIST_ALLOCATED as u64) as i64 {
        allocated @ 0.. => list.basic_and((allocated as u64).saturating_mul(WORD)),
        allocated => list.basic_size.saturating_sub(allocated.unsigned_abs().saturating_mul(WORD)),
    }
}

/// The items, the last of which were never used in a list that was appended to.
fn buffers(list: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let allocated = list.word(container::LIST_ALLOCATED as u64);
    sink.add(Claim::InSize, list.word(container::LIST_ITEMS as u64), allocated.saturating_mul(WORD));
}
