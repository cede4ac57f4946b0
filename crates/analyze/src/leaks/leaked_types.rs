//! The types of objects that a place accumulates; the one that a person would name first comes first.

use memtop_heap::{Origin, Shape, StringId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::answer::{ItemWrapper, LeakedType};
use super::detect::Search;
use super::finding::{Finding, GrowthKind};
use super::growth::TypeTally;

/// The largest number of types of a place.
const TYPES: usize = 8;

/// How many types of the parts of an item are named.
const PARTS: usize = 3;
/// How many items of a holder are searched for one of a type.
const SEARCHED: usize = 10_000;

/// Whose code defines a type, and whether it is a plain value.
type TypeFacts<'h> = FxHashMap<&'h str, (Origin, bool)>;

/// By type: the growth of the bytes of its objects and of all that is below them.
type HeldByType = FxHashMap<StringId, i64>;

/// The last rank of types that a person would name before plain containers and values.
const OF_CLASSES: u8 = 1;

/// Whether a type is a class of the program or of an installed library.
fn is_telling(name: &str, origin: Origin) -> bool {
    name.contains('.') && origin != Origin::Standard
}

fn is_class_name(name: &str, types: &memtop_heap::Types) -> bool {
    types.iter().any(|(id, ty)| types.name(id) == name && is_telling(name, ty.origin))
}

impl Search<'_, '_> {
    /// The types that a finding accumulates.
    pub(super) fn leaked_types(&self, finding: &Finding) -> Vec<LeakedType> {
        let types = self.last.heap.types();
        let facts: TypeFacts<'_> =
            types.iter().map(|(id, ty)| (types.name(id), (ty.origin, ty.shape == Shape::Atom))).collect();
        let mut leaked = self.ranked(finding, &facts);
        // Classes come first, so the class that the subtree is made of is not cut off.
        leaked.truncate(TYPES);
        if let Some(holder) = self.holder_instead(finding, &leaked, &facts) {
            leaked.insert(0, holder);
        }
        leaked
    }

    /// The gains of a finding by type.
    fn tally(&self, finding: &Finding) -> FxHashMap<StringId, TypeTally> {
        let mut types: FxHashMap<StringId, TypeTally> = FxHashMap::default();
        let taken = finding.taken.iter().flat_map(|(_, rows)| rows).map(|&row| (row, false));
        for (row, is_own) in finding.rows.iter().map(|&row| (row, true)).chain(taken) {
            for (&ty, tally) in &self.gains.rows[row].types {
                let of = types.entry(ty).or_default();
                of.count.resize(self.intervals(), 0);
                for (sum, value) in of.count.iter_mut().zip(&tally.count) {
                    *sum += value;
                }
                of.bytes += tally.bytes;
                of.direct += if is_own { tally.direct } else { 0 };
            }
        }
        types
    }

    /// How many objects of each type are at and below a finding in the last heap.
    fn counts_by_type(&self, finding: &Finding) -> FxHashMap<StringId, u64> {
        let mut counts: FxHashMap<StringId, u64> = FxHashMap::default();
        let taken = finding.taken.iter().map(|taken| taken.0);
        let inside = std::iter::once(finding.node).chain(taken).flat_map(|node| self.inside(node));
        for index in inside.collect::<FxHashSet<usize>>() {
            let node = self.nodes.id_at(index);
            *counts.entry(self.nodes.get(node).type_name).or_default() += self.last.at(node).0;
        }
        counts
    }

    /// By type, what grew below a finding and is held through an object of that type; an object within one of its own
    /// type counts with that one.
    fn held_by_type(&self, finding: &Finding) -> (HeldByType, i64) {
        let inside = self.inside(finding.node);
        let grown = |&index: &usize| {
            let node = self.nodes.id_at(index);
            self.last.at(node).1.cast_signed() - self.first.at(node).1.cast_signed()
        };
        let mut through: FxHashMap<usize, i64> = inside.iter().map(|index| (*index, grown(index))).collect();
        // A node comes after the node above it.
        for &index in inside.iter().skip(1).rev() {
            if let Some(parent) = self.nodes.get(self.nodes.id_at(index)).parent {
                let sum = through[&index];
                *through.entry(parent.index()).or_default() += sum;
            }
        }
        // The node of a place that grows by items is their holder; else it is that of the objects themselves.
        let is_holder = matches!(finding.kind, GrowthKind::Items | GrowthKind::Size);
        let above_all = if is_holder { Some(finding.node) } else { self.nodes.get(finding.node).parent };
        let mut held = HeldByType::default();
        for &index in inside.iter().skip(usize::from(is_holder)) {
            let node = self.nodes.get(self.nodes.id_at(index));
            let mut above = std::iter::successors(node.parent, |&at| self.nodes.get(at).parent)
                .take_while(|&at| Some(at) != above_all);
            if !above.any(|at| self.nodes.get(at).type_name == node.type_name) {
                *held.entry(node.type_name).or_default() += through[&index];
            }
        }
        (held, through.get(&finding.node.index()).copied().unwrap_or(0))
    }

    /// The types that grew, by rank; classes of one rank by what they hold, others by their own bytes.
    fn ranked(&self, finding: &Finding, facts: &TypeFacts<'_>) -> Vec<LeakedType> {
        let counts = self.counts_by_type(finding);
        let (held, all) = self.held_by_type(finding);
        let holder = self.nodes.get(finding.node).type_name;
        let mut ranked: Vec<((u8, i64, i64), LeakedType)> = self
            .tally(finding)
            .into_iter()
            .filter(|(ty, tally)| {
                let grew = tally.count.iter().sum::<i64>() > 0;
                // The holder's own size is not what it accumulates, unless it is all there is.
                tally.bytes > 0 && (grew || !finding.kind.is_by_items() || *ty == holder)
            })
            .map(|(ty, tally)| {
                let through = held.get(&ty).copied().unwrap_or(0);
                let rank = self.rank(finding, ty, &tally, facts, 2 * through >= all && all > 0);
                let leaked = LeakedType {
                    type_name: self.nodes.text(ty).to_owned(),
                    count: counts.get(&ty).copied().unwrap_or(0),
                    growth: tally.count,
                    bytes: tally.bytes.unsigned_abs(),
                };
                ((rank, if rank <= OF_CLASSES { -through } else { 0 }, -tally.bytes), leaked)
            })
            .collect();
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.type_name.cmp(&b.1.type_name)));
        ranked.into_iter().map(|(_, leaked)| leaked).collect()
    }

    /// How early a person would name a type: 0 is the first. `is_most` says whether half of the growth or more is held
    /// through its objects.
    fn rank(
        &self,
        finding: &Finding,
        ty: StringId,
        tally: &TypeTally,
        facts: &TypeFacts<'_>,
        is_most: bool,
    ) -> u8 {
        let name = self.nodes.text(ty);
        let (origin, is_atom) = facts.get(name).copied().unwrap_or_default();
        let items: i64 = finding.items.iter().sum();
        let total: i64 = tally.count.iter().sum();
        let is_whole = !finding.kind.is_by_items();
        let is_class = is_telling(name, origin);
        let is_item = 2 * tally.direct >= items && tally.direct > 0;
        match () {
            () if total <= 0 => 5,
            // In a whole that is replaced, items are all objects: an instance, its dict, its values.
            () if is_class && (is_most || if is_whole { 10 } else { 2 } * total >= items) => {
                u8::from(!is_item)
            }
            // A value that is replaced and holds the one before: a chain of its own kind.
            () if is_whole && ty == self.nodes.get(finding.node).type_name && !is_atom => 2,
            () if is_item && !is_atom => 3,
            () => 4,
        }
    }

    /// The plain container in which the items are, where they are not the objects that are named first.
    pub(super) fn item_wrapper(&self, finding: &Finding, leaked: &[LeakedType]) -> Option<ItemWrapper> {
        let first = leaked.first().filter(|_| finding.kind == GrowthKind::Items)?;
        let types = self.last.heap.types();
        let items: i64 = finding.items.iter().sum();
        let tally = self.tally(finding);
        let wrapper = tally
            .iter()
            .filter(|(_, tally)| 2 * tally.direct >= items && tally.direct > 0)
            .map(|(&ty, tally)| (tally.direct, self.nodes.text(ty)))
            .filter(|(_, name)| {
                let is_plain = |shape| !matches!(shape, Shape::Atom | Shape::Class | Shape::Module);
                types.iter().any(|(id, ty)| types.name(id) == *name && is_plain(ty.shape))
            })
            .max()?
            .1;
        if wrapper == first.type_name || is_class_name(wrapper, types) {
            return None;
        }
        let mut of_type = finding
            .members
            .iter()
            .take(PARTS)
            .flat_map(|&member| self.last.items(member, true, SEARCHED).into_iter().rev());
        let example = of_type.find(|&item| self.last.heap.type_name(item) == wrapper)?;
        let mut parts: Vec<String> = Vec::new();
        for part in self.last.items(example, false, SEARCHED) {
            let name = self.last.heap.type_name(part);
            if name != "NoneType" && !parts.iter().any(|known| known == name) && parts.len() <= PARTS {
                parts.push(name.to_owned());
            }
        }
        let has_more = parts.len() > PARTS;
        parts.truncate(PARTS);
        Some(ItemWrapper { type_name: wrapper.to_owned(), parts, has_more })
    }

    /// The holder itself, where no leaked type explains its growth: it grows in a part that is not a step of the path,
    /// as a text buffer does, or refers to one object again and again.
    fn holder_instead(
        &self,
        finding: &Finding,
        leaked: &[LeakedType],
        facts: &TypeFacts<'_>,
    ) -> Option<LeakedType> {
        let holder = self.nodes.text(self.nodes.get(finding.node).type_name);
        let items_grew = leaked.first().is_some_and(|first| {
            let (_, is_atom) = facts.get(first.type_name.as_str()).copied().unwrap_or_default();
            !is_atom && first.growth.iter().sum::<i64>() > 0
        });
        let is_listed = leaked.iter().any(|one| one.type_name == holder);
        let is_unexplained = leaked.is_empty() || !finding.kind.is_by_items() && !is_listed && !items_grew;
        (is_unexplained && !holder.is_empty()).then(|| LeakedType {
            type_name: holder.to_owned(),
            count: self.last.at(finding.node).0,
            growth: vec![0; self.intervals()],
            bytes: finding.bytes().max(0).unsigned_abs(),
        })
    }
}
