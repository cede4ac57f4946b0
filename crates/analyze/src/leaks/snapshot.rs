//! The facts of each single heap of a series: its numbers, its time, and where memory accumulates in it.

use memtop_heap::{CaptureInfo, Flags, Heap};

use super::answer::{Cause, LeakStep, LeakedType, Rate, SnapshotRow, Suspect};
use super::evidence::{Doubt, Evidence, Headline};
use super::fingerprint::fingerprint;
use super::garbage_growth;
use crate::accumulation::{AccumulationOptions, accumulation};
use crate::retained::Retained;
use crate::shortest::{Costs, ShortestPaths};

/// The numbers of a heap.
pub(super) fn row(heap: &Heap) -> SnapshotRow {
    let objects = heap.objects();
    let counted = objects.ids().filter(|&id| !objects.flags(id).intersects(Flags::GARBAGE | Flags::OWN));
    let (count, size) =
        counted.fold((0, 0_u64), |sum, id| (sum.0 + 1, sum.1.saturating_add(objects.size(id))));
    let info = heap.info();
    SnapshotRow {
        taken_at: info.taken_at,
        objects: count,
        bytes: size,
        tracked_garbage: garbage_growth::tracked(heap),
        rss: info.memory.rss,
        pause: info.pause,
        work: info.work,
    }
}

/// The time of each capture, in minutes; none if the clock did not advance.
pub(super) fn minutes(captures: &[&CaptureInfo]) -> Option<Vec<f64>> {
    let steady: Option<Vec<f64>> = captures.iter().map(|info| info.uptime.map(|time| time as f64)).collect();
    let times = steady.unwrap_or_else(|| captures.iter().map(|info| info.taken_at as f64).collect());
    let micros_a_minute = 60e6;
    rising(times.into_iter().map(|time| time / micros_a_minute).collect())
}

/// The units of work done at each heap; none if they are not known of all, or none was done at all. In an interval
/// there may have been nothing to do.
pub(super) fn work(captures: &[&CaptureInfo]) -> Option<Vec<f64>> {
    let levels = captures.iter().map(|info| info.work).collect::<Option<Vec<f64>>>()?;
    let is_counted = levels.iter().all(|level| level.is_finite()) && levels.last() > levels.first();
    (is_counted && levels.is_sorted()).then_some(levels)
}

fn rising(values: Vec<f64>) -> Option<Vec<f64>> {
    values.windows(2).all(|pair| pair[1] > pair[0]).then_some(values)
}

/// The places where memory accumulates in one heap, as candidates.
pub(super) fn candidates(heap: &Heap, limit: usize) -> Vec<Suspect> {
    let retained = Retained::new(heap);
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let options = AccumulationOptions { limit, ..AccumulationOptions::default() };
    let points = accumulation(heap, &retained, &shortest, &options).suspects;
    let no_rate =
        Rate { items_per_minute: None, bytes_per_minute: None, items_per_unit: None, bytes_per_unit: None };
    let candidate = |(index, suspect): (usize, crate::accumulation::AccumulationSuspect)| {
        let point = suspect.point;
        let holder = point.path.to_string();
        let items = point.items.into_iter().map(|(type_name, count, bytes)| LeakedType {
            type_name,
            count,
            growth: Vec::new(),
            bytes,
        });
        let share = suspect.share;
        let hidden_by = point.path.root.hidden_by().map(str::to_owned);
        Suspect {
            rank: index + 1,
            cause: match point.path.root.kind {
                _ if hidden_by.is_some() => Cause::UncollectableCycle,
                memtop_heap::RootKind::Native => Cause::NativeReference,
                _ => Cause::Container,
            },
            leaked: items.collect(),
            count: Some(suspect.objects),
            growth: Vec::new(),
            bytes_growth: Vec::new(),
            retained: Some(point.retained),
            retained_growth: None,
            share_of_growth: 0.0,
            confidence: 0.0,
            rate: no_rate,
            evidence: std::iter::once(Evidence::RetainedShare { bytes: point.retained, share })
                .chain(hidden_by.map(|type_name| Evidence::HiddenReference { type_name }))
                .collect(),
            own_holder: None,
            fingerprint: fingerprint(&point.path),
            path: LeakStep::of_path(&point.path),
            co_holders: Vec::new(),
            headline: Headline::Retains { share },
            doubt: Some(Doubt::OneSnapshot),
            advice: None,
            headline_holder: point.path.headline(heap),
            wrapper: None,
            holder_type: Some(point.type_name),
            holder: Some(holder),
        }
    };
    points.into_iter().enumerate().map(candidate).collect()
}
