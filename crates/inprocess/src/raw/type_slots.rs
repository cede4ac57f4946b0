//! The slots of types: the functions and formulas that count the references and bytes of a type's objects.

use memtop_cpython::layout::{self, container, gc_head, type_object};
use pyo3::ffi;
use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use super::object::{Address, Traverse, traverse_function, type_flags, word};
use super::runtime::Runtime;
use super::sizes::{KnownSizeof, Sizing, belongs_to, native_method};

/// How the references and bytes of a type's objects are counted, resolved once for the type.
#[derive(Clone, Copy)]
pub(crate) struct TypeSlots {
    pub(super) traverse: Option<Traverse>,
    pub(super) references: References,
    pub(super) sizing: Sizing,
    /// The type's `__sizeof__` is not one of the interpreter's: it may be called when the walk is over.
    pub(super) ask: bool,
}

impl TypeSlots {
    /// Slots by which objects are traversed, but neither counted nor sized. `traverse` is the type's `tp_traverse`.
    pub(crate) fn of_traverse(traverse: usize) -> Self {
        // SAFETY: the type's own slot.
        let traverse = unsafe { traverse_function(traverse) };
        Self { traverse, references: References::Unknown, sizing: Sizing::Fixed(0), ask: false }
    }
}

/// An upper bound of an object's references that is found by reading at most one word.
#[derive(Clone, Copy)]
pub(super) enum References {
    /// The word at this offset, times this.
    Word(usize, u64),
    /// The same for all objects of the type.
    AtMost(u64),
    /// No bound is known.
    Unknown,
}

impl References {
    /// The bound for a type with these `tp_flags`, `tp_traverse` and `tp_basicsize`.
    ///
    /// # Safety
    /// The type of a live object, the heap frozen.
    unsafe fn of(runtime: &Runtime, of: Address, flags: u64, traverse: usize, base_size: u64) -> Self {
        let is_class = traverse == runtime.class_traverse && flags & type_object::HEAP_TYPE != 0;
        match traverse {
            0 => Self::AtMost(0),
            slot if slot == runtime.list_traverse || slot == runtime.tuple_traverse => {
                Self::Word(layout::object::SIZE, 1)
            }
            // At most a key and a value for each entry.
            slot if slot == runtime.dict_traverse => Self::Word(container::DICT_USED, 2),
            slot if slot == runtime.set_traverse => Self::Word(container::SET_USED, 1),
            _ if runtime.small.contains(&of) => Self::AtMost(base_size / 8),
            // SAFETY: the caller's promise.
            _ if is_class && unsafe { is_plain(runtime, of) } => {
                // Slots are within the basic size; then come the inline values, the dict, and the type.
                Self::AtMost(base_size / 8 + layout::INLINE_VALUES_MAX as u64 + 2)
            }
            _ => Self::Unknown,
        }
    }
}

/// Finds the slots of types.
#[derive(Default)]
pub(super) struct SlotResolver {
    /// The `__sizeof__` in the namespace of each class, or 0.
    own_sizeof: FxHashMap<Address, Address>,
}

impl SlotResolver {
    /// Resolves the slots of a type: see [`super::Frozen::slots_of`].
    ///
    /// # Safety
    /// The type of a live object, the heap frozen.
    pub(super) unsafe fn resolve(
        &mut self,
        py: Python<'_>,
        runtime: &Runtime,
        of: Address,
        ask: bool,
    ) -> TypeSlots {
        // SAFETY: the caller's promise: the type of a live object.
        let (flags, traverse, base_size, item_size) = unsafe {
            let pointer = of as *mut ffi::PyTypeObject;
            (
                type_flags(of),
                ffi::PyType_GetSlot(pointer, ffi::Py_tp_traverse) as usize,
                word(of, type_object::BASIC_SIZE) as u64,
                word(of, type_object::ITEM_SIZE) as u64,
            )
        };
        // SAFETY: the caller's promise, and the type's own facts.
        let references = unsafe { References::of(runtime, of, flags, traverse, base_size) };
        // SAFETY: the type's own slot.
        let traverse = unsafe { traverse_function(traverse) };
        // SAFETY: the caller's promise.
        let (method, known) = unsafe { self.find_sizeof(py, runtime, of) };
        let is_own = known.is_some_and(|(known, _)| known == method);
        let header = header_size(runtime, flags);
        let sizing = match known {
            Some((_, known)) => Sizing::of(known, header, base_size, item_size),
            None => Sizing::Fixed(header + base_size),
        };
        TypeSlots { traverse, references, sizing, ask: ask && !is_own }
    }

