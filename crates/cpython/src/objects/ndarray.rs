//! `numpy.ndarray` (`PyArrayObject_fields` and `PyArray_Descr` in numpy's `ndarraytypes.h`), and numpy's
//! scalars.

use memtop_heap::Label;

use super::definition::{CStruct, DefinedIn, Definition, ReadBuffers, SizeFormula};
use super::view::{ObjectSink, ObjectView, WORD};
use crate::address::{MAX_ITEMS, for_each_item};
use crate::buffer::{BufferSink, Claim, SMALLEST_COUNTED};

const NUMPY: DefinedIn = DefinedIn::Package("numpy");

pub(super) const NDARRAY: Definition = Definition {
    c_struct: |_| Some(CStruct::Read { references, words_from: None }),
    size: |_| Some(SizeFormula::Read(size)),
    buffers: ReadBuffers::outside(buffers),
    ..Definition::of(NUMPY, &["numpy.ndarray"])
};

/// `data`, `nd` (an int), `dimensions`, `base`, `descr` and `flags`.
const DATA: u64 = 16;
const DIMENSIONS: u64 = 24;
const LENGTHS: u64 = 32;
const BASE: u64 = 48;
const DTYPE: u64 = 56;
const FLAGS: u64 = 64;
/// `mem_handler`, in arrays that are large enough to have it (from numpy 1.22).
const MEMORY_HANDLER: u64 = 88;
const OWNS_DATA: u32 = 4;
const MAX_DIMENSIONS: u32 = 64;
/// `PyArray_Descr.type`, a character.
const DTYPE_CHARACTER: u64 = 24;

/// The items of an array of objects, beside the members.
fn references(array: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    for (offset, name) in [(BASE, "base"), (DTYPE, "dtype")] {
        let to = array.word(offset);
        if to != 0 {
            sink.attribute(to, name);
        }
    }
    if array.basic_size >= MEMORY_HANDLER + WORD {
        sink.maybe_object(array.word(MEMORY_HANDLER));
    }
    let character = array.memory.byte(array.pointer(DTYPE) + DTYPE_CHARACTER);
    if owns_data(array) && character == Some(b'O') {
        let count = item_count(array).min(MAX_ITEMS);
        for_each_item(array.memory, array.pointer(DATA), count, |index, to| {
            sink.reference(to, Label::at(index));
        });
    }
}

fn owns_data(array: &ObjectView<'_>) -> bool {
    array.half(FLAGS) & OWNS_DATA != 0
}

fn dimensions(array: &ObjectView<'_>) -> u64 {
    u64::from(array.half(DIMENSIONS).min(MAX_DIMENSIONS))
}

fn item_count(array: &ObjectView<'_>) -> u64 {
    let lengths = array.pointer(LENGTHS);
    let lengths = (0..dimensions(array)).map(|index| array.word_at(lengths + index * WORD));
    lengths.fold(1, u64::saturating_mul)
}

/// `array_sizeof` in numpy's `methods.c`: the data of an array that owns them, its dimensions and strides.
fn size(array: &ObjectView<'_>) -> u64 {
    let lengths_and_strides = dimensions(array) * 2 * WORD;
    let data = match item_size(array) {
        Some(item) if owns_data(array) => item_count(array).saturating_mul(item),
        _ => 0,
    };
    array.basic_and(data.saturating_add(lengths_and_strides))
}

/// The data of an array that owns them, or that shows memory of a C library.
fn buffers(array: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let length = item_size(array).map_or(0, |item| item_count(array).saturating_mul(item));
    if length < SMALLEST_COUNTED {
        return;
    }
    if owns_data(array) {
        sink.add(Claim::InSize, array.pointer(DATA), length);
    } else if sink.is_unknown_owner(array, array.pointer(BASE)) {
        sink.add(Claim::Shown, array.pointer(DATA), length);
    }
}

/// `PyArray_Descr.elsize`: an int in numpy 1. From 2 on it is a word behind longer flags, and before the
/// alignment, where numpy 1 has a pointer or nothing.
fn item_size(array: &ObjectView<'_>) -> Option<u64> {
    const MAX_ALIGNMENT: u64 = 64;
    let dtype = array.pointer(DTYPE);
    match array.memory.word(dtype + 48)? {
        1..=MAX_ALIGNMENT => array.memory.word(dtype + 40),
        _ => array.memory.half(dtype + 32).map(u64::from),
    }
}

/// Scalars, by the size of their item: numpy adds it to the object's (`gentype_sizeof` in
/// `scalartypes.c.src`).
pub(super) const SCALARS: [Definition; 6] = [
    Definition {
        size: |_| Some(SizeFormula::Fixed(1)),
        ..Definition::of(
            NUMPY,
            &["numpy.bool", "numpy.bool_", "numpy.byte", "numpy.ubyte", "numpy.int8", "numpy.uint8"],
        )
    },
    Definition {
        size: |_| Some(SizeFormula::Fixed(2)),
        ..Definition::of(
            NUMPY,
            &["numpy.short", "numpy.ushort", "numpy.int16", "numpy.uint16", "numpy.float16"],
        )
    },
    Definition {
        size: |_| Some(SizeFormula::Fixed(4)),
        ..Definition::of(
            NUMPY,
            &["numpy.intc", "numpy.uintc", "numpy.int32", "numpy.uint32", "numpy.float32"],
        )
    },
    Definition {
        size: |_| Some(SizeFormula::Fixed(8)),
        ..Definition::of(
            NUMPY,
            &[
                "numpy.longlong",
                "numpy.ulonglong",
                "numpy.datetime64",
                "numpy.timedelta64",
                "numpy.int64",
                "numpy.uint64",
                "numpy.float64",
                "numpy.complex64",
            ],
        )
    },
    Definition {
        size: |_| Some(SizeFormula::Fixed(16)),
        ..Definition::of(NUMPY, &["numpy.longdouble", "numpy.float128", "numpy.complex128"])
    },
    Definition {
        size: |_| Some(SizeFormula::Fixed(32)),
        ..Definition::of(NUMPY, &["numpy.clongdouble", "numpy.complex256"])
    },
];
