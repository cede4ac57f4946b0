//! The history of each object over the whole series: which kept growing, and which values were replaced by larger ones.
//!
//! Two passes over the heaps, each of which looks at two neighbours at a time: forward for the past of each object,
//! then backward for its future. So no more than two heaps are needed at once, however many there are.
//!
//! Invariant: linear in the objects of all heaps; every object has a few counters, no list.

use memtop_heap::{Flags, ObjectId};
use rustc_hash::FxHashMap;

use super::answer::SnapshotRow;
use super::heap_facts::{HeapFacts, NONE};
use super::object_matches::ObjectMatches;
use super::snapshot;
use super::store::Store;
use super::thresholds::Thresholds;
use crate::heap_series::HeapSeries;
use crate::memory::{MemoryTotal, memory_total};
use crate::path_nodes::{PathNodeId, PathNodes};

/// The summary of a heap that is kept throughout: its size grows with the paths, not with the objects.
pub(super) struct Summary {
    pub(super) row: SnapshotRow,
    pub(super) memory: MemoryTotal,
    /// How many objects await the collector.
    pub(super) garbage: i64,
    /// By node: how many objects, and their bytes. Shorter than there are nodes, if later heaps have more.
    nodes: Vec<(u64, u64)>,
}

impl Summary {
    fn of(facts: &HeapFacts<'_>) -> Self {
        let flags = facts.heap.objects().all_flags();
        Self {
            row: snapshot::row(&facts.heap),
            memory: memory_total(&facts.heap),
            garbage: flags.iter().filter(|flags| flags.contains(Flags::GARBAGE)).count() as i64,
            nodes: facts.nodes.clone(),
        }
    }

    /// How many objects are at a node, and their bytes.
    pub(super) fn at(&self, node: PathNodeId) -> (u64, u64) {
        self.at_index(node.index())
    }

    /// As [`Summary::at`], of a node by its index.
    pub(super) fn at_index(&self, node: usize) -> (u64, u64) {
        self.nodes.get(node).copied().unwrap_or_default()
    }
}

/// A value in one slot through all heaps, in place or replaced.
pub(super) struct Slot {
    /// The value in the first heap; during the backward pass, in the heap that the pass is at.
    pub(super) first: ObjectId,
    /// The value in the last heap.
    pub(super) last: ObjectId,
    /// By heap: the bytes of all objects that are reached through the value.
    pub(super) through: Vec<i64>,
    /// By how much the value's own size differs between the first and the last heap.
    pub(super) own: i64,
    /// Whether the last value refers to more items than the first.
    pub(super) has_more: bool,
    /// In how many intervals the bytes reached through it grew.
    pub(super) grown: usize,
    /// In how many it was replaced.
    pub(super) replaced: usize,
    /// Whether each new value kept the one before or its content; none if it held nothing.
    pub(super) kept: Option<bool>,
}

/// The history of the objects.
pub(super) struct History {
    /// By heap.
    pub(super) heaps: Vec<Summary>,
    /// By object of the last heap: whether it is in all heaps and gained items in (nearly) every interval.
    pub(super) grower: Vec<bool>,
    /// By object of the last heap: the object that it was in the first one, if it stayed from then on; else [`NONE`].
    pub(super) first: Vec<u32>,
    /// By node: the objects of the last heap that ever gained items.
    pub(super) gained: FxHashMap<PathNodeId, Vec<ObjectId>>,
    /// By node: the slots that changed and are in all heaps.
    pub(super) slots: FxHashMap<PathNodeId, Vec<Slot>>,
    /// By node of such slots: the objects of the last heap whose slots are not in all heaps, and the bytes reached
    /// through them.
    pub(super) newer: FxHashMap<PathNodeId, (usize, i64)>,
}

#[derive(Clone, Copy)]
struct Past {
    /// The object that it was in the first heap, if it stayed since.
    first: u32,
    /// For how many intervals it stayed.
    stayed: u16,
    /// In how many of them it gained items.
    gained: u16,
    /// For how many intervals its slot was there.
    slot: u16,
    /// In how many of them the bytes reached through it grew.
    grown: u16,
    replaced: u16,
    kept: u16,
    /// Replacements of a value that held something.
    held: u16,
    resized: bool,
}

impl Default for Past {
    fn default() -> Self {
        Self {
            first: NONE,
            stayed: 0,
            gained: 0,
            slot: 0,
            grown: 0,
            replaced: 0,
            kept: 0,
            held: 0,
            resized: false,
        }
    }
}

