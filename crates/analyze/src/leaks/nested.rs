//! Places within places that grow: what a suspect holds is a part of it.

use memtop_heap::ObjectId;
use rustc_hash::FxHashSet;

use super::detect::Search;
use super::evidence::DropRule;
use super::finding::Finding;
use crate::path_nodes::PathNodeId;

/// How many holders of a place are looked at.
const HOLDERS: usize = 1000;

impl Search<'_, '_> {
    /// Drops each place that lies within another which is at least as certain and grew by as much: it would be freed
    /// with that one. Its growth counts with the whole. A place that was found in two ways is one place.
    pub(super) fn drop_parts(&self, findings: &mut [Finding]) {
        let kept: Vec<usize> = (0..findings.len()).filter(|&at| findings[at].dropped.is_none()).collect();
        for &part in kept.iter().rev() {
            let whole = kept.iter().copied().find(|&whole| {
                let (one, other) = (&findings[whole], &findings[part]);
                let is_more_certain = one.doubt.is_none() && other.doubt.is_some();
                let is_larger = one.doubt.is_none() == other.doubt.is_none() && one.bytes() >= other.bytes();
                let is_same = one.node == other.node && (is_more_certain || is_larger);
                let is_within = (is_more_certain && one.bytes() >= other.bytes() || is_larger)
                    && (self.is_below(other.node, one.node) && self.holds(one, other)
                        || self.is_looped(other.node) && self.holds_known(one, other));
                whole != part && one.dropped.is_none() && (is_same || is_within)
            });
            let Some(whole) = whole else { continue };
            let (rows, net) = (findings[part].rows.clone(), findings[part].net.clone());
            findings[part].drop(DropRule::PartOfPlace);
            let whole = &mut findings[whole];
            whole.rows.extend(rows);
            for (sum, net) in whole.net.iter_mut().zip(net) {
                *sum += net;
            }
        }
    }

    fn is_below(&self, node: PathNodeId, above: PathNodeId) -> bool {
        node != above
            && std::iter::successors(Some(node), |&at| self.nodes.get(at).parent).any(|at| at == above)
    }

    /// Whether a node may lie below one that is not above it: a node that repeats an earlier one is that one.
    fn is_looped(&self, node: PathNodeId) -> bool {
        std::iter::successors(Some(node), |&at| self.nodes.get(at).parent)
            .any(|at| self.nodes.is_repeated(at))
    }

    /// As [`Search::holds`], of holders that are known, and that of `part` beyond that of `whole`.
    fn holds_known(&self, whole: &Finding, part: &Finding) -> bool {
        let are_others = whole.members != part.members;
        are_others && !whole.members.is_empty() && !part.members.is_empty() && self.holds(whole, part)
    }

    /// Whether most holders of `part` are reached through those of `whole`, as far as these are known.
    fn holds(&self, whole: &Finding, part: &Finding) -> bool {
        let holders: FxHashSet<ObjectId> = whole.members.iter().copied().collect();
        let looked_at = part.members.len().min(HOLDERS);
        let within = part.members.iter().take(HOLDERS).filter(|&&member| {
            std::iter::successors(Some(member), |&at| self.last.before(at)).any(|at| holders.contains(&at))
        });
        holders.is_empty() || looked_at == 0 || 2 * within.count() > looked_at
    }
}
