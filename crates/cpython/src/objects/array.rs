//! `array.array` (`arrayobject` in `Modules/arraymodule.c`).

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, ReadBuffers, SizeFormula};
use super::view::ObjectView;
use crate::buffer::{BufferSink, Claim};
use crate::kind::ObjectKind;

pub(super) const ARRAY: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Read(size)),
    buffers: ReadBuffers::in_size(buffers),
    ..Definition::standard("array", &["array.array"])
};

/// `array_array___sizeof___impl`.
fn size(array: &ObjectView<'_>) -> u64 {
    array.basic_and(data_size(array))
}

/// The allocated items, each as large as `ob_descr->itemsize`.
fn data_size(array: &ObjectView<'_>) -> u64 {
    const ALLOCATED: u64 = 32;
    const DESCRIPTION: u64 = 40;
    const ITEM_SIZE: u64 = 4;
    let item = array.memory.half(array.pointer(DESCRIPTION) + ITEM_SIZE).unwrap_or(0);
    array.word(ALLOCATED).saturating_mul(u64::from(item))
}

fn buffers(array: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const ITEMS: u64 = 24;
    sink.add(Claim::InSize, array.word(ITEMS), data_size(array));
}
