#![expect(
    unsafe_code,
    reason = "reads the heap of this process through the collector's lists and tp_traverse"
)]
//! Raw reading of this process's heap: the one file of this crate with unsafe code, and for that longer than others.
//!
//! It gives the rest of the crate a [`Frozen`] heap to walk, [`Object`]s in it, and for each type a [`TypeSlots`] by
//! which an object's references and bytes are counted. It does not rank, print, or run the user's code.
//!
//! Soundness rests on one rule, on which the SAFETY comments call as **frozen**: from [`Frozen::enter`] to its drop
//! the GIL is held by this thread, the collector is disabled, and no Python code runs; so every object that is in a
//! list of the collector stays where it is, alive, with a valid type. What is called in that time is C code of the
//! interpreter that makes at most short-lived objects of its own (an int, a bound method), which enter the end of
//! the youngest list and leave it again before the next step.
//!
//! Offsets come from `memtop_cpython::layout`. They are believed only after [`crate::probe`] has held them against what
//! Python itself answers; where one does not hold, the slower way through Python's own functions is taken.

use std::ffi::{CStr, c_int, c_void};
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use memtop_cpython::Memory;
use memtop_cpython::layout::{
    self, DictKeysSize, GcState, Layout, container, gc_head, method_descriptor, type_object,
};
use memtop_heap::{HeapError, push};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyInt, PyList, PyModule, PySet, PyString, PyType};
use pyo3::{PyTypeInfo, ffi};
use rustc_hash::FxHashMap;

use crate::runtime::Runtime;

/// An object's or a type's address. Valid only while the heap is frozen, or while a reference to it is held.
pub(crate) type Address = usize;

type Visit = unsafe extern "C" fn(*mut ffi::PyObject, *mut c_void) -> c_int;
type Traverse = unsafe extern "C" fn(*mut ffi::PyObject, Visit, *mut c_void) -> c_int;
/// A C method without arguments.
pub(crate) type NoArguments =
    unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;

/// Reads a word.
///
/// # Safety
/// `address + offset` must be readable memory, aligned to a word.
#[inline]
unsafe fn word(address: Address, offset: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { ((address + offset) as *const usize).read() }
}

/// An object of the frozen heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object(pub(crate) Address);

/// The `__sizeof__` methods whose answers can be had natively.
#[derive(Clone, Copy)]
pub(crate) enum KnownSizeof {
    /// `object.__sizeof__`: the basic size and the items.
    Object,
    /// `list.__sizeof__`.
    List,
    /// `set.__sizeof__` and `frozenset.__sizeof__`.
    Set,
    /// `dict.__sizeof__`: bounded from above natively, asked by its C function.
    Dict(NoArguments),
    /// `str.__sizeof__`.
    Str(NoArguments),
    /// `int.__sizeof__`.
    Int,
    /// `Struct.__sizeof__`, which CPython cannot answer for one that was not initialised.
    Struct,
    /// Another of the interpreter's own, asked by its C function.
    Native(NoArguments),
}

/// The heads of the collector's lists of this interpreter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists {
    generation0: Address,
    state: GcState,
    dict_type: Address,
}

impl Lists {
    /// Finds them, if they stand where the table of the version says.
    pub(crate) fn find(py: Python<'_>, state: GcState) -> Option<Self> {
        // What a container that was made just now has as its next is the head of the youngest list.
        let fresh = PyList::empty(py);
        // SAFETY: a list always has a collector's head before it.
        let generation0 =
            unsafe { word(fresh.as_ptr() as Address - gc_head::SIZE, gc_head::NEXT) } & gc_head::MASK;
        let heads = (0..layout::GENERATIONS).map(|generation| generation * layout::GENERATION);
        for head in heads.chain([state.permanent]).map(|offset| generation0 + offset) {
            // SAFETY: the heads stand in the interpreter's state, which begins before them and ends far behind.
            let (next, previous) = unsafe { (word(head, gc_head::NEXT), word(head, gc_head::PREVIOUS)) };
            if [next, previous].iter().any(|&at| at & gc_head::MASK == 0 || at % size_of::<usize>() > 3) {
                return None;
            }
            // SAFETY: by the version's table these are list heads, so that their neighbours are heads too.
            let ring = unsafe {
                word(next & gc_head::MASK, gc_head::PREVIOUS) & gc_head::MASK == head
                    && word(previous & gc_head::MASK, gc_head::NEXT) & gc_head::MASK == head
            };
            if !ring {
                return None;
            }
        }
        Some(Self { generation0, state, dict_type: PyDict::type_object(py).as_ptr() as Address })
    }

    /// Whether the collector is at work, its lists in pieces.
    fn collecting(&self) -> bool {
        // SAFETY: an int in the interpreter's state, by the table that was checked.
        unsafe { ((self.generation0 + self.state.collecting) as *const c_int).read() != 0 }
    }

    /// Walks one generation of the frozen heap; see [`walk`].
    pub(crate) fn walk<E>(
        &self,
        _frozen: &Frozen<'_>,
        generation: usize,
        visit: impl FnMut(u64, Object) -> Result<(), E>,
    ) -> Result<(), E> {
        let head = self.generation0 + generation * layout::GENERATION;
        walk(head, generation as u64 * 2 * HALF, self.dict_type, visit)
    }
}

/// The number of this interpreter in the process; none is given twice.
pub(crate) fn interpreter(_py: Python<'_>) -> i64 {
    // SAFETY: the GIL is held, so that there is a current interpreter.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) }
}

/// A type's slot as a number, 0 for none.
pub(crate) fn slot(of: &Bound<'_, PyType>, slot: c_int) -> usize {
    // SAFETY: a live type; from 3.10 the function takes static types too.
    unsafe { ffi::PyType_GetSlot(of.as_type_ptr(), slot) as usize }
}

