//! Classifies places that grow: accused, in doubt or dropped, each by a rule that is named.

use memtop_heap::RootKind;
use rustc_hash::{FxHashMap, FxHashSet};

use super::detect::Search;
use super::evidence::{Doubt, DropRule};
use super::finding::{Finding, GrowthKind};
use super::growth::LATER;
use super::slopes::theil_sen;
use crate::path_nodes::{NodeKind, PathNodeId};

impl Search<'_, '_> {
    /// Classifies all findings. Those that were not dropped come first, by the bytes that they grew by.
    pub(super) fn classified(&self) -> Vec<Finding> {
        let mut findings = self.findings();
        for finding in &mut findings {
            self.accept(finding);
        }
        // The sort is stable. A place that grows each time accounts for its growth before one that grew in bursts.
        findings.sort_by_key(|finding| finding.in_bursts);
        self.claim(&mut findings);
        self.drop_turned_over(&mut findings);
        for finding in findings.iter_mut().filter(|finding| finding.dropped.is_none()) {
            finding.doubt = self.doubt(finding);
        }
        // Suspects before candidates, so that a suspect's growth is not measured by a candidate's.
        findings.sort_by_key(|finding| {
            let key = (finding.dropped.is_some(), finding.doubt.is_some());
            (key, std::cmp::Reverse(finding.bytes()), finding.kind, finding.node)
        });
        // A place that keeps nothing alive is only left out beside another one.
        let are_several = findings.iter().filter(|finding| finding.dropped.is_none()).count() > 1;
        let held = are_several.then(|| self.held_by_callbacks());
        self.share_items(&mut findings, held.as_deref());
        self.drop_weak(&mut findings, held.as_deref());
        self.doubt_within(&mut findings);
        self.drop_parts(&mut findings);
        self.drop_small(&mut findings);
        self.doubt_alongside(&mut findings);
        // The sort is stable. New doubts may have been added.
        findings.sort_by_key(|finding| {
            (finding.dropped.is_some(), finding.doubt.is_some(), std::cmp::Reverse(finding.bytes()))
        });
        findings
    }

    /// Drops a place that did not grow enough, or neither each time nor in bursts.
    fn accept(&self, finding: &mut Finding) {
        let limits = self.limits;
        let bytes = finding.bytes();
        let items: i64 = finding.items.iter().sum();
        let by_items = finding.kind.is_by_items();
        // Items may be known objects, and a table with free slots takes them without growing.
        let shrank = finding.net.iter().filter(|&&net| if by_items { net < 0 } else { net <= 0 }).count();
        let each_time = finding.net.len() - shrank >= limits.required(finding.net.len())
            && self.grew_enough(finding.grown());
        let is_rising = each_time && self.lower_slope(finding.grown()).is_some_and(|lower| lower > 0.0);
        finding.in_bursts = !is_rising && self.is_burst(finding);
        if !each_time && !finding.in_bursts {
            finding.drop(DropRule::IdleIntervals);
        }
        if bytes < limits.bytes.cast_signed() {
            finding.drop(DropRule::FewBytes { bytes });
        }
        if by_items && items < limits.items.cast_signed() && bytes < limits.few_items_bytes.cast_signed() {
            finding.drop(DropRule::FewItems { items });
        }
        if !is_rising && !finding.in_bursts {
            finding.drop(DropRule::SlopeMayBeZero);
        }
    }

    /// Whether a place grew in some intervals, and gave nothing back in the others. What happened once may be a part of
    /// the program's start, so that it must be larger.
    fn is_burst(&self, finding: &Finding) -> bool {
        let changes = finding.grown();
        let least = match Self::grew(changes) {
            1 => self.limits.single_burst_bytes,
            _ => self.limits.bursts_bytes,
        };
        // A table that is rebuilt may be smaller for a while.
        let may_shrink = finding.bytes() >= self.limits.proof_bytes.cast_signed();
        finding.bytes() >= least.cast_signed()
            && self.kept_growth(changes)
            && self.kept_growth(&finding.net)
            && (may_shrink || rise_and_fall(changes).1 == 0)
    }

    /// Whether something grew, and gave nearly nothing of it back.
    pub(super) fn kept_growth(&self, changes: &[i64]) -> bool {
        let (grown, lost) = rise_and_fall(changes);
        grown > 0 && lost as f64 <= self.limits.idle * grown as f64
    }

    /// The lower bound of growth per interval, from the changes by interval. Its sign does not depend on their extents.
    pub(super) fn lower_slope(&self, changes: &[i64]) -> Option<f64> {
        let mut level = 0.0;
        let mut points = vec![(0.0, 0.0)];
        for (index, &change) in changes.iter().enumerate() {
            level += change as f64;
            points.push(((index + 1) as f64, level));
        }
        theil_sen(&points).map(|slope| slope.lower)
    }

