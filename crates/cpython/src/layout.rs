//! Byte offsets of the structures of CPython's GIL builds on 64-bit machines.
//!
//! Offsets in objects are relative to the object's address (what `id()` gives). Those that did not change from
//! 3.8 to 3.15 are constants; those that did are in a table by version, with `None` for a version that is unknown.
//! Each was printed by `offsetof` from the headers of that version, and is validated by the reader at run time.

/// `PyObject` and `PyVarObject` (`Include/object.h`).
pub mod object {
    /// `ob_type`, a pointer.
    pub const TYPE: usize = 8;
    /// `ob_size` of a `PyVarObject`, a signed word; a list's and a tuple's number of items.
    pub const SIZE: usize = 16;
}

/// `PyTypeObject` (`Include/cpython/object.h`).
pub mod type_object {
    /// `tp_name`, a C string.
    pub const NAME: usize = 24;
    /// `tp_basicsize`, a signed word.
    pub const BASIC_SIZE: usize = 32;
    /// `tp_itemsize`, a signed word.
    pub const ITEM_SIZE: usize = 40;
    /// `tp_flags`, an unsigned long.
    pub const FLAGS: usize = 168;
    /// `tp_traverse`, a function pointer.
    pub const TRAVERSE: usize = 184;
    /// `tp_base`, a pointer to a type.
    pub const BASE: usize = 256;
    /// `tp_dict`; NULL in the static types of the interpreter's own from 3.12.
    pub const DICT: usize = 264;
    /// `tp_mro`, a tuple.
    pub const MRO: usize = 344;
    /// `Py_TPFLAGS_HEAPTYPE`: made at run time, by a class statement or `PyType_FromSpec`.
    pub const HEAP_TYPE: u64 = 1 << 9;
    /// `Py_TPFLAGS_MANAGED_WEAKREF` (from 3.12) and `Py_TPFLAGS_MANAGED_DICT` (from 3.11): two more words stand
    /// before the collector's head. Earlier versions use neither bit.
    pub const PRE_HEADER: u64 = 1 << 3 | 1 << 4;
    /// The size of those two words.
    pub const PRE_HEADER_SIZE: usize = 16;
    /// `Py_TPFLAGS_HAVE_GC`.
    pub const HAVE_GC: u64 = 1 << 14;
}

/// The most attributes that an instance keeps in place, without a dict (`SHARED_KEYS_MAX_SIZE`, 3.11 on).
pub const INLINE_VALUES_MAX: usize = 30;

/// `PyMethodDescrObject` (`Include/descrobject.h`) and the `PyMethodDef` that it points to.
pub mod method_descriptor {
    /// `d_type`, the type that the method belongs to.
    pub const OWNER: usize = 16;
    /// `d_method`, a pointer to a `PyMethodDef`.
    pub const METHOD: usize = 40;
    /// `PyMethodDef.ml_name`, a C string.
    pub const ML_NAME: usize = 0;
    /// `PyMethodDef.ml_meth`, a function pointer.
    pub const ML_METH: usize = 8;
    /// `PyMethodDef.ml_flags`, an int.
    pub const ML_FLAGS: usize = 16;
}

/// The containers whose numbers of items stand in their first words.
pub mod container {
    /// `PyListObject.allocated` (`Include/cpython/listobject.h`), the capacity in items.
    pub const LIST_ALLOCATED: usize = 32;
    /// `PyListObject.ob_item`, a pointer to the items.
    pub const LIST_ITEMS: usize = 24;
    /// `PySetObject.used` (`Include/cpython/setobject.h`).
    pub const SET_USED: usize = 24;
    /// `PySetObject.mask`: the number of entries minus one.
    pub const SET_MASK: usize = 32;
    /// The size of a set's entry: a key and its hash.
    pub const SET_ENTRY: usize = 16;
    /// The entries that a set has room for within itself (`PySet_MINSIZE`).
    pub const SET_INLINE_ENTRIES: usize = 8;
    /// `PyDictObject.ma_used` (`Include/cpython/dictobject.h`).
    pub const DICT_USED: usize = 16;
    /// `PyDictObject.ma_keys`, a pointer to the key table.
    pub const DICT_KEYS: usize = 32;
}

/// The word before each object that the collector knows (`PyGC_Head`, `Include/internal/pycore_gc.h`).
pub mod gc_head {
    /// The size of the head, and its distance before the object.
    pub const SIZE: usize = 16;
    /// `_gc_next`, within the head.
    pub const NEXT: usize = 0;
    /// `_gc_prev`, within the head.
    pub const PREVIOUS: usize = 8;
    /// The two low bits of both are the collector's marks.
    pub const MASK: usize = !3;
}

/// Where the parts of the collector's state stand, in bytes from the head of its youngest generation
/// (`struct _gc_runtime_state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcState {
    /// The head of the permanent generation, where `gc.freeze()` puts objects.
    pub permanent: usize,
    /// `collecting`, an int: not 0 while the collector runs.
    pub collecting: usize,
}

/// The distance of the heads of two neighbouring generations.
pub const GENERATION: usize = 24;
/// The number of generations that `gc.get_objects()` lists: three, or a young and two old spaces.
pub const GENERATIONS: usize = 3;

impl GcState {
    /// The state's layout in this minor version of CPython 3, if it is known.
    ///
    /// 3.14.0 to 3.14.4 name the lists otherwise (`young; old[2]`), in the same bytes.
    #[must_use]
    pub const fn of(minor: u8) -> Option<Self> {
        match minor {
            8..=13 => Some(Self { permanent: 80, collecting: 176 }),
            14 => Some(Self { permanent: 72, collecting: 168 }),
            15 => Some(Self { permanent: 72, collecting: 104 }),
            _ => None,
        }
    }
}

/// How a dict's key table tells the number of its slots (`Objects/dictobject.c`, `pycore_dict.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DictKeysSize {
    /// A word, `dk_size`, at this offset in the key table (to 3.10).
    Word(usize),
    /// A byte, `dk_log2_size`, at this offset (from 3.11).
    Log2(usize),
}

impl DictKeysSize {
    /// The layout in this minor version of CPython 3, if it is known.
    #[must_use]
    pub const fn of(minor: u8) -> Option<Self> {
        match minor {
            8..=10 => Some(Self::Word(8)),
            11..=15 => Some(Self::Log2(8)),
            _ => None,
        }
    }
}
