//! Safe wrappers of the C API for single objects and types, and the reading of their words.

use std::ffi::{CStr, c_int, c_void};

use memtop_cpython::layout::{Layout, type_object};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyString, PyType};

/// An object's or a type's address. Valid only while the heap is frozen, or while a reference to it is held.
pub(crate) type Address = usize;

pub(super) type Visit = unsafe extern "C" fn(*mut ffi::PyObject, *mut c_void) -> c_int;
pub(super) type Traverse = unsafe extern "C" fn(*mut ffi::PyObject, Visit, *mut c_void) -> c_int;

/// An object of the frozen heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object(pub(crate) Address);

/// Reads a word.
///
/// # Safety
/// `address + offset` must be readable memory, aligned to a word.
#[inline]
pub(super) unsafe fn word(address: Address, offset: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { ((address + offset) as *const usize).read() }
}

/// A type's `tp_flags`.
///
/// # Safety
/// A live type's address.
#[inline]
#[cfg_attr(unix, expect(clippy::useless_conversion, reason = "an unsigned long has 32 bits on Windows"))]
pub(super) unsafe fn type_flags(of: Address) -> u64 {
    // SAFETY: the caller's promise.
    u64::from(unsafe { ffi::PyType_GetFlags(of as *mut ffi::PyTypeObject) })
}

/// A `tp_traverse` as a function; `None` for an empty slot.
///
/// # Safety
/// The `tp_traverse` of a type, or 0.
pub(super) unsafe fn traverse_function(slot: usize) -> Option<Traverse> {
    // SAFETY: not NULL, and the caller's promise.
    (slot != 0).then(|| unsafe { std::mem::transmute::<usize, Traverse>(slot) })
}

/// The value of an expression, evaluated in a namespace of its own. The default would be the program's `__main__`,
/// whose names must be neither read nor set.
///
/// # Errors
/// Whatever the expression raises.
pub(crate) fn eval<'py>(py: Python<'py>, expression: &CStr) -> PyResult<Bound<'py, PyAny>> {
    py.eval(expression, Some(&PyDict::new(py)), None)
}

/// The number of this interpreter within the process. Numbers are not reused.
pub(crate) fn interpreter(_py: Python<'_>) -> i64 {
    // SAFETY: the GIL is held, so that there is a current interpreter.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) }
}

/// The address of this interpreter's state.
pub(crate) fn interpreter_state(_py: Python<'_>) -> Address {
    // SAFETY: the GIL is held, so that there is a current interpreter.
    unsafe { ffi::PyInterpreterState_Get() as Address }
}

/// A type's slot as a number, 0 if it is empty.
pub(crate) fn slot(of: &Bound<'_, PyType>, slot: c_int) -> usize {
    // SAFETY: a live type; from 3.10 the function takes static types too.
    unsafe { ffi::PyType_GetSlot(of.as_type_ptr(), slot) as usize }
}

/// The type's `tp_name`: with its module for types defined in C, the bare name for those defined in Python.
pub(crate) fn c_name(of: &Bound<'_, PyType>) -> String {
    // SAFETY: a live type, whose name is a C string.
    let name = unsafe { CStr::from_ptr(word(of.as_ptr() as Address, type_object::NAME) as *const _) };
    name.to_string_lossy().into_owned()
}

/// Whether the type was made at run time, so that it can die and another type can take its address.
pub(crate) fn is_heap_type(of: &Bound<'_, PyType>) -> bool {
    // SAFETY: a live type.
    let flags = unsafe { type_flags(of.as_ptr() as Address) };
    flags & type_object::HEAP_TYPE != 0
}

/// Whether `sys.getsizeof` may count words of a managed dict or of weak references before the objects of a type.
pub(super) fn has_pre_header(of: &Bound<'_, PyType>) -> bool {
    // SAFETY: a live type.
    unsafe { type_flags(of.as_ptr() as Address) & type_object::PRE_HEADER != 0 }
}

/// Whether a type is `other` or derives from it.
pub(crate) fn derives_from(of: &Bound<'_, PyType>, other: &Bound<'_, PyType>) -> bool {
    // SAFETY: two live types; the function reads the MRO of the first.
    unsafe { ffi::PyType_IsSubtype(of.as_type_ptr(), other.as_type_ptr()) != 0 }
}

