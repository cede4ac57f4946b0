//! What is to be said over all, and why.

use memtop_heap::Heap;

use super::answer::{Suspect, Verdict};
use super::limits::Thresholds;
use super::prose::bytes;

/// By interval: by how much memory outside of Python's objects grew; none if it cannot be known. What malloc has in
/// use is taken where it is known, else resident memory without the pages of files; both hold Python's large objects
/// too. What heaps take that were captured in this very process is not in these numbers.
fn native_growth(heaps: &[&Heap]) -> Option<Vec<i64>> {
    let memory = |heap: &&Heap| heap.info().memory;
    let malloc: Option<Vec<u64>> = heaps.iter().map(|heap| memory(heap).malloc_in_use).collect();
    let resident = || -> Option<Vec<u64>> {
        let of = |heap| {
            let memory = memory(heap);
            memory.rss.map(|rss| rss.saturating_sub(memory.file_backed.unwrap_or(0)))
        };
        heaps.iter().map(of).collect()
    };
    let levels = malloc.or_else(resident)?;
    Some(levels.windows(2).map(|pair| pair[1].cast_signed() - pair[0].cast_signed()).collect())
}

/// By how much native memory grew, if it did in every interval and far above Python's objects.
pub(super) fn native(heaps: &[&Heap], python: &[i64], limits: &Thresholds) -> Option<u64> {
    let native = native_growth(heaps)?;
    let far = |(&native, &python): (&i64, &i64)| {
        native >= limits.native_bytes.cast_signed()
            && native as f64 >= limits.native_times * python.max(0) as f64
    };
    let grew = native.iter().zip(python).filter(|&pair| far(pair)).count();
    (!native.is_empty() && grew >= limits.required(native.len()))
        .then(|| native.iter().sum::<i64>().unsigned_abs())
}

/// The verdict over all, and its reason.
pub(super) fn verdict(
    suspects: &[Suspect],
    candidates: &[Suspect],
    native: Option<u64>,
    heaps: usize,
    detectable: Option<u64>,
    limits: &Thresholds,
) -> (Verdict, String) {
    let grown = |suspect: &Suspect| suspect.bytes_growth.iter().sum::<i64>().max(0) as u64;
    let places = |count: usize| if count == 1 { "one place".to_owned() } else { format!("{count} places") };
    if let Some(native) = native {
        let explained: u64 = suspects.iter().map(grown).sum();
        let outside = format!("memory outside of Python objects grew by {}", bytes(native));
        if (explained as f64) < limits.native_share * native as f64 {
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
