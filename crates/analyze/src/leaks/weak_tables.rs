//! Tables whose entries go by themselves when the objects die that they are about: tables of weak references, and those
//! that the callback of a weak reference cleans.
//!
//! Such a table never keeps these objects alive. The heap does not know what a weak reference refers to, but what its
//! callback holds: the key of an entry and the way to the table, or the item itself.

use memtop_heap::{LabelKind, ObjectId, Origin, Shape};

use super::detect::Search;
use super::finding::{Finding, GrowthKind};
use super::heap_facts::{HeapFacts, NONE};

/// How many parts of an item are looked at.
const PARTS: usize = 16;
/// How deep weak references may lie in an item.
const DEPTH: usize = 2;
/// How many holders of a place are looked at.
const HOLDERS: usize = 1000;
/// How many containers may lie between a table and the object that it belongs to.
const CONTAINERS: usize = 4;
/// The object by which a thread knows that it has a `threading.local`. It goes with that, by a weak reference.
const LOCAL_DUMMY: &str = "_thread._localdummy";
/// The types that are part of a callback, beside functions and methods.
const OF_CALLBACKS: [&str; 2] = ["functools.partial", "weakref.finalize._Info"];

/// Whether a shape is that of a container without a class of its own.
pub(super) fn is_plain_container(shape: Shape) -> bool {
    matches!(shape, Shape::Dict | Shape::List | Shape::Tuple | Shape::Set)
}

impl HeapFacts<'_> {
    /// Whether an object is a weak reference, or a container of such, beside which it has values and known objects only.
    pub(super) fn is_weak_item(&self, id: ObjectId, is_known: &impl Fn(ObjectId) -> bool) -> bool {
        self.is_weak_within(id, is_known, DEPTH)
    }

    fn is_weak_within(&self, id: ObjectId, is_known: &impl Fn(ObjectId) -> bool, depth: usize) -> bool {
        let ty = self.heap.types().get(self.heap.objects().type_of(id));
        if ty.shape == Shape::Weak {
            return true;
        }
        let is_container =
            is_plain_container(ty.shape) || ty.shape == Shape::Other && ty.origin == Origin::Standard;
        if !is_container || depth == 0 {
            return false;
        }
        let parts = self.heap.references().of(id).filter(|part| part.label.kind() != LabelKind::Type);
        let mut weak = 0;
        for part in parts.take(PARTS) {
            if self.is_weak_within(part.to, is_known, depth - 1) {
                weak += 1;
            } else if !is_known(part.to) && self.shape(part.to) != Shape::Atom {
                return false;
            }
        }
        weak > 0
    }
}

impl Search<'_, '_> {
    /// How many of the new items of a finding are the objects by which a thread knows its `threading.local`s.
    pub(super) fn local_dummies(&self, finding: &Finding) -> u64 {
        let types = finding.rows.iter().flat_map(|&row| &self.gains.rows[row].types);
        let dummies = types.filter(|(ty, _)| self.nodes.text(**ty) == LOCAL_DUMMY);
        dummies.map(|(_, tally)| tally.direct.max(0).unsigned_abs()).sum()
    }

    /// By object of the last heap: whether the callback of a new weak reference holds it.
    pub(super) fn held_by_callbacks(&self) -> Vec<bool> {
        let (heap, first) = (&self.last.heap, &self.history.first);
        let types = heap.types();
        let of_callbacks: Vec<bool> = types
            .iter()
            .map(|(id, ty)| {
                matches!(ty.shape, Shape::Weak | Shape::Function | Shape::Method | Shape::Cell)
                    || OF_CALLBACKS.contains(&types.name(id))
            })
            .collect();
        let is_of_callback = |id: ObjectId| of_callbacks[heap.objects().type_of(id).index()];
        let starts = |id: ObjectId| {
            is_of_callback(id)
                && first[id.index()] == NONE
                && (self.last.shape(id) == Shape::Weak || self.last.shape(id) == Shape::Other)
        };
        let mut held = vec![false; first.len()];
        let mut is_visited = vec![false; first.len()];
        let mut waiting: Vec<ObjectId> =
            self.last.shortest.in_order().iter().copied().filter(|&id| starts(id)).collect();
        while let Some(id) = waiting.pop() {
            if std::mem::replace(&mut is_visited[id.index()], true) {
                continue;
            }
            let parts = heap.references().of(id).filter(|part| part.label.kind() != LabelKind::Type);
            for part in parts.take(PARTS) {
                held[part.to.index()] = true;
                // A tuple is the storage of a closure, of defaults or of arguments.
                let is_tuple =
                    self.last.shape(part.to) == Shape::Tuple && self.last.shape(id) != Shape::Tuple;
                if is_of_callback(part.to) || is_tuple {
                    waiting.push(part.to);
                }
            }
        }
        held
    }

    /// Whether the callbacks of weak references hold most of the new items of a place, or their keys.
    pub(super) fn are_items_of_callbacks(&self, finding: &Finding, held: &[bool]) -> bool {
        if finding.kind != GrowthKind::Items || finding.members.is_empty() {
            return false;
        }
        let references = self.last.heap.references();
        let (mut entries, mut of_callbacks) = (0_u64, 0_u64);
        for &member in finding.members.iter().take(HOLDERS) {
            let mut of = vec![member];
            while let Some(from) = of.pop() {
                let mut is_key_held = false;
                for reference in references.of(from) {
                    let (kind, to) = (reference.label.kind(), reference.to);
                    let is_new_and_held = held[to.index()] && self.history.first[to.index()] == NONE;
                    match kind {
                        LabelKind::Type => {}
                        LabelKind::KeyObject => is_key_held = is_new_and_held,
                        _ if kind.is_fold() && self.last.before(to) == Some(from) => of.push(to),
                        _ => {
                            entries += 1;
                            of_callbacks += u64::from(is_new_and_held || std::mem::take(&mut is_key_held));
                        }
                    }
                }
            }
        }
        let gained = finding.items.iter().sum::<i64>().max(1).unsigned_abs();
        2 * of_callbacks >= gained.min(entries)
    }

    /// Whether the entries of a place are removed by the callbacks of weak references, which hold the keys and lead to
    /// the place or to the object that it belongs to.
    pub(super) fn is_cleaned(&self, finding: &Finding, held: &[bool]) -> bool {
        let is_reached = |&member: &ObjectId| {
            // A container within others belongs to the first object above it that is not one, or to its namespace.
            let above = |&at: &ObjectId| {
                is_plain_container(self.last.shape(at)).then(|| self.last.before(at)).flatten()
            };
            std::iter::successors(Some(member), above).take(CONTAINERS).any(|at| held[at.index()])
        };
        let looked_at = finding.members.len().min(HOLDERS);
        let reached = finding.members.iter().take(HOLDERS).filter(|member| is_reached(member)).count();
        2 * reached > looked_at && self.are_items_of_callbacks(finding, held)
    }
}
