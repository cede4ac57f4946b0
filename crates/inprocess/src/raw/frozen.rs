//! The frozen heap: walking it, and the types, references and sizes of its objects.

use std::ffi::{c_int, c_void};

use memtop_cpython::layout::{self, container, gc_head, type_object};
use memtop_heap::{HeapError, push};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use rustc_hash::FxHashMap;

use super::lists::{Standstill, prefetch};
use super::memory::OwnMemory;
use super::object::{Address, Object, Traverse, traverse_function, type_flags, word};
use super::runtime::Runtime;
use super::sizes::{
    KnownSizeof, Sizing, belongs_to, call_size, dict_size, dict_size_bound, int_size, list_size,
    native_method, set_size, str_size, struct_codes,
};

/// How the references and bytes of a type's objects are counted, resolved once for the type.
#[derive(Clone, Copy)]
pub(crate) struct TypeSlots {
    traverse: Option<Traverse>,
    references: References,
    sizing: Sizing,
    /// The type's `__sizeof__` is not one of the interpreter's: it may be called when the walk is over.
    ask: bool,
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
enum References {
    /// The word at this offset, times this.
    Word(usize, u64),
    /// The same for all objects of the type.
    AtMost(u64),
    /// No bound is known.
    Unknown,
}

/// An upper bound of an object's size, or the request to ask for it when the walk is over.
pub(crate) enum SizeBound {
    /// The size is not above this.
    AtMost(u64),
    /// Nothing is known without running the method, which may be the user's.
    Ask,
}

/// The frozen heap. See the folder's header for the rule that this type upholds.
pub(crate) struct Frozen<'py> {
    standstill: Standstill<'py>,
    runtime: &'py Runtime,
    /// The `__sizeof__` in the namespace of each class, or 0.
    own_sizeof: FxHashMap<Address, Address>,
}

/// Freezes the heap while `look` reads it. `look` must run no Python code and drop no reference.
pub(crate) fn freeze<T>(py: Python<'_>, look: impl FnOnce(&mut Frozen<'_>) -> PyResult<T>) -> PyResult<T> {
    let runtime = Runtime::get(py)?;
    look(&mut Frozen { standstill: Standstill::begin(py), runtime, own_sizeof: FxHashMap::default() })
}

