//! Matches the objects of a heap with those of the next one.
//!
//! Addresses are reused, so an address alone says little. A value is another if its mark differs. An object *stays* if
//! at its address in the next heap there is one of the same type, at the same path node, under the same key; an item
//! must also have kept something of its own, or it is another that took its place; and what lies below a holder that
//! is another one must have kept several items. It is the *same*, wherever it is held now, if at its address is one of
//! its type with at least half of its own content, each part of which is the same in turn. Of a large container a
//! sample is compared, and an empty container says nothing about its owner. And a value that was *replaced* has a
//! successor: the value in its slot (the same holder, the same name, key or index) in the next heap.
//!
//! The addresses of two heaps are merged in order: linear, apart from the sorting when the facts were computed.

use memtop_heap::{LabelKind, ObjectId};
use rustc_hash::FxHashMap;

use super::heap_facts::{HeapFacts, NONE};
use super::thresholds::Thresholds;
use crate::path_nodes::{NodeKind, PathNodes};

/// The number of items by which an object is recognised.
const LOOKED_AT: usize = 16;
/// The share of such items by which a container is recognised that has more: its items come and go.
const OF_MANY: f64 = 0.25;
/// The most references of a C object among which one without a label is looked for.
const MEMBERS: usize = 64;
/// The distinct items that must be the same where nothing but the address speaks for an object.
const EVIDENCE: usize = 3;

/// The matches from one heap to the next one.
pub(super) struct ObjectMatches {
    /// By object of the older heap: the object that it stayed as.
    pub(super) stays: Vec<u32>,
    /// By object of the older heap: the object that it is the same as, wherever that is held.
    pub(super) same: Vec<u32>,
    /// By object of the newer heap: the object that it is the same as.
    pub(super) came: Vec<u32>,
    /// By object of the newer heap: the object that stayed as it.
    pub(super) was: Vec<u32>,
    /// By object of the newer heap: the value that it replaced in its slot.
    pub(super) replaced: Vec<u32>,
}

impl ObjectMatches {
    pub(super) fn new(
        old: &HeapFacts<'_>,
        new: &HeapFacts<'_>,
        nodes: &PathNodes,
        limits: &Thresholds,
    ) -> Self {
        let (before, after) = (old.heap.objects().len(), new.heap.objects().len());
        let mut matches = Self {
            stays: vec![NONE; before],
            same: vec![NONE; before],
            came: vec![NONE; after],
            was: vec![NONE; after],
            replaced: vec![NONE; after],
        };
        let mut later = new.by_address.iter().peekable();
        for &(address, a) in &old.by_address {
            while later.next_if(|entry| entry.0 < address).is_some() {}
            let Some(&(_, b)) = later.next_if(|entry| entry.0 == address) else { continue };
            matches.pair(old, new, nodes, (a, b));
        }
        matches.confirm(old, new, nodes, limits);
        matches.distrust_order(old, new, nodes);
        matches.slots(old, new, nodes);
        matches.distrust_successors(old, new, nodes);
        matches.distrust_places(old, new, nodes);
        matches
    }

    /// The objects that may be the same, by address, type, place and mark.
    fn pair(&mut self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, nodes: &PathNodes, raw: (u32, u32)) {
        let (Some(a), Some(b)) = (ObjectId::from_raw(raw.0), ObjectId::from_raw(raw.1)) else { return };
        let (Some(from), Some(to)) = (old.placement.of(a), new.placement.of(b)) else { return };
        if from != to && nodes.get(from).type_name != nodes.get(to).type_name {
            return;
        }
        let marks = (old.heap.objects().flags(a).tag(), new.heap.objects().flags(b).tag());
        if marks.0 != marks.1 && marks.0 != 0 && marks.1 != 0 {
            return;
        }
        let in_place = from == to && old.key[a.index()] == new.key[b.index()];
        if in_place {
            self.stays[a.index()] = b.raw();
            self.was[b.index()] = a.raw();
        }
        self.same[a.index()] = b.raw();
        self.came[b.index()] = a.raw();
    }

