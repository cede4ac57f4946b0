//! Byte offsets of the structs of CPython's GIL builds on 64-bit machines.
//!
//! Offsets in objects are relative to the object's address, which `id()` returns. Those that did not change
//! from 3.8 to 3.15 are constants; the others are in a table by version, with `None` for an unknown version.
//! Each was printed by `offsetof` from the headers of its version, and is validated at run time. Offsets that
//! only one C type needs are in its file in `objects/`. This file is long because a new version adds a column
//! to all of it: it is read and checked as one table.

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
    /// `tp_dealloc`, a function pointer.
    pub const DEALLOC: usize = 48;
    /// `tp_flags`, an unsigned long.
    pub const FLAGS: usize = 168;
    /// `tp_traverse`, a function pointer.
    pub const TRAVERSE: usize = 184;
    /// No type has a longer chain of bases. A chain in damaged memory may go around in circles.
    pub const LONGEST_CHAIN: usize = 1000;
    /// `tp_weaklistoffset`, a signed word.
    pub const WEAK_LIST_OFFSET: usize = 208;
    /// `tp_methods`, a table that types do not inherit.
    pub const METHODS: usize = 232;
    /// `tp_members`, a table that types do not inherit.
    pub const MEMBERS: usize = 240;
    /// `tp_getset`, a table that types do not inherit.
    pub const GETTERS: usize = 248;
    /// `tp_base`, a pointer to a type.
    pub const BASE: usize = 256;
    /// `tp_dict`; NULL in the static types of the interpreter's own from 3.12.
    pub const DICT: usize = 264;
    /// `tp_dictoffset`, a signed word.
    pub const DICT_OFFSET: usize = 288;
    /// `tp_bases`, a tuple.
    pub const BASES: u64 = 336;
    /// `tp_mro`, a tuple.
    pub const MRO: usize = 344;
    /// `tp_subclasses`, a dict.
    pub const SUBCLASSES: u64 = 360;
    /// `Py_TPFLAGS_HEAPTYPE`: made at run time, by a class statement or `PyType_FromSpec`.
    pub const HEAP_TYPE: u64 = 1 << 9;
    /// `Py_TPFLAGS_MANAGED_WEAKREF` (from 3.12) and `Py_TPFLAGS_MANAGED_DICT` (from 3.11): two more words
    /// precede the collector's head. Earlier versions use neither bit.
    pub const PRE_HEADER: u64 = 1 << 3 | 1 << 4;
    /// The size of those two words.
    pub const PRE_HEADER_SIZE: usize = 16;
    /// `Py_TPFLAGS_TYPE_SUBCLASS`: its objects are types.
    pub const IS_METATYPE: u64 = 1 << 31;
    /// `Py_TPFLAGS_HAVE_GC`.
    pub const HAVE_GC: u64 = 1 << 14;
}

/// The most attributes that an instance stores within itself, without a dict (`SHARED_KEYS_MAX_SIZE`, 3.11
/// on).
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

/// `PyListObject`, `PySetObject` and `PyDictObject`.
pub mod container {
    /// `PyListObject.allocated` (`Include/cpython/listobject.h`), the capacity in items.
    pub const LIST_ALLOCATED: usize = 32;
    /// `PyListObject.ob_item`, a pointer to the items.
    pub const LIST_ITEMS: usize = 24;
    /// `PySetObject.used` (`Include/cpython/setobject.h`).
    pub const SET_USED: usize = 24;
    /// `PySetObject.mask`: the number of entries minus one.
    pub const SET_MASK: usize = 32;
    /// `PySetObject.table`, a pointer to the entries.
    pub const SET_TABLE: usize = 40;
    /// The size of a set's entry: a key and its hash.
    pub const SET_ENTRY: usize = 16;
    /// The number of entries within a set itself (`PySet_MINSIZE`).
    pub const SET_INLINE_ENTRIES: usize = 8;
    /// `PyDictObject.ma_used` (`Include/cpython/dictobject.h`).
    pub const DICT_USED: usize = 16;
    /// `PyDictObject.ma_keys`, a pointer to the key table.
    pub const DICT_KEYS: usize = 32;
    /// `PyDictObject.ma_values`: the values where the key table is shared, or NULL.
    pub const DICT_VALUES: usize = 40;
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

/// The collector's state, in bytes from the head of its youngest generation
/// (`struct _gc_runtime_state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcState {
    /// The head of the permanent generation, into which `gc.freeze()` moves objects.
    pub permanent: usize,
    /// `collecting`, an int: not 0 while the collector runs.
    pub collecting: usize,
    /// `enabled`, an int, is so many bytes before the head.
    pub enabled_before: usize,
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
            8..=13 => Some(Self { permanent: 80, collecting: 176, enabled_before: 12 }),
            14 => Some(Self { permanent: 72, collecting: 168, enabled_before: 12 }),
            15 => Some(Self { permanent: 72, collecting: 104, enabled_before: 8 }),
            _ => None,
        }
    }
}

/// How a dict's key table stores the number of its slots (`Objects/dictobject.c`, `pycore_dict.h`).
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