/// The type's `tp_name`: with its module for types of C, the bare name for those of Python.
pub(crate) fn c_name(of: &Bound<'_, PyType>) -> String {
    // SAFETY: a live type, whose name is a C string.
    let name = unsafe { CStr::from_ptr(word(of.as_ptr() as Address, type_object::NAME) as *const _) };
    name.to_string_lossy().into_owned()
}

/// `repr(object)` by the C function in this slot of its type or a base.
///
/// # Errors
/// What the function raises.
pub(crate) fn call_repr<'py>(function: usize, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    type Repr = unsafe extern "C" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;
    // SAFETY: `slot` gave the function for `tp_repr` (or `tp_iter`, of the same shape), of this object's kind.
    unsafe {
        let function = std::mem::transmute::<usize, Repr>(function);
        Bound::from_owned_ptr_or_err(object.py(), function(object.as_ptr()))
    }
}

/// The next entry of a dict (or of a subclass, or a frozendict), read natively; `position` begins at 0. A change of
/// the dict between calls can make entries be skipped or seen twice, and nothing worse.
pub(crate) fn dict_next<'py>(
    dict: &Bound<'py, PyAny>,
    position: &mut isize,
) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the GIL is held; the borrowed references become owned ones before anything else runs.
    unsafe {
        if ffi::PyDict_Next(dict.as_ptr(), position, &raw mut key, &raw mut value) == 0 {
            return None;
        }
        Some((Bound::from_borrowed_ptr(dict.py(), key), Bound::from_borrowed_ptr(dict.py(), value)))
    }
}

/// The value under an ASCII key of a dict. Keys are compared as texts, so that none of another type has a say. O(entries).
pub(crate) fn value_of<'py>(dict: &Bound<'py, PyDict>, name: &CStr) -> Option<Bound<'py, PyAny>> {
    let mut position = 0;
    while let Some((key, value)) = dict_next(dict, &mut position) {
        // SAFETY: a live str; the comparison is C code that changes nothing.
        let is_it = |key: &Bound<'_, PyAny>| unsafe {
            ffi::PyUnicode_CompareWithASCIIString(key.as_ptr(), name.as_ptr()) == 0
        };
        if key.is_exact_instance_of::<PyString>() && is_it(&key) {
            return Some(value);
        }
    }
    None
}

/// The namespace of a module; none of one that was not initialised.
pub(crate) fn namespace_of<'py>(module: &Bound<'py, PyModule>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: a live module, which holds its namespace, if it has one.
    let namespace =
        unsafe { Bound::from_borrowed_ptr_or_opt(module.py(), ffi::PyModule_GetDict(module.as_ptr())) };
    namespace?.cast_into().ok()
}

/// The first object that the object's `tp_traverse` visits.
pub(crate) fn first_referent<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    unsafe extern "C" fn first(visited: *mut ffi::PyObject, found: *mut c_void) -> c_int {
        // SAFETY: the place that is handed over below.
        unsafe { *found.cast::<*mut ffi::PyObject>() = visited };
        1
    }
    let traverse = slot(&object.get_type(), ffi::Py_tp_traverse);
    let mut found: *mut ffi::PyObject = std::ptr::null_mut();
    if traverse != 0 {
        // SAFETY: the GIL is held; the type's own traverse on a live object.
        unsafe {
            let traverse = std::mem::transmute::<usize, Traverse>(traverse);
            traverse(object.as_ptr(), first, (&raw mut found).cast());
        }
    }
    // SAFETY: what a live object refers to is alive.
    (!found.is_null()).then(|| unsafe { Bound::from_borrowed_ptr(object.py(), found) })
}

/// A container that counts as under way for `repr()`, on this thread, until it is dropped.
pub(crate) struct UnderWay<'py>(Option<Bound<'py, PyAny>>);

impl<'py> UnderWay<'py> {
    /// Marks it; `None` if it is marked already. Without memory for the mark, it goes without. O(marks).
    pub(crate) fn enter(container: &Bound<'py, PyAny>) -> Option<Self> {
        // SAFETY: a live object, the GIL held; an error is cleared.
        unsafe {
            match ffi::Py_ReprEnter(container.as_ptr()) {
                0 => Some(Self(Some(container.clone()))),
                1 => None,
                _ => {
                    ffi::PyErr_Clear();
                    Some(Self(None))
                }
            }
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(container) = &self.0 {
            // SAFETY: entered above, the GIL held; it keeps an error that is set.
            unsafe { ffi::Py_ReprLeave(container.as_ptr()) };
        }
    }
}

/// Whether a string has this ASCII character.
pub(crate) fn contains(text: &Bound<'_, PyString>, c: u8) -> bool {
    // SAFETY: a live str, the GIL held.
    unsafe {
        let length = ffi::PyUnicode_GetLength(text.as_ptr());
        ffi::PyUnicode_FindChar(text.as_ptr(), u32::from(c), 0, length, 1) >= 0
    }
}

/// Whether a type is another, or derives from it.
pub(crate) fn derives_from(of: &Bound<'_, PyType>, other: &Bound<'_, PyType>) -> bool {
    // SAFETY: two live types; the function reads the one's MRO.
    unsafe { ffi::PyType_IsSubtype(of.as_type_ptr(), other.as_type_ptr()) != 0 }
}

/// The `__module__` of a type that was made at run time, if it is a str, and its `__qualname__`. None of another type, or of
/// one in a version whose layout is not known.
pub(crate) fn names_of_class<'py>(
    of: &Bound<'py, PyType>,
) -> Option<(Option<Bound<'py, PyString>>, Bound<'py, PyString>)> {
    let runtime = Runtime::get(of.py()).ok()?;
    let qualname = runtime.layout.as_ref()?.heap_type.qualname();
    if !may_die(of) {
        return None;
    }
    // SAFETY: a live type that was made at run time: it holds its qualified name, and its namespace.
    let (qualname, namespace) = unsafe {
        let at = of.as_ptr() as Address;
        let object =
            |address: Address| Bound::from_borrowed_ptr_or_opt(of.py(), address as *mut ffi::PyObject);
        (object(word(at, qualname as usize))?, object(word(at, type_object::DICT)))
    };
    let module = namespace.and_then(|namespace| value_of(namespace.cast::<PyDict>().ok()?, c"__module__"));
    let module = module.and_then(|module| module.cast_into_exact::<PyString>().ok());
    Some((module, qualname.cast_into_exact::<PyString>().ok()?))
}

