//! What became of each object over the whole series: who kept growing, and which values were replaced by larger ones.
//!
//! Invariant: linear in the objects of all heaps; every object has a few counters, no list.

use memtop_heap::ObjectId;
use rustc_hash::FxHashMap;

use super::identity::Step;
use super::limits::Thresholds;
use super::view::{NONE, View};
use crate::path_nodes::{PathNodeId, PathNodes};

/// A value in one slot through all heaps, in place or replaced.
pub(super) struct Slot {
    /// The value in each heap.
    pub(super) values: Vec<ObjectId>,
    /// In how many intervals what is reached through it grew.
    pub(super) grown: usize,
    /// In how many it was replaced.
    pub(super) replaced: usize,
    /// Whether each new value kept the one before or what that held; none if it held nothing.
    pub(super) kept: Option<bool>,
}

/// What became of the objects.
pub(super) struct History {
    pub(super) steps: Vec<Step>,
    /// By heap and object: whether it is in all heaps and gained items in (nearly) every interval.
    pub(super) grower: Vec<Vec<bool>>,
    /// By heap and object: whether it is still there at the end.
    pub(super) lasts: Vec<Vec<bool>>,
    /// By object of the last heap: whether it stayed from the first one on.
    pub(super) from_first: Vec<bool>,
    /// By node: the objects of the last heap that ever gained items.
    pub(super) gained: FxHashMap<PathNodeId, Vec<ObjectId>>,
    /// By node: the slots that changed and are in all heaps.
    pub(super) slots: FxHashMap<PathNodeId, Vec<Slot>>,
}

#[derive(Clone, Copy, Default)]
struct Past {
    /// For how many intervals it stayed.
    stayed: u16,
    /// In how many of them it gained items.
    gained: u16,
    /// For how many intervals its slot was there.
    slot: u16,
    /// In how many of them what is reached through it grew.
    grown: u16,
    replaced: u16,
    kept: u16,
    /// Replacements of a value that held something.
    held: u16,
    resized: bool,
}

impl History {
    pub(super) fn new(views: &[View<'_>], nodes: &PathNodes, limits: &Thresholds) -> Self {
        let pairs: Vec<usize> = (1..views.len()).collect();
        let steps = super::view::on_threads(pairs, |t| Step::new(&views[t - 1], &views[t], nodes, limits));
        let mut past: Vec<Past> =
            views.first().map_or_else(Vec::new, |view| vec![Past::default(); view.owner.len()]);
        for (t, step) in steps.iter().enumerate() {
            past = advance(&views[t], &views[t + 1], step, &past);
        }
        let (Some(last), intervals) = (views.last(), steps.len()) else {
            return Self {
                steps,
                grower: Vec::new(),
                lasts: Vec::new(),
                from_first: Vec::new(),
                gained: FxHashMap::default(),
                slots: FxHashMap::default(),
            };
        };
        let required = limits.required(intervals);
        let all = |count: u16| usize::from(count) == intervals;
        let at_end = past.iter().map(|past| all(past.stayed) && usize::from(past.gained) >= required);
        let mut grower = vec![at_end.map(|grower| grower && intervals > 0).collect::<Vec<bool>>()];
        let mut lasts = vec![vec![true; past.len()]];
        for step in steps.iter().rev() {
            let of = |next: &[bool], to: u32| to != NONE && next[to as usize];
            let (next_grower, next_lasts) = (&grower[grower.len() - 1], &lasts[lasts.len() - 1]);
            let growers = step.stays.iter().map(|&to| of(next_grower, to)).collect();
            let lasting = step.same.iter().map(|&to| of(next_lasts, to)).collect();
            grower.push(growers);
            lasts.push(lasting);
        }
        grower.reverse();
        lasts.reverse();
        let mut gained: FxHashMap<PathNodeId, Vec<ObjectId>> = FxHashMap::default();
        let mut slots: FxHashMap<PathNodeId, Vec<Slot>> = FxHashMap::default();
        for &id in last.shortest.in_order() {
            let (told, Some(node)) = (past[id.index()], last.placement.of(id)) else { continue };
            if told.gained > 0 && last.owner_of(id) == id {
                gained.entry(nodes.owner(node)).or_default().push(id);
            }
            // A part is its owner's own, and of no interest unless it is what a buffer is: a plain value.
            let counts = !nodes.is_part(node) || last.shape(id) == memtop_heap::Shape::Atom;
            if intervals > 0 && all(told.slot) && (told.replaced > 0 || told.resized) && counts {
                slots.entry(nodes.owner(node)).or_default().push(Slot {
                    values: trace(&steps, id),
                    grown: usize::from(told.grown),
                    replaced: usize::from(told.replaced),
                    kept: (told.held > 0).then_some(told.kept == told.held),
                });
            }
        }
        let from_first = past.iter().map(|past| all(past.stayed)).collect();
        Self { steps, grower, lasts, from_first, gained, slots }
    }
}

/// The values of the slot that `id` is in at the end.
fn trace(steps: &[Step], id: ObjectId) -> Vec<ObjectId> {
    let mut values = vec![id];
    let mut at = id;
    for step in steps.iter().rev() {
        let before = match step.was[at.index()] {
            NONE => step.replaced[at.index()],
            was => was,
        };
        let Some(before) = ObjectId::from_raw(before) else { break };
        values.push(before);
        at = before;
    }
    values.reverse();
    values
}

fn advance(old: &View<'_>, new: &View<'_>, step: &Step, past: &[Past]) -> Vec<Past> {
    let mut next = vec![Past::default(); new.owner.len()];
    for &b in new.shortest.in_order() {
        let index = b.index();
        let stayed = ObjectId::from_raw(step.was[index]);
        let Some(a) = stayed.or(ObjectId::from_raw(step.replaced[index])) else { continue };
        let mut told = past[a.index()];
        match stayed {
            Some(_) => {
                told.stayed = told.stayed.saturating_add(1);
                told.gained += u16::from(new.degree[index] > old.degree[a.index()]);
                told.resized |= new.heap.objects().size(b) != old.heap.objects().size(a);
            }
            None => {
                (told.stayed, told.gained) = (0, 0);
                told.replaced += 1;
                if let Some(kept) = kept(old, step, a) {
                    told.held += 1;
                    told.kept += u16::from(kept);
                }
            }
        }
        told.slot += 1;
        told.grown += u16::from(new.subtree[index] > old.subtree[a.index()]);
        next[index] = told;
    }
    next
}

/// How many items are looked at to see whether a value was taken over.
const LOOKED_AT: usize = 64;

/// A copy of an object has copies of what it consists of, so far down.
const COPIED: u32 = 3;

/// Whether a value that was replaced is still there, or at least half of what it alone held, itself or through containers
/// that were copied with it; none if it held nothing.
fn kept(old: &View<'_>, step: &Step, a: ObjectId) -> Option<bool> {
    kept_within(old, step, a, COPIED)
}

fn kept_within(old: &View<'_>, step: &Step, a: ObjectId, depth: u32) -> Option<bool> {
    let mine = old.items(a, true, LOOKED_AT);
    if mine.is_empty() || depth == 0 {
        return None;
    }
    let there = |id: ObjectId| step.same[id.index()] != NONE;
    let is_kept = |id: ObjectId| there(id) || kept_within(old, step, id, depth - 1) == Some(true);
    Some(there(a) || 2 * mine.iter().filter(|&&id| is_kept(id)).count() >= mine.len())
}
