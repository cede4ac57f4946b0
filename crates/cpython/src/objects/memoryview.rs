//! `memoryview`, the buffer that it shows, and its iterator (`Include/memoryobject.h`).

use super::definition::{CStruct, Definition, ReadBuffers};
use super::view::ObjectView;
use crate::buffer::{BufferSink, Claim, SMALLEST_COUNTED};
use crate::kind::ObjectKind;

/// `PyMemoryViewObject.mbuf`.
pub(super) const MEMORYVIEW: Definition =
    Definition { c_struct: |_| Some(CStruct::Only(&[24])), ..Definition::interpreter(&["memoryview"]) };

/// `_PyManagedBufferObject.master.obj`.
pub(super) const MANAGED_BUFFER: Definition = Definition {
    c_struct: |_| Some(CStruct::Only(&[OWNER])),
    buffers: ReadBuffers::outside(buffers),
    ..Definition::interpreter(&["managedbuffer"])
};

const OWNER: u64 = 40;

/// `master.buf` of `master.len` bytes, if its owner is an object of a C library.
fn buffers(buffer: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const DATA: u64 = 32;
    const LENGTH: u64 = 48;
    let length = buffer.word(LENGTH);
    if length >= SMALLEST_COUNTED && sink.is_unknown_owner(buffer, buffer.pointer(OWNER)) {
        sink.add(Claim::Shown, buffer.word(DATA), length);
    }
}

pub(super) const MEMORY_ITERATOR: Definition =
    Definition { kind: ObjectKind::Internal, ..Definition::interpreter(&["memory_iterator"]) };
