//! The verdict over a series, and its reason.

use memtop_heap::{CaptureInfo, Heap, LabelKind, Shape};

use super::answer::{Cause, Suspect, Verdict};
use super::classify::in_step;
use super::evidence::{Evidence, Reason};
use super::garbage_growth::GarbageGrowth;
use super::garbage_verdict::garbage_verdict;
use super::thresholds::Thresholds;

/// By how much memory outside of Python objects grew in each interval; none if it cannot be known. It is the memory
/// that malloc has in use where that is known, else resident memory without file pages; both include Python's large
/// objects. Heaps that were captured in this very process are not in these numbers.
fn native_growth(captures: &[&CaptureInfo]) -> Option<Vec<i64>> {
    let malloc: Option<Vec<u64>> = captures.iter().map(|info| info.memory.malloc_in_use).collect();
    let resident = || -> Option<Vec<u64>> {
        let of = |info: &&CaptureInfo| {
            let memory = info.memory;
            memory.rss.map(|rss| rss.saturating_sub(memory.file_backed.unwrap_or(0)))
        };
        captures.iter().map(of).collect()
    };
    let levels = malloc.or_else(resident)?;
    Some(levels.windows(2).map(|pair| pair[1].cast_signed() - pair[0].cast_signed()).collect())
}

/// Native memory that grew far more than Python objects.
pub(super) struct Native {
    /// By how much, in bytes.
    grown: u64,
    /// By interval.
    steps: Vec<i64>,
}

/// By how much native memory grew, if it did in every interval and far more than Python objects.
pub(super) fn native(captures: &[&CaptureInfo], python: &[i64], limits: &Thresholds) -> Option<Native> {
    let native = native_growth(captures)?;
    let far = |(&native, &python): (&i64, &i64)| {
        native >= limits.native_bytes.cast_signed()
            && native as f64 >= limits.native_times * python.max(0) as f64
    };
    let grew = native.iter().zip(python).filter(|&pair| far(pair)).count();
    (!native.is_empty() && grew >= limits.required(native.len()))
        .then(|| Native { grown: native.iter().sum::<i64>().unsigned_abs(), steps: native })
}

/// The holder and the type of the objects that the native memory may belong to: objects of a type written in C (a
/// connection, an image) whose number grew in step with it.
fn owner<'s>(
    native: &Native,
    suspects: &'s [Suspect],
    last: Option<&Heap>,
    limits: &Thresholds,
) -> Option<(&'s str, &'s str)> {
    let heap = last?;
    suspects.iter().find_map(|suspect| {
        let holder = suspect.name()?;
        let owning = suspect.leaked.iter().find(|leaked| {
            in_step(&leaked.growth, &native.steps, limits.native_step)
                && is_written_in_c(heap, &leaked.type_name)
        })?;
        Some((holder, owning.type_name.as_str()))
    })
}

/// Whether a type is not a container, and its objects have no attributes set by Python code: their memory is out of
/// sight.
fn is_written_in_c(heap: &Heap, name: &str) -> bool {
    let (types, objects, references) = (heap.types(), heap.objects(), heap.references());
    let is_meant =
        |&(id, ty): &(_, &memtop_heap::TypeRecord)| types.name(id) == name && ty.shape == Shape::Other;
    types.iter().any(|ty| {
        is_meant(&ty)
            && objects.ids().filter(|&object| objects.type_of(object) == ty.0).all(|object| {
                let mut labels = references.of(object).map(|reference| reference.label.kind());
                !labels.any(|kind| matches!(kind, LabelKind::Attribute | LabelKind::Dict))
            })
    })
}

/// The facts behind a verdict.
pub(super) struct Grounds<'a> {
    pub(super) suspects: &'a [Suspect],
    pub(super) candidates: &'a [Suspect],
    pub(super) native: Option<Native>,
    /// Garbage that grew.
    pub(super) garbage: Option<&'a GarbageGrowth>,
    /// How many heaps there are.
    pub(super) heaps: usize,
    /// The last of them, if there is native growth.
    pub(super) last: Option<&'a Heap>,
    /// The smallest growth of one place, in bytes per interval, that would have been seen.
    pub(super) detectable: Option<u64>,
}

/// The verdict and its reason.
pub(super) fn verdict(grounds: Grounds<'_>, limits: &Thresholds) -> (Verdict, Reason) {
    let Grounds { suspects, candidates, heaps, detectable, .. } = grounds;
    let bytes = grown(suspects);
    if let Some(native) = &grounds.native {
        return with_native(native, &grounds, limits);
    }
    let garbage = grounds.garbage.map(|growth| (growth.grown, garbage_verdict(growth, heaps, limits)));
    let of_candidates = grown(candidates);
    if let Some((grown, (verdict, reason))) = garbage
        && match verdict {
            Verdict::Inconclusive => suspects.is_empty() && grown >= of_candidates,
            _ => grown >= bytes,
        }
    {
        return (verdict, reason);
    }
    if let Some(Suspect { path, cause: Cause::UncollectableCycle, evidence, .. }) = suspects.first() {
        let hidden_by = evidence.iter().find_map(|fact| match fact {
            Evidence::HiddenReference { type_name } => Some(type_name.clone()),
            _ => None,
        });
        let hidden_by = hidden_by.or_else(|| path.first().map(|root| root.label.clone())).unwrap_or_default();
        return (Verdict::Leak, Reason::UncollectableCycles { hidden_by, places: suspects.len(), bytes });
    }
    if let Some(first) = suspects.first() {
        let holder = first.name().map(str::to_owned);
        let reason = Reason::Growth { holder, places: suspects.len(), bytes };
        return (Verdict::Leak, reason);
    }
    match (heaps, candidates.first()) {
        (0, _) => (Verdict::Inconclusive, Reason::NoSnapshot),
        (1, _) => (Verdict::Inconclusive, Reason::OneSnapshot),
        (_, Some(first @ Suspect { doubt: Some(doubt), .. })) => {
            let holder = first.name().map(str::to_owned);
            (Verdict::Inconclusive, Reason::InDoubt { holder, doubt: doubt.clone() })
        }
        (2, _) => (Verdict::NoGrowth, Reason::NoGrowthBetweenTwo),
        (_, _) => (Verdict::NoGrowth, Reason::NoGrowth { detectable }),
    }
}

/// The bytes by which suspects grew together.
fn grown(suspects: &[Suspect]) -> u64 {
    suspects.iter().map(|suspect| suspect.bytes_growth.iter().sum::<i64>().max(0).unsigned_abs()).sum()
}

/// The verdict where native memory grew: whether the suspects explain it.
fn with_native(native: &Native, grounds: &Grounds<'_>, limits: &Thresholds) -> (Verdict, Reason) {
    let suspects = grounds.suspects;
    let explained = grown(suspects);
    if explained as f64 >= limits.native_share * native.grown as f64 {
        let (places, native) = (suspects.len(), native.grown);
        return (Verdict::Leak, Reason::GrowthBesideNative { places, bytes: explained, native });
    }
    if let Some((holder, type_name)) = owner(native, suspects, grounds.last, limits) {
        let (holder, type_name) = (holder.to_owned(), type_name.to_owned());
        return (Verdict::Leak, Reason::NativeInStep { holder, type_name, native: native.grown });
    }
    let native = native.grown;
    let reason = match suspects.first() {
        None => Reason::Native { native },
        Some(first) => {
            Reason::NativeBeyondSuspects { native, holder: first.name().map(str::to_owned), explained }
        }
    };
    (Verdict::NativeGrowth, reason)
}