/// The `__module__` (if it is a str) and the `__qualname__` of a type that was made at run time; `None` for
/// other types.
pub(crate) fn names_of_class<'py>(
    of: &Bound<'py, PyType>,
    layout: &Layout,
) -> Option<(Option<Bound<'py, PyString>>, Bound<'py, PyString>)> {
    if !is_heap_type(of) {
        return None;
    }
    // SAFETY: a live type that was made at run time: it holds its qualified name and its namespace.
    let (qualname, namespace) = unsafe {
        let at = of.as_ptr() as Address;
        let object =
            |address: Address| Bound::from_borrowed_ptr_or_opt(of.py(), address as *mut ffi::PyObject);
        (object(word(at, layout.heap_type.qualname() as usize))?, object(word(at, type_object::DICT)))
    };
    let module = namespace.and_then(|namespace| value_of(namespace.cast::<PyDict>().ok()?, c"__module__"));
    let module = module.and_then(|module| module.cast_into_exact::<PyString>().ok());
    Some((module, qualname.cast_into_exact::<PyString>().ok()?))
}

/// `repr(object)` by the C function in this slot of its type or a base.
///
/// # Errors
/// Whatever the function raises.
pub(crate) fn call_repr<'py>(function: usize, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    type Repr = unsafe extern "C" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;
    // SAFETY: `slot` gave the function for `tp_repr` (or `tp_iter`, which has the same signature), for objects like
    // this one.
    unsafe {
        let function = std::mem::transmute::<usize, Repr>(function);
        Bound::from_owned_ptr_or_err(object.py(), function(object.as_ptr()))
    }
}

/// A container that `repr()` considers in progress on this thread, until the guard is dropped.
pub(crate) struct ReprGuard<'py>(Option<Bound<'py, PyAny>>);

impl<'py> ReprGuard<'py> {
    /// Registers the container; `None` if it is registered already. If there is no memory to register it, the
    /// guard does nothing. O(registered containers).
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

impl Drop for ReprGuard<'_> {
    fn drop(&mut self) {
        if let Some(container) = &self.0 {
            // SAFETY: entered above, the GIL held; the function keeps an error that is set.
            unsafe { ffi::Py_ReprLeave(container.as_ptr()) };
        }
    }
}

/// The next entry of a dict (or of a subclass, or a frozendict), read natively; `position` begins at 0. If the dict
/// changes between calls, entries may be skipped or seen twice, and nothing worse.
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

/// The value under an ASCII key of a dict. Only str keys are compared, as texts, so that no key's code runs.
/// O(entries).
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

/// The namespace of a module; `None` for one that was not initialised.
pub(crate) fn namespace_of<'py>(module: &Bound<'py, PyModule>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: a live module, which holds its namespace, if it has one.
    let namespace =
        unsafe { Bound::from_borrowed_ptr_or_opt(module.py(), ffi::PyModule_GetDict(module.as_ptr())) };
    namespace?.cast_into().ok()
}

/// The first object that the object's `tp_traverse` visits.
pub(crate) fn first_referent<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    unsafe extern "C" fn first(visited: *mut ffi::PyObject, found: *mut c_void) -> c_int {
        // SAFETY: the pointer that is passed below.
        unsafe { *found.cast::<*mut ffi::PyObject>() = visited };
        1
    }
    let mut found: *mut ffi::PyObject = std::ptr::null_mut();
    // SAFETY: the GIL is held; the type's own traverse on a live object.
    unsafe {
        if let Some(traverse) = traverse_function(slot(&object.get_type(), ffi::Py_tp_traverse)) {
            traverse(object.as_ptr(), first, (&raw mut found).cast());
        }
    }
    // SAFETY: what a live object refers to is alive.
    (!found.is_null()).then(|| unsafe { Bound::from_borrowed_ptr(object.py(), found) })
}

/// Whether a string contains this ASCII character.
pub(crate) fn contains(text: &Bound<'_, PyString>, c: u8) -> bool {
    // SAFETY: a live str, the GIL held.
    unsafe {
        let length = ffi::PyUnicode_GetLength(text.as_ptr());
        ffi::PyUnicode_FindChar(text.as_ptr(), u32::from(c), 0, length, 1) >= 0
    }
}
