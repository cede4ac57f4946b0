//! The verdict of a series about its garbage alone.

use super::answer::Verdict;
use super::evidence::Reason;
use super::garbage_growth::{GarbageCause, GarbageGrowth};
use super::thresholds::Thresholds;

/// The verdict about garbage that grew over so many heaps, and its reason.
pub(super) fn garbage_verdict(
    growth: &GarbageGrowth,
    heaps: usize,
    limits: &Thresholds,
) -> (Verdict, Reason) {
    let verdict = match growth.cause {
        _ if heaps < limits.heaps => Verdict::Inconclusive,
        GarbageCause::Off
        | GarbageCause::Frozen
        | GarbageCause::HighThreshold { .. }
        | GarbageCause::PutOff { .. } => Verdict::GarbageGrowth,
        GarbageCause::Survived { .. } => Verdict::UncollectableCycles,
        GarbageCause::NotYet | GarbageCause::Unknown => Verdict::Inconclusive,
    };
    let type_name = growth.types.first().map(|of| of.type_name.clone());
    (verdict, Reason::Garbage { bytes: growth.grown, type_name, cause: growth.cause })
}