    /// Lets only one place account for the same growth.
    fn claim(&self, findings: &mut [Finding]) {
        let mut claimed: FxHashMap<usize, PathNodeId> = FxHashMap::default();
        for finding in findings.iter_mut().filter(|finding| finding.dropped.is_none()) {
            let rows: Vec<usize> = match finding.kind {
                // A chain's rows are all those within it, and those of the path to its first object.
                GrowthKind::Chain => self.rows_of_chain(finding.node),
                _ => finding.rows.clone(),
            };
            let bytes = |row: &usize| self.gains.rows[*row].net.iter().sum::<i64>().max(0);
            let all: i64 = rows.iter().map(bytes).sum();
            let known: i64 = rows.iter().filter(|row| claimed.contains_key(row)).map(bytes).sum();
            if all > 0 && 2 * known >= all {
                finding.drop(DropRule::Claimed);
                continue;
            }
            if finding.kind == GrowthKind::Chain {
                finding.rows = rows.into_iter().filter(|row| !claimed.contains_key(row)).collect();
            } else if known > 0 && matches!(finding.kind, GrowthKind::Items) {
                // Keep the growth that no other place accounts for.
                finding.rows.retain(|row| !claimed.contains_key(row));
                let rows = finding.rows.iter().map(|&row| &self.gains.rows[row]);
                finding.net = super::detect::sum(rows, self.intervals(), |row| row.net.as_slice());
            }
            for &row in &finding.rows {
                claimed.entry(row).or_insert(finding.node);
            }
            self.accept(finding);
        }
    }

    fn rows_of_chain(&self, node: PathNodeId) -> Vec<usize> {
        let inside: FxHashSet<usize> = self.inside(node).into_iter().collect();
        let above: FxHashSet<usize> =
            std::iter::successors(self.nodes.get(node).parent, |&node| self.nodes.get(node).parent)
                .take(crate::path::REPEATS_WITHIN)
                .filter(|&node| !matches!(self.nodes.get(node).kind, NodeKind::Root(_)))
                .map(PathNodeId::index)
                .collect();
        let holds_it = self.nodes.get(node).parent.map(|parent| self.nodes.owner(parent));
        let rows = self.gains.rows.iter().enumerate();
        rows.filter(|(_, row)| {
            let (holder, child) = (row.place.holder, row.place.child as usize);
            inside.contains(&holder.index())
                || inside.contains(&child)
                || above.contains(&child)
                || row.place.child == LATER && Some(holder) == holds_it
        })
        .map(|(index, _)| index)
        .collect()
    }

    pub(super) fn root_kind(&self, node: PathNodeId) -> NodeKind {
        let root = std::iter::successors(Some(node), |&node| self.nodes.get(node).parent).last();
        self.nodes.get(root.unwrap_or(node)).kind
    }

    /// Drops or doubts weak registries, and tables that the callbacks of weak references clean: they grow alongside their
    /// items, and keep nothing alive. Their items may be garbage, which no other place holds.
    fn drop_weak(&self, findings: &mut [Finding], held: Option<&[bool]>) {
        let is_cleaned = |finding: &Finding| {
            finding.dropped.is_none() && held.is_some_and(|held| self.is_cleaned(finding, held))
        };
        let weak: Vec<bool> =
            findings.iter().map(|finding| self.is_weak(finding) || is_cleaned(finding)).collect();
        if !weak.contains(&true) {
            return;
        }
        let garbage: Vec<i64> = self.history.heaps.iter().map(|heap| heap.garbage).collect();
        let came: i64 = garbage.windows(2).map(|pair| (pair[1] - pair[0]).max(0)).sum();
        for (finding, _) in findings.iter_mut().zip(&weak).filter(|(_, weak)| **weak) {
            if self.is_of_subclasses(finding) {
                finding.drop(DropRule::WeakSubclasses);
            } else if came > 0 && came >= finding.items.iter().sum() {
                finding.doubt.get_or_insert(Doubt::WeakToGarbage);
            }
        }
        let items = |finding: &Finding| finding.items.iter().sum::<i64>() as f64;
        let strong = findings
            .iter()
            .zip(&weak)
            .filter(|(finding, weak)| !**weak && finding.dropped.is_none() && finding.doubt.is_none());
        let most = strong.map(|(finding, _)| items(finding)).fold(0.0, f64::max);
        for (finding, _) in findings.iter_mut().zip(&weak).filter(|(_, weak)| **weak) {
            if most > 0.0 && most >= self.limits.weak * items(finding) {
                finding.drop(DropRule::WeakAlongside);
            }
        }
    }

