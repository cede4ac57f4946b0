//! The types of `ctypes` (`Modules/_ctypes/ctypes.h`): its values, and its types of types.

use super::definition::{CStruct, Definition, ReadBuffers, SizeFormula};
use super::dict::tables_size;
use super::type_::static_size;
use super::view::{ObjectView, WORD};
use crate::buffer::{BufferSink, Claim};

/// `CDataObject`: `b_ptr` and `b_value` do not lead to objects (`PyCData_traverse` in `_ctypes.c`).
pub(super) const C_DATA: Definition = Definition {
    c_struct: |_| Some(CStruct::Without(&[DATA, 72, 80])),
    buffers: ReadBuffers::outside(buffers),
    ..Definition::standard("_ctypes", &["_ctypes._CData"])
};

/// `b_ptr`.
const DATA: u64 = 16;

/// `b_ptr` of `b_size` bytes, where `b_needsfree` says that it is the object's own. A small value is within
/// the object itself.
fn buffers(value: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const IS_OWNED: u64 = 24;
    const SIZE: u64 = 40;
    let data = value.word(DATA);
    let is_within = data >= value.at && data < value.at + value.basic_size;
    if !is_within && value.half(IS_OWNED) == 1 {
        sink.add(Claim::Owned, data, value.word(SIZE));
    }
}

/// A type of types from 3.13.
pub(super) const C_TYPE: Definition = Definition {
    size: |minor| (minor >= 13).then_some(SizeFormula::Read(type_size)),
    ..Definition::standard("_ctypes", &["_ctypes.CType_Type"])
};

/// The namespace of a ctypes type to 3.12.
pub(super) const STG_DICT: Definition = Definition {
    size: |_| Some(SizeFormula::Read(stg_dict_size)),
    ..Definition::standard("_ctypes", &["StgDict"])
};

/// `ctype_type___sizeof___impl` in `_ctypes.c`.
fn type_size(of: &ObjectView<'_>) -> u64 {
    if !of.is_heap_type() {
        return static_size(of.minor());
    }
    // `StgInfo` lies behind the struct of a type, aligned as for any type (`PyObject_GetTypeData`).
    let info = of.at + of.basic_size_of_types().next_multiple_of(16);
    let format = if of.minor() == 13 { 136 } else { 144 };
    of.basic_and(elsewhere(of, info, format, 48))
}

/// `PyCStgDict_sizeof` in `stgdict.c`, which counts the members that it has beside a dict's twice.
fn stg_dict_size(dict: &ObjectView<'_>) -> u64 {
    const DICT: u64 = 48;
    let more = tables_size(dict)
        .saturating_add(dict.basic_size.saturating_sub(DICT))
        .saturating_add(elsewhere(dict, dict.at + DICT, 120, 40));
    dict.basic_and(more)
}

/// The parts of a type's description that lie elsewhere: its format, its dimensions, its elements. `first` is
/// where the description begins, `format` and `elements` are offsets in it.
fn elsewhere(object: &ObjectView<'_>, first: u64, format: u64, elements: u64) -> u64 {
    const MAX_COUNT: u64 = 4096;
    const MAX_DIMENSIONS: u32 = 64;
    let count = |end: &dyn Fn(u64) -> bool| (0..MAX_COUNT).take_while(|&index| !end(index)).count() as u64;
    let text = match object.pointer_at(first + format) {
        0 => 0,
        text => 1 + count(&|index| object.memory.byte(text + index).is_none_or(|byte| byte == 0)),
    };
    let dimensions = object.memory.half(first + format + 8).unwrap_or(0).min(MAX_DIMENSIONS);
    let elements = match object.pointer_at(first + elements) {
        0 => 0,
        elements => 1 + count(&|index| object.word_at(elements + index * WORD) == 0),
    };
    text + (u64::from(dimensions) + elements) * WORD
}
