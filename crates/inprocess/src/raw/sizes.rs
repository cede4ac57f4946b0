//! The sizes of objects: what their `__sizeof__` answers, by a formula or by calling its C function.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;

use memtop_cpython::layout::{self, DictKeysSize, Layout, container, method_descriptor, type_object};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyInt, PyList, PySet, PyString, PyType};

use super::object::{Address, c_name, word};

/// A C method without arguments.
pub(super) type NoArguments =
    unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;

/// The `__sizeof__` methods that are answered without Python code.
#[derive(Clone, Copy)]
pub(super) enum KnownSizeof {
    /// `object.__sizeof__`: the basic size and the items.
    Object,
    /// `list.__sizeof__`.
    List,
    /// `set.__sizeof__` and `frozenset.__sizeof__`.
    Set,
    /// `dict.__sizeof__`: an upper bound by formula, the exact size by its C function.
    Dict(NoArguments),
    /// `str.__sizeof__`.
    Str(NoArguments),
    /// `int.__sizeof__`.
    Int,
    /// `Struct.__sizeof__`, whose C function crashes for one that was not initialised.
    Struct,
    /// Another method of the interpreter, answered by its C function.
    Native(NoArguments),
}

/// How the objects of one type are sized. `header` bytes precede each object.
#[derive(Clone, Copy)]
pub(super) enum Sizing {
    Fixed(u64),
    Items { base: u64, item: u64 },
    List { header: u64 },
    Set { header: u64 },
    Dict { header: u64, function: NoArguments },
    Str { header: u64, function: NoArguments },
    Int { header: u64 },
    Struct { base: u64 },
    Native { header: u64, function: NoArguments },
}

impl Sizing {
    /// How `known`, a method of the interpreter, sizes the objects of a type: `header` bytes precede each, `base` is
    /// its `tp_basicsize`, `item` its `tp_itemsize`.
    pub(super) fn of(known: KnownSizeof, header: u64, base: u64, item: u64) -> Self {
        /// The part of the object itself that `list_size` and `set_size` include.
        const LIST: u64 = 40;
        const SET: u64 = 200;
        /// The smallest object with a number of items.
        const WITH_ITEMS: u64 = 24;
        match known {
            KnownSizeof::Object if item == 0 || base < WITH_ITEMS => Self::Fixed(header + base),
            KnownSizeof::Object => Self::Items { base: header + base, item },
            KnownSizeof::List => Self::List { header: header + base.saturating_sub(LIST) },
            KnownSizeof::Set => Self::Set { header: header + base.saturating_sub(SET) },
            KnownSizeof::Dict(function) => Self::Dict { header, function },
            KnownSizeof::Str(function) => Self::Str { header, function },
            KnownSizeof::Int => Self::Int { header },
            KnownSizeof::Struct => Self::Struct { base: header + base },
            KnownSizeof::Native(function) => Self::Native { header, function },
        }
    }
}

/// The function behind a method descriptor named `__sizeof__` that takes no arguments.
pub(super) fn native_method(
    descriptor: &Bound<'_, PyAny>,
    method_descriptor: Address,
) -> Option<NoArguments> {
    if descriptor.get_type().as_ptr() as Address != method_descriptor {
        return None;
    }
    // SAFETY: a live method_descriptor; its definition lives as long as the type.
    unsafe {
        let definition = word(descriptor.as_ptr() as Address, method_descriptor::METHOD);
        let name = CStr::from_ptr(word(definition, method_descriptor::ML_NAME) as *const _);
        let flags = ((definition + method_descriptor::ML_FLAGS) as *const c_int).read();
        if name != c"__sizeof__" || flags != ffi::METH_NOARGS {
            return None;
        }
        let function = NonNull::new(word(definition, method_descriptor::ML_METH) as *mut c_void)?;
        Some(std::mem::transmute::<NonNull<c_void>, NoArguments>(function))
    }
}

/// Whether a method descriptor belongs to a type with one of these `tp_name`s.
pub(super) fn belongs_to(descriptor: &Bound<'_, PyAny>, names: &[&str]) -> bool {
    // SAFETY: `native_method` has checked that it is a method_descriptor, which holds its type.
    let owner = unsafe {
        let owner = word(descriptor.as_ptr() as Address, method_descriptor::OWNER) as *mut ffi::PyObject;
        Bound::from_borrowed_ptr(descriptor.py(), owner).cast_into_unchecked::<PyType>()
    };
    names.contains(&c_name(&owner).as_str())
}

/// The answer of a native `__sizeof__`; `None` if it raised (the error is cleared).
///
/// # Safety
/// `function` must belong to that object's type or a base, the GIL held.
pub(super) unsafe fn call_size(function: NoArguments, object: Address) -> Option<u64> {
    // SAFETY: the caller's promise; the int that comes back is ours.
    unsafe {
        let size = function(object as *mut ffi::PyObject, std::ptr::null_mut());
        if size.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        let number = ffi::PyLong_AsSsize_t(size);
        ffi::Py_DecRef(size);
        if number < 0 {
            ffi::PyErr_Clear();
        }
        u64::try_from(number).ok()
    }
}

