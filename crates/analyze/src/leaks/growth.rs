//! Growth in each interval of the objects that are in every heap.
//!
//! An object that is not in every heap counts at its nearest ancestor on the best path that is: not at the entry, but at
//! the dict that holds it, as a person would name it. The growth of a place is the difference of what it holds in two
//! heaps, so items that are replaced, and holders that come and go with their items, are not growth. Places are grouped
//! by the path node that their holder has in the last heap; holders that gained items in every interval are kept apart
//! from the others of their node, so that one that grows is seen among many that do not.
//!
//! A namespace that is a root of its own (of a class or module that was created at run time) counts with the class or
//! the module, if another object holds that.
//!
//! Invariant: three passes over the objects of each heap, and one hash look-up for each object that is not in every heap.

use memtop_heap::{Flags, LabelKind, ObjectId, RootKind, Shape, StringId};
use rustc_hash::FxHashMap;

use super::heap_facts::{HeapFacts, NONE};
use super::history::{Interval, Summary};
use crate::path_nodes::{PathNodeId, PathNodes};
use crate::shortest::Reached;

/// The child of a row for a holder's own size and parts.
pub(super) const OWN: u32 = NONE;
/// The child of a row for children that did not exist in the first heap.
pub(super) const LATER: u32 = NONE - 1;

/// The place of a row: a node of holders, whether they are growers, and the child below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GrowthSite {
    pub(super) holder: PathNodeId,
    pub(super) grower: bool,
    pub(super) child: u32,
}

/// The gains and losses of one type.
#[derive(Debug, Clone, Default)]
pub(super) struct TypeTally {
    /// By interval.
    pub(super) count: Vec<i64>,
    /// Over all intervals.
    pub(super) bytes: i64,
    /// The part of the count that the holder refers to directly.
    pub(super) direct: i64,
}

/// The gains and losses at one place.
#[derive(Debug, Clone)]
pub(super) struct GrowthRow {
    pub(super) place: GrowthSite,
    /// By interval: bytes.
    pub(super) net: Vec<i64>,
    /// By interval: objects.
    pub(super) objects: Vec<i64>,
    /// By interval: items that came and to which the holder refers directly.
    pub(super) new: Vec<u64>,
    /// By interval: of these, how many are still there at the end.
    pub(super) lasting: Vec<u64>,
    /// By interval: bytes of gained objects that were held elsewhere before.
    pub(super) moved: Vec<i64>,
    /// Bytes that were gained and are held through a frame, a traceback or a suspended generator.
    pub(super) framed: u64,
    /// Bytes that were gained.
    pub(super) gained: u64,
    /// New items, or keys of them, that are weak references or hold nothing else.
    pub(super) weak: u64,
    pub(super) types: FxHashMap<StringId, TypeTally>,
}

/// The gains and losses of all intervals.
pub(super) struct Gains {
    pub(super) intervals: usize,
    pub(super) rows: Vec<GrowthRow>,
    pub(super) by_holder: FxHashMap<PathNodeId, Vec<usize>>,
    /// By holders and whether they are growers: by interval the change of their numbers of items, and its size
    /// summed over the holders.
    pub(super) degrees: FxHashMap<(PathNodeId, bool), Vec<(i64, u64)>>,
    /// By interval: the growth of all reachable bytes.
    pub(super) total: Vec<i64>,
    /// By node of chained objects: by interval how many came, and how many of them are still there at the end.
    pub(super) chained: FxHashMap<PathNodeId, Vec<(u64, u64)>>,
    known: FxHashMap<GrowthSite, usize>,
}

/// The place at which an object that came or went is counted.
#[derive(Clone, Copy)]
struct Anchor {
    /// The object that is in every heap; `NONE` for a root.
    at: u32,
    /// The child below it: an object, or `OWN`.
    child: u32,
}

/// One heap.
#[derive(Clone, Copy)]
struct Side<'a, 'b> {
    facts: &'a HeapFacts<'b>,
    /// By object: the object of the last heap that it is, if it is in every heap; else [`NONE`].
    at_end: &'a [u32],
}

impl Gains {
    /// Creates it with nothing counted.
    pub(super) fn new(intervals: usize) -> Self {
        Self {
            intervals,
            rows: Vec::new(),
            by_holder: FxHashMap::default(),
            degrees: FxHashMap::default(),
            total: vec![0; intervals],
            chained: FxHashMap::default(),
            known: FxHashMap::default(),
        }
    }

