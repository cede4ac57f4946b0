//! Finds the places that grow, before they are classified.
//!
//! Each [`GrowthKind`] is looked for in turn, the most certain first.

use memtop_heap::{ObjectId, RootKind};

use super::evidence::DropRule;
use super::finding::{Finding, GrowthKind};
use super::growth::{Gains, GrowthRow};
use super::heap_facts::HeapFacts;
use super::history::{History, Slot, Summary};
use super::slopes::median;
use super::spans::{Spans, least};
use super::thresholds::Thresholds;
use crate::path_nodes::{NodeKind, PathNodeId, PathNodes};
use crate::shortest::Reached;

/// All facts about a series.
pub(super) struct Search<'a, 'b> {
    pub(super) first: &'a HeapFacts<'b>,
    pub(super) last: &'a HeapFacts<'b>,
    pub(super) nodes: &'a PathNodes,
    pub(super) history: &'a History,
    pub(super) gains: &'a Gains,
    pub(super) spans: &'a Spans,
    pub(super) limits: &'a Thresholds,
}

/// The values of some rows, added up by interval.
pub(super) fn sum<'r>(
    rows: impl Iterator<Item = &'r GrowthRow>,
    intervals: usize,
    of: impl Fn(&GrowthRow) -> &[i64],
) -> Vec<i64> {
    let mut sum = vec![0; intervals];
    for row in rows {
        for (sum, value) in sum.iter_mut().zip(of(row)) {
            *sum += value;
        }
    }
    sum
}

