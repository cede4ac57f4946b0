//! The assessment of a suspect: its confidence, its evidence and its headline.

use super::answer::{Cause, Suspect};
use super::detect::Search;
use super::evidence::{Evidence, GrowthUnit, Headline, Per};
use super::finding::Finding;

/// Fills in confidence, evidence and headline. `share` is the suspect's share of the growth of objects. If
/// `by_the_minute` is false, the series is too short for rates per minute.
pub(super) fn assess(
    suspect: &mut Suspect,
    search: &Search<'_, '_>,
    finding: &Finding,
    share: f64,
    by_the_minute: bool,
) {
    suspect.confidence = confidence(suspect, finding, share, search.intervals());
    suspect.evidence = evidence(suspect, search, finding);
    suspect.headline = headline(suspect, finding, search.intervals(), by_the_minute);
}

/// The probability that growth by chance shows in all of n intervals is one half to the n-th. Even growth and a large
/// share of the growth of objects raise the confidence; a doubt halves it. Native growth beside it changes nothing.
fn confidence(suspect: &Suspect, finding: &Finding, share: f64, intervals: usize) -> f64 {
    let grew = Search::grew(finding.grown());
    let chance = 0.5_f64.powi(i32::try_from(grew).unwrap_or(i32::MAX));
    let misses = (intervals - grew) as f64 / intervals.max(1) as f64;
    let mean = finding.bytes() as f64 / intervals.max(1) as f64;
    let least = finding.net.iter().copied().min().unwrap_or(0).max(0) as f64;
    let even = if mean > 0.0 { (least / mean).clamp(0.0, 1.0) } else { 0.0 };
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
    if let Some(at_least) = search.lower_slope(changes).filter(|&lower| lower > 0.0 && intervals > 1) {
        let mean = changes.iter().sum::<i64>() as f64 / intervals as f64;
        evidence.push(Evidence::Slope { unit, mean, at_least });
    }
    evidence.push(Evidence::Total { bytes: finding.bytes().unsigned_abs(), share: suspect.share_of_growth });
    if let (Some(bytes), Some(growth)) = (suspect.retained, suspect.retained_growth) {
        evidence.push(Evidence::Retained { bytes, growth });
    }
    match suspect.cause {
        Cause::NativeReference => evidence.push(Evidence::NativeReferences),
        Cause::Frames => evidence.push(Evidence::HeldByFrames),
        Cause::Container => {}
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

fn headline(suspect: &Suspect, finding: &Finding, intervals: usize, by_the_minute: bool) -> Headline {
    let first = suspect.leaked.first().filter(|leaked| !leaked.type_name.is_empty());
    let items: i64 = finding.items.iter().sum();
    let by_items = finding.kind.is_by_items();
    // The objects are counted where they are not the items themselves: two methods of each listener, many events in a
    // block.
    let grown = match suspect.leaked.first().map(|leaked| leaked.growth.iter().sum::<i64>()) {
        Some(counted) if !by_items || counted > 0 && items.abs_diff(counted) > items.unsigned_abs() / 10 => {
            counted
        }
        _ => items,
    };
    let per_minute =
        |value: Option<f64>| value.filter(|value| by_the_minute && value.is_finite() && *value > 0.0);
    match first.filter(|_| grown > 0) {
        Some(leaked) => {
            let rate = per_minute(suspect.rate.items_per_minute).filter(|_| by_items && grown == items);
            let (amount, per) = match rate {
                Some(rate) => (rate, Per::Minute),
                None => (grown as f64 / intervals.max(1) as f64, Per::Interval),
            };
            Headline::Objects { type_name: leaked.type_name.clone(), amount, per }
        }
        None => {
            let (amount, per) = match per_minute(suspect.rate.bytes_per_minute) {
                Some(rate) => (rate, Per::Minute),
                None => (finding.bytes() as f64 / intervals.max(1) as f64, Per::Interval),
            };
            Headline::Bytes { amount: amount.max(0.0) as u64, per }
        }
    }
}
