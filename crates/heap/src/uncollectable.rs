//! Cycles of unreachable objects that the collector never frees.
//!
//! The collector counts the references that the `tp_traverse` of tracked objects visits. An object with a reference
//! beside those looks held from outside, and is kept with all that it refers to. If the hidden reference comes from
//! garbage, it ends when that garbage is freed. If it is part of the cycle itself, it never ends: nobody else holds the
//! cycle, and the collector does not see that.
//!
//! So a strongly connected component of unreachable objects is freed, sooner or later, unless one of its own references
//! is hidden or a component that is never freed refers to it. In the other direction: a component without hidden
//! references of its own that no object outside refers to has only references that the collector counts.
//!
//! Invariant: iterative, linear in the unreachable objects and their references; without a hidden reference among them,
//! nothing is allocated.

use crate::budget::{filled, push};
use crate::error::HeapError;
use crate::handles::{NONE, ObjectId};
use crate::heap::Heap;
use crate::objects::Flags;

/// An object in a cycle that the collector never frees, because it does not see one of the references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UncollectableCycle {
    /// The object that the hidden reference leads to.
    pub object: ObjectId,
    /// The object that has the hidden reference.
    pub hidden_by: ObjectId,
}

/// Finds the hidden references that keep cycles alive among the objects `rest`, those that are not `reached`. Of the
/// references of tracked objects, `unvisited` has those that the collector does not see, in order.
///
/// # Errors
/// If there is not enough memory.
pub(crate) fn uncollectable(
    heap: &Heap,
    rest: &[ObjectId],
    reached: &[bool],
    unvisited: &[(ObjectId, ObjectId)],
) -> Result<Vec<UncollectableCycle>, HeapError> {
    let objects = heap.objects();
    let mut hidden: Vec<UncollectableCycle> = Vec::new();
    for &from in rest {
        let is_tracked = objects.flags(from).contains(Flags::TRACKED);
        for &to in heap.references().targets_of(from) {
            let is_hidden = !is_tracked || unvisited.binary_search(&(from, to)).is_ok();
            if is_hidden && !reached[to.index()] {
                push(&mut hidden, UncollectableCycle { object: to, hidden_by: from })?;
            }
        }
    }
    if hidden.is_empty() {
        return Ok(hidden);
    }
    let component = components(heap, rest, reached)?;
    let of = |id: ObjectId| component[id.index()];
    hidden.retain(|one| of(one.object) == of(one.hidden_by));
    // Where objects that are not tracked refer to each other, the one that leads back to a tracked object is named.
    let is_tracked = |one: &UncollectableCycle| objects.flags(one.object).contains(Flags::TRACKED);
    hidden.sort_unstable_by_key(|one| (of(one.object), !is_tracked(one), *one));
    let mut previous: Option<UncollectableCycle> = None;
    hidden.retain(|one| {
        let is_first = previous.is_none_or(|previous| of(previous.object) != of(one.object));
        let is_kept = is_first || is_tracked(one) && previous != Some(*one);
        previous = Some(*one);
        is_kept
    });
    // One of each type is enough: a class may have many instances that hold it.
    let by_type = |one: &UncollectableCycle| (one.object, objects.type_of(one.hidden_by));
    hidden.sort_unstable_by_key(|one| (by_type(one), one.hidden_by));
    hidden.dedup_by_key(|one| by_type(one));
    Ok(hidden)
}

/// The number of the strongly connected component of each object of `rest`; [`NONE`] for the others. After Pearce,
/// "A Space-Efficient Algorithm for Finding Strongly Connected Components" (2016).
fn components(heap: &Heap, rest: &[ObjectId], reached: &[bool]) -> Result<Vec<u32>, HeapError> {
    let references = heap.references();
    // While an object is open: the least order of visit that is reachable from it. Afterwards: its component, counted
    // down from the end, so that it is above all orders of visit.
    let mut number = filled(heap.objects().len(), NONE)?;
    let mut is_root = filled(heap.objects().len(), false)?;
    // Objects that are being visited, each with the position of its next reference.
    let mut visiting: Vec<(ObjectId, u32)> = Vec::new();
    let mut waiting: Vec<ObjectId> = Vec::new();
    let (mut order, mut component) = (0, NONE - 1);
    for &start in rest {
        if number[start.index()] != NONE {
            continue;
        }
        number[start.index()] = order;
        is_root[start.index()] = true;
        order += 1;
        push(&mut visiting, (start, 0))?;
        while let Some((at, next)) = visiting.last_mut() {
            let at = *at;
            let targets = references.targets_of(at);
            if let Some(&to) = targets.get(*next as usize) {
                *next += 1;
                if reached[to.index()] {
                    continue;
                }
                if number[to.index()] == NONE {
                    number[to.index()] = order;
                    is_root[to.index()] = true;
                    order += 1;
                    push(&mut visiting, (to, 0))?;
                } else if number[to.index()] < number[at.index()] {
                    number[at.index()] = number[to.index()];
                    is_root[at.index()] = false;
                }
                continue;
            }
            visiting.pop();
            let least = number[at.index()];
            if is_root[at.index()] {
                // Orders of visit are used again, so that they stay below the components.
                order -= 1;
                while let Some(&top) = waiting.last().filter(|top| number[top.index()] >= least) {
                    number[top.index()] = component;
                    waiting.pop();
                    order -= 1;
                }
                number[at.index()] = component;
                component -= 1;
            } else {
                push(&mut waiting, at)?;
            }
            // What a child reaches, its parent reaches.
            if let Some(&(parent, _)) = visiting.last()
                && number[at.index()] < number[parent.index()]
            {
                number[parent.index()] = number[at.index()];
                is_root[parent.index()] = false;
            }
        }
    }
    Ok(number)
}
