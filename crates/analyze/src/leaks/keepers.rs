//! The keeper among the holders of the same items: the place that has to let go of them.
//!
//! The best path leads to only one of several holders. Two kinds of holder keep nothing alive: a table whose items go
//! when the object dies that holds them, too (an identity map), and one that is made from another (a cache of what a
//! registry holds). If the other holder was found as well, it is named.

use memtop_heap::RootKind;

use super::detect::Search;
use super::evidence::DropRule;
use super::finding::{Finding, GrowthKind};
use crate::path_nodes::NodeKind;

/// How many of its new items a place holds alone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeptItems {
    /// How many there are.
    pub(super) all: u64,
    /// How many of them no other object refers to.
    pub(super) alone: u64,
    /// How many of those are plain containers.
    pub(super) containers: u64,
}

impl KeptItems {
    fn are_alone(self) -> bool {
        self.alone > 0 && 2 * self.alone >= self.all
    }

    fn are_containers(self) -> bool {
        2 * self.containers >= self.all
    }
}

impl Search<'_, '_> {
    /// Gives the growth of each place whose items another one keeps alive to that one. `kept` is by finding, and `held`
    /// by object: whether the callback of a weak reference holds it.
    pub(super) fn name_keepers(&self, findings: &mut [Finding], kept: &[KeptItems], held: Option<&[bool]>) {
        for index in 0..findings.len() {
            let place = &findings[index];
            if place.dropped.is_some() || place.kind != GrowthKind::Items || kept[index].are_alone() {
                continue;
            }
            let goes_by_itself = held.is_some_and(|held| self.are_items_of_callbacks(place, held));
            let keeper = (0..findings.len()).filter(|&other| {
                let found = &findings[other];
                place.co_holders.contains(&found.node)
                    && found.dropped.is_none()
                    && found.kind == GrowthKind::Items
                    && (found.doubt.is_none() || place.doubt.is_some())
                    && kept[other].are_alone()
                    && (goes_by_itself || kept[other].are_containers() && self.is_durable(found))
            });
            if let Some(keeper) = keeper.max_by_key(|&other| (kept[other].alone, std::cmp::Reverse(other))) {
                Self::take_over(findings, index, keeper);
            }
        }
    }

    fn is_durable(&self, finding: &Finding) -> bool {
        let kind = self.root_kind(finding.node);
        matches!(kind, NodeKind::Root(RootKind::Module | RootKind::Class | RootKind::Builtins))
    }

    fn take_over(findings: &mut [Finding], from: usize, by: usize) {
        let place = &mut findings[from];
        place.drop(DropRule::CoHolder);
        let (node, net) = (place.node, place.net.clone());
        let mut taken = std::mem::take(&mut place.taken);
        taken.push((node, place.rows.clone()));
        let mut holders = std::mem::take(&mut place.co_holders);
        holders.insert(0, node);
        let keeper = &mut findings[by];
        for (sum, net) in keeper.net.iter_mut().zip(net) {
            *sum += net;
        }
        keeper.taken.append(&mut taken);
        holders.append(&mut keeper.co_holders);
        for holder in holders {
            if holder != keeper.node && !keeper.co_holders.contains(&holder) {
                keeper.co_holders.push(holder);
            }
        }
    }
}