/// The offsets that changed between 3.8 and 3.15, for one version.
///
/// `tools/offsets.py` prints these numbers from a version's headers. They were read from v3.8.18
/// (`Include/code.h`, `frameobject.h`, `genobject.h`, `cpython/object.h`, `cpython/pystate.h`,
/// `cpython/unicodeobject.h`), v3.9.18 and v3.10.13 (`cpython/code.h`, `cpython/frameobject.h`, else the
/// same), v3.11.7, v3.12.1 and v3.13.0 (`internal/pycore_frame.h`, `cpython/genobject.h`,
/// `internal/pycore_genobject.h`, else the same), v3.14.10 and v3.15.2
/// (`internal/pycore_interpframe_structs.h`, else the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The minor version.
    pub minor: u8,
    /// `PyHeapTypeObject`: `ht_name`, `ht_slots`, `ht_qualname`, `ht_cached_keys`, `ht_module`.
    pub heap_type: HeapTypeLayout,
    /// `PyCodeObject`.
    pub code: CodeLayout,
    /// `_PyInterpreterFrame`, or `PyFrameObject` to 3.10.
    pub frame: FrameLayout,
    /// `PyThreadState`.
    pub thread: ThreadLayout,
    /// The size of `PyASCIIObject`, which ASCII text follows.
    pub ascii_text: u64,
    /// The size of `PyCompactUnicodeObject`, which other text follows.
    pub compact_text: u64,
}

/// `PyHeapTypeObject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapTypeLayout {
    /// `ht_name`, a str; the others follow.
    pub name: u64,
}

impl HeapTypeLayout {
    /// `ht_slots`.
    #[must_use]
    pub const fn slots(self) -> u64 {
        self.name + 8
    }
    /// `ht_qualname`.
    #[must_use]
    pub const fn qualname(self) -> u64 {
        self.name + 16
    }
    /// `ht_cached_keys`.
    #[must_use]
    pub const fn cached_keys(self) -> u64 {
        self.name + 24
    }
    /// `ht_module`; none in 3.8.
    #[must_use]
    pub const fn module(self) -> u64 {
        self.name + 32
    }
}

/// `PyCodeObject`. To 3.10 the names of locals, cells and free variables are in tuples of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLayout {
    /// `co_consts`.
    pub consts: u64,
    /// `co_names`.
    pub names: u64,
    /// `co_filename`.
    pub filename: u64,
    /// `co_name`.
    pub name: u64,
    /// `co_qualname`; `co_name` to 3.10.
    pub qualname: u64,
    /// `co_firstlineno`, an int.
    pub first_line: u64,
    /// `co_linetable`.
    pub line_table: u64,
    /// `co_localsplusnames`; `co_varnames` to 3.10.
    pub local_names: u64,
    /// `co_nlocalsplus`, an int; `co_nlocals` to 3.10.
    pub local_count: u64,
    /// `co_stacksize`, an int.
    pub stack_size: u64,
    /// `co_cellvars` and `co_freevars`, to 3.10.
    pub cells_and_free: Option<(u64, u64)>,
    /// `co_nfreevars`, an int, from 3.11.
    pub free_count: u64,
    /// `co_code_adaptive`, the instructions; to 3.10 `co_code`, a bytes object.
    pub instructions: u64,
    /// Other members that hold an object: `co_exceptiontable` (3.11), `co_code` (3.10).
    pub other: u64,
}

/// A frame's data: in the frame object to 3.10, in an `_PyInterpreterFrame` from 3.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLayout {
    /// `f_code` or `f_executable`.
    pub code: u64,
    /// `previous`; `f_back` to 3.10.
    pub previous: u64,
    /// `f_func` or `f_funcobj`; none to 3.10.
    pub function: Option<u64>,
    /// `f_globals`.
    pub globals: u64,
    /// `f_builtins`.
    pub builtins: u64,
    /// `f_locals`.
    pub locals: u64,
    /// `prev_instr` or `instr_ptr`; `f_lasti`, an int, to 3.10.
    pub instruction: u64,
    /// `stacktop` (an int) or, from 3.14, `stackpointer`; `f_stackdepth` (an int) in 3.10; before that
    /// `f_stacktop`, a pointer that is NULL while the frame runs.
    pub stack_top: u64,
    /// `owner`, a byte; none to 3.10.
    pub owner: Option<u64>,
    /// `localsplus`.
    pub locals_plus: u64,
    /// `gi_iframe` of a generator; `gi_frame`, a frame object, to 3.10.
    pub in_generator: u64,
    /// `gi_frame_state`, a signed byte; none to 3.10.
    pub generator_state: Option<u64>,
    /// The lowest value of `gi_frame_state` of a generator whose frame is cleared.
    pub cleared: i8,
    /// `f_frame` of a frame object; none to 3.10.
    pub in_frame_object: Option<u64>,
}

