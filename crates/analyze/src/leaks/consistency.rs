//! Checks that an answer about growth does not contradict itself.

use std::collections::BTreeSet;

use super::answer::{LeakStep, Leaks, Suspect, Verdict};
use crate::contradiction::Contradiction;

/// By how much a sum of rounded shares may exceed 1.
const ROUNDING: f64 = 1e-6;
/// The share of its growth that a place may retain alone although another place holds the same items.
const ALONE: f64 = 0.95;

fn place(one: &Suspect) -> String {
    one.holder.clone().unwrap_or_else(|| "native code".to_owned())
}

fn sum(changes: &[i64]) -> i64 {
    changes.iter().fold(0, |sum, &change| sum.saturating_add(change))
}

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl Leaks {
    /// The contradictions within the answer; none in a sound one.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        contradictions(self)
    }
}

fn contradictions(answer: &Leaks) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let all: Vec<&Suspect> = answer.suspects.iter().chain(&answer.candidates).collect();
    for one in &all {
        of_suspect(answer, one, &mut found);
    }
    if all.iter().map(|one| one.share_of_growth).sum::<f64>() > 1.0 + ROUNDING {
        found.push(Contradiction::Shares);
    }
    // Several frames may have the same path; so may a module that was loaded again, but hardly the same growth.
    let mut known = BTreeSet::new();
    for one in all.iter().filter(|one| one.path.first().is_some_and(is_one)) {
        if !known.insert((&one.fingerprint, &one.holder, &one.growth, &one.bytes_growth)) {
            found.push(Contradiction::Twice { place: place(one) });
        }
    }
    for list in [&answer.suspects, &answer.candidates] {
        for part in list {
            // A path with a folded chain in it is that of many objects.
            let whole = list.iter().find(|whole| {
                let is_folded = whole.holder.as_ref().is_some_and(|path| path.contains('…'));
                !is_folded
                    && is_within(&part.path, &whole.path)
                    && sum(&whole.bytes_growth) >= sum(&part.bytes_growth)
            });
            // One snapshot has no growth: a point may lie below another.
            if let Some(whole) = whole.filter(|_| !part.bytes_growth.is_empty()) {
                found.push(Contradiction::PartBesideWhole { part: place(part), whole: place(whole) });
            }
        }
    }
    for one in &answer.suspects {
        if one.doubt.is_some() {
            found.push(Contradiction::Doubt { place: place(one) });
        }
    }
    for one in &answer.candidates {
        if one.doubt.is_none() {
            found.push(Contradiction::Doubt { place: place(one) });
        }
    }
    let accuses = !answer.suspects.is_empty() || answer.omitted > 0;
    let claims = |verdict: Verdict| answer.verdicts.iter().any(|one| one.verdict == verdict);
    let worst = answer.verdicts.iter().map(|one| one.verdict.severity()).max();
    let calm = answer.verdict == Verdict::NoGrowth;
    if claims(Verdict::Leak) && !accuses
        || calm && !answer.suspects.is_empty()
        || claims(Verdict::NoGrowth) && answer.verdicts.len() > 1
        || worst.is_some_and(|worst| !claims(answer.verdict) || answer.verdict.severity() < worst)
    {
        found.push(Contradiction::Verdict);
    }
    found
}

/// Whether a place alone keeps nearly all alive by which it grew: the size that it retains grew by as much.
pub(super) fn is_kept_alone(grown: i64, retained_growth: Option<i64>) -> bool {
    grown > 0 && retained_growth.is_some_and(|alone| alone as f64 >= ALONE * grown as f64)
}

/// Whether a root is one object, which no other has the path of.
fn is_one(root: &LeakStep) -> bool {
    matches!(root.type_name.as_str(), "module" | "class" | "builtins")
}

/// Whether a path leads on from the end of another. Of a root that many objects have, or of a step without a name or
/// with keys that vary, another object may be meant: that proves nothing.
fn is_within(part: &[LeakStep], whole: &[LeakStep]) -> bool {
    let is_exact = |step: &LeakStep| !step.label.contains('*') && !step.label.contains('→');
    part.len() > whole.len()
        && whole.len() > 1
        && whole.first().is_some_and(is_one)
        && whole.iter().all(is_exact)
        && part.iter().zip(whole).all(|(one, other)| one == other)
}

fn of_suspect(answer: &Leaks, one: &Suspect, found: &mut Vec<Contradiction>) {
    if !is_share(one.share_of_growth) || !is_share(one.confidence) {
        found.push(Contradiction::Share { place: place(one) });
    }
    let intervals = answer.snapshots.len().saturating_sub(1);
    let is_complete = |changes: &[i64]| changes.len() == intervals;
    if !is_complete(&one.growth) || !is_complete(&one.bytes_growth) {
        found.push(Contradiction::Intervals { place: place(one) });
    }
    let gained = sum(&one.growth).max(0).unsigned_abs();
    if let Some(held) = one.count.filter(|&held| held < gained) {
        found.push(Contradiction::MoreGainedThanHeld { place: place(one), held, gained });
    }
    let objects = answer.snapshots.last().map_or(u64::MAX, |last| last.bytes);
    if one.retained.is_some_and(|retained| retained > objects) {
        found.push(Contradiction::RetainsTooMuch { place: place(one) });
    }
    if let Some(other) = one.co_holders.first()
        && is_kept_alone(sum(&one.bytes_growth), one.retained_growth)
    {
        found.push(Contradiction::KeptAloneAndShared { place: place(one), other: other.clone() });
    }
}
