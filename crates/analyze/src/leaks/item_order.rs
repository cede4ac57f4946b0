//! The order of the items of a sequence or a dict, by which real matches are distinguished from those by chance: items
//! that stay, and slots whose values are replaced, keep their order; new ones at old addresses are anywhere.
//!
//! Linear in the references of the holders with such items, but for a search by halves per item.

use memtop_heap::{LabelKind, ObjectId, Reference};
use rustc_hash::FxHashMap;

use super::heap_facts::{HeapFacts, NONE};
use super::object_matches::{ObjectMatches, is_telling, varies};
use crate::path_nodes::PathNodes;

/// An order that is shorter than this many times the root of the number of items may be chance.
const BY_CHANCE: f64 = 3.0;
/// How many new keys at the address of an old one have another mark, for each that has the same by chance.
const OTHER_MARKS: f64 = 14.0;

/// An item, and the object that it is or that replaced it.
struct Row {
    item: ObjectId,
    later: u32,
    /// The item's key object, if it was replaced and is known by nothing else.
    key: Option<ObjectId>,
}

impl ObjectMatches {
    /// Distinguishes the items that stayed from those that only seem to have. The longest ordered run counts as stayed.
    pub(super) fn distrust_order(&mut self, old: &HeapFacts<'_>, new: &HeapFacts<'_>, nodes: &PathNodes) {
        let mut rows: Vec<Row> = Vec::new();
        for &holder in old.shortest.in_order() {
            let Some(later) = ObjectId::from_raw(self.stays[holder.index()]) else { continue };
            rows.clear();
            let mut items = 0_usize;
            for reference in old.heap.references().of(holder) {
                if is_ordered_item(old, nodes, holder, &reference) {
                    items += 1;
                    let same = self.same[reference.to.index()];
                    if same != NONE {
                        rows.push(Row { item: reference.to, later: same, key: None });
                    }
                }
            }
            if rows.len() < 2 || rows.len() == items {
                continue;
            }
            let mut in_order = retain_in_order(new, later, &mut rows);
            // Chance alone puts about twice the root of their number in order (B. F. Logan, L. A. Shepp: "A variational
            // problem for random Young tableaux", Advances in Mathematics 26, 1977).
            let length = in_order.iter().filter(|&&stays| stays).count();
            if length < rows.len() && (length as f64) < BY_CHANCE * (rows.len() as f64).sqrt() {
                in_order.fill(false);
            }
            for (row, stays) in rows.iter().zip(in_order) {
                if !stays {
                    self.same[row.item.index()] = NONE;
                    self.came[row.later as usize] = NONE;
                    if self.stays[row.item.index()] == row.later {
                        self.stays[row.item.index()] = NONE;
                        self.was[row.later as usize] = NONE;
                    }
                }
            }
        }
    }

    /// Distinguishes values that replaced others from those whose key only lies where another's did. Those that keep
    /// the order among the items that stayed are believed; so are the others, if they are more than chance explains.
    pub(super) fn distrust_successors(
        &mut self,
        old: &HeapFacts<'_>,
        new: &HeapFacts<'_>,
        nodes: &PathNodes,
    ) {
        let mut successors: FxHashMap<u32, u32> = FxHashMap::default();
        let mut holders: Vec<ObjectId> = Vec::new();
        for &b in new.shortest.in_order() {
            let replaced = ObjectId::from_raw(self.replaced[b.index()]);
            let is_known_by_key =
                |a: &ObjectId| old.label(*a).is_some_and(|label| label.kind() == LabelKind::AnyKey);
            if let Some(a) = replaced.filter(is_known_by_key) {
                successors.insert(a.raw(), b.raw());
                holders.extend(old.before(a));
            }
        }
        holders.sort_unstable();
        holders.dedup();
        for holder in holders {
            self.distrust_successors_of(old, new, nodes, holder, &successors);
        }
    }