    /// The address of the `__sizeof__` that a lookup on the type finds (0 for none), and the first on the MRO that is
    /// one of the interpreter's.
    ///
    /// # Safety
    /// The type of a live object, the heap frozen.
    unsafe fn find_sizeof(
        &mut self,
        py: Python<'_>,
        runtime: &Runtime,
        of: Address,
    ) -> (Address, Option<(Address, KnownSizeof)>) {
        let mut first = 0;
        // SAFETY: frozen: a type's MRO is a tuple of types, or NULL while the type is being made.
        unsafe {
            let mro = word(of, type_object::MRO) as *mut ffi::PyObject;
            let length = if mro.is_null() { 0 } else { ffi::PyTuple_Size(mro) };
            for index in 0..length {
                let class = ffi::PyTuple_GetItem(mro, index) as Address;
                let own = match self.own_sizeof.get(&class) {
                    Some(&own) => own,
                    None => {
                        let own = own_sizeof_of(py, runtime, class);
                        self.own_sizeof.insert(class, own);
                        own
                    }
                };
                if own == 0 {
                    continue;
                }
                if first == 0 {
                    first = own;
                }
                if let Some(known) = known_sizeof(py, runtime, own) {
                    return (first, Some((own, known)));
                }
            }
        }
        (first, None)
    }
}

/// Whether a class descends from `object` through plain classes only, so that its layout contains all of its
/// references.
///
/// # Safety
/// A type, the heap frozen.
unsafe fn is_plain(runtime: &Runtime, of: Address) -> bool {
    let mut class = of;
    loop {
        // SAFETY: frozen: a type, whose chain of bases ends at object with a NULL.
        let (base, traverse) = unsafe {
            let base = word(class, type_object::BASE);
            (base, ffi::PyType_GetSlot(class as *mut ffi::PyTypeObject, ffi::Py_tp_traverse) as usize)
        };
        if base == 0 {
            return traverse == 0;
        }
        if traverse != 0 && traverse != runtime.class_traverse {
            return false;
        }
        class = base;
    }
}

/// The bytes before an object that `sys.getsizeof` counts: the collector's head, and from 3.11 the words of a
/// managed dict and weak references (`_PyType_PreHeaderSize` in `pycore_object.h`).
fn header_size(runtime: &Runtime, flags: u64) -> u64 {
    if flags & type_object::HAVE_GC == 0 {
        return 0;
    }
    let own = if flags & type_object::PRE_HEADER != 0 { runtime.pre_header } else { 0 };
    gc_head::SIZE as u64 + own
}

/// The kind of a `__sizeof__`, by its address; `None` if it is not one of the interpreter's.
///
/// # Safety
/// An object in the namespace of a class, the heap frozen.
unsafe fn known_sizeof(py: Python<'_>, runtime: &Runtime, method: Address) -> Option<KnownSizeof> {
    if let Some(&known) = runtime.sizeof.get(&method) {
        return Some(known);
    }
    // SAFETY: the caller's promise.
    let method = unsafe { Bound::from_borrowed_ptr(py, method as *mut ffi::PyObject) };
    let function = native_method(&method, runtime.method_descriptor)?;
    if !runtime.is_standard_function(function as Address) {
        return None;
    }
    match belongs_to(&method, &["_struct.Struct", "Struct"]) {
        true => Some(KnownSizeof::Struct),
        false => Some(KnownSizeof::Native(function)),
    }
}

/// The `__sizeof__` in a class's own namespace, or 0. Keys are compared as strings by C code, since a lookup
/// could run a key's `__eq__`.
///
/// # Safety
/// A class, the heap frozen.
unsafe fn own_sizeof_of(py: Python<'_>, runtime: &Runtime, class: Address) -> Address {
    // SAFETY: frozen; references are borrowed from the dict, which does not change meanwhile.
    unsafe {
        let dict = word(class, type_object::DICT) as *mut ffi::PyObject;
        if dict.is_null() {
            // A static type of the interpreter, from 3.12: its namespace is stored elsewhere, and is plain.
            let class = Bound::from_borrowed_ptr(py, class as *mut ffi::PyObject);
            let found = runtime.type_dict.bind(py).call_method1("__get__", (class,));
            return found.and_then(|own| own.get_item("__sizeof__")).map_or(0, |own| own.as_ptr() as Address);
        }
        let (mut position, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        while ffi::PyDict_Next(dict, &raw mut position, &raw mut key, &raw mut value) != 0 {
            if ffi::PyUnicode_CheckExact(key) != 0
                && ffi::PyUnicode_CompareWithASCIIString(key, c"__sizeof__".as_ptr()) == 0
            {
                return value as Address;
            }
        }
    }
    0
}
