//! `bytearray` (`PyByteArrayObject` in `Include/cpython/bytearrayobject.h`).

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, ReadBuffers, SizeFormula};
use super::view::ObjectView;
use crate::buffer::{BufferSink, Claim};
use crate::kind::ObjectKind;

pub(super) const BYTEARRAY: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Read(size)),
    buffers: ReadBuffers::in_size(buffers),
    ..Definition::interpreter(&["bytearray"])
};

/// `bytearray_sizeof_impl` in `bytearrayobject.c`: from 3.15 the buffer is a bytes object.
fn size(object: &ObjectView<'_>) -> u64 {
    const BYTES_HEAD: u64 = 33;
    match object.word(ALLOCATED) {
        0 => object.basic_size,
        allocated if object.minor() >= 15 => object.basic_and(allocated.saturating_add(BYTES_HEAD)),
        allocated => object.basic_and(allocated),
    }
}

const ALLOCATED: u64 = 24;

/// `ob_bytes`, the start of the buffer.
fn buffers(array: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const BYTES: u64 = 32;
    sink.add(Claim::InSize, array.word(BYTES), array.word(ALLOCATED));
}