/// An interval, with facts from later heaps.
pub(super) struct Interval<'i, 'h> {
    /// Its number, from 0.
    pub(super) index: usize,
    pub(super) old: &'i HeapFacts<'h>,
    pub(super) new: &'i HeapFacts<'h>,
    pub(super) matches: &'i ObjectMatches,
    /// By object of the older and of the newer heap: the object of the last heap that it is, if it is in every heap;
    /// else [`NONE`].
    pub(super) old_at_end: &'i [u32],
    pub(super) new_at_end: &'i [u32],
    /// By object of the last heap: its node or that of its owner, and as [`History::grower`].
    pub(super) names: &'i [Option<PathNodeId>],
    pub(super) grower: &'i [bool],
    /// By object of the newer heap: whether it is still there at the end.
    pub(super) lasts: &'i [bool],
}

impl Interval<'_, '_> {
    /// The name of an object of the last heap, and whether it is a grower.
    pub(super) fn name_of(&self, at_end: u32) -> (Option<PathNodeId>, bool) {
        (self.names[at_end as usize], self.grower[at_end as usize])
    }
}

impl History {
    /// Goes through the heaps of `store`, of which there are two at least; `visit` is given each interval, the last
    /// one first.
    ///
    /// # Errors
    /// If a heap cannot be loaded.
    pub(super) fn new<S: HeapSeries + ?Sized>(
        store: &mut Store<'_, S>,
        limits: &Thresholds,
        visit: impl FnMut(&[Summary], &PathNodes, &Interval<'_, '_>),
    ) -> Result<Self, S::Error> {
        let (past, heaps) = Self::forward(store)?;
        let end = store.len() - 1;
        let intervals = store.intervals();
        let all = |count: u16| usize::from(count) == intervals;
        let required = limits.required(intervals);
        let grower = past.iter().map(|past| all(past.stayed) && usize::from(past.gained) >= required);
        let mut history = Self {
            heaps,
            grower: grower.collect(),
            first: past.iter().map(|past| if all(past.stayed) { past.first } else { NONE }).collect(),
            gained: FxHashMap::default(),
            slots: FxHashMap::default(),
            newer: FxHashMap::default(),
        };
        let last = store.facts(end)?;
        history.find_slots(&last, store.nodes(), &past, intervals);
        drop((last, past));
        history.backward(store, visit)?;
        Ok(history)
    }

    /// The past of each object of the last heap, and the summaries of all heaps.
    fn forward<S: HeapSeries + ?Sized>(
        store: &mut Store<'_, S>,
    ) -> Result<(Vec<Past>, Vec<Summary>), S::Error> {
        let mut past: Vec<Past> = Vec::new();
        let mut heaps = Vec::with_capacity(store.len());
        for index in 0..store.len() {
            store.keep_only(&[index.saturating_sub(1)]);
            let new = store.facts(index)?;
            heaps.push(Summary::of(&new));
            past = match index.checked_sub(1) {
                None => {
                    let first = |index| Past { first: index, ..Past::default() };
                    (0..new.owner.len() as u32).map(first).collect()
                }
                Some(before) => {
                    let old = store.facts(before)?;
                    advance(&old, &new, &*store.matches(before)?, &past)
                }
            };
        }
        Ok((past, heaps))
    }

    fn find_slots(&mut self, last: &HeapFacts<'_>, nodes: &PathNodes, past: &[Past], intervals: usize) {
        for &id in last.shortest.in_order() {
            let (object, Some(node)) = (past[id.index()], last.placement.of(id)) else { continue };
            let is_in_all = usize::from(object.stayed) == intervals;
            if is_in_all && object.gained > 0 && last.owner_of(id) == id {
                self.gained.entry(nodes.owner(node)).or_default().push(id);
            }
            // A part belongs to its owner, and is skipped unless it is a plain value, as the bytes of a buffer are.
            let counts = !nodes.is_part(node) || last.shape(id) == memtop_heap::Shape::Atom;
            if usize::from(object.slot) == intervals && (object.replaced > 0 || object.resized) && counts {
                self.slots.entry(nodes.owner(node)).or_default().push(Slot {
                    first: id,
                    last: id,
                    through: vec![last.subtree[id.index()].cast_signed()],
                    own: last.heap.objects().size(id).cast_signed(),
                    has_more: false,
                    grown: usize::from(object.grown),
                    replaced: usize::from(object.replaced),
                    kept: (object.held > 0).then_some(object.kept == object.held),
                });
            }
        }
        for &id in last.shortest.in_order() {
            let Some(node) = last.placement.of(id).map(|node| nodes.owner(node)) else { continue };
            if usize::from(past[id.index()].slot) < intervals
                && last.owner_of(id) == id
                && self.slots.contains_key(&node)
            {
                let newer = self.newer.entry(node).or_default();
                *newer = (newer.0 + 1, newer.1.saturating_add_unsigned(last.subtree[id.index()]));
            }
        }
    }