impl Frozen<'_> {
    /// Visits every object that `gc.get_objects()` would list, in another order, but each with a position that ascends
    /// in that order.
    pub(crate) fn walk(
        &mut self,
        mut visit: impl FnMut(&mut Self, u64, Object) -> PyResult<()>,
    ) -> PyResult<()> {
        if let Some(lists) = self.runtime.lists
            && !lists.is_collecting()
        {
            for generation in 0..layout::GENERATIONS {
                // SAFETY: frozen, since `self` holds the guard.
                unsafe {
                    lists.walk_unguarded(generation, |position, object| visit(self, position, object))?;
                }
            }
            return Ok(());
        }
        // Within a collection, or where the lists are not known, the collector itself is asked.
        let listed = self.runtime.get_objects.bind(self.standstill.py()).call0()?.cast_into::<PyList>()?;
        for (position, object) in listed.iter().enumerate() {
            visit(self, position as u64, Object(object.as_ptr() as Address))?;
        }
        Ok(())
    }

    /// Visits every object in the collector's lists, the permanent generation included, in no order. False if the lists
    /// cannot be walked. `samples`, objects that the collector tracks, speed it up.
    pub(crate) fn walk_all(&self, samples: &[u64], visit: impl FnMut(Object)) -> bool {
        let Some(lists) = self.runtime.lists.filter(|lists| !lists.is_collecting()) else { return false };
        lists.walk_all(&self.standstill, samples, visit);
        true
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
    pub(crate) fn references_bound(&self, slots: &TypeSlots, object: Object) -> u64 {
        match slots.references {
            // SAFETY: frozen, and the slots are of a type whose objects have such a word.
            References::Word(offset, times) => unsafe { word(object.0, offset) as u64 * times },
            References::AtMost(bound) => bound,
            References::Unknown => self.references(slots, object),
        }
    }

    /// The number of the object's references, as `len(gc.get_referents(object))`. O(references).
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn references(&self, slots: &TypeSlots, object: Object) -> u64 {
        unsafe extern "C" fn count(_: *mut ffi::PyObject, counter: *mut c_void) -> c_int {
            // SAFETY: the counter that is passed below; no unwinding, no allocation, no refcount.
            unsafe { *counter.cast::<u64>() += 1 };
            0
        }
        let mut counter = 0u64;
        if let Some(traverse) = slots.traverse {
            // SAFETY: frozen; the type's own traverse on one of its objects.
            unsafe { traverse(object.0 as *mut ffi::PyObject, count, (&raw mut counter).cast()) };
        }
        counter
    }

    /// Appends the addresses that the type's `tp_traverse` visits to `into`, in its order.
    ///
    /// # Errors
    /// If there is no memory for all of them.
    #[inline]
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn traverse(
        &self,
        slots: &TypeSlots,
        object: Object,
        into: &mut Vec<u64>,
    ) -> Result<(), HeapError> {
        struct Visits<'a> {
            into: &'a mut Vec<u64>,
            done: Result<(), HeapError>,
        }
        unsafe extern "C" fn visit(visited: *mut ffi::PyObject, visits: *mut c_void) -> c_int {
            // SAFETY: the pointer that is passed below, which nothing else uses meanwhile.
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
        if let Some(traverse) = slots.traverse {
            // SAFETY: frozen; the type's own traverse on one of its objects.
            unsafe { traverse(object.0 as *mut ffi::PyObject, visit, (&raw mut visits).cast()) };
        }
        visits.done
    }

    /// An upper bound of the object's size. O(1).
    #[inline]
    pub(crate) fn size_bound(&self, slots: &TypeSlots, object: Object) -> SizeBound {
        if slots.ask {
            return SizeBound::Ask;
        }
        SizeBound::AtMost(match slots.sizing {
            Sizing::Dict { header, .. } => match self.runtime.dict_keys {
                // SAFETY: frozen; the slots are of a dict type.
                Some(keys) => unsafe { dict_size_bound(object.0, keys) + header },
                None => u64::MAX,
            },
            Sizing::Native { .. } | Sizing::Str { .. } | Sizing::Struct { .. } => u64::MAX,
            _ => self.size(slots, object),
        })
    }

    /// The object's size: what `sys.getsizeof(object)` answers, but that a method that may be the user's is not called.
    #[inline]
    pub(crate) fn size(&self, slots: &TypeSlots, object: Object) -> u64 {
        // SAFETY: frozen, and the slots are of this object's type.
        unsafe {
            match slots.sizing {
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

    /// The memory of this process, while the heap is frozen.
    pub(crate) fn memory(&self) -> OwnMemory {
        OwnMemory::new(&self.standstill)
    }

    /// The addresses of the states of all threads, this one's first.
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn threads(&self) -> Vec<u64> {
        // SAFETY: the GIL is held, so that there is a current thread, and threads are added and removed only with the
        // GIL (their list has a lock of its own as well; a thread that waits for the GIL has released it).
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

    /// Prefetches the memory of `far`; for `near`, which was prefetched before, what it points to: the keys of a dict,
    /// the items of a list, the type of anything else. `known` are the addresses of the types dict and list.
    #[inline]
    #[expect(clippy::unused_self, reason = "the borrow proves that the heap is frozen")]
    pub(crate) fn prefetch(&self, near: Option<u64>, far: Option<u64>, known: (u64, u64)) {
        if let Some(far) = far {
            prefetch(far as Address - gc_head::SIZE);
        }
        if let Some(near) = near.map(|near| near as Address) {
            // SAFETY: frozen: live objects of a type that is recognised by its address.
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
        unsafe { Bound::from_borrowed_ptr(self.standstill.py(), object.0 as *mut ffi::PyObject).unbind() }
    }

    /// A reference to a type, by its address.
    pub(crate) fn hold_type(&self, of: Address) -> Py<PyType> {
        // SAFETY: frozen: the type of a live object, by `type_of`.
        unsafe {
            let of = Bound::from_borrowed_ptr(self.standstill.py(), of as *mut ffi::PyObject);
            of.cast_into_unchecked().unbind()
        }
    }

    /// Resolves how objects of this type are counted. With `ask`, a `__sizeof__` that is not one of the interpreter's
    /// is left to be called later; without, the first on the MRO that is one of the interpreter's is used instead.
    pub(crate) fn slots_of(&mut self, of: Address, ask: bool) -> TypeSlots {
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
            // At most a key and a value for each entry.
            slot if slot == self.runtime.dict_traverse => References::Word(container::DICT_USED, 2),
            slot if slot == self.runtime.set_traverse => References::Word(container::SET_USED, 1),
            _ if self.runtime.small.contains(&of) => References::AtMost(base_size / 8),
            slot if slot == self.runtime.class_traverse
                && flags & type_object::HEAP_TYPE != 0
                && self.is_plain(of) =>
            {
                // Slots are within the basic size; then come the inline values, the dict, and the type.
                References::AtMost(base_size / 8 + layout::INLINE_VALUES_MAX as u64 + 2)
            }
            _ => References::Unknown,
        };
        // SAFETY: the type's own slot.
        let traverse = unsafe { traverse_function(traverse) };
        let (method, known) = self.find_sizeof(of);
        let is_own = known.is_some_and(|(known, _)| known == method);
        let header = self.header_size(flags);
        let sizing = match known {
            Some((_, known)) => Sizing::of(known, header, base_size, item_size),
            None => Sizing::Fixed(header + base_size),
        };
        TypeSlots { traverse, references, sizing, ask: ask && !is_own }
    }

    /// Whether a class descends from `object` through plain classes only, so that its layout contains all of its
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

    /// The bytes before an object that `sys.getsizeof` counts: the collector's head, and from 3.11 the words of a
    /// managed dict and weak references (`_PyType_PreHeaderSize` in `pycore_object.h`).
    fn header_size(&self, flags: u64) -> u64 {
        if flags & type_object::HAVE_GC == 0 {
            return 0;
        }
        let own = if flags & type_object::PRE_HEADER != 0 { self.runtime.pre_header } else { 0 };
        gc_head::SIZE as u64 + own
    }

    /// The address of the `__sizeof__` that a lookup on the type finds (0 for none), and the first on the MRO that is
    /// one of the interpreter's.
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
                if let Some(known) = self.known_sizeof(own) {
                    return (first, Some((own, known)));
                }
            }
        }
        (first, None)
    }

    /// The kind of a `__sizeof__`, by its address; `None` if it is not one of the interpreter's.
    ///
    /// # Safety
    /// An object in the namespace of a class, the heap frozen.
    unsafe fn known_sizeof(&self, method: Address) -> Option<KnownSizeof> {
        if let Some(&known) = self.runtime.sizeof.get(&method) {
            return Some(known);
        }
        // SAFETY: the caller's promise.
        let method = unsafe { Bound::from_borrowed_ptr(self.standstill.py(), method as *mut ffi::PyObject) };
        let function = native_method(&method, self.runtime.method_descriptor)?;
        if !self.runtime.is_standard_function(function as Address) {
            return None;
        }
        match belongs_to(&method, &["_struct.Struct", "Struct"]) {
            true => Some(KnownSizeof::Struct),
            false => Some(KnownSizeof::Native(function)),
        }
    }

    /// The `__sizeof__` in a class's own namespace, or 0. Keys are compared as strings by C code, since a lookup
    /// could run a key's `__eq__`.
    fn own_sizeof_of(&self, class: Address) -> Address {
        // SAFETY: frozen; references are borrowed from the dict, which does not change meanwhile.
        unsafe {
            let dict = word(class, type_object::DICT) as *mut ffi::PyObject;
            if dict.is_null() {
                // A static type of the interpreter, from 3.12: its namespace is stored elsewhere, and is plain.
                let py = self.standstill.py();
                let class = Bound::from_borrowed_ptr(py, class as *mut ffi::PyObject);
                let found = self.runtime.type_dict.bind(py).call_method1("__get__", (class,));
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

/// The size of a gc-tracked object as the interpreter's own methods give it, whatever its type's own answers.
///
/// # Errors
/// If the interpreter cannot be probed.
pub(crate) fn native_size(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    freeze(object.py(), |heap| {
        let sample = Object(object.as_ptr() as Address);
        let of = heap.type_of(sample);
        let slots = heap.slots_of(of, false);
        Ok(heap.size(&slots, sample))
    })
}

/// The real `sys.getsizeof`, even if the program has replaced it.
///
/// # Errors
/// Whatever the object's `__sizeof__` raises.
pub(crate) fn getsizeof<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    Runtime::get(py)?.getsizeof.bind(py).call1((object,))
}
