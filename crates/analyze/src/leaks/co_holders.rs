//! Co-holders: other places that hold the new items of a finding.
//!
//! A co-holder of a larger place is not a suspect of its own: the larger one names it. What counts are the objects that
//! accumulate, so two dicts that share their keys, or a table that has the same small numbers, hold nothing together.

use memtop_heap::{LabelKind, ObjectId};
use rustc_hash::FxHashMap;

use super::detect::Search;
use super::evidence::DropRule;
use super::finding::{Finding, GrowthKind};
use super::growth::LATER;
use super::heap_facts::NONE;
use super::keepers::KeptItems;
use super::weak_tables::is_plain_container;
use crate::path_nodes::{NodeKind, PathNodeId};

/// The new items of all findings, in the last heap.
struct NewItems {
    /// By object: the number of the finding whose item it is, from 1; 0 for none.
    finding_of: Vec<u16>,
    /// By finding: how many of its items count.
    counts: Vec<u64>,
    /// By object: the nearest object on its path that has existed since the first heap; [`NONE`] if there is none.
    survivors: Vec<u32>,
    /// By object: the new item on its path, itself included; [`NONE`] if there is none.
    item_of: Vec<u32>,
    /// By object: whether it is a new item that another object refers to, too, which is not below it.
    is_shared: Vec<bool>,
}

impl Search<'_, '_> {
    /// Finds the co-holders of each finding, and drops those that are co-holders of a larger one. The findings must be
    /// sorted, the largest first.
    ///
    /// `held` says of each object whether the callback of a weak reference holds it.
    pub(super) fn share_items(&self, findings: &mut [Finding], held: Option<&[bool]>) {
        let mut items = self.new_items(findings);
        for ((node, number), count) in self.other_holders(&mut items) {
            let index = usize::from(number) - 1;
            let enough = self.limits.co_holder * items.counts[index] as f64;
            if findings[index].node != node && count as f64 >= enough {
                findings[index].co_holders.push(node);
            }
        }
        self.name_keepers(findings, &self.kept_items(&items, findings.len()), held);
        self.drop_co_holders(findings);
    }

    /// By finding: which of its new items it alone holds.
    fn kept_items(&self, items: &NewItems, findings: usize) -> Vec<KeptItems> {
        let mut kept = vec![KeptItems::default(); findings];
        for &id in self.last.shortest.in_order() {
            let number = usize::from(items.finding_of[id.index()]);
            let Some(kept) = number.checked_sub(1).map(|index| &mut kept[index]) else { continue };
            kept.all += 1;
            if !items.is_shared[id.index()] {
                kept.alone += 1;
                kept.containers += u64::from(is_plain_container(self.last.shape(id)));
            }
        }
        kept
    }

    fn new_items(&self, findings: &[Finding]) -> NewItems {
        let last = self.last;
        // By object: the number of the finding of which it is a holder, from 1. The larger finding counts.
        let mut member_of = vec![0_u16; last.owner.len()];
        for (number, finding) in (1..=u16::MAX).zip(findings) {
            if finding.dropped.is_some() || finding.kind != GrowthKind::Items {
                continue;
            }
            for member in &finding.members {
                let of = &mut member_of[member.index()];
                *of = if *of == 0 { number } else { *of };
            }
        }
        let mut finding_of = vec![0_u16; last.owner.len()];
        let mut survivors = vec![NONE; last.owner.len()];
        let mut item_of = vec![NONE; last.owner.len()];
        // By finding: new keys, and new items that are not keys.
        let mut counts = vec![(0_u64, 0_u64); findings.len()];
        for &id in last.shortest.in_order() {
            let index = id.index();
            let from = last.before(id);
            if self.history.first[index] != NONE {
                survivors[index] = last.owner[index];
                continue;
            }
            survivors[index] = from.map_or(NONE, |from| survivors[from.index()]);
            finding_of[index] = from.map_or(0, |from| member_of[last.owner_of(from).index()]);
            item_of[index] = from.map_or(NONE, |from| item_of[from.index()]);
            if finding_of[index] != 0 {
                item_of[index] = id.raw();
                let (keys, values) = &mut counts[usize::from(finding_of[index]) - 1];
                *if self.is_key(id) { keys } else { values } += 1;
            }
        }
        // Where values accumulate, keys only lead to them; a dict whose values are not new objects holds its keys.
        for &id in last.shortest.in_order() {
            let number = finding_of[id.index()];
            if number != 0 && self.is_key(id) && counts[usize::from(number) - 1].1 > 0 {
                finding_of[id.index()] = 0;
            }
        }
        let counts = counts.into_iter().map(|(keys, values)| if values > 0 { values } else { keys });
        let is_shared = vec![false; last.owner.len()];
        NewItems { finding_of, counts: counts.collect(), survivors, item_of, is_shared }
    }

    fn is_key(&self, id: ObjectId) -> bool {
        self.last.label(id).is_some_and(|label| label.kind() == LabelKind::KeyObject)
    }

    /// The places that refer to new items by another way than the best path, with the number of the finding and how
    /// many of its items they refer to. Marks the items that are shared.
    fn other_holders(&self, items: &mut NewItems) -> Vec<((PathNodeId, u16), u64)> {
        let last = self.last;
        let mut held: FxHashMap<(PathNodeId, u16), u64> = FxHashMap::default();
        for &from in last.shortest.in_order() {
            let holder = ObjectId::from_raw(items.survivors[from.index()]);
            let owner = last.owner_of(from);
            for to in last.heap.references().targets_of(from) {
                let number = items.finding_of[to.index()];
                if number == 0 || last.before(*to).map(|by| last.owner_of(by)) == Some(owner) {
                    continue;
                }
                items.is_shared[to.index()] |= items.item_of[from.index()] != to.raw();
                let Some(holder) = holder else { continue };
                if let Some(node) = last.placement.of(holder).map(|node| self.nodes.owner(node)) {
                    *held.entry((node, number)).or_default() += 1;
                }
            }
        }
        let mut held: Vec<((PathNodeId, u16), u64)> = held.into_iter().collect();
        held.sort_unstable();
        held
    }

    fn drop_co_holders(&self, findings: &mut [Finding]) {
        for index in 0..findings.len() {
            let (larger, smaller) = findings.split_at_mut(index + 1);
            let larger = &larger[index];
            if larger.dropped.is_some() {
                continue;
            }
            let bytes = larger.bytes();
            for other in smaller.iter_mut().filter(|other| larger.co_holders.contains(&other.node)) {
                // A place that gained much of its own is reported beside it.
                let values = self.bytes_of_values(other);
                if other.kind == GrowthKind::Items && (values as f64) < self.limits.co_holder * bytes as f64 {
                    other.drop(DropRule::CoHolder);
                }
            }
        }
    }

    /// The bytes that a place gained below it, without its own size and its keys.
    fn bytes_of_values(&self, finding: &Finding) -> i64 {
        let rows = finding.rows.iter().map(|&row| &self.gains.rows[row]);
        let is_value = |child: u32| {
            let node = Some(child as usize).filter(|&index| index < self.nodes.len());
            child == LATER
                || node
                    .is_some_and(|index| self.nodes.get(self.nodes.id_at(index)).kind != NodeKind::KeyObject)
        };
        rows.filter(|row| is_value(row.place.child)).flat_map(|row| &row.net).sum()
    }
}
