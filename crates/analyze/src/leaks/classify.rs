//! Which places that grow are accused, which are in doubt, and which are let go; each by a rule that can be told.

use memtop_heap::{ObjectId, RootKind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::detect::{Finding, GrowthKind, Search};
use super::evidence::{Doubt, DropRule};
use super::growth::LATER;
use super::slopes::theil_sen;
use super::view::NONE;
use crate::path_nodes::{NodeKind, PathNodeId};

/// A finding that was judged.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) finding: Finding,
    /// What else holds the same items.
    pub(super) co_holders: Vec<PathNodeId>,
}

impl Search<'_, '_> {
    /// Judges all findings: those that were not dropped come first, by the bytes that they grew by.
    pub(super) fn judged(&self) -> Vec<Judged> {
        let mut findings = self.findings();
        for finding in &mut findings {
            self.accept(finding);
        }
        self.claim(&mut findings);
        for finding in findings.iter_mut().filter(|finding| finding.dropped.is_none()) {
            finding.doubt = self.doubt(finding);
        }
        // Suspects before candidates, so that the growth of the one is not measured by the other.
        findings.sort_by_key(|finding| {
            let key = (finding.dropped.is_some(), finding.doubt.is_some());
            (key, std::cmp::Reverse(finding.bytes()), finding.kind, finding.node)
        });
        let mut judged: Vec<Judged> =
            findings.into_iter().map(|finding| Judged { finding, co_holders: Vec::new() }).collect();
        self.share_items(&mut judged);
        self.drop_weak(&mut judged);
        self.doubt_within(&mut judged);
        self.drop_small(&mut judged);
        self.doubt_alongside(&mut judged);
        // Stable: doubts may have come since.
        judged.sort_by_key(|Judged { finding, .. }| {
            (finding.dropped.is_some(), finding.doubt.is_some(), std::cmp::Reverse(finding.bytes()))
        });
        judged
    }

    /// Whether a place grew enough, and each time.
    fn accept(&self, finding: &mut Finding) {
        let limits = self.limits;
        let bytes = finding.bytes();
        let items: i64 = finding.items.iter().sum();
        let by_items = finding.kind.is_by_items();
        // Items may be known objects, and a table that has room takes them without a byte.
        let shrank = finding.net.iter().filter(|&&net| if by_items { net < 0 } else { net <= 0 }).count();
        if finding.net.len() - shrank < limits.required(finding.net.len()) {
            finding.drop(DropRule::IdleIntervals);
        }
        if bytes < limits.bytes.cast_signed() {
            finding.drop(DropRule::FewBytes { bytes });
        }
        if by_items && items < limits.items.cast_signed() && bytes < limits.few_items_bytes.cast_signed() {
            finding.drop(DropRule::FewItems { items });
        }
        if self.lower_slope(finding.grown()).is_none_or(|lower| lower <= 0.0) {
            finding.drop(DropRule::SlopeMayBeZero);
        }
    }

    /// The least that growth per interval can be said to be, of changes by interval.
    pub(super) fn lower_slope(&self, changes: &[i64]) -> Option<f64> {
        let mut level = 0.0;
        let mut points = vec![(0.0, 0.0)];
        for (index, &change) in changes.iter().enumerate() {
            level += change as f64;
            points.push(((index + 1) as f64, level));
        }
        theil_sen(&points).map(|slope| slope.lower)
    }

