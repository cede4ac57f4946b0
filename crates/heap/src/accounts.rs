//! Comparison of reference counts with the references found: which objects are held from outside of Python, and which
//! are garbage.
//!
//! A counted reference to an object that no root reaches comes either from another such object or from C code. So for
//! unreached objects, the count minus the references found is the number of references that native code holds. Objects
//! held that way keep alive what they refer to; the others only keep each other alive. Most of them are garbage, which the
//! collector frees. Those in a cycle with a reference that the collector does not see are never freed
//! (`uncollectable.rs`).
//!
//! The result is right only if the references are complete and none is in the heap twice. A reference that the capture
//! missed makes its object look held by native code; one that it added twice makes a live object look like garbage.
//! Objects that a root reaches are not judged, so a missed reference does no harm there.

use crate::budget::{HEADROOM, filled, headroom, push};
use crate::error::HeapError;
use crate::handles::ObjectId;
use crate::heap::Heap;
use crate::objects::Flags;
use crate::uncollectable::{UncollectableCycle, uncollectable};

/// An object that nothing in Python holds, although its reference count exceeds the references found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeHold {
    /// The object.
    pub object: ObjectId,
    /// The number of its references that were not found.
    pub unaccounted: u32,
}

/// The objects that no root reaches, by who holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// Objects that only mem_top's own objects hold, in order; those already flagged as own are left out.
    pub own: Vec<ObjectId>,
    /// Objects held from outside of Python, in order.
    pub native: Vec<NativeHold>,
    /// Objects held only by a reference of a cycle that the collector does not see, in order. All that they reach is
    /// never freed either.
    pub uncollectable: Vec<UncollectableCycle>,
    /// Garbage that the collector would free, in order.
    pub garbage: Vec<ObjectId>,
}

/// Finds who holds the objects that no root reaches. Linear; takes 5 bytes per object while it works.
///
/// Immortal objects count as reached. mem_top's own objects do too, and objects that only they reach are its own. The
/// collector is taken to see all references, as in a heap whose uncollectable cycles have roots already.
///
/// # Panics
/// If there is no memory for that.
#[must_use]
pub fn accounts(heap: &Heap) -> Accounts {
    settle_accounts(heap, None).expect("memory for some bytes an object")
}

/// As [`accounts`], with an error if memory is scarce. `unvisited` are the references of tracked objects that their
/// traverse does not visit, in order; with it, uncollectable cycles are distinguished from garbage.
///
/// # Errors
/// If there is not enough memory.
pub(crate) fn settle_accounts(
    heap: &Heap,
    unvisited: Option<&[(ObjectId, ObjectId)]>,
) -> Result<Accounts, HeapError> {
    let objects = heap.objects();
    let references = heap.references();
    headroom(HEADROOM)?;
    let mut reached = filled(objects.len(), false)?;
    let is_own = |id: ObjectId| objects.flags(id).contains(Flags::OWN);
    let immortal = objects.ids().filter(|&id| objects.flags(id).contains(Flags::IMMORTAL));
    for id in heap.roots().iter().map(|(_, root)| root.object).chain(immortal) {
        reached[id.index()] = true;
    }
    // Not through mem_top's own objects: an object that others hold too is theirs.
    let seeds: Vec<ObjectId> = objects.ids().filter(|&id| is_own(id)).collect();
    for id in &seeds {
        reached[id.index()] = true;
    }
    sweep(heap, &mut reached, is_own)?;
    let mut own = Vec::new();
    let mut open = seeds;
    reach(heap, &mut open, &mut reached, |id| push(&mut own, id))?;
    own.sort_unstable();

    let mut found = filled(objects.len(), 0_u32)?;
    for id in objects.ids().filter(|id| !reached[id.index()]) {
        for to in references.targets_of(id) {
            found[to.index()] = found[to.index()].saturating_add(1);
        }
    }
    let mut native: Vec<NativeHold> = Vec::new();
    for object in objects.ids().filter(|id| !reached[id.index()]) {
        let unaccounted = objects.refcount(object).saturating_sub(found[object.index()]);
        if unaccounted > 0 {
            push(&mut native, NativeHold { object, unaccounted })?;
        }
    }
    for hold in &native {
        reached[hold.object.index()] = true;
        push(&mut open, hold.object)?;
    }
    reach(heap, &mut open, &mut reached, |_| Ok(()))?;
    let mut garbage = Vec::new();
    for id in objects.ids().filter(|id| !reached[id.index()]) {
        push(&mut garbage, id)?;
    }
    let uncollectable = match unvisited {
        Some(unvisited) => uncollectable(heap, &garbage, &reached, unvisited)?,
        None => Vec::new(),
    };
    if !uncollectable.is_empty() {
        for cycle in &uncollectable {
            if !std::mem::replace(&mut reached[cycle.object.index()], true) {
                push(&mut open, cycle.object)?;
            }
        }
        reach(heap, &mut open, &mut reached, |_| Ok(()))?;
        garbage.retain(|id| !reached[id.index()]);
    }
    Ok(Accounts { own, native, uncollectable, garbage })
}

/// Marks the objects reached from `open`, which are marked already, and calls `newly` for each newly marked object.
fn reach(
    heap: &Heap,
    open: &mut Vec<ObjectId>,
    reached: &mut [bool],
    mut newly: impl FnMut(ObjectId) -> Result<(), HeapError>,
) -> Result<(), HeapError> {
    while let Some(id) = open.pop() {
        for &to in heap.references().targets_of(id) {
            if !std::mem::replace(&mut reached[to.index()], true) {
                newly(to)?;
                push(open, to)?;
            }
        }
    }
    Ok(())
}

/// Marks the objects reached from all marked ones, except through those that are `closed`. It goes in the order of the
/// objects: a capture adds most objects after one that refers to them, so little is left to do out of order.
fn sweep(heap: &Heap, reached: &mut [bool], closed: impl Fn(ObjectId) -> bool) -> Result<(), HeapError> {
    let mut open: Vec<ObjectId> = Vec::new();
    for id in heap.objects().ids().filter(|&id| !closed(id)) {
        if reached[id.index()] {
            push(&mut open, id)?;
        }
        while let Some(at) = open.pop() {
            for &to in heap.references().targets_of(at) {
                // Later objects have their turn. Closed ones are marked from the beginning.
                if !std::mem::replace(&mut reached[to.index()], true) && to < id {
                    push(&mut open, to)?;
                }
            }
        }
    }
    Ok(())
}
