//! Reasons to doubt growth: it is bounded, it slows down, new items do not stay, or they only moved.
//!
//! Each is a question about one place that grew, answered from the heaps.

use memtop_heap::{LabelKind, ObjectId, RootKind, Shape, StringId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::detect::Search;
use super::evidence::Doubt;
use super::finding::{Finding, GrowthKind};
use super::growth::OWN;
use super::slopes::median;
use crate::path_nodes::{NodeKind, PathNodeId};

impl Search<'_, '_> {
    /// The reason to doubt that a place leaks.
    pub(super) fn doubt(&self, finding: &Finding) -> Option<Doubt> {
        let limits = self.limits;
        let heaps = self.history.heaps.len();
        if heaps < limits.heaps {
            return Some(Doubt::FewSnapshots { snapshots: heaps, wanted: limits.heaps + 1 });
        }
        if self.is_limited(finding) {
            return Some(Doubt::Limited);
        }
        if let NodeKind::Root(RootKind::Unknown) = self.root_kind(finding.node) {
            return Some(Doubt::UnknownRoot);
        }
        let by_items = finding.kind.is_by_items();
        if let Some(doubt) = self.slowing(finding.grown(), by_items)
            && !(by_items && self.is_steady_below(finding))
        {
            return Some(doubt);
        }
        let (new, lasting) = self.turnover(finding);
        if by_items && new >= limits.turnover_items && (lasting as f64) < limits.turnover * new as f64 {
            return Some(Doubt::Turnover { new, lasting });
        }
        if by_items && new >= limits.turnover_items && self.is_random_walk(finding, new, lasting) {
            return Some(Doubt::RandomWalk);
        }
        self.is_move(finding).then_some(Doubt::Moved)
    }

    /// The doubt about growth that slows down. In items, a fall must exceed what comes and goes by chance.
    fn slowing(&self, growth: &[i64], by_items: bool) -> Option<Doubt> {
        let (first, last) = (*growth.first()? as f64, *growth.last()? as f64);
        // Counts of rare things vary by their root (Poisson).
        let by_chance =
            |from: f64| by_items && from - last < self.limits.chance * (from + last).max(0.0).sqrt();
        let falls = growth.windows(2).all(|pair| pair[1] < pair[0]);
        if falls && last < self.limits.falling * first && !by_chance(first) {
            return Some(Doubt::Slowing);
        }
        // Items that came as slowly before, and faster after, come unevenly and do not end. Sizes jump when a table is
        // enlarged: there the least says nothing.
        let earlier = &growth[..growth.len() - 1];
        let before = match by_items {
            true => earlier.iter().copied().min().unwrap_or(0) as f64,
            false => median(earlier),
        };
        let slowed = growth.len() > 2 && last < self.limits.slowed * before && !by_chance(before);
        slowed.then_some(Doubt::Slowed)
    }

    /// Whether growth is as uneven as that of what rises and falls by chance, and its items come and go.
    fn is_random_walk(&self, finding: &Finding, new: u64, lasting: u64) -> bool {
        let least = finding.items.iter().copied().min().unwrap_or(0) as f64;
        let goes = (lasting as f64) < self.limits.uneven_turnover * new as f64;
        goes && least < self.limits.uneven * median(&finding.items)
    }

    /// Whether a place only took over items that another gave up.
    fn is_move(&self, finding: &Finding) -> bool {
        let rows = || finding.rows.iter().map(|&row| &self.gains.rows[row]);
        let moved: i64 = rows().flat_map(|row| &row.moved).sum();
        let grown: i64 = self.gains.total.iter().sum();
        2 * moved > finding.bytes() && (grown as f64) < self.limits.moved * finding.bytes() as f64
    }

    /// Whether all growers of a finding have a size limit, and do not exceed it.
    pub(super) fn is_limited(&self, finding: &Finding) -> bool {
        let last = self.last;
        // The object with the limit may keep its items in one without a name: a dict within a C object.
        let limit_of = |id: ObjectId| {
            let nameless = |&at: &ObjectId| {
                last.label(at)
                    .is_some_and(|label| label.kind() == LabelKind::Unlabelled || label.kind().is_fold())
            };
            let above = |&at: &ObjectId| Some(at).filter(nameless).and_then(|at| last.before(at));
            let near = std::iter::successors(Some(id), above).take(3);
            near.filter_map(|at| last.heap.objects().limit(at)).next()
        };
        let limited = |&id: &ObjectId| {
            // A few references of the object are not its items.
            limit_of(id).is_some_and(|limit| u64::from(last.degree[id.index()]) <= limit.saturating_add(8))
        };
        !finding.members.is_empty() && finding.members.iter().all(limited)
    }

    /// How many new items there were before the last interval, and how many of them are still there at the end.
    pub(super) fn turnover(&self, finding: &Finding) -> (u64, u64) {
        let until = self.intervals().saturating_sub(1);
        if finding.kind == GrowthKind::Chain {
            return self.turnover_at(finding.node, until);
        }
        let total = finding.bytes().max(1);
        let rows = finding.rows.iter().map(|&row| &self.gains.rows[row]);
        let telling = rows.filter(|row| row.place.child != OWN && 10 * row.net.iter().sum::<i64>() >= total);
        telling.fold((0, 0), |sum, row| {
            let (new, lasting): (u64, u64) =
                (row.new[..until].iter().sum(), row.lasting[..until].iter().sum());
            (sum.0 + new, sum.1 + lasting)
        })
    }

    fn turnover_at(&self, node: PathNodeId, until: usize) -> (u64, u64) {
        let came = self.gains.chained.get(&node).map_or(&[][..], |of| &of[..until]);
        came.iter().fold((0, 0), |sum, came| (sum.0 + came.0, sum.1 + came.1))
    }

    /// Whether objects of one type gather below a finding at a steady rate, though its own items come more slowly: a
    /// dict of lists of which the lists grow.
    pub(super) fn is_steady_below(&self, finding: &Finding) -> bool {
        let items: i64 = finding.items.iter().sum();
        let last = self.last;
        let types = last.heap.types();
        let atoms: FxHashSet<&str> =
            (types.iter().filter(|(_, ty)| ty.shape == Shape::Atom)).map(|(id, _)| types.name(id)).collect();
        let mut counts: FxHashMap<StringId, Vec<i64>> = FxHashMap::default();
        for index in self.inside(finding.node) {
            let node = self.nodes.id_at(index);
            let of = counts.entry(self.nodes.get(node).type_name).or_default();
            of.resize(self.history.heaps.len(), 0);
            for (sum, count) in of.iter_mut().zip(self.counts(node)) {
                *sum += count;
            }
        }
        counts.into_iter().any(|(ty, counts)| {
            let growth: Vec<i64> = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let slowest = growth.iter().copied().min().unwrap_or(0) as f64;
            let many = growth.iter().sum::<i64>() >= items;
            many && slowest >= self.limits.falling * growth[0] as f64
                && slowest >= self.limits.falling * median(&growth)
                && slowest > 0.0
                && !atoms.contains(self.nodes.text(ty))
        })
    }

    /// Whether the items of a finding are weak references, or are kept by such.
    pub(super) fn is_weak(&self, finding: &Finding) -> bool {
        let weak: u64 = finding.rows.iter().map(|&row| self.gains.rows[row].weak).sum();
        let items: i64 = finding.items.iter().sum();
        2 * weak.cast_signed() > items.max(0)
            || !finding.members.is_empty()
                && finding.members.iter().all(|&id| self.last.shape(id) == Shape::Weak)
    }
}