    fn distrust_successors_of(
        &mut self,
        old: &HeapFacts<'_>,
        new: &HeapFacts<'_>,
        nodes: &PathNodes,
        holder: ObjectId,
        successors: &FxHashMap<u32, u32>,
    ) {
        let Some(later) = ObjectId::from_raw(self.stays[holder.index()]) else { return };
        let (mut rows, mut gone) = (Vec::new(), Vec::new());
        let mut key = None;
        for reference in old.heap.references().of(holder) {
            if reference.label.kind() == LabelKind::KeyObject {
                key = Some(reference.to);
                continue;
            }
            let (item, key) = (reference.to, key.take());
            if !is_ordered_item(old, nodes, holder, &reference) {
                continue;
            }
            match successors.get(&item.raw()) {
                Some(&later) => rows.push(Row { item, later, key }),
                None if self.same[item.index()] != NONE => {
                    rows.push(Row { item, later: self.same[item.index()], key: None });
                }
                None => gone.extend(key),
            }
        }
        if gone.is_empty() {
            return;
        }
        let in_order = retain_in_order(new, later, &mut rows);
        let is_astray = |place: usize| !in_order[place] && successors.contains_key(&rows[place].item.raw());
        let astray: Vec<&Row> =
            (0..rows.len()).filter(|&place| is_astray(place)).map(|place| &rows[place]).collect();
        if astray.is_empty() {
            return;
        }
        let at = |id: ObjectId| old.heap.objects().address(id);
        let keys = new
            .heap
            .references()
            .of(later)
            .filter(|reference| reference.label.kind() == LabelKind::KeyObject);
        let keys: FxHashMap<u64, u32> =
            keys.map(|key| (new.heap.objects().address(key.to), key.to.raw())).collect();
        let is_same_key = |key: ObjectId| {
            self.same[key.index()] != NONE && keys.get(&at(key)) == Some(&self.same[key.index()])
        };
        let (known, unknown): (Vec<&Row>, Vec<&Row>) = astray
            .into_iter()
            .partition(|row| row.key.is_some_and(|key| is_telling(old, key) && is_same_key(key)));
        let others = gone.iter().filter(|&&key| keys.contains_key(&at(key)) && !is_same_key(key)).count();
        let by_chance = (others + unknown.len()) as f64 / OTHER_MARKS;
        let is_chance = known.len() as f64 <= by_chance + 2.0 * by_chance.sqrt();
        let distrusted = unknown.into_iter().chain(known.into_iter().filter(|_| is_chance));
        let distrusted: Vec<u32> = distrusted.map(|row| row.later).collect();
        for later in distrusted {
            self.replaced[later as usize] = NONE;
        }
    }
}

/// Whether a reference is to an item of `holder` that has a place in an order. An item with a name of its own is known
/// by it, at whatever place.
fn is_ordered_item(
    facts: &HeapFacts<'_>,
    nodes: &PathNodes,
    holder: ObjectId,
    reference: &Reference,
) -> bool {
    let ordered = !matches!(reference.label.kind(), LabelKind::KeyObject | LabelKind::Member);
    let varies = |id| facts.placement.of(id).is_some_and(|at| varies(nodes.get(at).kind));
    ordered && facts.before(reference.to) == Some(holder) && varies(reference.to)
}

/// Keeps the rows that are among the references of `later`, and marks a longest run of them that is in its order.
fn retain_in_order(new: &HeapFacts<'_>, later: ObjectId, rows: &mut Vec<Row>) -> Vec<bool> {
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    for (place, to) in new.heap.references().targets_of(later).iter().enumerate() {
        places.entry(to.raw()).or_insert(place);
    }
    rows.retain(|row| places.contains_key(&row.later));
    let order: Vec<usize> = rows.iter().map(|row| places[&row.later]).collect();
    longest_ascent(&order)
}

/// Marks the numbers of a longest ascending subsequence (patience sorting; M. L. Fredman: "On computing the
/// length of longest increasing subsequences", Discrete Mathematics 11, 1975).
fn longest_ascent(numbers: &[usize]) -> Vec<bool> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; numbers.len()];
    for (place, &number) in numbers.iter().enumerate() {
        let length = tails.partition_point(|&tail| numbers[tail] < number);
        if length > 0 {
            before[place] = tails[length - 1];
        }
        if length == tails.len() {
            tails.push(place);
        } else {
            tails[length] = place;
        }
    }
    let mut chosen = vec![false; numbers.len()];
    let mut at = tails.last().copied();
    while let Some(place) = at {
        chosen[place] = true;
        at = Some(before[place]).filter(|&before| before != usize::MAX);
    }
    chosen
}