    /// Whether it is the interpreter's own dict of the subclasses of a class, which has no name if the class is static
    /// (from 3.12).
    fn is_of_subclasses(&self, finding: &Finding) -> bool {
        let node = self.nodes.get(finding.node);
        let is_dict = self.nodes.text(node.type_name) == "dict";
        let is_native = matches!(self.root_kind(finding.node), NodeKind::Root(RootKind::Native));
        is_dict && (is_native || self.nodes.text(node.text) == "__subclasses__")
    }

    /// Doubts growth that native code holds, if it is in step with garbage, or with a larger suspect in Python: likely
    /// that suspect's objects hold it in a way that the capture does not see.
    fn doubt_alongside(&self, findings: &mut [Finding]) {
        let garbage: Vec<i64> = self.history.heaps.iter().map(|heap| heap.garbage).collect();
        let came: Vec<i64> = garbage.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for finding in findings.iter_mut().filter(|finding| finding.kind == GrowthKind::Native) {
            let is_less = finding.items.iter().sum::<i64>() <= came.iter().sum();
            if is_less && in_step(&finding.items, &came, self.limits.alongside) {
                finding.doubt.get_or_insert(Doubt::InStepWithGarbage);
            }
        }
        let is_accused = |finding: &&Finding| finding.dropped.is_none() && finding.doubt.is_none();
        let known = findings.iter().filter(is_accused);
        let greatest: Option<Finding> = known
            .filter(|finding| finding.kind != GrowthKind::Native)
            .max_by_key(|finding| finding.bytes())
            .cloned();
        let Some(greatest) = greatest else { return };
        for finding in findings.iter_mut() {
            let native = finding.kind == GrowthKind::Native && finding.dropped.is_none();
            if native
                && finding.bytes() < greatest.bytes()
                && in_step(&finding.items, &greatest.items, self.limits.alongside)
            {
                finding.doubt.get_or_insert(Doubt::InStepWithSuspect);
            }
        }
    }

    /// Doubts a place that is a small part of a place in doubt: it is not a leak of its own.
    fn doubt_within(&self, findings: &mut [Finding]) {
        let in_doubt = findings.iter().filter(|finding| finding.dropped.is_none());
        let in_doubt: FxHashMap<PathNodeId, i64> = in_doubt
            .filter(|finding| finding.doubt.is_some() && !finding.in_bursts)
            .map(|finding| (finding.node, finding.bytes()))
            .collect();
        for finding in findings.iter_mut() {
            if finding.dropped.is_some() || finding.doubt.is_some() {
                continue;
            }
            let above = std::iter::successors(self.nodes.get(finding.node).parent, |&node| {
                self.nodes.get(node).parent
            });
            let greatest = above.filter_map(|node| in_doubt.get(&node)).max().copied().unwrap_or(0);
            if (finding.bytes() as f64) < self.limits.within * greatest as f64 {
                finding.doubt = Some(Doubt::PartOfDoubted);
            }
        }
    }

    /// Drops a suspect that is small beside all suspects, and a candidate that is small beside all places.
    fn drop_small(&self, findings: &mut [Finding]) {
        let bytes_of = |findings: &[Finding], accused_only: bool| -> i64 {
            let kept = findings.iter().filter(|finding| finding.dropped.is_none());
            kept.filter(|finding| !accused_only || finding.doubt.is_none()).map(Finding::bytes).sum()
        };
        let (all, accused) = (bytes_of(findings, false), bytes_of(findings, true));
        for finding in findings.iter_mut().filter(|finding| finding.dropped.is_none()) {
            let bytes = finding.bytes();
            let beside = if finding.doubt.is_none() { accused } else { all };
            if (bytes as f64) < self.limits.share * beside as f64 {
                finding.drop(DropRule::Small { bytes });
            }
        }
    }
}

/// How much was added over all intervals, and how much was taken away.
fn rise_and_fall(changes: &[i64]) -> (i64, i64) {
    changes.iter().fold((0, 0), |(rise, fall), &change| (rise + change.max(0), fall + (-change).max(0)))
}

/// Whether two growths have the same ratio in each interval, but for a share of it.
pub(super) fn in_step(one: &[i64], other: &[i64], share: f64) -> bool {
    let (a, b) = (one.iter().sum::<i64>() as f64, other.iter().sum::<i64>() as f64);
    a > 0.0
        && b > 0.0
        && one
            .iter()
            .zip(other)
            .all(|(&x, &y)| (x as f64 / a - y as f64 / b).abs() * one.len() as f64 <= share)
}