    /// Removes matches that kept too little content. Objects that are reached later come first: parts before their
    /// owners.
    fn confirm(&mut self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, nodes: &PathNodes, limits: &Thresholds) {
        let below = below_varying(nodes);
        for &a in old.shortest.in_order().iter().rev() {
            let Some(b) = ObjectId::from_raw(self.same[a.index()]) else { continue };
            let Some(to) = new.placement.of(b) else { continue };
            let degree = old.degree[a.index()] as usize;
            if !below[to.index()] || degree == 0 {
                continue;
            }
            let (kept, least) = match degree {
                0..=LOOKED_AT => (self.kept(old, new, a, b), limits.same_parts),
                _ => (self.kept_of_many(old, new, a, b), OF_MANY),
            };
            if kept <= 0.0 && varies(nodes.get(to).kind) && self.stays[a.index()] == b.raw() {
                self.stays[a.index()] = NONE;
                self.was[b.index()] = NONE;
            }
            if kept < least {
                self.same[a.index()] = NONE;
                self.came[b.index()] = NONE;
            }
        }
    }

    /// The share of `a`'s own items that are the same among the references of `b`; of all its items if none is its own,
    /// 1 if it has none.
    fn kept(&self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, a: ObjectId, b: ObjectId) -> f64 {
        let mine = told_by(old, a);
        if mine.is_empty() {
            return 1.0;
        }
        let now = new.items(b, false, 4 * LOOKED_AT);
        let still = |id: &&ObjectId| {
            ObjectId::from_raw(self.same[id.index()]).is_some_and(|same| now.contains(&same))
        };
        mine.iter().filter(still).count() as f64 / mine.len() as f64
    }

    /// As [`ObjectMatches::kept`], of a container with many items: the share of a sample of them.
    fn kept_of_many(&self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, a: ObjectId, b: ObjectId) -> f64 {
        let mine = told_by(old, a);
        let found = self.found(new, &mine, b);
        let is_found = |id: &&ObjectId| found.binary_search(&self.same[id.index()]).is_ok();
        mine.iter().filter(is_found).count() as f64 / mine.len() as f64
    }

    /// The distinct objects that the items of `mine` are the same as and that are items of `b`, in order.
    fn found(&self, new: &HeapFacts<'_>, mine: &[ObjectId], b: ObjectId) -> Vec<u32> {
        let mut expected: Vec<u32> = mine.iter().map(|id| self.same[id.index()]).collect();
        expected.retain(|&same| same != NONE);
        expected.sort_unstable();
        expected.dedup();
        let mut is_found = vec![false; expected.len()];
        new.each_item(b, |to| {
            if let Ok(place) = expected.binary_search(&to.raw()) {
                is_found[place] = true;
            }
        });
        expected.into_iter().zip(is_found).filter_map(|(same, is_found)| is_found.then_some(same)).collect()
    }

    /// Removes matches in place below a holder that is another one: each is another object too, at an address that was
    /// used again, unless enough of its content is the same.
    fn distrust_places(&mut self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, nodes: &PathNodes) {
        let below = below_varying(nodes);
        let mut found_any = false;
        // Holders come before what they hold.
        for &a in old.shortest.in_order() {
            let Some(b) = ObjectId::from_raw(self.stays[a.index()]) else { continue };
            let (Some(from), Some(to)) = (old.before(a), new.before(b)) else { continue };
            let is_some_of_many = new.placement.of(b).is_some_and(|node| below[node.index()]);
            if is_some_of_many
                && !self.is_holder_kept(old, from, to)
                && self.found(new, &told_by(old, a), b).len() < EVIDENCE
            {
                self.stays[a.index()] = NONE;
                self.was[b.index()] = NONE;
                found_any = true;
            }
        }
        if found_any {
            for &b in new.shortest.in_order() {
                let is_kept = new.before(b).is_some_and(|from| self.was[from.index()] != NONE);
                if !is_kept {
                    self.replaced[b.index()] = NONE;
                }
            }
        }
    }

    /// Whether the holder of an object is still its holder, or was replaced in its slot.
    fn is_holder_kept(&self, old: &HeapFacts<'_>, from: ObjectId, to: ObjectId) -> bool {
        let is_successor = || {
            self.replaced[to.index()] == from.raw()
                && old.before(from).is_some_and(|above| self.stays[above.index()] != NONE)
        };
        self.stays[from.index()] == to.raw() || self.same[from.index()] == to.raw() || is_successor()
    }