    /// Goes back to the first heap, with the facts of the last one.
    fn backward<S: HeapSeries + ?Sized>(
        &mut self,
        store: &mut Store<'_, S>,
        mut visit: impl FnMut(&[Summary], &PathNodes, &Interval<'_, '_>),
    ) -> Result<(), S::Error> {
        let end = store.len() - 1;
        let last = store.facts(end)?;
        let degrees: FxHashMap<ObjectId, u32> =
            self.slots.values().flatten().map(|slot| (slot.last, last.degree[slot.last.index()])).collect();
        let own_name = |id: u32| {
            let owner = last.owner_of(ObjectId::from_index(id as usize));
            last.placement.of(owner).map(|node| store.nodes().owner(node))
        };
        let count = self.first.len() as u32;
        let names: Vec<Option<PathNodeId>> = (0..count).map(own_name).collect();
        let at_end = |id: u32| if self.first[id as usize] == NONE { NONE } else { id };
        let mut new_at_end: Vec<u32> = (0..count).map(at_end).collect();
        let mut lasts = vec![true; new_at_end.len()];
        drop(last);
        for index in (0..store.intervals()).rev() {
            store.keep_only(&[index, index + 1]);
            let (old, new, matches) = (store.facts(index)?, store.facts(index + 1)?, store.matches(index)?);
            let later = |&to: &u32| if to == NONE { NONE } else { new_at_end[to as usize] };
            let old_at_end: Vec<u32> = matches.stays.iter().map(later).collect();
            let last = |&to: &u32| to != NONE && lasts[to as usize];
            let old_lasts: Vec<bool> = matches.same.iter().map(last).collect();
            let interval = Interval {
                index,
                old: &old,
                new: &new,
                matches: &matches,
                old_at_end: &old_at_end,
                new_at_end: &new_at_end,
                names: &names,
                grower: &self.grower,
                lasts: &lasts,
            };
            visit(&self.heaps, store.nodes(), &interval);
            for slot in self.slots.values_mut().flatten() {
                let at = slot.first.index();
                let before = if matches.was[at] == NONE { matches.replaced[at] } else { matches.was[at] };
                // The slot was there for all intervals, so the value before is known.
                slot.first = ObjectId::from_raw(before).unwrap_or(slot.first);
                slot.through.push(old.subtree[slot.first.index()].cast_signed());
                if index == 0 {
                    slot.through.reverse();
                    slot.own -= old.heap.objects().size(slot.first).cast_signed();
                    slot.has_more = degrees[&slot.last] > old.degree[slot.first.index()];
                }
            }
            (new_at_end, lasts) = (old_at_end, old_lasts);
        }
        Ok(())
    }
}

fn advance(old: &HeapFacts<'_>, new: &HeapFacts<'_>, matches: &ObjectMatches, past: &[Past]) -> Vec<Past> {
    let mut next = vec![Past::default(); new.owner.len()];
    for &b in new.shortest.in_order() {
        let index = b.index();
        let stayed = ObjectId::from_raw(matches.was[index]);
        let Some(a) = stayed.or(ObjectId::from_raw(matches.replaced[index])) else { continue };
        let mut object = past[a.index()];
        if stayed.is_none() {
            object.first = NONE;
        }
        match stayed {
            Some(_) => {
                object.stayed = object.stayed.saturating_add(1);
                object.gained += u16::from(new.degree[index] > old.degree[a.index()]);
                object.resized |= new.heap.objects().size(b) != old.heap.objects().size(a);
            }
            None => {
                (object.stayed, object.gained) = (0, 0);
                object.replaced += 1;
                if let Some(kept) = kept(old, matches, a) {
                    object.held += 1;
                    object.kept += u16::from(kept);
                }
            }
        }
        object.slot += 1;
        object.grown += u16::from(new.subtree[index] > old.subtree[a.index()]);
        next[index] = object;
    }
    next
}

/// The number of items that are compared to decide whether a value was taken over.
const LOOKED_AT: usize = 64;

/// The depth to which a copy of an object has copies of its content.
const COPIED: u32 = 3;

/// Whether a replaced value is still there, or at least half of the objects that it alone held, directly or through
/// containers that were copied with it; none if it held nothing.
fn kept(old: &HeapFacts<'_>, matches: &ObjectMatches, a: ObjectId) -> Option<bool> {
    kept_within(old, matches, a, COPIED)
}

fn kept_within(old: &HeapFacts<'_>, matches: &ObjectMatches, a: ObjectId, depth: u32) -> Option<bool> {
    let mine = old.items(a, true, LOOKED_AT);
    if mine.is_empty() || depth == 0 {
        return None;
    }
    let there = |id: ObjectId| matches.same[id.index()] != NONE;
    let is_kept = |id: ObjectId| there(id) || kept_within(old, matches, id, depth - 1) == Some(true);
    Some(there(a) || 2 * mine.iter().filter(|&&id| is_kept(id)).count() >= mine.len())
}
