//! The assessment of a suspect: its confidence, its evidence and its headline.

use super::answer::{Cause, Suspect};
use super::detect::Search;
use super::evidence::{Evidence, GrowthUnit, Headline, Per};
use super::finding::Finding;
use super::slopes::theil_sen;
use super::spans::least;

/// Fills in confidence, evidence and headline. `share` is the suspect's share of the growth of objects. If
/// `by_the_minute` is false, the series is too short for rates per minute.
pub(super) fn assess(
    suspect: &mut Suspect,
    search: &Search<'_, '_>,
    finding: &Finding,
    share: f64,
    by_the_minute: bool,
) {
    suspect.confidence = confidence(suspect, search, finding, share);
    suspect.evidence = evidence(suspect, search, finding);
    suspect.headline = headline(suspect, search, finding, by_the_minute);
}

/// The probability that growth by chance shows in all of n intervals is one half to the n-th. Even growth and a large
/// share of the growth of objects raise the confidence; a doubt halves it. Native growth beside it changes nothing.
fn confidence(suspect: &Suspect, search: &Search<'_, '_>, finding: &Finding, share: f64) -> f64 {
    let intervals = search.intervals();
    let grew = Search::grew(finding.grown());
    let chance = 0.5_f64.powi(i32::try_from(grew).unwrap_or(i32::MAX));
    let misses = (intervals - grew) as f64 / intervals.max(1) as f64;
    let evenness = |paced: Vec<f64>| {
        let mean = paced.iter().sum::<f64>() / paced.len().max(1) as f64;
        if mean > 0.0 { (least(&paced) / mean).clamp(0.0, 1.0) } else { 0.0 }
    };
    let even = search.spans.paced(&finding.net).into_iter().map(evenness).fold(0.0, f64::max);
    let sure = (1.0 - chance) * (0.8 + 0.1 * even + 0.1 * share) * (1.0 - misses);
    let sure = if suspect.doubt.is_some() { sure / 2.0 } else { sure };
    (sure * 100.0).round() / 100.0
}

fn evidence(suspect: &Suspect, search: &Search<'_, '_>, finding: &Finding) -> Vec<Evidence> {
    let intervals = search.intervals();
    let changes = finding.grown();
    let by_items = finding.kind.is_by_items();
    let unit = if by_items { GrowthUnit::Items } else { GrowthUnit::Bytes };
    let mut evidence = vec![Evidence::Growth { unit, changes: changes.to_vec() }];
    if let Some(slope) = search.slope(changes).filter(|slope| slope.at_least > 0.0 && intervals > 1) {
        evidence.push(Evidence::Slope { unit, mean: slope.mean, at_least: slope.at_least, per: slope.per });
    }
    evidence.push(Evidence::Total { bytes: finding.bytes().unsigned_abs(), share: suspect.share_of_growth });
    // Of items that other places hold too, the holder alone retains only a part.
    if let (Some(bytes), Some(growth), []) =
        (suspect.retained, suspect.retained_growth, suspect.co_holders.as_slice())
    {
        evidence.push(Evidence::Retained { bytes, growth });
    }
    match suspect.cause {
        Cause::NativeReference => evidence.push(Evidence::NativeReferences),
        Cause::Frames => evidence.push(Evidence::HeldByFrames),
        Cause::UncollectableCycle | Cause::Container => {}
    }
    let (items, bytes) = (suspect.rate.items_per_unit, suspect.rate.bytes_per_unit);
    if let Some(amount) = items.filter(|&rate| by_items && rate > 0.0) {
        evidence.push(Evidence::PerUnitOfWork { unit: GrowthUnit::Items, amount });
    } else if let Some(amount) = bytes.filter(|&rate| rate > 0.0) {
        evidence.push(Evidence::PerUnitOfWork { unit: GrowthUnit::Bytes, amount });
    }
    evidence.extend(suspect.co_holders.iter().cloned().map(Evidence::CoHolder));
    evidence
}

