//! What is to be said over all, and why.

use memtop_heap::{CaptureInfo, Heap, LabelKind, Shape};

use super::answer::{Suspect, Verdict};
use super::classify::in_step;
use super::prose::bytes;
use super::thresholds::Thresholds;

/// By interval: by how much memory outside of Python's objects grew; none if it cannot be known. What malloc has in
/// use is taken where it is known, else resident memory without the pages of files; both hold Python's large objects
/// too. What heaps take that were captured in this very process is not in these numbers.
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

/// Memory outside of Python's objects that grew, and far above those.
pub(super) struct Native {
    /// By how much, in bytes.
    grown: u64,
    /// By interval.
    steps: Vec<i64>,
}

/// By how much native memory grew, if it did in every interval and far above Python's objects.
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

/// The suspect, and which objects of it, that the native memory may belong to: objects that are written in C (a
/// connection, an image) and became more in step with it.
fn owner<'s>(
    native: &Native,
    suspects: &'s [Suspect],
    last: Option<&Heap>,
    limits: &Thresholds,
) -> Option<(&'s str, &'s str)> {
    let heap = last?;
    suspects.iter().find_map(|suspect| {
        let holder = suspect.holder.as_deref()?;
        let owning = suspect.leaked.iter().find(|leaked| {
            in_step(&leaked.growth, &native.steps, limits.native_step)
                && is_written_in_c(heap, &leaked.type_name)
        })?;
        Some((holder, owning.type_name.as_str()))
    })
}

/// Whether a type is no container, and its objects have no attributes that Python code gave them: what they are is out
/// of sight.
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

/// The verdict over so many heaps, and its reason; `last` is the last of them.
pub(super) fn verdict(
    suspects: &[Suspect],
    candidates: &[Suspect],
    native: Option<Native>,
    heaps: usize,
    last: Option<&Heap>,
    detectable: Option<u64>,
    limits: &Thresholds,
) -> (Verdict, String) {
    let grown = |suspect: &Suspect| suspect.bytes_growth.iter().sum::<i64>().max(0) as u64;
    let places = |count: usize| if count == 1 { "one place".to_owned() } else { format!("{count} places") };
    if let Some(native) = native {
        let explained: u64 = suspects.iter().map(grown).sum();
        let outside = format!("memory outside of Python objects grew by {}", bytes(native.grown));
        if (explained as f64) < limits.native_share * native.grown as f64 {
            if let Some((holder, owning)) = owner(&native, suspects, last, limits) {
                let reason =
                    format!("{holder} holds more each time; {outside} in step with its {owning} objects");
                return (Verdict::Leak, reason);
            }
            let reason = match suspects.first() {
                None => format!(
                    "{outside}, in each interval, while the objects of Python did not: no object of Python is to blame"
                ),
                Some(first) => format!(
                    "{outside}; the objects of Python that accumulate ({}) are only {} of it",
                    first.holder.as_deref().unwrap_or("held by native code"),
                    bytes(explained)
                ),
            };
            return (Verdict::NativeGrowth, reason);
        }
        let reason = format!(
            "objects accumulate in {}, {} in all; {outside} beside it",
            places(suspects.len()),
            bytes(explained)
        );
        return (Verdict::Leak, reason);
    }
    if let Some(first) = suspects.first() {
        let all: u64 = suspects.iter().map(grown).sum();
        let holder = first.holder.clone().unwrap_or_else(|| "native code".to_owned());
        let more = match suspects.len() {
            1 => String::new(),
            count => format!(", and {} more", places(count - 1)),
        };
        return (Verdict::Leak, format!("{holder} holds more each time{more}: {} in all", bytes(all)));
    }
    let seen = detectable.map_or_else(String::new, |least| {
        format!("; growth of {} an interval in one place would have been seen", bytes(least))
    });
    match (heaps, candidates.first()) {
        (0, _) => (Verdict::Inconclusive, "there is no snapshot".to_owned()),
        (1, _) => (
            Verdict::Inconclusive,
            "one snapshot shows where memory is, not where it grows: take three or more".to_owned(),
        ),
        (_, Some(first)) => {
            let holder = first.holder.as_deref().unwrap_or("what native code holds");
            let doubt = first.doubt.as_deref().unwrap_or("it may be innocent");
            (Verdict::Inconclusive, format!("{holder} grew, but {doubt}"))
        }
        (2, None) => (Verdict::NoGrowth, "no place grew between the two snapshots".to_owned()),
        (_, None) => (Verdict::NoGrowth, format!("no place grew in every interval{seen}")),
    }
}
