//! The collector's lists of objects, and the guard under which they may be followed.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;

use memtop_cpython::layout::{self, GcState, container, gc_head};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTypeInfo, ffi};

use super::object::{Address, Object, word};

/// Proof that the heap is frozen: the GIL is held and the collector is off until it is dropped. Its owner must run
/// no Python code and drop no reference in that time (see the rule in the folder's header).
pub(super) struct Standstill<'py> {
    py: Python<'py>,
    was_enabled: bool,
}

impl<'py> Standstill<'py> {
    /// Turns the collector off.
    pub(super) fn begin(py: Python<'py>) -> Self {
        // SAFETY: the GIL is held.
        let was_enabled = unsafe { ffi::PyGC_Disable() } != 0;
        Self { py, was_enabled }
    }

    pub(super) fn py(&self) -> Python<'py> {
        self.py
    }

    /// Whether the collector was on before.
    pub(super) fn was_enabled(&self) -> bool {
        self.was_enabled
    }
}

impl Drop for Standstill<'_> {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: the GIL is held.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// The heads of the collector's lists of this interpreter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists {
    generation0: Address,
    state: GcState,
    dict_type: Address,
}

impl Lists {
    /// Finds the heads, if they are where the version's table says.
    pub(super) fn find(py: Python<'_>, state: GcState) -> Option<Self> {
        // The next pointer of a container that was just made leads to the head of the youngest list.
        let fresh = PyList::empty(py);
        // SAFETY: a list always has a collector's head before it.
        let generation0 =
            unsafe { word(fresh.as_ptr() as Address - gc_head::SIZE, gc_head::NEXT) } & gc_head::MASK;
        let heads = (0..layout::GENERATIONS).map(|generation| generation * layout::GENERATION);
        for head in heads.chain([state.permanent]).map(|offset| generation0 + offset) {
            // SAFETY: the heads are in the interpreter's state, which begins before them and ends far behind.
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

    /// Whether the collector is running, its lists in pieces.
    pub(super) fn is_collecting(&self) -> bool {
        // SAFETY: an int in the interpreter's state, by the table that was checked.
        unsafe { ((self.generation0 + self.state.collecting) as *const c_int).read() != 0 }
    }

    /// The address of the head of the youngest generation, and the distance of that of the permanent one.
    pub(super) fn heads(&self) -> (u64, u64) {
        (self.generation0 as u64, self.state.permanent as u64)
    }

    /// Walks one generation of the frozen heap; see [`Self::walk_unguarded`].
    pub(super) fn walk<E>(
        &self,
        _frozen: &Standstill<'_>,
        generation: usize,
        visit: impl FnMut(u64, Object) -> Result<(), E>,
    ) -> Result<(), E> {
        // SAFETY: the guard proves that the heap is frozen.
        unsafe { self.walk_unguarded(generation, visit) }
    }

    /// Walks one generation from both ends at once, which halves the time: each step waits for memory, and the two
    /// waits overlap. Each object comes with a position that ascends in the order of the list but has gaps.
    ///
    /// # Safety
    /// The heap must be frozen throughout.
    pub(super) unsafe fn walk_unguarded<E>(
        &self,
        generation: usize,
        mut visit: impl FnMut(u64, Object) -> Result<(), E>,
    ) -> Result<(), E> {
        let head = self.generation0 + generation * layout::GENERATION;
        let first = generation as u64 * 2 * HALF;
        // SAFETY: frozen: a ring of collector's heads that ends where it began; both ends of an empty one are the head.
        let next = |at| unsafe { word(at, gc_head::NEXT) } & gc_head::MASK;
        // SAFETY: as above.
        let previous = |at| unsafe { word(at, gc_head::PREVIOUS) } & gc_head::MASK;
        // A dict's size is in its key table, which is a second wait: it is prefetched when the dict is reached, and
        // read a round later.
        // SAFETY: frozen: an object in the list, whose type is known to be dict.
        let prefetch_keys = |at: Address| unsafe {
            let object = at + gc_head::SIZE;
            if word(object, layout::object::TYPE) == self.dict_type {
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
            prefetch_keys(front);
            prefetch_keys(back);
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

    /// Visits every object in the lists, the permanent generation included, in no order.
    ///
    /// A list can only be followed link by link, each a wait for memory. `samples`, objects that the collector tracks,
    /// cut the lists into pieces, which are followed side by side, so that the waits overlap.
    pub(super) fn walk_all(&self, frozen: &Standstill<'_>, samples: &[u64], mut visit: impl FnMut(Object)) {
        let heads = (0..layout::GENERATIONS).map(|generation| generation * layout::GENERATION);
        let heads = heads.chain([self.state.permanent]).map(|offset| self.generation0 + offset);
        // A piece ends at a list's head, or where another piece begins. Samples are useless if they may be in another
        // interpreter's lists, which have other heads.
        let mut ends = AddressSet::default();
        let mut cursors = Vec::new();
        for sample in samples.iter().filter(|_| is_only_interpreter(frozen.py())) {
            let at = *sample as Address - gc_head::SIZE;
            if ends.insert(at) {
                cursors.push(at);
            }
        }
        let heads: Vec<Address> = heads.filter(|&head| ends.insert(head)).collect();
        // SAFETY: frozen: a ring of collector's heads; the next of one is another, or the list's own.
        let next = |at| unsafe { word(at, gc_head::NEXT) } & gc_head::MASK;
        cursors.extend(heads.into_iter().map(next).filter(|&first| !ends.contains(first)));
        while !cursors.is_empty() {
            cursors.retain_mut(|at| {
                let after = next(*at);
                prefetch(after);
                visit(Object(*at + gc_head::SIZE));
                *at = after;
                !ends.contains(after)
            });
        }
    }
}

/// The distance between the positions of a list's two ends: more than any list has objects.
const HALF: u64 = 1 << 59;

/// A small set of addresses with a fast negative answer.
struct AddressSet {
    table: [Address; 256],
    count: usize,
}

impl Default for AddressSet {
    fn default() -> Self {
        Self { table: [0; 256], count: 0 }
    }
}

impl AddressSet {
    #[inline]
    fn slot(address: Address) -> usize {
        (address >> 4 ^ address >> 12) % 256
    }

    /// Adds an address. False if it is present already, or if the set is full.
    fn insert(&mut self, address: Address) -> bool {
        if self.contains(address) || self.count >= 64 {
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
    fn contains(&self, address: Address) -> bool {
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

/// Whether this is the only interpreter of the process. False if that cannot be known.
pub(super) fn is_only_interpreter(_py: Python<'_>) -> bool {
    type Head = unsafe extern "C" fn() -> *mut c_void;
    type Next = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
    // SAFETY: functions of the interpreter with these names and signatures, in every version; the GIL is held.
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

/// Prefetches the memory at an object's head.
#[inline]
pub(super) fn prefetch(address: Address) {
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
