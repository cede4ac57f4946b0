//! The types of objects that a place accumulates; the one that a person would name first comes first.

use memtop_heap::{Origin, Shape, StringId};
use rustc_hash::FxHashMap;

use super::answer::LeakedType;
use super::detect::Search;
use super::finding::Finding;
use super::growth::TypeTally;

/// The largest number of types of a place.
const TYPES: usize = 8;

/// Whose code defines a type, and whether it is a plain value.
type TypeFacts<'h> = FxHashMap<&'h str, (Origin, bool)>;

impl Search<'_, '_> {
    /// The types that a finding accumulates.
    pub(super) fn leaked_types(&self, finding: &Finding) -> Vec<LeakedType> {
        let types = self.last.heap.types();
        let facts: TypeFacts<'_> =
            types.iter().map(|(id, ty)| (types.name(id), (ty.origin, ty.shape == Shape::Atom))).collect();
        let mut leaked = self.ranked(finding, &facts);
        leaked.truncate(TYPES);
        if let Some(holder) = self.holder_instead(finding, &leaked, &facts) {
            leaked.insert(0, holder);
        }
        leaked
    }

    /// The gains of a finding by type.
    fn tally(&self, finding: &Finding) -> FxHashMap<StringId, TypeTally> {
        let mut types: FxHashMap<StringId, TypeTally> = FxHashMap::default();
        for &row in &finding.rows {
            for (&ty, tally) in &self.gains.rows[row].types {
                let of = types.entry(ty).or_default();
                of.count.resize(self.intervals(), 0);
                for (sum, value) in of.count.iter_mut().zip(&tally.count) {
                    *sum += value;
                }
                of.bytes += tally.bytes;
                of.direct += tally.direct;
            }
        }
        types
    }

    /// How many objects of each type are at and below a finding in the last heap.
    fn counts_by_type(&self, finding: &Finding) -> FxHashMap<StringId, u64> {
        let mut counts: FxHashMap<StringId, u64> = FxHashMap::default();
        for index in self.inside(finding.node) {
            let node = self.nodes.id_at(index);
            *counts.entry(self.nodes.get(node).type_name).or_default() += self.last.at(node).0;
        }
        counts
    }

    /// The types that grew, by rank, then by bytes.
    fn ranked(&self, finding: &Finding, facts: &TypeFacts<'_>) -> Vec<LeakedType> {
        let counts = self.counts_by_type(finding);
        let holder = self.nodes.get(finding.node).type_name;
        let mut ranked: Vec<((u8, i64), LeakedType)> = self
            .tally(finding)
            .into_iter()
            .filter(|(ty, tally)| {
                let grew = tally.count.iter().sum::<i64>() > 0;
                // The holder's own size is not what it accumulates, unless it is all there is.
                tally.bytes > 0 && (grew || !finding.kind.is_by_items() || *ty == holder)
            })
            .map(|(ty, tally)| {
                let rank = self.rank(finding, ty, &tally, facts);
                let leaked = LeakedType {
                    type_name: self.nodes.text(ty).to_owned(),
                    count: counts.get(&ty).copied().unwrap_or(0),
                    growth: tally.count,
                    bytes: tally.bytes.unsigned_abs(),
                };
                ((rank, -tally.bytes), leaked)
            })
            .collect();
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.type_name.cmp(&b.1.type_name)));
        ranked.into_iter().map(|(_, leaked)| leaked).collect()
    }

    /// How early a person would name a type: 0 is the first.
    fn rank(&self, finding: &Finding, ty: StringId, tally: &TypeTally, facts: &TypeFacts<'_>) -> u8 {
        let name = self.nodes.text(ty);
        let (origin, is_atom) = facts.get(name).copied().unwrap_or_default();
        let items: i64 = finding.items.iter().sum();
        let total: i64 = tally.count.iter().sum();
        let is_whole = !finding.kind.is_by_items();
        let is_users = name.contains('.') && matches!(origin, Origin::Own | Origin::Unknown);
        let is_item = 2 * tally.direct >= items && tally.direct > 0;
        match () {
            () if total <= 0 => 5,
            // In a whole that is replaced, items are all objects: an instance, its dict, its values.
            () if is_users && if is_whole { 10 } else { 2 } * total >= items => u8::from(!is_item),
            // A value that is replaced and holds the one before: a chain of its own kind.
            () if is_whole && ty == self.nodes.get(finding.node).type_name && !is_atom => 2,
            () if is_item && !is_atom => 3,
            () => 4,
        }
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