impl Search<'_, '_> {
    /// All places that grow in any way, in an order that depends on the heaps alone.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.slots();
        findings.extend(self.items());
        findings.extend(self.roots());
        findings.extend(self.chains());
        findings
    }

    pub(super) fn intervals(&self) -> usize {
        self.gains.intervals
    }

    /// In how many intervals something grew.
    pub(super) fn grew(values: &[i64]) -> usize {
        values.iter().filter(|&&value| value > 0).count()
    }

    /// Whether all objects together grew in every interval, by more than a place needs to be a finding.
    pub(super) fn grew_throughout(&self) -> bool {
        let total = &self.gains.total;
        let all = !total.is_empty() && Self::grew(total) == total.len();
        all && total.iter().sum::<i64>() >= self.limits.bytes.cast_signed()
    }

    pub(super) fn grew_enough(&self, values: &[i64]) -> bool {
        Self::grew(values) >= self.limits.required(self.intervals()) && self.intervals() > 0
    }

    /// Whether growth is worth a finding: in every interval, or in bursts.
    fn grew_at_all(&self, values: &[i64]) -> bool {
        self.grew_enough(values) || self.kept_growth(values)
    }

    fn slots(&self) -> Vec<Finding> {
        let mut nodes: Vec<PathNodeId> = self.history.slots.keys().copied().collect();
        nodes.sort_unstable();
        nodes.into_iter().filter_map(|node| self.slot(node, &self.history.slots[&node])).collect()
    }

    /// The slots at one node, if any of them grew all the time.
    fn slot(&self, node: PathNodeId, slots: &[Slot]) -> Option<Finding> {
        let intervals = self.intervals();
        let required = self.limits.required(intervals);
        let mut grown: Vec<&Slot> = Vec::new();
        let in_bursts = |slot: &Slot| {
            let changes: Vec<i64> = slot.through.windows(2).map(|pair| pair[1] - pair[0]).collect();
            (slot.replaced == 0 || slot.kept == Some(true)) && self.kept_growth(&changes)
        };
        for slot in slots.iter().filter(|slot| slot.grown >= required || in_bursts(slot)) {
            let through = slot.through[intervals] - slot.through[0];
            let by_itself = slot.own as f64 >= self.limits.own_size * through as f64;
            // A container is judged by its items: its own size grows in steps.
            if slot.replaced > 0 || by_itself && !slot.has_more {
                grown.push(slot);
            }
        }
        if grown.is_empty() {
            return None;
        }
        let mut net = vec![0; intervals];
        for slot in &grown {
            for (t, net) in net.iter_mut().enumerate() {
                *net += slot.through[t + 1] - slot.through[t];
            }
        }
        let replaced = grown.iter().any(|slot| slot.replaced > 0);
        let kind = if replaced { GrowthKind::Replaced } else { GrowthKind::Size };
        let parent = self.nodes.get(node).parent?;
        let rows = |index: &usize| {
            let child = self.gains.rows[*index].place.child;
            child == node.index() as u32
        };
        let mut rows: Vec<usize> =
            self.gains.by_holder.get(&parent).into_iter().flatten().copied().filter(rows).collect();
        rows.extend(self.gains.by_holder.get(&node).into_iter().flatten().copied());
        let items =
            sum(rows.iter().map(|&row| &self.gains.rows[row]), intervals, |row| row.objects.as_slice());
        let mut finding = Finding::new(kind, node, net, items);
        finding.rows = rows;
        finding.members = grown.iter().map(|slot| slot.last).collect();
        finding.firsts = grown.iter().map(|slot| slot.first).collect();
        self.judge_slots(&mut finding, slots, &grown);
        Some(finding)
    }

    fn judge_slots(&self, finding: &mut Finding, slots: &[Slot], grown: &[&Slot]) {
        // Where values come and go, some seem to have stayed by chance: their addresses and marks are used again.
        let (newer, newer_bytes) = self.history.newer.get(&finding.node).copied().unwrap_or_default();
        let values = slots.len() + newer;
        if (grown.len() as f64) < self.limits.replaced * values as f64 {
            // One that grows among many that change counts if it outgrows them together.
            let changes = slots.iter().flat_map(|slot| slot.through.windows(2));
            let others: i64 = changes.map(|pair| (pair[1] - pair[0]).abs()).sum();
            if (finding.bytes() as f64) < self.limits.replaced * others.saturating_add(newer_bytes) as f64 {
                finding.drop(DropRule::FewValuesGrew { grew: grown.len(), values });
            }
        }
        if finding.kind == GrowthKind::Replaced && grown.iter().any(|slot| slot.kept == Some(false)) {
            finding.drop(DropRule::ValuesUnrelated);
        }
        if grown.iter().all(|slot| slot.kept.is_none()) {
            let is_unsteady = |paced: &Vec<f64>| {
                let grown: Vec<f64> = paced.iter().copied().filter(|&net| net > 0.0).collect();
                least(&grown) < self.limits.steady * median(paced)
            };
            if self.spans.paced(&finding.net).iter().all(is_unsteady) {
                finding.drop(DropRule::UnsteadyValue);
            }
        }
    }

    /// Holders that refer to more items each time.
    fn items(&self) -> Vec<Finding> {
        let mut nodes: Vec<PathNodeId> = self.gains.degrees.keys().map(|&(node, _)| node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.into_iter().filter_map(|node| self.holders(node)).collect()
    }

    fn holders(&self, node: PathNodeId) -> Option<Finding> {
        let intervals = self.intervals();
        let of = |grower| self.gains.degrees.get(&(node, grower));
        let added = |parts: &[Option<&Vec<(i64, u64)>>]| {
            let mut sum = vec![(0_i64, 0_u64); intervals];
            for part in parts.iter().copied().flatten() {
                for (sum, value) in sum.iter_mut().zip(part) {
                    *sum = (sum.0 + value.0, sum.1 + value.1);
                }
            }
            sum
        };
        // All holders of the node, if they grow together; else only those that grow; else all, if they grow in bursts.
        let all = || vec![of(true), of(false)];
        let groups = [(all(), false, false), (vec![of(true)], true, false), (all(), false, true)];
        for (parts, growers_only, in_bursts) in groups {
            let degrees = added(&parts);
            let items: Vec<i64> = degrees.iter().map(|degree| degree.0).collect();
            // A chain that grows at its end has one holder with one more item: the chain itself is the better finding.
            let grew = if in_bursts { self.kept_growth(&items) } else { self.grew_enough(&items) };
            if !grew || self.is_chain_growing_faster(node, &items) {
                continue;
            }
            let coherent = degrees
                .iter()
                .all(|&(change, moved)| change as f64 >= self.limits.coherent * moved as f64 || change <= 0);
            if !coherent && !growers_only {
                continue;
            }
            let rows: Vec<usize> = (self.gains.by_holder.get(&node).into_iter().flatten().copied())
                .filter(|&row| !growers_only || self.gains.rows[row].place.grower)
                .collect();
            let net = sum(rows.iter().map(|&row| &self.gains.rows[row]), intervals, |row| row.net.as_slice());
            let mut finding = Finding::new(GrowthKind::Items, node, net, items);
            finding.rows = rows;
            let grower = |id: &ObjectId| self.history.grower[id.index()];
            let members = self.history.gained.get(&node).into_iter().flatten().copied();
            // If some holders that grow each time account for nearly all of it, they are the holders.
            let of_growers: i64 = of(true).into_iter().flatten().map(|degree| degree.0).sum();
            let by_growers =
                of_growers as f64 >= self.limits.growers * finding.items.iter().sum::<i64>() as f64;
            finding.members = members.filter(|id| !(growers_only || by_growers) || grower(id)).collect();
            finding.firsts = self.first_of(&finding.members);
            return Some(finding);
        }
        None
    }

    fn is_chain_growing_faster(&self, node: PathNodeId, items: &[i64]) -> bool {
        let counts = self.counts(node);
        let chained = counts[counts.len() - 1] - counts[0];
        self.nodes.is_repeated(node) && chained > items.iter().sum()
    }

    /// The objects of the first heap that these objects of the last heap are, if they existed then.
    fn first_of(&self, members: &[ObjectId]) -> Vec<ObjectId> {
        members.iter().filter_map(|id| ObjectId::from_raw(self.history.first[id.index()])).collect()
    }

    /// Objects that roots lead to, more each time.
    fn roots(&self) -> Vec<Finding> {
        let intervals = self.intervals();
        let mut findings = Vec::new();
        for index in 0..self.nodes.len() {
            let node = self.nodes.id_at(index);
            let Some(root) = self.nodes.get(node).parent else { continue };
            let NodeKind::Root(kind) = self.nodes.get(root).kind else { continue };
            if matches!(kind, RootKind::Module | RootKind::Class | RootKind::Builtins) {
                continue;
            }
            let items: Vec<i64> = self.counts(node).windows(2).map(|pair| pair[1] - pair[0]).collect();
            if !self.grew_at_all(&items) {
                continue;
            }
            let rows: Vec<usize> = (self.gains.by_holder.get(&root).into_iter().flatten().copied())
                .filter(|&row| self.gains.rows[row].place.child == node.index() as u32)
                .collect();
            let kind = if kind == RootKind::Native { GrowthKind::Native } else { GrowthKind::Roots };
            let rolled: Vec<i64> = self.below(node);
            let net: Vec<i64> = rolled.windows(2).map(|pair| pair[1] - pair[0]).collect();
            debug_assert_eq!(net.len(), intervals);
            let mut finding = Finding::new(kind, node, net, items);
            finding.rows = rows;
            let at = |facts: &HeapFacts<'_>| -> Vec<ObjectId> {
                let order = facts.shortest.in_order().iter().copied();
                order
                    .filter(|&id| facts.placement.of(id) == Some(node))
                    .filter(|&id| matches!(facts.shortest.of(id), Reached::Root(_)))
                    .collect()
            };
            (finding.members, finding.firsts) = (at(self.last), at(self.first));
            findings.push(finding);
        }
        findings
    }

    /// By heap: how many objects are at a node.
    pub(super) fn counts(&self, node: PathNodeId) -> Vec<i64> {
        self.history.heaps.iter().map(|heap| heap.at(node).0.cast_signed()).collect()
    }

    /// By heap: the bytes at a node and below it.
    pub(super) fn below(&self, node: PathNodeId) -> Vec<i64> {
        let inside = self.inside(node);
        let bytes = |heap: &Summary| -> u64 { inside.iter().map(|&index| heap.at_index(index).1).sum() };
        self.history.heaps.iter().map(|heap| bytes(heap).cast_signed()).collect()
    }

    /// The indexes of a node and of all below it.
    pub(super) fn inside(&self, node: PathNodeId) -> Vec<usize> {
        let mut is_inside = vec![false; self.nodes.len() - node.index()];
        is_inside[0] = true;
        let mut inside = vec![node.index()];
        for index in node.index() + 1..self.nodes.len() {
            let parent = self.nodes.get(self.nodes.id_at(index)).parent;
            if let Some(parent) = parent.filter(|parent| parent.index() >= node.index())
                && is_inside[parent.index() - node.index()]
            {
                is_inside[index - node.index()] = true;
                inside.push(index);
            }
        }
        inside
    }

    /// Chained objects, more each time.
    fn chains(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        let mut is_covered = vec![false; self.nodes.len()];
        for index in 0..self.nodes.len() {
            let node = self.nodes.id_at(index);
            if !self.nodes.is_repeated(node) || is_covered[index] {
                continue;
            }
            let items: Vec<i64> = self.counts(node).windows(2).map(|pair| pair[1] - pair[0]).collect();
            if !self.grew_at_all(&items) {
                continue;
            }
            for inside in self.inside(node) {
                is_covered[inside] = true;
            }
            let net = self.below(node).windows(2).map(|pair| pair[1] - pair[0]).collect();
            let mut finding = Finding::new(GrowthKind::Chain, node, net, items);
            // The objects at which the chain begins hold all others.
            let begins = |facts: &HeapFacts<'_>| -> Vec<ObjectId> {
                let order = facts.shortest.in_order().iter().copied();
                order
                    .filter(|&id| facts.placement.of(id) == Some(node))
                    .filter(|&id| {
                        facts.before(id).is_none_or(|from| {
                            let above = facts.placement.of(from).map(|above| self.nodes.owner(above));
                            above.is_none_or(|above| !self.nodes.is_repeated(above))
                        })
                    })
                    .collect()
            };
            (finding.members, finding.firsts) = (begins(self.last), begins(self.first));
            findings.push(finding);
        }
        findings
    }
}