    /// Counts an interval; each is to be counted once, in any order.
    pub(super) fn add(&mut self, heaps: &[Summary], nodes: &PathNodes, interval: &Interval<'_, '_>) {
        let Interval { index, old, new, matches, lasts, .. } = *interval;
        let old = Side { facts: old, at_end: interval.old_at_end };
        let new = Side { facts: new, at_end: interval.new_at_end };
        let Some(first) = heaps.first() else { return };
        if index == 0 {
            self.count(first, nodes, interval, old, 0);
        }
        self.count(first, nodes, interval, new, index + 1);
        self.survivors(nodes, interval, old, new);
        for &id in new.facts.shortest.in_order().iter().filter(|id| matches.came[id.index()] == NONE) {
            if let Some(node) = new.facts.placement.of(id).filter(|&node| nodes.is_repeated(node)) {
                let of = self.chained.entry(node).or_insert_with(|| vec![(0, 0); self.intervals]);
                of[index] = (of[index].0 + 1, of[index].1 + u64::from(lasts[id.index()]));
            }
        }
    }

    /// Sorts the rows after all intervals were counted, so that they do not depend on the order of counting.
    pub(super) fn finish(&mut self) {
        self.known = FxHashMap::default();
        self.rows.sort_unstable_by_key(|row| row.place);
        for (index, row) in self.rows.iter().enumerate() {
            self.by_holder.entry(row.place.holder).or_default().push(index);
        }
    }

    fn row(&mut self, place: GrowthSite) -> &mut GrowthRow {
        let (rows, intervals) = (&mut self.rows, self.intervals);
        let index = *self.known.entry(place).or_insert_with(|| {
            rows.push(GrowthRow {
                place,
                net: vec![0; intervals],
                objects: vec![0; intervals],
                new: vec![0; intervals],
                lasting: vec![0; intervals],
                moved: vec![0; intervals],
                framed: 0,
                gained: 0,
                weak: 0,
                types: FxHashMap::default(),
            });
            rows.len() - 1
        });
        &mut rows[index]
    }

    /// Counts the objects of the heap `level` that are not in every heap: they add to the interval before, and what
    /// the next heap has of them is compared with them.
    fn count(
        &mut self,
        first: &Summary,
        nodes: &PathNodes,
        interval: &Interval<'_, '_>,
        side: Side<'_, '_>,
        level: usize,
    ) {
        let facts = side.facts;
        let anchors = anchors(side);
        let intervals = self.intervals;
        let add = |values: &mut [i64], amount: i64| {
            if let Some(before) = level.checked_sub(1) {
                values[before] += amount;
            }
            if let Some(after) = values.get_mut(level) {
                *after -= amount;
            }
        };
        // An amount at the end, less what there was at the beginning.
        let sign = i64::from(level == intervals) - i64::from(level == 0);
        let Interval { matches, lasts, .. } = *interval;
        for &id in facts.shortest.in_order() {
            let (index, Some(node)) = (id.index(), facts.placement.of(id)) else { continue };
            if side.at_end[index] != NONE || facts.heap.objects().flags(id).contains(Flags::GARBAGE) {
                continue;
            }
            let Anchor { at, child } = anchors[index];
            let below = ObjectId::from_raw(child).and_then(|child| facts.placement.of(child));
            let known = ObjectId::from_raw(at).map(|at| interval.name_of(side.at_end[at.index()]));
            let (holder, grower) = match known {
                Some((name, grower)) => (name, grower),
                None => (below.map(|below| root_of(nodes, below)), false),
            };
            let Some(holder) = holder else { continue };
            let child_node = match below {
                None => OWN,
                Some(below) if first.at(below).0 > 0 && is_below(nodes, below, holder) => {
                    below.index() as u32
                }
                Some(_) => LATER,
            };
            let size = facts.heap.objects().size(id).cast_signed();
            let direct = child == id.raw();
            let row = self.row(GrowthSite { holder, grower, child: child_node });
            add(&mut row.net, size);
            add(&mut row.objects, 1);
            let tally = row.types.entry(nodes.get(node).type_name).or_default();
            tally.count.resize(intervals, 0);
            add(&mut tally.count, 1);
            tally.bytes += sign * size;
            tally.direct += if direct { sign } else { 0 };
            if let Some(t) = level.checked_sub(1).filter(|_| matches.was[index] == NONE) {
                let is_key = facts.label(id).is_some_and(|label| label.kind() == LabelKind::KeyObject);
                row.gained += size.unsigned_abs();
                row.framed += if facts.framed[index] { size.unsigned_abs() } else { 0 };
                row.moved[t] += if matches.came[index] == NONE { 0 } else { size };
                row.weak +=
                    u64::from(direct && facts.is_weak_item(id, &|id| side.at_end[id.index()] != NONE));
                row.new[t] += u64::from(direct && !is_key);
                row.lasting[t] += u64::from(direct && !is_key && lasts[index]);
            }
            add(&mut self.total, size);
        }
    }