impl FrameLayout {
    /// `frame_obj`, the frame object, if there is one (from 3.11).
    #[must_use]
    pub const fn frame_object(self) -> u64 {
        // `f_locals` comes before it, and in 3.11 `f_code` too.
        self.locals + if self.code == 0 { 8 } else { 16 }
    }
}

/// `FRAME_OWNED_BY_THREAD`.
pub const FRAME_OWNED_BY_THREAD: u8 = 0;
/// `FRAME_OWNED_BY_GENERATOR`.
pub const FRAME_OWNED_BY_GENERATOR: u8 = 1;
/// `FRAME_OWNED_BY_FRAME_OBJECT`; higher ones belong to the interpreter itself.
pub const FRAME_OWNED_BY_FRAME_OBJECT: u8 = 2;

/// `PyThreadState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadLayout {
    /// `dict`.
    pub dict: u64,
    /// `context`.
    pub context: u64,
    /// `thread_id`.
    pub thread_id: u64,
    /// `cframe`, `current_frame` or `frame`.
    pub frame: u64,
    /// `current_frame` in `_PyCFrame`, where `frame` leads to one.
    pub in_cframe: Option<u64>,
    /// `datastack_chunk`, the newest chunk of the stack of frames, which begins with the chunk before it and
    /// its size; none to 3.10.
    pub stack_chunk: Option<u64>,
}

/// `PyThreadState.prev` and `next`.
pub const THREAD_PREVIOUS: u64 = 0;
/// `PyThreadState.next`.
pub const THREAD_NEXT: u64 = 8;

impl Layout {
    /// The layout of this minor version of CPython 3, if it is known.
    #[must_use]
    pub const fn of(minor: u8) -> Option<Self> {
        let heap_type = HeapTypeLayout {
            name: match minor {
                8 | 10 | 11 => 848,
                9 => 840,
                12..=14 => 856,
                15 => 864,
                _ => return None,
            },
        };
        let code = match minor {
            8..=10 => CodeLayout {
                consts: 56,
                names: 64,
                filename: 104,
                name: 112,
                qualname: 112,
                first_line: 40,
                line_table: 120,
                local_names: 72,
                local_count: 28,
                stack_size: 32,
                cells_and_free: Some((88, 80)),
                free_count: 0,
                instructions: 48,
                other: 48,
            },
            _ => CodeLayout {
                consts: 24,
                names: 32,
                filename: 112,
                name: 120,
                qualname: 128,
                first_line: if minor == 11 { 72 } else { 68 },
                line_table: 136,
                local_names: 96,
                local_count: if minor == 11 { 76 } else { 72 },
                stack_size: if minor == 11 { 68 } else { 64 },
                cells_and_free: None,
                free_count: if minor == 11 { 92 } else { 88 },
                instructions: match minor {
                    11 => 184,
                    12 => 192,
                    13 => 200,
                    _ => 208,
                },
                other: 40,
            },
        };
        let frame = match minor {
            8..=10 => FrameLayout {
                code: 32,
                previous: 24,
                function: None,
                globals: 48,
                builtins: 40,
                locals: 56,
                instruction: if minor == 10 { 96 } else { 104 },
                stack_top: if minor == 10 { 80 } else { 72 },
                owner: None,
                locals_plus: if minor == 10 { 352 } else { 360 },
                in_generator: 16,
                generator_state: None,
                cleared: 0,
                in_frame_object: None,
            },
            11 => FrameLayout {
                code: 32,
                previous: 48,
                function: Some(0),
                globals: 8,
                builtins: 16,
                locals: 24,
                instruction: 56,
                stack_top: 64,
                owner: Some(69),
                locals_plus: 72,
                in_generator: 80,
                generator_state: Some(75),
                cleared: 4,
                in_frame_object: Some(24),
            },
            _ => FrameLayout {
                code: 0,
                previous: 8,
                function: Some(16),
                globals: 24,
                builtins: 32,
                locals: 40,
                instruction: 56,
                stack_top: 64,
                owner: Some(if minor < 14 { 70 } else { 74 }),
                locals_plus: if minor < 14 { 72 } else { 80 },
                in_generator: 72,
                generator_state: Some(67),
                cleared: if minor < 15 { 4 } else { 5 },
                in_frame_object: Some(24),
            },
        };
        let (dict, context, thread_id) = match minor {
            8..=10 => (152, 240, 176),
            11 => (128, 224, 152),
            12 => (112, 208, 136),
            13 | 14 => (128, 208, 152),
            _ => (152, 232, 176),
        };
        let (at, in_cframe) = match minor {
            8..=10 => (24, None),
            11 => (56, Some(8)),
            12 => (56, Some(0)),
            _ => (72, None),
        };
        let stack_chunk = match minor {
            8..=10 => None,
            11 => Some(296),
            12..=14 => Some(232),
            _ => Some(256),
        };
        let (ascii_text, compact_text) = if minor < 12 { (48, 72) } else { (40, 56) };
        let thread = ThreadLayout { dict, context, thread_id, frame: at, in_cframe, stack_chunk };
        Some(Self { minor, heap_type, code, frame, thread, ascii_text, compact_text })
    }
}
