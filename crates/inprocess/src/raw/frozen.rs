//! The frozen heap: walking it, and the types, references and sizes of its objects.

use std::ffi::{c_int, c_void};

use memtop_cpython::layout::{self, container, gc_head};
use memtop_cpython::{Checked, collector_state};
use memtop_heap::{CollectorState, HeapError, push};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};

use super::lists::{Standstill, is_only_interpreter, prefetch};
use super::memory::OwnMemory;
use super::object::{Address, Object, word};
use super::runtime::Runtime;
use super::sizes::{
    Sizing, call_size, dict_size, dict_size_bound, int_size, list_size, set_size, str_size, struct_codes,
};
use super::type_slots::{References, SlotResolver, TypeSlots};

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
    resolver: SlotResolver,
}

/// Freezes the heap while `look` reads it. `look` must run no Python code and drop no reference.
pub(crate) fn freeze<T>(py: Python<'_>, look: impl FnOnce(&mut Frozen<'_>) -> PyResult<T>) -> PyResult<T> {
    let runtime = Runtime::get(py)?;
    look(&mut Frozen { standstill: Standstill::begin(py), runtime, resolver: SlotResolver::default() })
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

    /// The collector's state, as it was before the heap was frozen. `None` if it cannot be known, or if there are other
    /// interpreters, which have collectors of their own.
    pub(crate) fn collector(&self) -> Option<CollectorState> {
        let (youngest, permanent) = self.runtime.lists?.heads();
        // Its lists are followed on 3.12, wherever they lead.
        let (memory, minor) = (self.memory(), self.runtime.layout?.minor);
        let state = collector_state(&Checked::new(&memory), youngest, permanent, minor)?;
        let enabled = self.standstill.was_enabled();
        is_only_interpreter(self.standstill.py()).then_some(CollectorState { enabled, ..state })
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

    /// Resolves how objects of this type are counted. With `ask`, a `__sizeof__` that is not one of the
    /// interpreter's is left to be called later; without, the first on the MRO that is one of the interpreter's is
    /// used instead.
    pub(crate) fn slots_of(&mut self, of: Address, ask: bool) -> TypeSlots {
        // SAFETY: frozen: the type of a live object.
        unsafe { self.resolver.resolve(self.standstill.py(), self.runtime, of, ask) }
    }

    /// A reference to a type, by its address.
    pub(crate) fn hold_type(&self, of: Address) -> Py<PyType> {
        // SAFETY: frozen: the type of a live object, by `type_of`.
        unsafe {
            let of = Bound::from_borrowed_ptr(self.standstill.py(), of as *mut ffi::PyObject);
            of.cast_into_unchecked().unbind()
        }
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