    /// Counts the changes of the objects that are in every heap.
    fn survivors(
        &mut self,
        nodes: &PathNodes,
        interval: &Interval<'_, '_>,
        old: Side<'_, '_>,
        new: Side<'_, '_>,
    ) {
        let (intervals, t) = (self.intervals, interval.index);
        for &b in new.facts.shortest.in_order() {
            let at_end = new.at_end[b.index()];
            let before = ObjectId::from_raw(interval.matches.was[b.index()]).filter(|_| at_end != NONE);
            let (Some(a), Some(node)) = (before, new.facts.placement.of(b)) else { continue };
            let size = |facts: &HeapFacts<'_>, id| facts.heap.objects().size(id).cast_signed();
            let grown = size(new.facts, b) - size(old.facts, a);
            let owner = new.facts.owner_of(b);
            // A part of an object that is not in every heap is named by itself.
            let owner_at_end = Some(new.at_end[owner.index()]).filter(|&owner| owner != NONE);
            let (Some(holder), grower) = interval.name_of(owner_at_end.unwrap_or(at_end)) else { continue };
            if grown != 0 {
                let row = self.row(GrowthSite { holder, grower, child: OWN });
                row.net[t] += grown;
                let tally = row.types.entry(nodes.get(node).type_name).or_default();
                tally.count.resize(intervals, 0);
                tally.bytes += grown;
                self.total[t] += grown;
            }
            if owner == b {
                let change = i64::from(new.facts.degree[b.index()]) - i64::from(old.facts.degree[a.index()]);
                if change != 0 {
                    let of = self.degrees.entry((holder, grower)).or_default();
                    of.resize(intervals, (0, 0));
                    of[t] = (of[t].0 + change, of[t].1 + change.unsigned_abs());
                }
            }
        }
    }
}

/// Whether a node is below another: the holder has the same path in this heap as in the last one.
fn is_below(nodes: &PathNodes, below: PathNodeId, holder: PathNodeId) -> bool {
    nodes.get(below).parent.map(|parent| nodes.owner(parent)) == Some(holder) || below == holder
}

/// The node of the root that a node is below.
fn root_of(nodes: &PathNodes, node: PathNodeId) -> PathNodeId {
    std::iter::successors(Some(node), |&node| nodes.get(node).parent).last().unwrap_or(node)
}

/// The place at which each object that is not in every heap is counted.
fn anchors(side: Side<'_, '_>) -> Vec<Anchor> {
    let facts = side.facts;
    let there = |id: ObjectId| side.at_end[id.index()] != NONE;
    let mut anchors = vec![Anchor { at: NONE, child: OWN }; facts.owner.len()];
    let mut late: Vec<ObjectId> = Vec::new();
    for &id in facts.shortest.in_order().iter().filter(|&&id| !there(id)) {
        anchors[id.index()] = match facts.shortest.of(id) {
            Reached::Object { from, label } if there(from) => {
                let owner = facts.owner_of(from);
                let at = if there(owner) { owner } else { from };
                let child = if label.kind().is_fold() { OWN } else { id.raw() };
                Anchor { at: at.raw(), child }
            }
            Reached::Object { from, label } => match anchors[from.index()] {
                // A new part: its items are the holder's.
                Anchor { at, child: OWN } if at != NONE && !label.kind().is_fold() => {
                    Anchor { at, child: id.raw() }
                }
                above => above,
            },
            Reached::Root(root) => {
                if matches!(facts.heap.roots().get(root).kind, RootKind::Class | RootKind::Module) {
                    late.push(id);
                }
                Anchor { at: NONE, child: id.raw() }
            }
            Reached::Not => continue,
        };
    }
    if !late.is_empty() {
        rehang(side, &mut anchors, &late);
    }
    anchors
}

/// Attributes namespaces that are roots to the class or module that they belong to.
fn rehang(side: Side<'_, '_>, anchors: &mut [Anchor], late: &[ObjectId]) {
    let facts = side.facts;
    let mut of: FxHashMap<u32, Anchor> = late.iter().map(|id| (id.raw(), anchors[id.index()])).collect();
    for &id in facts.shortest.in_order() {
        if side.at_end[id.index()] != NONE || !matches!(facts.shape(id), Shape::Class | Shape::Module) {
            continue;
        }
        for reference in facts.heap.references().of(id).filter(|r| r.label.kind() == LabelKind::Dict) {
            if let Some(known) = of.get_mut(&reference.to.raw()) {
                *known = anchors[id.index()];
            }
        }
    }
    for &id in facts.shortest.in_order().iter().filter(|&&id| side.at_end[id.index()] == NONE) {
        let Anchor { at: NONE, child } = anchors[id.index()] else { continue };
        if let Some(&known) = of.get(&child).filter(|known| known.at != NONE) {
            anchors[id.index()] = known;
        }
    }
}
