//! The number of items that a place holds now, compared with the number that it gained.

use super::detect::Search;
use super::evidence::DropRule;
use super::finding::{Finding, GrowthKind};

impl Search<'_, '_> {
    /// How many items the holders of a finding hold in the last heap; none if it does not grow by items.
    pub(super) fn items_held(&self, finding: &Finding) -> Option<u64> {
        let degree = |id: memtop_heap::ObjectId| u64::from(self.last.degree[id.index()]);
        match finding.kind {
            GrowthKind::Size | GrowthKind::Replaced => None,
            GrowthKind::Items => {
                let gained = finding.items.iter().sum::<i64>().max(0).unsigned_abs();
                let held: u64 = finding.members.iter().map(|&id| degree(id)).sum();
                if held >= gained {
                    return Some(held);
                }
                // Holders that are not named may account for a part of the growth.
                let order = self.last.shortest.in_order().iter().copied();
                Some(order.filter(|&id| self.last.placement.of(id) == Some(finding.node)).map(degree).sum())
            }
            _ => Some(self.last.at(finding.node).0),
        }
    }

    /// Drops places that gained more items than they hold: holders came and went with their items.
    pub(super) fn drop_turned_over(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.dropped.is_none()) {
            let gained = finding.items.iter().sum::<i64>().max(0).unsigned_abs();
            if let Some(held) = self.items_held(finding).filter(|&held| held < gained) {
                finding.drop(DropRule::HoldersTurnedOver { held, gained });
            }
        }
    }
}
