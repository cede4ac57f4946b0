//! The arrays, tables and buffers of pyarrow, which hold memory of Arrow's C++ library (`pyarrow/lib.pxd`;
//! `arrow/buffer.h`, `arrow/array/data.h`, `arrow/chunked_array.h`, `arrow/table.h`).
//!
//! Several objects may hold one buffer, or slices of it. Each reports the whole buffer; it is counted once.

use super::cpp::{Cpp, SHARED_POINTER};
use super::definition::{DefinedIn, Definition, ReadBuffers};
use super::view::{ObjectView, WORD};
use crate::buffer::{BufferSink, Claim};

const PYARROW: DefinedIn = DefinedIn::Package("pyarrow");

pub(super) const BUFFER: Definition = Definition {
    buffers: ReadBuffers::outside(|object, sink| {
        let mut cpp = Cpp { view: object, sink };
        if let Some(buffer) = held(&cpp, false) {
            self::buffer(&mut cpp, buffer, 0);
        }
    }),
    ..Definition::of(PYARROW, &["pyarrow.lib.Buffer"])
};

pub(super) const ARRAY: Definition = Definition {
    buffers: ReadBuffers::outside(|object, sink| read(object, sink, array)),
    ..Definition::of(PYARROW, &["pyarrow.lib.Array"])
};

pub(super) const CHUNKED_ARRAY: Definition = Definition {
    buffers: ReadBuffers::outside(|object, sink| read(object, sink, chunked_array)),
    ..Definition::of(PYARROW, &["pyarrow.lib.ChunkedArray"])
};

pub(super) const TABLE: Definition = Definition {
    buffers: ReadBuffers::outside(|object, sink| read(object, sink, table)),
    ..Definition::of(PYARROW, &["pyarrow.lib.Table"])
};

pub(super) const RECORD_BATCH: Definition = Definition {
    buffers: ReadBuffers::outside(|object, sink| read(object, sink, record_batch)),
    ..Definition::of(PYARROW, &["pyarrow.lib.RecordBatch"])
};

/// Arrays within arrays, and buffers within buffers, are followed to this depth.
const DEEPEST: u32 = 32;
/// The virtual functions, the schema and the number of rows of a table or a batch.
const COLUMNS: u64 = 32;

fn read(object: &ObjectView<'_>, sink: &mut BufferSink<'_>, of: fn(&mut Cpp<'_, '_, '_, '_>, u64)) {
    let mut cpp = Cpp { view: object, sink };
    if let Some(held) = held(&cpp, true) {
        of(&mut cpp, held);
    }
}

/// The C++ object that an object of Python wraps: its first shared pointer. With `is_repeated`, a plain
/// pointer to the same object follows.
fn held(cpp: &Cpp<'_, '_, '_, '_>, is_repeated: bool) -> Option<u64> {
    const HEAD: u64 = 16;
    const LAST: u64 = 64;
    let at = cpp.view.at;
    let last = cpp.view.basic_size.saturating_sub(SHARED_POINTER).min(LAST);
    (HEAD..=last).step_by(WORD as usize).find_map(|offset| {
        let held = cpp.shared(at + offset)?;
        (!is_repeated || cpp.word(at + offset + SHARED_POINTER) == held).then_some(held)
    })
}

/// `Table`: a chunked array for each column.
fn table(cpp: &mut Cpp<'_, '_, '_, '_>, table: u64) {
    if !cpp.is_virtual(table) {
        return;
    }
    for column in cpp.elements(table + COLUMNS, SHARED_POINTER) {
        if let Some(column) = cpp.shared(column) {
            chunked_array(cpp, column);
        }
    }
}

/// `SimpleRecordBatch`: the data of an array for each column.
fn record_batch(cpp: &mut Cpp<'_, '_, '_, '_>, batch: u64) {
    if !cpp.is_virtual(batch) {
        return;
    }
    for column in cpp.elements(batch + COLUMNS, SHARED_POINTER) {
        if let Some(data) = cpp.shared(column) {
            array_data(cpp, data, 0);
        }
    }
}

/// `ChunkedArray`: its chunks, and their type.
fn chunked_array(cpp: &mut Cpp<'_, '_, '_, '_>, chunked: u64) {
    const TYPE: u64 = 24;
    if cpp.shared(chunked + TYPE).is_none() {
        return;
    }
    for chunk in cpp.elements(chunked, SHARED_POINTER) {
        if let Some(chunk) = cpp.shared(chunk) {
            array(cpp, chunk);
        }
    }
}

/// `Array`: its virtual functions, and its data.
fn array(cpp: &mut Cpp<'_, '_, '_, '_>, array: u64) {
    const DATA: u64 = 8;
    if cpp.is_virtual(array)
        && let Some(data) = cpp.shared(array + DATA)
    {
        array_data(cpp, data, 0);
    }
}

/// `ArrayData`: its type, length, offset and number of nulls, then its buffers, its parts, its dictionary.
fn array_data(cpp: &mut Cpp<'_, '_, '_, '_>, data: u64, depth: u32) {
    const LENGTH: u64 = 16;
    const BUFFERS: u64 = 40;
    const PARTS: u64 = 64;
    const DICTIONARY: u64 = 88;
    let is_typed = cpp.shared(data).is_some_and(|of| cpp.is_virtual(of));
    if !is_typed || (cpp.word(data + LENGTH) as i64) < 0 || depth > DEEPEST {
        return;
    }
    for held in cpp.elements(data + BUFFERS, SHARED_POINTER) {
        if let Some(held) = cpp.shared(held) {
            buffer(cpp, held, 0);
        }
    }
    for part in cpp.elements(data + PARTS, SHARED_POINTER) {
        if let Some(part) = cpp.shared(part) {
            array_data(cpp, part, depth + 1);
        }
    }
    if let Some(dictionary) = cpp.shared(data + DICTIONARY) {
        array_data(cpp, dictionary, depth + 1);
    }
}

/// `Buffer`: its virtual functions, whether it is mutable and in the memory of the processor, its address,
/// size and capacity. A slice keeps the buffer that it is a part of, behind the kind of memory where there is
/// one.
fn buffer(cpp: &mut Cpp<'_, '_, '_, '_>, buffer: u64, depth: u32) {
    const IS_MUTABLE: u64 = 8;
    const IS_HOSTS: u64 = 9;
    const DATA: u64 = 16;
    const SIZE: u64 = 24;
    const CAPACITY: u64 = 32;
    const WHOLE: [u64; 2] = [40, 48];
    let flags = [IS_MUTABLE, IS_HOSTS].map(|offset| cpp.view.memory.byte(buffer + offset));
    let (size, capacity) = (cpp.word(buffer + SIZE), cpp.word(buffer + CAPACITY));
    if !cpp.is_virtual(buffer) || flags.iter().any(|flag| !matches!(flag, Some(0 | 1))) || size > capacity {
        return;
    }
    if let Some(whole) = WHOLE.into_iter().find_map(|offset| cpp.shared(buffer + offset))
        && cpp.is_virtual(whole)
        && depth < DEEPEST
    {
        return self::buffer(cpp, whole, depth + 1);
    }
    let data = cpp.word(buffer + DATA);
    match flags[1] {
        Some(1) => cpp.sink.add(Claim::Owned, data, capacity),
        _ => cpp.sink.set_device(data, capacity),
    }
}
