//! Whether the reference counts add up: what is held from outside of Python, and what is garbage.
//!
//! Every counted reference to an object that no root reaches comes from another such object, or from where Python
//! cannot see: C code that took a reference. So for the unreached, count minus references found is what native code
//! holds. What is held so keeps alive what it refers to; the rest only keeps itself alive, and awaits the collector.
//! This is the collector's own reasoning, done on a copy.
//!
//! It is as right as the references are complete and none is in the heap twice. A reference that the capture missed
//! makes a native hold of its object; one that it saw twice makes garbage of what lives. For objects that a root
//! reaches it says nothing: there, a missed reference accuses nobody.

use crate::budget::{HEADROOM, filled, headroom, push};
use crate::error::HeapError;
use crate::handles::ObjectId;
use crate::heap::Heap;
use crate::objects::Flags;

/// An object that nothing in Python holds, though its reference count says that something does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeHold {
    /// The object.
    pub object: ObjectId,
    /// How many of its references were not found.
    pub unaccounted: u32,
}

/// What the reference counts say of the objects that no root reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// What nothing but mem_top's own objects holds, by object; those that are flagged so already are left out.
    pub own: Vec<ObjectId>,
    /// Held from outside of Python, by object.
    pub native: Vec<NativeHold>,
    /// Garbage that awaits the collector, by object.
    pub garbage: Vec<ObjectId>,
}

/// Settles the accounts of the objects that no root reaches. Linear, and 5 bytes an object while it works.
///
/// Immortal objects count as reached, whoever holds them. mem_top's own do too, and what they alone reach is its own.
///
/// # Panics
/// If there is no memory for that.
#[must_use]
pub fn accounts(heap: &Heap) -> Accounts {
    settle_accounts(heap).expect("memory for some bytes an object")
}

/// As [`accounts`], also where memory is scarce.
///
/// # Errors
/// If the memory cannot be had.
pub(crate) fn settle_accounts(heap: &Heap) -> Result<Accounts, HeapError> {
    let objects = heap.objects();
    let references = heap.references();
    headroom(HEADROOM)?;
    let mut reached = filled(objects.len(), false)?;
    let is_own = |id: ObjectId| objects.flags(id).contains(Flags::OWN);
    let immortal = objects.ids().filter(|&id| objects.flags(id).contains(Flags::IMMORTAL));
    for id in heap.roots().iter().map(|(_, root)| root.object).chain(immortal) {
        reached[id.index()] = true;
    }
    // Not through what is mem_top's: what others hold too is theirs.
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
    Ok(Accounts { own, native, garbage })
}

/// Marks what is reached from `open`, whose own marks are set, and tells each object that is newly reached.
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

/// Marks what is reached from all that is marked, except through what is `closed`. In the order of the objects, which a
/// capture meets each after one that refers to it: what is left to be done out of turn is little.
fn sweep(heap: &Heap, reached: &mut [bool], closed: impl Fn(ObjectId) -> bool) -> Result<(), HeapError> {
    let mut open: Vec<ObjectId> = Vec::new();
    for id in heap.objects().ids().filter(|&id| !closed(id)) {
        if reached[id.index()] {
            push(&mut open, id)?;
        }
        while let Some(at) = open.pop() {
            for &to in heap.references().targets_of(at) {
                // What comes later has its turn. What is closed is marked from the beginning.
                if !std::mem::replace(&mut reached[to.index()], true) && to < id {
                    push(&mut open, to)?;
                }
            }
        }
    }
    Ok(())
}