/// Whether the type was made at run time, so that it can die and another take its address.
pub(crate) fn may_die(of: &Bound<'_, PyType>) -> bool {
    // SAFETY: a live type.
    let flags = unsafe { type_flags(of.as_ptr() as Address) };
    flags & type_object::HEAP_TYPE != 0
}

/// A type's `tp_flags`.
///
/// # Safety
/// A live type's address.
#[cfg_attr(unix, expect(clippy::useless_conversion, reason = "an unsigned long has 32 bits on Windows"))]
unsafe fn type_flags(of: Address) -> u64 {
    // SAFETY: the caller's promise.
    u64::from(unsafe { ffi::PyType_GetFlags(of as *mut ffi::PyTypeObject) })
}

/// The function behind a method descriptor named `__sizeof__` that takes no arguments.
pub(crate) fn native_method(
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

/// Whether a method descriptor belongs to a type with this `tp_name`.
fn belongs_to(descriptor: &Bound<'_, PyAny>, names: &[&str]) -> bool {
    // SAFETY: `native_method` has seen that it is a method_descriptor, which holds its type.
    let owner = unsafe {
        let owner = word(descriptor.as_ptr() as Address, method_descriptor::OWNER) as *mut ffi::PyObject;
        Bound::from_borrowed_ptr(descriptor.py(), owner).cast_into_unchecked::<PyType>()
    };
    names.contains(&c_name(&owner).as_str())
}

/// What a native `__sizeof__` answers; `None` if it raised (which is cleared).
///
/// # Safety
/// `function` must be of that object's type or a base, the GIL held.
unsafe fn call_size(function: NoArguments, object: Address) -> Option<u64> {
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

/// The native formula for the size of an object, by what its `__sizeof__` is; and whether it is exact, or a bound.
/// `None` if the object is not of the kind that the method belongs to.
pub(crate) fn native_formula(
    known: KnownSizeof,
    keys: DictKeysSize,
    layout: &Layout,
    object: &Bound<'_, PyAny>,
) -> Option<(u64, bool)> {
    let address = object.as_ptr() as Address;
    // SAFETY: a live object of the kind, as the guard of each arm has seen.
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

/// What `dict.__sizeof__` answers, where the formula for it is known: a dict of its own keys.
///
/// # Safety
/// A live dict.
#[inline]
unsafe fn dict_size(dict: Address) -> Option<u64> {
    // SAFETY: the caller's promise; the offsets were probed.
    unsafe {
        if word(dict, container::DICT_VALUES) != 0 {
            return None;
        }
        let basic = word(word(dict, layout::object::TYPE), type_object::BASIC_SIZE) as u64;
        let keys = word(dict, container::DICT_KEYS);
        let byte = |offset: usize| u64::from(((keys + offset) as *const u8).read());
        // A table that is shared is no part of it: that of all empty dicts.
        if word(keys, 0) != 1 {
            return Some(basic);
        }
        let entry = if byte(10) == 0 { 24 } else { 16 };
        let usable = (1_u64 << (byte(8) & 63)) * 2 / 3;
        Some(basic + 32 + (1 << (byte(9) & 63)) + entry * usable)
    }
}

/// What `dict.__sizeof__` answers, by the formula.
pub(crate) fn dict_formula(dict: &Bound<'_, PyDict>) -> Option<u64> {
    // SAFETY: a live dict.
    unsafe { dict_size(dict.as_ptr() as Address) }
}

/// What `str.__sizeof__` answers, but for a str whose text stands elsewhere.
///
/// # Safety
/// A live str.
#[inline]
unsafe fn str_size(string: Address, layout: &Layout) -> Option<u64> {
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

/// What `int.__sizeof__` answers.
///
/// # Safety
/// A live int.
#[inline]
unsafe fn int_size(int: Address, layout: &Layout) -> u64 {
    // SAFETY: the caller's promise; the offsets were probed.
    let size = unsafe { word(int, layout::object::SIZE) };
    if layout.minor >= 12 {
        24 + 4 * (size as u64 >> 3).max(1)
    } else {
        24 + 4 * (size as isize).unsigned_abs() as u64
    }
}

/// What `Struct.__sizeof__` answers beside the object itself (`s_sizeof` in `_struct.c`): a code of 32 bytes for each
/// item, and one that ends them. One that was not initialised has none.
///
/// # Safety
/// A live `struct.Struct`.
unsafe fn struct_codes(object: Address) -> u64 {
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

/// # Safety
/// A live list.
#[inline]
unsafe fn list_size(list: Address) -> u64 {
    // SAFETY: the caller's promise; the offset was probed.
    // While a list is being sorted it is -1, and `list.__sizeof__` says eight bytes less.
    let allocated = unsafe { word(list, container::LIST_ALLOCATED) } as i64;
    40_i64.saturating_add(allocated.saturating_mul(8)).max(0) as u64
}

/// # Safety
/// A live set or frozenset.
#[inline]
unsafe fn set_size(set: Address) -> u64 {
    // SAFETY: the caller's promise; the offset was probed.
    let entries = unsafe { word(set, container::SET_MASK) } + 1;
    200 + if entries > container::SET_INLINE_ENTRIES { entries * container::SET_ENTRY } else { 0 } as u64
}

/// At least what a dict's `__sizeof__` answers: no slot takes more than an index of 8 bytes, an entry of 24 and,
/// where the keys are shared, a value of 8.
///
/// # Safety
/// A live dict.
#[inline]
unsafe fn dict_size_bound(dict: Address, keys: DictKeysSize) -> u64 {
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

/// How the references and bytes of a type's objects are counted, resolved once for the type.
#[derive(Clone, Copy)]
pub(crate) struct TypeSlots {
    traverse: Option<Traverse>,
    references: References,
    sizing: Sizing,
    /// The type's `__sizeof__` is not the interpreter's: it may be asked when the walk is over.
    ask: bool,
}

impl TypeSlots {
    /// A plan by which objects are traversed, and neither counted nor sized. `traverse` is the type's `tp_traverse`.
    pub(crate) fn of_traverse(traverse: usize) -> Self {
        // SAFETY: the type's own slot, where it is not NULL.
        let traverse = (traverse != 0).then(|| unsafe { std::mem::transmute::<usize, Traverse>(traverse) });
        Self { traverse, references: References::Unknown, sizing: Sizing::Fixed(0), ask: false }
    }
}

/// An upper bound of an object's references that costs at most a word.
#[derive(Clone, Copy)]
enum References {
    /// The word at this offset, times this.
    Word(usize, u64),
    /// The same for all objects of the type.
    AtMost(u64),
    /// No bound is known.
    Unknown,
}

#[derive(Clone, Copy)]
enum Sizing {
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

/// An upper bound of an object's size, or the request to ask for it when the walk is over.
pub(crate) enum SizeBound {
    /// The size is not above this.
    AtMost(u64),
    /// Nothing is known without running the method, which may be the user's.
    Ask,
}

/// The heap, standing still. See the module's header for the rule that this type upholds.
pub(crate) struct Frozen<'py> {
    py: Python<'py>,
    runtime: &'py Runtime,
    was_enabled: bool,
    /// The `__sizeof__` that each class has of its own, or 0.
    own_sizeof: FxHashMap<Address, Address>,
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: the GIL is held.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// Freezes the heap and lets `look` read it. `look` must run no Python code and let go of no reference.
pub(crate) fn freeze<T>(py: Python<'_>, look: impl FnOnce(&mut Frozen<'_>) -> PyResult<T>) -> PyResult<T> {
    let runtime = Runtime::get(py)?;
    look(&mut Frozen::enter(py, runtime))
}

impl<'py> Frozen<'py> {
    pub(crate) fn enter(py: Python<'py>, runtime: &'py Runtime) -> Self {
        // SAFETY: the GIL is held.
        let was_enabled = unsafe { ffi::PyGC_Disable() } != 0;
        Self { py, runtime, was_enabled, own_sizeof: FxHashMap::default() }
    }

    /// Visits every object that `gc.get_objects()` would list, not in its order, but each with a position that
    /// ascends in that order.
    pub(crate) fn walk(
        &mut self,
        mut visit: impl FnMut(&mut Self, u64, Object) -> PyResult<()>,
    ) -> PyResult<()> {
        if let Some(lists) = self.runtime.lists
            && !lists.collecting()
        {
            for generation in 0..layout::GENERATIONS {
                let head = lists.generation0 + generation * layout::GENERATION;
                let first = generation as u64 * 2 * HALF;
                walk(head, first, lists.dict_type, |position, object| visit(self, position, object))?;
            }
            return Ok(());
        }
        // Within a collection, or where the lists are not known, the collector itself is asked.
        let listed = self.runtime.get_objects.bind(self.py).call0()?.cast_into::<PyList>()?;
        for (position, object) in listed.iter().enumerate() {
            visit(self, position as u64, Object(object.as_ptr() as Address))?;
        }
        Ok(())
    }

    /// The object's type.
    #[inline]
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn type_of(&self, object: Object) -> Address {
        // SAFETY: frozen.
        unsafe { word(object.0, layout::object::TYPE) }
    }

    /// An upper bound of the number of the object's references. O(1), or a traversal where no bound is known.
    #[inline]
    pub(crate) fn references_bound(&self, plan: &TypeSlots, object: Object) -> u64 {
        match plan.references {
            // SAFETY: frozen, and the plan was made for objects that have such a word.
            References::Word(offset, times) => unsafe { word(object.0, offset) as u64 * times },
            References::AtMost(bound) => bound,
            References::Unknown => self.references(plan, object),
        }
    }

    /// The number of the object's references: what `len(gc.get_referents(object))` is. O(references).
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn references(&self, plan: &TypeSlots, object: Object) -> u64 {
        unsafe extern "C" fn count(_: *mut ffi::PyObject, counter: *mut c_void) -> c_int {
            // SAFETY: the counter that is handed over below; no unwinding, no allocation, no refcount.
            unsafe { *counter.cast::<u64>() += 1 };
            0
        }
        let mut counter = 0u64;
        if let Some(traverse) = plan.traverse {
            // SAFETY: frozen; the type's own traverse on an object of it.
            unsafe { traverse(object.0 as *mut ffi::PyObject, count, (&raw mut counter).cast()) };
        }
        counter
    }

    /// An upper bound of the object's size. O(1).
    #[inline]
    pub(crate) fn size_bound(&self, plan: &TypeSlots, object: Object) -> SizeBound {
        if plan.ask {
            return SizeBound::Ask;
        }
        SizeBound::AtMost(match plan.sizing {
            Sizing::Dict { header, .. } => match self.runtime.dict_keys {
                // SAFETY: frozen; the plan was made for dicts.
                Some(keys) => unsafe { dict_size_bound(object.0, keys) + header },
                None => u64::MAX,
            },
            Sizing::Native { .. } | Sizing::Str { .. } | Sizing::Struct { .. } => u64::MAX,
            _ => self.size(plan, object),
        })
    }

    /// The object's size, what `sys.getsizeof(object)` answers (without asking a method that may be the user's).
    #[inline]
    pub(crate) fn size(&self, plan: &TypeSlots, object: Object) -> u64 {
        // SAFETY: frozen, and the plan was made for this type's objects.
        unsafe {
            match plan.sizing {
                Sizing::Fixed(size) => size,
                Sizing::Items { base, item } => {
                    let items = (word(object.0, layout::object::SIZE) as isize).unsigned_abs() as u64;
                    base.saturating_add(item.saturating_mul(items))
                }
                Sizing::List { header } => header + list_size(object.0),
                Sizing::Set { header } => header + set_size(object.0),
                Sizing::Dict { header, function } => {
                    let known = if self.runtime.dict_formula { dict_size(object.0) } else { None };
                    header + known.or_else(|| call_size(function, object.0)).unwrap_or(0)
                }
                Sizing::Str { header, function } => {
                    let known = self.runtime.layout.as_ref().and_then(|layout| str_size(object.0, layout));
                    header + known.or_else(|| call_size(function, object.0)).unwrap_or(0)
                }
                Sizing::Int { header } => {
                    header + self.runtime.layout.as_ref().map_or(0, |layout| int_size(object.0, layout))
                }
                Sizing::Struct { base } => base + struct_codes(object.0),
                Sizing::Native { header, function } => header + call_size(function, object.0).unwrap_or(0),
            }
        }
    }

    /// Visits every object in the collector's lists, those in the permanent generation too, in no order. False if the
    /// lists cannot be walked now, or ever.
    ///
    /// A list can only be followed link by link, each a wait for memory. `samples`, objects that the collector tracks,
    /// cut the lists into pieces, which are followed side by side: the waits overlap.
    pub(crate) fn walk_all(&self, samples: &[u64], mut visit: impl FnMut(Object)) -> bool {
        let Some(lists) = self.runtime.lists.filter(|lists| !lists.collecting()) else { return false };
        let heads = (0..layout::GENERATIONS).map(|generation| generation * layout::GENERATION);
        let heads = heads.chain([lists.state.permanent]).map(|offset| lists.generation0 + offset);
        // Where a piece ends: at a list's head, or where another begins. Samples are of no use if they could be in
        // another interpreter's lists, which have other heads.
        let mut ends = Ends::default();
        let mut cursors = Vec::new();
        for sample in samples.iter().filter(|_| is_only_interpreter(self.py)) {
            let at = *sample as Address - gc_head::SIZE;
            if ends.add(at) {
                cursors.push(at);
            }
        }
        let heads: Vec<Address> = heads.filter(|&head| ends.add(head)).collect();
        // SAFETY: frozen: a ring of collector's heads; the next of one is one, or the list's own.
        let next = |at| unsafe { word(at, gc_head::NEXT) } & gc_head::MASK;
        cursors.extend(heads.into_iter().map(next).filter(|&first| !ends.has(first)));
        while !cursors.is_empty() {
            cursors.retain_mut(|at| {
                let after = next(*at);
                prefetch(after);
                visit(Object(*at + gc_head::SIZE));
                *at = after;
                !ends.has(after)
            });
        }
        true
    }

    /// Puts the addresses that the type's `tp_traverse` visits into `into`, in its order.
    ///
    /// # Errors
    /// If there is no memory for all of them.
    #[inline]
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn visited(
        &self,
        plan: &TypeSlots,
        object: Object,
        into: &mut Vec<u64>,
    ) -> Result<(), HeapError> {
        struct Visits<'a> {
            into: &'a mut Vec<u64>,
            done: Result<(), HeapError>,
        }
        unsafe extern "C" fn visit(visited: *mut ffi::PyObject, visits: *mut c_void) -> c_int {
            // SAFETY: what is handed over below, and to nobody else.
            let visits = unsafe { &mut *visits.cast::<Visits<'_>>() };
            match push(visits.into, visited as u64) {
                Ok(()) => 0,
                // Anything but 0 ends the traverse.
                error => {
                    visits.done = error;
                    1
                }
            }
        }
        let mut visits = Visits { into, done: Ok(()) };
        if let Some(traverse) = plan.traverse {
            // SAFETY: frozen; the type's own traverse on an object of it.
            unsafe { traverse(object.0 as *mut ffi::PyObject, visit, (&raw mut visits).cast()) };
        }
        visits.done
    }

    /// The memory of this process, while the heap is frozen.
    #[expect(clippy::unused_self, reason = "it may be read while the heap is frozen only")]
    pub(crate) fn memory(&self) -> OwnMemory {
        OwnMemory(std::fs::File::open("/proc/self/mem").ok())
    }

    /// The addresses of the states of all threads, this one's first.
    pub(crate) fn threads(&self) -> Vec<u64> {
        // SAFETY: the GIL is held, so that there is a current thread, and threads come and go only with the GIL (their
        // list has a lock of its own beside; who waits for the GIL has left it).
        unsafe {
            let current = ffi::PyThreadState_Get() as Address;
            let mut threads = vec![current as u64];
            for offset in [layout::THREAD_PREVIOUS, layout::THREAD_NEXT] {
                let mut at = word(current, offset as usize);
                while at != 0 && threads.len() < 1 << 20 {
                    threads.push(at as u64);
                    at = word(at, offset as usize);
                }
            }
            threads
        }
    }

    /// Asks for an object's memory ahead of time; for a dict or a list that was asked for before, for what it points to.
    #[inline]
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn approach(&self, near: Option<u64>, far: Option<u64>, known: (u64, u64)) {
        if let Some(far) = far {
            prefetch(far as Address - gc_head::SIZE);
        }
        if let Some(near) = near.map(|near| near as Address) {
            // SAFETY: frozen: live objects of a type that is told by its address.
            unsafe {
                let of = word(near, layout::object::TYPE) as u64;
                if of == known.0 {
                    prefetch(word(near, container::DICT_KEYS));
                } else if of == known.1 {
                    prefetch(word(near, container::LIST_ITEMS));
                } else {
                    prefetch(of as Address);
                }
            }
        }
    }

    /// A reference to the object, to outlive the walk.
    pub(crate) fn hold(&self, object: Object) -> Py<PyAny> {
        // SAFETY: frozen: a live object.
        unsafe { Bound::from_borrowed_ptr(self.py, object.0 as *mut ffi::PyObject).unbind() }
    }

    /// A reference to a type, by its address.
    pub(crate) fn hold_type(&self, of: Address) -> Py<PyType> {
        // SAFETY: frozen: the type of a live object, by `type_of`.
        unsafe { Bound::from_borrowed_ptr(self.py, of as *mut ffi::PyObject).cast_into_unchecked().unbind() }
    }

    /// Resolves how objects of this type are counted. With `ask`, a `__sizeof__` that is
    /// not the interpreter's own is left to be asked for later; without, `object.__sizeof__` stands in for it.
    pub(crate) fn plan(&mut self, of: Address, ask: bool) -> TypeSlots {
        // SAFETY: frozen: the type of a live object.
        let (flags, traverse, base_size, item_size) = unsafe {
            let pointer = of as *mut ffi::PyTypeObject;
            (
                type_flags(of),
                ffi::PyType_GetSlot(pointer, ffi::Py_tp_traverse) as usize,
                word(of, type_object::BASIC_SIZE) as u64,
                word(of, type_object::ITEM_SIZE) as u64,
            )
        };
        let references = match traverse {
            0 => References::AtMost(0),
            slot if slot == self.runtime.list_traverse || slot == self.runtime.tuple_traverse => {
                References::Word(layout::object::SIZE, 1)
            }
            // A key and a value for each entry, at most.
            slot if slot == self.runtime.dict_traverse => References::Word(container::DICT_USED, 2),
            slot if slot == self.runtime.set_traverse => References::Word(container::SET_USED, 1),
            _ if self.runtime.small.contains(&of) => References::AtMost(base_size / 8),
            slot if slot == self.runtime.class_traverse
                && flags & type_object::HEAP_TYPE != 0
                && self.is_plain(of) =>
            {
                // Slots stand in the basic size; then the values in place, the dict, and the type.
                References::AtMost(base_size / 8 + layout::INLINE_VALUES_MAX as u64 + 2)
            }
            _ => References::Unknown,
        };
        // SAFETY: not NULL here, and the type's own slot.
        let traverse = (traverse != 0).then(|| unsafe { std::mem::transmute::<usize, Traverse>(traverse) });
        let (method, known) = self.find_sizeof(of);
        let is_own = known.is_some_and(|(known, _)| known == method);
        let header = self.header_size(flags);
        let sizing = match known {
            Some((_, known)) => sizing(known, header, base_size, item_size),
            None => Sizing::Fixed(header + base_size),
        };
        TypeSlots { traverse, references, sizing, ask: ask && !is_own }
    }

    /// Whether a class descends from `object` through plain classes only, so that its layout tells all of its
    /// references.
    fn is_plain(&self, of: Address) -> bool {
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
            if traverse != 0 && traverse != self.runtime.class_traverse {
                return false;
            }
            class = base;
        }
    }

    /// The words before an object, as `sys.getsizeof` counts them: the collector's head, and from 3.11 those of a managed
    /// dict and weak references (`_PyType_PreHeaderSize` in `pycore_object.h`).
    fn header_size(&self, flags: u64) -> u64 {
        if flags & type_object::HAVE_GC == 0 {
            return 0;
        }
        let own = if flags & type_object::PRE_HEADER != 0 { self.runtime.pre_header } else { 0 };
        gc_head::SIZE as u64 + own
    }

    /// The `__sizeof__` that a lookup on the type finds, by its address (0 for none), and the first on the way that
    /// is the interpreter's own.
    fn find_sizeof(&mut self, of: Address) -> (Address, Option<(Address, KnownSizeof)>) {
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
                        let own = self.own_sizeof_of(class);
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
                let known = self.runtime.sizeof.get(&own).copied().or_else(|| {
                    let method = Bound::from_borrowed_ptr(self.py, own as *mut ffi::PyObject);
                    let function = native_method(&method, self.runtime.method_descriptor)?;
                    if !self.runtime.is_standard_function(function as Address) {
                        return None;
                    }
                    match belongs_to(&method, &["_struct.Struct", "Struct"]) {
                        true => Some(KnownSizeof::Struct),
                        false => Some(KnownSizeof::Native(function)),
                    }
                });
                if let Some(known) = known {
                    return (first, Some((own, known)));
                }
            }
        }
        (first, None)
    }

    /// The `__sizeof__` in a class's own namespace, or 0. Keys are compared as strings by C code, since a lookup
    /// could run a key's `__eq__`.
    fn own_sizeof_of(&self, class: Address) -> Address {
        // SAFETY: frozen; references are borrowed from the dict, which does not change meanwhile.
        unsafe {
            let dict = word(class, type_object::DICT) as *mut ffi::PyObject;
            if dict.is_null() {
                // A static type of the interpreter's own, from 3.12: its namespace stands elsewhere, and is plain.
                let class = Bound::from_borrowed_ptr(self.py, class as *mut ffi::PyObject);
                let found = self.runtime.type_dict.bind(self.py).call_method1("__get__", (class,));
                return found
                    .and_then(|own| own.get_item("__sizeof__"))
                    .map_or(0, |own| own.as_ptr() as Address);
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
}

/// How `known`, a method of the interpreter's own, sizes the objects of a type: `header` bytes stand before each,
/// `base` is its `tp_basicsize`, `item` its `tp_itemsize`.
fn sizing(known: KnownSizeof, header: u64, base: u64, item: u64) -> Sizing {
    /// What `list_size` and `set_size` count of the object itself.
    const LIST: u64 = 40;
    const SET: u64 = 200;
    /// The smallest object with a number of items.
    const WITH_ITEMS: u64 = 24;
    match known {
        KnownSizeof::Object if item == 0 || base < WITH_ITEMS => Sizing::Fixed(header + base),
        KnownSizeof::Object => Sizing::Items { base: header + base, item },
        KnownSizeof::List => Sizing::List { header: header + base.saturating_sub(LIST) },
        KnownSizeof::Set => Sizing::Set { header: header + base.saturating_sub(SET) },
        KnownSizeof::Dict(function) => Sizing::Dict { header, function },
        KnownSizeof::Str(function) => Sizing::Str { header, function },
        KnownSizeof::Int => Sizing::Int { header },
        KnownSizeof::Struct => Sizing::Struct { base: header + base },
        KnownSizeof::Native(function) => Sizing::Native { header, function },
    }
}

/// Whether `sys.getsizeof` may count words of a managed dict or of weak references before a type's objects.
pub(crate) fn has_pre_header(of: &Bound<'_, PyType>) -> bool {
    // SAFETY: a live type.
    unsafe { type_flags(of.as_ptr() as Address) & type_object::PRE_HEADER != 0 }
}

/// The memory of this process. It is read without a check where layouts that were held against this interpreter lead on
/// from live objects of the frozen heap, and by the kernel ([`Memory::checked`]) where a guess does.
#[derive(Debug)]
pub(crate) struct OwnMemory(Option<std::fs::File>);

impl Memory for OwnMemory {
    /// The kernel reads, which does not mind an address where nothing is mapped.
    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        match &self.0 {
            Some(file) => file.read_exact_at(into, address).ok(),
            None => read_own(address, into),
        }
    }

    #[inline]
    fn word(&self, address: u64) -> Option<u64> {
        // SAFETY: frozen, and the address comes from a live object by a layout that was probed (see the type).
        Some(unsafe { (address as *const u64).read_unaligned() })
    }

    #[inline]
    fn half(&self, address: u64) -> Option<u32> {
        // SAFETY: as above.
        Some(unsafe { (address as *const u32).read_unaligned() })
    }

    #[inline]
    fn byte(&self, address: u64) -> Option<u8> {
        // SAFETY: as above.
        Some(unsafe { (address as *const u8).read() })
    }

    #[inline]
    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        // SAFETY: as above.
        into.extend_from_slice(unsafe { std::slice::from_raw_parts(address as *const u8, length) });
        Some(())
    }
}

/// Reads memory of this process through the kernel, where `/proc/self/mem` may not be opened.
#[cfg(target_os = "linux")]
fn read_own(address: u64, into: &mut [u8]) -> Option<()> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    // SAFETY: the kernel writes into `into`, which is as long as it is told, and checks the address that it reads.
    let read =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    (usize::try_from(read) == Ok(into.len())).then_some(())
}

#[cfg(not(target_os = "linux"))]
fn read_own(_: u64, _: &mut [u8]) -> Option<()> {
    None
}

/// Where in an object the first word stands that says `number`; in objects without items.
pub(crate) fn word_saying(object: &Bound<'_, PyAny>, number: u64) -> Option<u64> {
    let address = object.as_ptr() as Address;
    // SAFETY: a live object, which is as large as its type says.
    unsafe {
        let of = word(address, layout::object::TYPE);
        let size = word(of, type_object::BASIC_SIZE);
        (16..size)
            .step_by(8)
            .find(|&offset| word(address, offset) as u64 == number)
            .map(|offset| offset as u64)
    }
}

/// Has memory put behind all pages that lie in a range of addresses, as if each were written, and changes no byte. Whether
/// it was done: Linux can since 5.14.
pub(crate) fn populate(start: usize, bytes: usize) -> bool {
    const PAGE: usize = 4096;
    /// `MADV_POPULATE_WRITE` of Linux; of another system the number may mean anything.
    const POPULATE: c_int = 23;
    let (first, end) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
    if first >= end || !cfg!(target_os = "linux") {
        return first >= end;
    }
    // SAFETY: the advice only spares later faults. Where nothing is mapped, or it cannot be written, the kernel refuses.
    unsafe { libc::madvise(first as *mut c_void, end - first, POPULATE) == 0 }
}

/// What glibc says of its heap: bytes in use, and bytes free, those in mapped regions of their own being in use. `None`
/// with another C library, or one from before 2.33.
pub(crate) fn malloc_numbers() -> Option<(u64, u64)> {
    /// `struct mallinfo2` (`malloc.h`).
    #[repr(C)]
    struct Numbers {
        arena: usize,
        ordblks: usize,
        smblks: usize,
        hblks: usize,
        hblkhd: usize,
        usmblks: usize,
        fsmblks: usize,
        uordblks: usize,
        fordblks: usize,
        keepcost: usize,
    }
    type MallInfo = unsafe extern "C" fn() -> Numbers;
    // SAFETY: the function of glibc of this name, which takes nothing and gives ten words; it locks its own arenas.
    let numbers = unsafe {
        let function = libc::dlsym(libc::RTLD_DEFAULT, c"mallinfo2".as_ptr());
        let function = NonNull::new(function)?;
        std::mem::transmute::<NonNull<c_void>, MallInfo>(function)()
    };
    Some(((numbers.uordblks + numbers.hblkhd) as u64, numbers.fordblks as u64))
}

/// The size of a gc-tracked object as the interpreter's own methods give it, whatever its type's own says.
///
/// # Errors
/// If the interpreter cannot be probed.
pub(crate) fn native_size(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    freeze(object.py(), |heap| {
        let sample = Object(object.as_ptr() as Address);
        let of = heap.type_of(sample);
        let plan = heap.plan(of, false);
        Ok(heap.size(&plan, sample))
    })
}

/// `sys.getsizeof`, the real one, whatever the program has put in its place.
///
/// # Errors
/// What the object's `__sizeof__` raises.
pub(crate) fn getsizeof<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    Runtime::get(py)?.getsizeof.bind(py).call1((object,))
}

/// Walks one list of the collector from both ends at once, which halves the time: each step waits for memory, and
/// the two waits overlap. Each object comes with its position: ascending in the order of the list, not dense.
fn walk<E>(
    head: Address,
    first: u64,
    dict_type: Address,
    mut visit: impl FnMut(u64, Object) -> Result<(), E>,
) -> Result<(), E> {
    // SAFETY: frozen: a ring of collector's heads that ends where it began; of an empty one, both ends are the head.
    let next = |at| unsafe { word(at, gc_head::NEXT) } & gc_head::MASK;
    // SAFETY: as above.
    let previous = |at| unsafe { word(at, gc_head::PREVIOUS) } & gc_head::MASK;
    // A dict's size is told by its key table, a second wait: asked for when the dict is reached, read a round later.
    // SAFETY: frozen: an object in the list, whose type is known to be dict.
    let approach = |at: Address| unsafe {
        let object = at + gc_head::SIZE;
        if word(object, layout::object::TYPE) == dict_type {
            prefetch(word(object, container::DICT_KEYS));
        }
    };
    let (mut front, mut back) = (next(head), previous(head));
    let (mut low, mut high) = (first, first + HALF);
    let mut waiting = [None; 2];
    while front != head {
        let (after, before) = (next(front), previous(back));
        prefetch(after);
        prefetch(before);
        approach(front);
        approach(back);
        let met = front == back;
        let reached = [
            Some((low, Object(front + gc_head::SIZE))),
            (!met).then_some((high, Object(back + gc_head::SIZE))),
        ];
        for (position, object) in std::mem::replace(&mut waiting, reached).into_iter().flatten() {
            visit(position, object)?;
        }
        if met || after == back {
            break;
        }
        (front, back) = (after, before);
        (low, high) = (low + 1, high - 1);
    }
    waiting.into_iter().flatten().try_for_each(|(position, object)| visit(position, object))
}

/// The distance of the positions of a list's two ends: more than any list has objects.
const HALF: u64 = 1 << 59;

/// A small set of addresses that says quickly what is not in it.
struct Ends {
    table: [Address; 256],
    count: usize,
}

impl Default for Ends {
    fn default() -> Self {
        Self { table: [0; 256], count: 0 }
    }
}

impl Ends {
    #[inline]
    fn slot(address: Address) -> usize {
        (address >> 4 ^ address >> 12) % 256
    }

    /// Adds an address; whether it was not there and there is room.
    fn add(&mut self, address: Address) -> bool {
        if self.has(address) || self.count >= 64 {
            return false;
        }
        let mut slot = Self::slot(address);
        while self.table[slot] != 0 {
            slot = (slot + 1) % 256;
        }
        self.table[slot] = address;
        self.count += 1;
        true
    }

    #[inline]
    fn has(&self, address: Address) -> bool {
        let mut slot = Self::slot(address);
        loop {
            match self.table[slot] {
                0 => return false,
                known if known == address => return true,
                _ => slot = (slot + 1) % 256,
            }
        }
    }
}

/// Whether this is the only interpreter of the process. Where that cannot be known, it may not be.
pub(crate) fn is_only_interpreter(_py: Python<'_>) -> bool {
    type Head = unsafe extern "C" fn() -> *mut c_void;
    type Next = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
    // SAFETY: functions of the interpreter of these names and shapes, in every version; the GIL is held.
    unsafe {
        let find = |name: &CStr| NonNull::new(libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()));
        let (Some(head), Some(next)) = (find(c"PyInterpreterState_Head"), find(c"PyInterpreterState_Next"))
        else {
            return false;
        };
        let head = std::mem::transmute::<NonNull<c_void>, Head>(head)();
        !head.is_null() && std::mem::transmute::<NonNull<c_void>, Next>(next)(head).is_null()
    }
}

/// Asks for the memory at an object's head ahead of time.
#[inline]
fn prefetch(address: Address) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address is harmless.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address as *const i8);
        _mm_prefetch::<_MM_HINT_T0>((address + 2 * gc_head::SIZE) as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