/// How much was gained, and in which time. A rate is given only if it describes every interval.
fn headline(suspect: &Suspect, search: &Search<'_, '_>, finding: &Finding, by_the_minute: bool) -> Headline {
    let first = suspect.leaked.first().filter(|leaked| !leaked.type_name.is_empty());
    let items: i64 = finding.items.iter().sum();
    let by_items = finding.kind.is_by_items();
    // The objects are counted where they are not the items themselves: two methods of each listener, many events in a
    // block.
    let (grown, changes) = match suspect.leaked.first().map(|leaked| &leaked.growth[..]) {
        Some(growth)
            if !by_items || {
                let counted: i64 = growth.iter().sum();
                counted > 0 && items.abs_diff(counted) > items.unsigned_abs() / 10
            } =>
        {
            (growth.iter().sum(), growth)
        }
        _ => (items, &finding.items[..]),
    };
    let usable =
        |value: Option<f64>| value.filter(|value| by_the_minute && value.is_finite() && *value > 0.0);
    match first.filter(|_| grown > 0) {
        Some(leaked) => {
            let rate = usable(suspect.rate.items_per_minute).filter(|_| by_items && grown == items);
            let (amount, per) = amount(search, changes, rate);
            Headline::Objects { type_name: leaked.type_name.clone(), amount, per }
        }
        None => {
            let (amount, per) = amount(search, &finding.net, usable(suspect.rate.bytes_per_minute));
            Headline::Bytes { amount: amount.max(0.0) as u64, per }
        }
    }
}

/// The amount of some growth, and its time.
fn amount(search: &Search<'_, '_>, changes: &[i64], per_minute: Option<f64>) -> (f64, Per) {
    let total: i64 = changes.iter().sum();
    match per_minute {
        Some(rate) if search.is_steady(changes, rate) => (rate, Per::Minute),
        _ if is_same_each_time(changes) => (total as f64 / changes.len().max(1) as f64, Per::Interval),
        Some(rate) => (rate, Per::MinuteOnAverage),
        None => (total as f64, Per::Series),
    }
}

fn is_same_each_time(changes: &[i64]) -> bool {
    changes.windows(2).all(|pair| pair[0] == pair[1])
}

/// The slope of some growth: its mean and its lower bound.
struct MeanSlope {
    mean: f64,
    at_least: f64,
    per: Per,
}

impl Search<'_, '_> {
    /// The slope per interval; of unequal intervals per unit of work, or per second.
    fn slope(&self, changes: &[i64]) -> Option<MeanSlope> {
        const SECONDS: f64 = 60.0;
        let spans = self.spans;
        let (levels, per) = match (&spans.work, &spans.minutes) {
            _ if spans.are_even() || is_same_each_time(changes) => {
                ((0..=changes.len()).map(|index| index as f64).collect(), Per::Interval)
            }
            (Some(work), _) => (work.clone(), Per::Unit),
            (None, Some(minutes)) => (minutes.iter().map(|at| SECONDS * at).collect::<Vec<_>>(), Per::Second),
            (None, None) => return None,
        };
        let mut total = 0.0;
        let mut points = vec![(levels[0], 0.0)];
        for (&at, &change) in levels[1..].iter().zip(changes) {
            total += change as f64;
            points.push((at, total));
        }
        let at_least = theil_sen(&points)?.lower;
        Some(MeanSlope { mean: total / (levels[levels.len() - 1] - levels[0]), at_least, per })
    }

    /// Whether growth had about this rate per minute in each interval.
    fn is_steady(&self, changes: &[i64], rate: f64) -> bool {
        const ABOUT: f64 = 0.1;
        let Some(minutes) = &self.spans.minutes else { return false };
        minutes.windows(2).zip(changes).all(|(pair, &change)| {
            let here = change as f64 / (pair[1] - pair[0]);
            (here - rate).abs() <= ABOUT * rate
        })
    }
}