    /// What one place tells, no other tells again.
    fn claim(&self, findings: &mut [Finding]) {
        let mut claimed: FxHashMap<usize, PathNodeId> = FxHashMap::default();
        for finding in findings.iter_mut().filter(|finding| finding.dropped.is_none()) {
            let rows: Vec<usize> = match finding.kind {
                // A chain's rows are all those within it, and those of what leads to its first object.
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
                // Keep what no other tells.
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

    /// Finds out what else holds the items of each; what is a co-holder of a greater one is no suspect of its own.
    fn share_items(&self, judged: &mut [Judged]) {
        let last = self.last;
        let kept: Vec<usize> =
            (0..judged.len()).filter(|&index| judged[index].finding.dropped.is_none()).collect();
        // By object: which finding it is a holder of, and which it is a new item of, from 1; the greater one counts.
        let mut member_of = vec![0_u16; last.owner.len()];
        let told = kept.iter().filter(|&&index| judged[index].finding.kind == GrowthKind::Items);
        for &index in told.take(usize::from(u16::MAX) - 1) {
            for member in &judged[index].finding.members {
                let of = &mut member_of[member.index()];
                *of = if *of == 0 { index as u16 + 1 } else { *of };
            }
        }
        let mut item_of = vec![0_u16; last.owner.len()];
        let mut items = vec![0_u64; judged.len()];
        // By object: the nearest on its path that was there from the first heap on.
        let mut known = vec![NONE; last.owner.len()];
        for &id in last.shortest.in_order() {
            let index = id.index();
            let from = last.before(id);
            if self.history.first[index] != NONE {
                known[index] = last.owner[index];
                continue;
            }
            known[index] = from.map_or(NONE, |from| known[from.index()]);
            item_of[index] = from.map_or(0, |from| member_of[last.owner_of(from).index()]);
            if item_of[index] != 0 {
                items[usize::from(item_of[index]) - 1] += 1;
            }
        }
        let mut held: FxHashMap<(PathNodeId, u16), u64> = FxHashMap::default();
        for &from in last.shortest.in_order() {
            let Some(holder) = ObjectId::from_raw(known[from.index()]) else { continue };
            let owner = last.owner_of(from);
            for to in last.heap.references().targets_of(from) {
                let of = item_of[to.index()];
                if of == 0 || last.before(*to).map(|by| last.owner_of(by)) == Some(owner) {
                    continue;
                }
                if let Some(node) = last.placement.of(holder).map(|node| self.nodes.owner(node)) {
                    *held.entry((node, of)).or_default() += 1;
                }
            }
        }
        let mut held: Vec<((PathNodeId, u16), u64)> = held.into_iter().collect();
        held.sort_unstable();
        for ((node, of), count) in held {
            let index = usize::from(of) - 1;
            let enough = self.limits.co_holder * items[index] as f64;
            if judged[index].finding.node != node && count as f64 >= enough {
                judged[index].co_holders.push(node);
            }
        }
        for &index in &kept {
            if judged[index].finding.dropped.is_some() {
                continue;
            }
            let bytes = judged[index].finding.bytes();
            for node in judged[index].co_holders.clone() {
                for &other in kept.iter().filter(|&&other| other > index) {
                    let values = self.bytes_of_values(&judged[other].finding);
                    let finding = &mut judged[other].finding;
                    // One that gained much of its own is told beside it.
                    if finding.node == node
                        && finding.kind == GrowthKind::Items
                        && (values as f64) < self.limits.co_holder * bytes as f64
                    {
                        finding.drop(DropRule::CoHolder);
                    }
                }
            }
        }
    }

    /// What came to be held below a place, without its own size and its keys.
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

    /// A weak registry grows alongside what it knows, and keeps nothing alive. What it knows may be garbage, which no
    /// other place holds.
    fn drop_weak(&self, judged: &mut [Judged]) {
        let weak: Vec<bool> = judged.iter().map(|judged| self.is_weak(&judged.finding)).collect();
        if !weak.contains(&true) {
            return;
        }
        let garbage: Vec<i64> = self.history.heaps.iter().map(|heap| heap.garbage).collect();
        let came: i64 = garbage.windows(2).map(|pair| (pair[1] - pair[0]).max(0)).sum();
        for (judged, _) in judged.iter_mut().zip(&weak).filter(|(_, weak)| **weak) {
            let finding = &mut judged.finding;
            if self.is_of_subclasses(finding) {
                finding.drop(DropRule::WeakSubclasses);
            } else if came > 0 && came >= finding.items.iter().sum() {
                finding.doubt.get_or_insert(Doubt::WeakToGarbage);
            }
        }
        let items = |finding: &Finding| finding.items.iter().sum::<i64>() as f64;
        let strong = judged.iter().zip(&weak).filter(|(judged, weak)| {
            !**weak && judged.finding.dropped.is_none() && judged.finding.doubt.is_none()
        });
        let most = strong.map(|(judged, _)| items(&judged.finding)).fold(0.0, f64::max);
        for (judged, _) in judged.iter_mut().zip(&weak).filter(|(_, weak)| **weak) {
            if most > 0.0 && most >= self.limits.weak * items(&judged.finding) {
                judged.finding.drop(DropRule::WeakAlongside);
            }
        }
    }

    /// Whether it is the interpreter's own dict of the subclasses of a class, which goes by no name if the class is
    /// static (from 3.12).
    fn is_of_subclasses(&self, finding: &Finding) -> bool {
        let node = self.nodes.get(finding.node);
        let is_dict = self.nodes.text(node.type_name) == "dict";
        let is_native = matches!(self.root_kind(finding.node), NodeKind::Root(RootKind::Native));
        is_dict && (is_native || self.nodes.text(node.text) == "__subclasses__")
    }

    /// What native code holds, in step with a greater suspect in Python, is likely held by that suspect's objects in a
    /// way that the capture does not see.
    fn doubt_alongside(&self, judged: &mut [Judged]) {
        let is_accused =
            |judged: &&Judged| judged.finding.dropped.is_none() && judged.finding.doubt.is_none();
        let known = judged.iter().filter(is_accused).map(|judged| &judged.finding);
        let greatest: Option<Finding> = known
            .filter(|finding| finding.kind != GrowthKind::Native)
            .max_by_key(|finding| finding.bytes())
            .cloned();
        let Some(greatest) = greatest else { return };
        for finding in judged.iter_mut().map(|judged| &mut judged.finding) {
            let native = finding.kind == GrowthKind::Native && finding.dropped.is_none();
            if native
                && finding.bytes() < greatest.bytes()
                && in_step(&finding.items, &greatest.items, self.limits.alongside)
            {
                finding.doubt.get_or_insert(Doubt::InStepWithSuspect);
            }
        }
    }

    /// What is small beside the growth of what holds it is no leak of its own while that is in doubt.
    fn doubt_within(&self, judged: &mut [Judged]) {
        let kept = |judged: &&Judged| judged.finding.dropped.is_none();
        let in_doubt = judged.iter().filter(kept).map(|judged| &judged.finding);
        let in_doubt: FxHashMap<PathNodeId, i64> = in_doubt
            .filter(|finding| finding.doubt.is_some())
            .map(|finding| (finding.node, finding.bytes()))
            .collect();
        for finding in judged.iter_mut().map(|judged| &mut judged.finding) {
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

    /// What is small beside the suspects is left out; a candidate, what is small beside all.
    fn drop_small(&self, judged: &mut [Judged]) {
        let bytes_of = |judged: &[Judged], accused_only: bool| -> i64 {
            let kept =
                judged.iter().map(|judged| &judged.finding).filter(|finding| finding.dropped.is_none());
            kept.filter(|finding| !accused_only || finding.doubt.is_none()).map(Finding::bytes).sum()
        };
        let (all, accused) = (bytes_of(judged, false), bytes_of(judged, true));
        for judged in judged.iter_mut().filter(|judged| judged.finding.dropped.is_none()) {
            let bytes = judged.finding.bytes();
            let beside = if judged.finding.doubt.is_none() { accused } else { all };
            if (bytes as f64) < self.limits.share * beside as f64 {
                judged.finding.drop(DropRule::Small { bytes });
            }
        }
    }
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
