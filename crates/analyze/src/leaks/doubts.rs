//! Reasons to doubt growth: it is bounded, it slows down, it came in bursts, new items do not stay, or they only moved.
//!
//! Each is a question about one place that grew, answered from the heaps.

use memtop_heap::{RootKind, Shape, StringId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::detect::Search;
use super::evidence::Doubt;
use super::finding::{Finding, GrowthKind};
use super::growth::OWN;
use super::slopes::{is_falling, median};
use super::spans::{Pace, least};
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
        if finding.in_bursts && !self.is_proven_by_bursts(finding) {
            let grew = Self::grew(finding.grown());
            return Some(Doubt::Bursts { grew, intervals: self.intervals() });
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
        if self.is_move(finding) {
            return Some(Doubt::Moved);
        }
        if self.are_cancelled_timers(finding) {
            return Some(Doubt::CancelledTimers);
        }
        let (held, most) = match finding.kind {
            // A value that is replaced, such as a transaction, ends with what it has gathered.
            GrowthKind::Replaced => (self.gathered(finding), limits.batch_items),
            // Dead weak references are swept now and then, in each list by itself: by sqlite3 after 200 cursors.
            GrowthKind::Items if self.is_weak(finding) => {
                (self.most_held_now(finding), limits.batch_weak_items)
            }
            GrowthKind::Items => (self.held_now(finding), limits.batch_items),
            _ => (0, 0),
        };
        let is_batch = (1..=most).contains(&held) && finding.bytes() < limits.batch_bytes.cast_signed();
        is_batch.then_some(Doubt::MayBeBatch { items: held })
    }

    /// The doubt about growth that slows down, in whatever way its pace is measured.
    fn slowing(&self, growth: &[i64], by_items: bool) -> Option<Doubt> {
        let paces = self.spans.paces(growth);
        let doubts: Option<Vec<Doubt>> = paces.iter().map(|paces| self.slower(paces, by_items)).collect();
        doubts?.into_iter().next()
    }

    /// The doubt about a pace that falls. In items, a fall must exceed what comes and goes by chance.
    fn slower(&self, paces: &[Pace], by_items: bool) -> Option<Doubt> {
        let (first, last) = (*paces.first()?, *paces.last()?);
        // Counts of rare things vary by their root (Poisson).
        let by_chance = |from: Pace| {
            by_items
                && from.amount - last.amount < self.limits.chance * (from.variance + last.variance).sqrt()
        };
        let amounts: Vec<f64> = paces.iter().map(|pace| pace.amount).collect();
        if is_falling(&amounts) && last.amount < self.limits.falling * first.amount && !by_chance(first) {
            return Some(Doubt::Slowing);
        }
        // Items that came as slowly before, and faster after, come unevenly and do not end. Sizes jump when a table is
        // enlarged: there the least says nothing.
        let earlier = &paces[..paces.len() - 1];
        let before = match by_items {
            true => earlier.iter().copied().min_by(|a, b| a.amount.total_cmp(&b.amount))?,
            false => Pace { amount: median(&amounts[..earlier.len()]), variance: 0.0 },
        };
        let slowed =
            paces.len() > 2 && last.amount < self.limits.slowed * before.amount && !by_chance(before);
        slowed.then_some(Doubt::Slowed)
    }

    /// How many objects a value gained that grew unevenly; 0 if it grew evenly.
    fn gathered(&self, finding: &Finding) -> u64 {
        let gained = finding.items.iter().sum::<i64>().max(0).unsigned_abs();
        let is_uneven = |paced: &Vec<f64>| least(paced) < self.limits.even * median(paced);
        if self.spans.paced(&finding.net).iter().all(is_uneven) { gained } else { 0 }
    }

    /// Whether growth is as uneven as that of what rises and falls by chance, and its items come and go.
    fn is_random_walk(&self, finding: &Finding, new: u64, lasting: u64) -> bool {
        let goes = (lasting as f64) < self.limits.uneven_turnover * new as f64;
        let is_uneven = |paced: &Vec<f64>| least(paced) < self.limits.uneven * median(paced);
        goes && self.spans.paced(&finding.items).iter().all(is_uneven)
    }

    /// Whether growth in bursts is enough for an accusation: it is large, came in most of the intervals, and did not
    /// end before the series did.
    fn is_proven_by_bursts(&self, finding: &Finding) -> bool {
        let changes = finding.grown();
        let busy = |&index: &usize| changes[index] > 0 || !self.spans.is_idle(index);
        let counted: Vec<i64> = (0..changes.len()).filter(busy).map(|index| changes[index]).collect();
        let grew = Self::grew(&counted);
        let lost = counted.iter().any(|&change| change < 0);
        // The longest pause between two bursts, and the one at the end.
        let (mut longest, mut pause) = (0, 0);
        for &change in counted.iter().skip_while(|&&change| change <= 0) {
            if change > 0 {
                longest = longest.max(pause);
                pause = 0;
            } else {
                pause += 1;
            }
        }
        let is_large = finding.bytes() >= self.limits.proof_bytes.cast_signed() || grew == counted.len();
        is_large
            && !lost
            && grew >= self.limits.proof_intervals
            && 2 * grew >= counted.len()
            && pause <= longest
    }

    /// Whether a place only took over items that another gave up.
    fn is_move(&self, finding: &Finding) -> bool {
        let rows = || finding.rows.iter().map(|&row| &self.gains.rows[row]);
        let moved: i64 = rows().flat_map(|row| &row.moved).sum();
        let grown: i64 = self.gains.total.iter().sum();
        2 * moved > finding.bytes() && (grown as f64) < self.limits.moved * finding.bytes() as f64
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
            let is_steady = |paced: &Vec<f64>| {
                let slowest = least(paced);
                paced.first().is_some_and(|first| slowest >= self.limits.falling * first)
                    && slowest >= self.limits.falling * median(paced)
                    && slowest > 0.0
            };
            growth.iter().sum::<i64>() >= items
                && self.spans.paced(&growth).iter().any(is_steady)
                && !atoms.contains(self.nodes.text(ty))
        })
    }

    /// Whether the items of a finding are weak references, or are kept by such.
    pub(super) fn is_weak(&self, finding: &Finding) -> bool {
        let weak: u64 = finding.rows.iter().map(|&row| self.gains.rows[row].weak).sum();
        let weak = weak + self.local_dummies(finding);
        let items: i64 = finding.items.iter().sum();
        2 * weak.cast_signed() > items.max(0)
            || !finding.members.is_empty()
                && finding.members.iter().all(|&id| self.last.shape(id) == Shape::Weak)
    }
}