    /// Finds values that were replaced in their slots: the holder stays, and neither the old value nor the new one
    /// does.
    fn slots(&mut self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, nodes: &PathNodes) {
        let mut gone: FxHashMap<(u32, u64), u32> = FxHashMap::default();
        for &a in old.shortest.in_order() {
            let Some(from) = old.before(a) else { continue };
            if self.stays[a.index()] == NONE
                && self.stays[from.index()] != NONE
                && let Some(slot) = slot(old, nodes, a)
            {
                gone.insert((self.stays[from.index()], slot), a.raw());
            }
        }
        if gone.is_empty() {
            return;
        }
        for &b in new.shortest.in_order() {
            let Some(from) = new.before(b) else { continue };
            if self.was[b.index()] == NONE && self.was[from.index()] != NONE {
                let known = slot(new, nodes, b).and_then(|slot| gone.get(&(from.raw(), slot)));
                self.replaced[b.index()] = known.copied().unwrap_or(NONE);
            }
        }
    }
}

/// The items by which an object is recognised: its own if it has any, and those that distinguish it better than others;
/// a sample of many.
fn told_by(facts: &HeapFacts<'_>, id: ObjectId) -> Vec<ObjectId> {
    let mut items = match facts.degree[id.index()] as usize {
        0..=LOOKED_AT => facts.items(id, true, LOOKED_AT),
        _ => facts.sample(id, LOOKED_AT),
    };
    if items.is_empty() {
        items = facts.items(id, false, LOOKED_AT);
    }
    let telling = |id: &ObjectId| is_telling(facts, *id);
    if items.iter().any(telling) {
        items.retain(telling);
    }
    items
}

/// Whether an object can be recognised by more than its address, or is a plain value. An empty container cannot.
pub(super) fn is_telling(facts: &HeapFacts<'_>, id: ObjectId) -> bool {
    facts.degree[id.index()] > 0
        || facts.heap.objects().flags(id).tag() != 0
        || facts.shape(id) == memtop_heap::Shape::Atom
}

/// By node: whether it or a node above it [`varies`].
fn below_varying(nodes: &PathNodes) -> Vec<bool> {
    // A node comes after the one before it.
    let mut below = vec![false; nodes.len()];
    for index in 0..nodes.len() {
        let node = nodes.get(nodes.id_at(index));
        below[index] = varies(node.kind) || node.parent.is_some_and(|parent| below[parent.index()]);
    }
    below
}

/// Whether the objects at such a node are some of many, without names of their own.
pub(super) fn varies(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Any | NodeKind::KeyObject | NodeKind::Unlabelled)
}

/// The identity of a slot of a holder; none if it has no name, key or index.
fn slot(facts: &HeapFacts<'_>, nodes: &PathNodes, id: ObjectId) -> Option<u64> {
    let label = facts.label(id)?;
    let node = nodes.get(facts.placement.of(id)?);
    match (label.kind(), label.index()) {
        (_, Some(index)) => Some((index as u64) << 8 | 2),
        (LabelKind::Attribute | LabelKind::Local | LabelKind::Closure, _) => Some(name(node.text.raw())),
        (LabelKind::Key, _) if node.kind == NodeKind::Attribute => Some(name(node.text.raw())),
        (LabelKind::Storage, _) => Some(u64::from(node.type_name.raw()) << 8 | 8),
        (LabelKind::Unlabelled, _) => {
            // Several of one type without a name cannot be distinguished.
            let ty = facts.heap.objects().type_of(id);
            let alike =
                facts.before(id).into_iter().flat_map(|from| facts.heap.references().of(from).take(MEMBERS));
            let alike = alike.filter(|reference| {
                reference.label == label && facts.heap.objects().type_of(reference.to) == ty
            });
            (alike.count() == 1).then_some(u64::from(node.type_name.raw()) << 8 | 6)
        }
        _ => Some(facts.key[id.index()]).filter(|&key| key != 0),
    }
}

fn name(raw: u32) -> u64 {
    u64::from(raw) << 8 | 4
}