/// The size of an object by the formula for its `__sizeof__`, and whether that is exact or an upper bound.
/// `None` if the method is not for objects like this one.
pub(super) fn native_formula(
    known: KnownSizeof,
    keys: DictKeysSize,
    layout: &Layout,
    object: &Bound<'_, PyAny>,
) -> Option<(u64, bool)> {
    let address = object.as_ptr() as Address;
    // SAFETY: a live object of the type that the guard of each arm has checked.
    unsafe {
        match known {
            KnownSizeof::List if object.is_instance_of::<PyList>() => Some((list_size(address), true)),
            KnownSizeof::Set
                if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() =>
            {
                Some((set_size(address), true))
            }
            KnownSizeof::Dict(_) if object.is_instance_of::<PyDict>() => {
                Some((dict_size_bound(address, keys), false))
            }
            KnownSizeof::Str(_) if object.is_instance_of::<PyString>() => {
                str_size(address, layout).map(|size| (size, true))
            }
            KnownSizeof::Int if object.is_instance_of::<PyInt>() => Some((int_size(address, layout), true)),
            _ => None,
        }
    }
}

/// The answer of `dict.__sizeof__` for a dict that has its own keys; `None` for others.
///
/// # Safety
/// A live dict.
#[inline]
pub(super) unsafe fn dict_size(dict: Address) -> Option<u64> {
    // SAFETY: the caller's promise; the offsets were probed.
    unsafe {
        if word(dict, container::DICT_VALUES) != 0 {
            return None;
        }
        let basic = word(word(dict, layout::object::TYPE), type_object::BASIC_SIZE) as u64;
        let keys = word(dict, container::DICT_KEYS);
        let byte = |offset: usize| u64::from(((keys + offset) as *const u8).read());
        // The table that all empty dicts share is not part of the dict.
        if word(keys, 0) != 1 {
            return Some(basic);
        }
        let entry = if byte(10) == 0 { 24 } else { 16 };
        let usable = (1_u64 << (byte(8) & 63)) * 2 / 3;
        Some(basic + 32 + (1 << (byte(9) & 63)) + entry * usable)
    }
}

/// The answer of `dict.__sizeof__`, by the formula.
pub(super) fn dict_formula(dict: &Bound<'_, PyDict>) -> Option<u64> {
    // SAFETY: a live dict.
    unsafe { dict_size(dict.as_ptr() as Address) }
}

/// The answer of `str.__sizeof__`; `None` for a str whose text is stored separately.
///
/// # Safety
/// A live str.
#[inline]
pub(super) unsafe fn str_size(string: Address, layout: &Layout) -> Option<u64> {
    // SAFETY: the caller's promise; the offsets were probed.
    unsafe {
        let state = ((string + 32) as *const u32).read();
        let length = word(string, 16) as u64;
        match (state >> 5 & 1, state >> 6 & 1) {
            (1, 1) => Some(layout.ascii_text + length + 1),
            (1, 0) => {
                let ascii = layout.ascii_text as usize;
                let (encoded, text) = (word(string, ascii), word(string, ascii + 8));
                let encoded = if text == 0 { 0 } else { encoded as u64 + 1 };
                Some(layout.compact_text + (length + 1) * u64::from(state >> 2 & 7) + encoded)
            }
            _ => None,
        }
    }
}

/// The answer of `int.__sizeof__`.
///
/// # Safety
/// A live int.
#[inline]
pub(super) unsafe fn int_size(int: Address, layout: &Layout) -> u64 {
    // SAFETY: the caller's promise; the offsets were probed.
    let size = unsafe { word(int, layout::object::SIZE) };
    if layout.minor >= 12 {
        24 + 4 * (size as u64 >> 3).max(1)
    } else {
        24 + 4 * (size as isize).unsigned_abs() as u64
    }
}

/// The bytes that `Struct.__sizeof__` adds to the object itself (`s_sizeof` in `_struct.c`): a code of 32 bytes for
/// each item, and a terminating one. A Struct that was not initialised has no codes.
///
/// # Safety
/// A live `struct.Struct`.
pub(super) unsafe fn struct_codes(object: Address) -> u64 {
    const CODES: usize = 32;
    const CODE: usize = 32;
    // SAFETY: the caller's promise; the codes end with one that has no definition.
    unsafe {
        let codes = word(object, CODES);
        let count = match codes {
            0 => 0,
            _ => (0..).take_while(|index| word(codes, index * CODE) != 0).count(),
        };
        (CODE * (count + 1)) as u64
    }
}

/// The answer of `list.__sizeof__`.
///
/// # Safety
/// A live list.
#[inline]
pub(super) unsafe fn list_size(list: Address) -> u64 {
    // SAFETY: the caller's promise; the offset was probed.
    // While a list is being sorted this is -1, and `list.__sizeof__` answers eight bytes less.
    let allocated = unsafe { word(list, container::LIST_ALLOCATED) } as i64;
    40_i64.saturating_add(allocated.saturating_mul(8)).max(0) as u64
}

/// The answer of `set.__sizeof__`.
///
/// # Safety
/// A live set or frozenset.
#[inline]
pub(super) unsafe fn set_size(set: Address) -> u64 {
    // SAFETY: the caller's promise; the offset was probed.
    let entries = unsafe { word(set, container::SET_MASK) } + 1;
    200 + if entries > container::SET_INLINE_ENTRIES { entries * container::SET_ENTRY } else { 0 } as u64
}

/// An upper bound of the answer of a dict's `__sizeof__`: a slot takes at most an index of 8 bytes, an entry of 24 and,
/// where the keys are shared, a value of 8.
///
/// # Safety
/// A live dict.
#[inline]
pub(super) unsafe fn dict_size_bound(dict: Address, keys: DictKeysSize) -> u64 {
    // SAFETY: the caller's promise; a dict always has a key table.
    let slots = unsafe {
        let table = word(dict, container::DICT_KEYS);
        match keys {
            DictKeysSize::Word(offset) => word(table, offset) as u64,
            DictKeysSize::Log2(offset) => 1 << (((table + offset) as *const u8).read() & 63),
        }
    };
    slots.saturating_mul(40).saturating_add(256)
}
