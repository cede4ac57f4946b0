//! The files of `io`: texts and bytes in memory, and buffered files (`Modules/_io/`).

use super::definition::{CStruct, Definition, ReadBuffers, SizeFormula};
use super::view::ObjectView;
use crate::buffer::{BufferSink, Claim};
use crate::kind::ObjectKind;
use crate::layout::object;

/// `stringio` in `stringio.c`. From 3.14 what writes its text is a struct of its own.
pub(super) const STRING_IO: Definition =
    Definition { kind: ObjectKind::TextBuffer, ..Definition::standard("_io", &["_io.StringIO"]) };

/// `bytesio` in `bytesio.c`, whose traverse visits the buffer from 3.12 on.
pub(super) const BYTES_IO: Definition = Definition {
    kind: ObjectKind::Internal,
    c_struct: |minor| (minor < 12).then_some(CStruct::Without(&[BUFFER])),
    size: |_| Some(SizeFormula::Read(bytes_io_size)),
    buffers: ReadBuffers::in_size(bytes_io_buffers),
    ..Definition::standard("_io", &["_io.BytesIO"])
};

const BUFFER: u64 = 16;

/// `bytesio_sizeof`: the buffer, a bytes object, if nothing else holds it.
fn bytes_io_size(file: &ObjectView<'_>) -> u64 {
    const BYTES_HEAD: u64 = 33;
    match file.pointer(BUFFER) {
        0 => file.basic_size,
        buffer if file.counted(buffer) > 1 => file.basic_size,
        buffer => {
            let length = file.word_at(buffer + object::SIZE as u64);
            file.basic_and(BYTES_HEAD.saturating_add(length))
        }
    }
}

/// The contents of that bytes object, which is an object of its own from 3.12 on.
fn bytes_io_buffers(file: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const BYTES_FIRST: u64 = 32;
    let buffer = file.pointer(BUFFER);
    if buffer != 0 && file.counted(buffer) == 1 {
        let length = file.word_at(buffer + object::SIZE as u64);
        sink.add(Claim::InSize, buffer + BYTES_FIRST, length);
    }
}

/// `buffered` in `bufferedio.c`.
pub(super) const BUFFERED: Definition = Definition {
    size: |_| Some(SizeFormula::Read(buffered_size)),
    ..Definition::standard("_io", &["_io.BufferedReader", "_io.BufferedWriter", "_io.BufferedRandom"])
};

/// `buffered_sizeof`.
fn buffered_size(file: &ObjectView<'_>) -> u64 {
    const BUFFER: u64 = 56;
    const BUFFER_SIZE: u64 = 120;
    match file.word(BUFFER) {
        0 => file.basic_size,
        _ => file.basic_and(file.word(BUFFER_SIZE)),
    }
}
