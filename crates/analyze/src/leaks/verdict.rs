//! The verdicts over a series, each with its reason: about the places that grow, and about the parts of resident memory
//! that grow without one.
//!
//! Invariant: "no growth" is only said alone, and not if a part of memory kept growing. Of garbage, that is said if the
//! collector frees it in its ordinary rhythm.

use memtop_heap::{Heap, LabelKind, Shape};

use super::answer::{Cause, GrowthVerdict, Suspect, Verdict};
use super::classify::in_step;
use super::evidence::{Evidence, NativeEvidence, Reason};
use super::garbage_growth::GarbageGrowth;
use super::garbage_verdict::garbage_verdict;
use super::spans::Spans;
use super::thresholds::Thresholds;
use crate::account::{Account, AccountPart};

/// How a part of memory grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// In every interval, or nearly.
    Steady,
    /// In several intervals and never down, or ever more slowly, or over a single interval.
    Doubtful,
    /// Once, too little, or up and down.
    Still,
}

/// In how many intervals a part of memory grew by an amount that matters beside its mean.
fn grown_intervals(steps: &[i64], limits: &Thresholds) -> usize {
    let mean = steps.iter().sum::<i64>() as f64 / steps.len().max(1) as f64;
    let least = (limits.native_part_of_mean * mean).max(limits.native_step_bytes as f64);
    steps.iter().filter(|&&step| step as f64 >= least).count()
}

/// Whether a part of memory grew by about as much in each interval, per unit of work or time. Of growth by many megabytes
/// that is not asked; a few may be a warm-up, or blocks that are larger than those that they replace.
fn is_even(steps: &[i64], spans: &Spans, limits: &Thresholds) -> bool {
    let total: i64 = steps.iter().sum();
    if total >= limits.native_proof_bytes.cast_signed() {
        return true;
    }
    spans.paced(steps).into_iter().any(|mut paces| {
        let mean = paces.iter().sum::<f64>() / paces.len().max(1) as f64;
        paces.sort_by(f64::total_cmp);
        let exempt = paces.len() - limits.required(paces.len()).min(paces.len());
        paces.get(exempt).is_some_and(|&least| least >= limits.even * mean)
    })
}

/// How a part of memory grew that must gain `least` bytes. With `spans`, a little growth must be even.
fn course(steps: &[i64], least: u64, spans: Option<&Spans>, limits: &Thresholds) -> Course {
    let total: i64 = steps.iter().sum();
    if steps.is_empty() || total < least.cast_signed() {
        return Course::Still;
    }
    if steps.len() == 1 {
        return Course::Doubtful;
    }
    let grew = grown_intervals(steps, limits);
    let slows = steps.windows(2).all(|pair| pair[1] < pair[0])
        && (steps[steps.len() - 1] as f64) < limits.slowed * steps[0] as f64;
    if grew >= limits.required(steps.len()) {
        return if slows || spans.is_some_and(|spans| !is_even(steps, spans, limits)) {
            Course::Doubtful
        } else {
            Course::Steady
        };
    }
    let fell = steps.iter().any(|&step| (step as f64) < -limits.native_fall * total as f64);
    if grew >= 2 && !fell { Course::Doubtful } else { Course::Still }
}

/// The holder and the type of the objects that the native memory may belong to: objects of a type written in C (a
/// connection, an image) whose number grew in step with it.
fn owner<'s>(
    steps: &[i64],
    suspects: &'s [Suspect],
    last: Option<&Heap>,
    limits: &Thresholds,
) -> Option<(&'s str, &'s str)> {
    let heap = last?;
    suspects.iter().find_map(|suspect| {
        let holder = suspect.name()?;
        let owning = suspect.leaked.iter().find(|leaked| {
            in_step(&leaked.growth, steps, limits.native_step)
                && !is_whole(&leaked.type_name)
                && is_written_in_c(heap, &leaked.type_name)
        })?;
        Some((holder, owning.type_name.as_str()))
    })
}

/// Modules of the standard library whose types in C have all of their memory in the sizes of their objects.
const WHOLE_MODULES: [&str; 10] = [
    "_asyncio",
    "_contextvars",
    "_queue",
    "_thread",
    "collections",
    "functools",
    "itertools",
    "operator",
    "types",
    "weakref",
];

/// Whether a type is part of the interpreter, and all memory of its objects is in their sizes: a builtin, or a lock.
fn is_whole(name: &str) -> bool {
    name.split_once('.').is_none_or(|(module, _)| WHOLE_MODULES.contains(&module))
}

/// Whether a type is not a container, and is defined in C: memory of its objects may be out of sight. Where the capture
/// does not know that, and of a class that derives from such a type, its objects have no attributes with a name.
fn is_written_in_c(heap: &Heap, name: &str) -> bool {
    let (types, objects, references) = (heap.types(), heap.objects(), heap.references());
    let is_meant =
        |&(id, ty): &(_, &memtop_heap::TypeRecord)| types.name(id) == name && ty.shape == Shape::Other;
    types.iter().filter(is_meant).any(|ty| {
        ty.1.is_c == Some(true)
            || objects.ids().filter(|&object| objects.type_of(object) == ty.0).all(|object| {
                let mut labels = references.of(object).map(|reference| reference.label.kind());
                !labels.any(|kind| matches!(kind, LabelKind::Attribute | LabelKind::Dict))
            })
    })
}

/// The facts behind the verdicts.
pub(super) struct Grounds<'a> {
    pub(super) suspects: &'a [Suspect],
    pub(super) candidates: &'a [Suspect],
    /// Garbage that grew.
    pub(super) garbage: Option<&'a GarbageGrowth>,
    pub(super) account: &'a Account,
    /// Resident memory in the first heap.
    pub(super) resident: Option<u64>,
    /// The extents of the intervals.
    pub(super) spans: &'a Spans,
    /// How many heaps there are.
    pub(super) heaps: usize,
    /// The last of them, if there may be native growth.
    pub(super) last: Option<&'a Heap>,
    /// The smallest growth of one place, in bytes per interval, that would have been seen.
    pub(super) detectable: Option<u64>,
}

/// The bytes that a part of resident memory must gain to matter.
fn least(resident: Option<u64>, limits: &Thresholds) -> u64 {
    limits.native_bytes.max((resident.unwrap_or(0) as f64 * limits.native_of_resident) as u64)
}

/// Whether native memory grew by an amount that matters, so that the last heap is needed for the verdicts.
pub(super) fn has_native_growth(
    account: &Account,
    resident: Option<u64>,
    spans: &Spans,
    limits: &Thresholds,
) -> bool {
    native_growth(account, resident, spans, limits).is_some()
}

/// The growth of native memory.
struct NativeGrowth {
    /// By interval.
    steps: Vec<i64>,
    bytes: u64,
    course: Course,
}

/// The growth of native memory, if it matters, also beside that of Python objects, whose sizes are not exact. What
/// the allocators have in use may grow steadily although resident memory does not, whose remainder goes up and down.
fn native_growth(
    account: &Account,
    resident: Option<u64>,
    spans: &Spans,
    limits: &Thresholds,
) -> Option<NativeGrowth> {
    account.resident?;
    let least = least(resident, limits);
    let all = account.steps(AccountPart::is_native);
    let measured = account.steps(|part| part.is_native() && part != AccountPart::Unexplained);
    let sum = |steps: &[i64]| steps.iter().sum::<i64>();
    let is_resident = sum(&all) as f64 >= limits.native_resident * sum(&measured) as f64;
    let is_steady = |steps: &[i64]| course(steps, least, Some(spans), limits) == Course::Steady;
    let steps = match !is_steady(&all) && is_steady(&measured) && is_resident {
        true => measured,
        false => all.clone(),
    };
    let bytes = sum(&steps).min(sum(&all));
    let course = course(&steps, least, Some(spans), limits);
    let python = account.steps(|part| matches!(part, AccountPart::Objects | AccountPart::Garbage));
    let is_enough = bytes as f64 >= limits.native_times * sum(&python).max(0) as f64;
    (course != Course::Still && is_enough).then_some(NativeGrowth {
        steps,
        bytes: bytes.unsigned_abs(),
        course,
    })
}

/// The verdicts, by the bytes that they are about, largest first. There is at least one.
pub(super) fn verdicts(grounds: &Grounds<'_>, limits: &Thresholds) -> Vec<GrowthVerdict> {
    let Grounds { suspects, candidates, heaps, .. } = *grounds;
    if heaps < 2 {
        let reason = if heaps == 0 { Reason::NoSnapshot } else { Reason::OneSnapshot };
        return vec![GrowthVerdict { verdict: Verdict::Inconclusive, bytes: 0, reason }];
    }
    let accused = grown(suspects);
    let leak = leak(suspects, accused);
    let mut verdicts = match (native(grounds, limits), leak) {
        // The native memory belongs to a suspect.
        (Some(native), Some(leak)) if matches!(native.reason, Reason::NativeInStep { .. }) => {
            vec![GrowthVerdict { bytes: native.bytes.saturating_add(leak.bytes), ..native }]
        }
        (native, leak) => native.into_iter().chain(leak).collect(),
    };
    // What is in doubt is worth a mention beside a suspect if it is larger.
    let matters = |bytes: u64| suspects.is_empty() || bytes > accused;
    if let Some(growth) = grounds.garbage {
        let (verdict, reason) = garbage_verdict(growth, heaps, limits);
        if verdict != Verdict::Inconclusive || matters(growth.grown) {
            verdicts.push(GrowthVerdict { verdict, bytes: growth.grown, reason });
        }
    }
    let doubted = grown(candidates);
    if let Some(first @ Suspect { doubt: Some(doubt), .. }) = candidates.first()
        && matters(doubted)
    {
        let holder = first.name().map(str::to_owned);
        let reason = Reason::InDoubt { holder, doubt: doubt.clone() };
        verdicts.push(GrowthVerdict { verdict: Verdict::Inconclusive, bytes: doubted, reason });
    }
    if verdicts.is_empty() {
        verdicts.extend(no_place(grounds, limits));
    }
    if verdicts.is_empty() {
        let reason = match heaps {
            2 => Reason::NoGrowthBetweenTwo,
            _ => Reason::NoGrowth { detectable: grounds.detectable },
        };
        verdicts.push(GrowthVerdict { verdict: Verdict::NoGrowth, bytes: 0, reason });
    }
    // Stable: of equal bytes, native memory first, and a candidate last.
    verdicts.sort_by_key(|one| std::cmp::Reverse(one.bytes));
    verdicts
}

/// The verdict on the suspects, which grew together by so many bytes.
fn leak(suspects: &[Suspect], bytes: u64) -> Option<GrowthVerdict> {
    let (first, places) = (suspects.first()?, suspects.len());
    let reason = if first.cause == Cause::UncollectableCycle {
        let hidden_by = first.evidence.iter().find_map(|fact| match fact {
            Evidence::HiddenReference { type_name } => Some(type_name.clone()),
            _ => None,
        });
        let hidden_by = hidden_by.or_else(|| first.path.first().map(|root| root.label.clone()));
        Reason::UncollectableCycles { hidden_by: hidden_by.unwrap_or_default(), places, bytes }
    } else {
        Reason::Growth { holder: first.name().map(str::to_owned), places, bytes }
    };
    Some(GrowthVerdict { verdict: Verdict::Leak, bytes, reason })
}

/// The verdict of those that hold that the answer begins with: the largest of the worst. A leak comes before native
/// growth if it is more than a small part beside it, since it has a place.
pub(super) fn first(verdicts: &[GrowthVerdict], limits: &Thresholds) -> Option<GrowthVerdict> {
    let worst = verdicts.iter().map(|one| one.verdict.severity()).max()?;
    let largest = verdicts.iter().find(|one| one.verdict.severity() == worst)?;
    let leak = verdicts.iter().find(|one| one.verdict == Verdict::Leak);
    let is_native = largest.verdict == Verdict::NativeGrowth;
    let leads = |leak: &&GrowthVerdict| leak.bytes as f64 >= limits.native_share * largest.bytes as f64;
    Some(leak.filter(|_| is_native).filter(leads).unwrap_or(largest).clone())
}

/// The bytes by which places grew together.
fn grown(places: &[Suspect]) -> u64 {
    places.iter().map(|place| place.bytes_growth.iter().sum::<i64>().max(0).unsigned_abs()).sum()
}

/// The verdict on native memory, if it grew by an amount that matters.
fn native(grounds: &Grounds<'_>, limits: &Thresholds) -> Option<GrowthVerdict> {
    let account = grounds.account;
    let NativeGrowth { steps, bytes, course } =
        native_growth(account, grounds.resident, grounds.spans, limits)?;
    if course == Course::Steady
        && let Some((holder, type_name)) = owner(&steps, grounds.suspects, grounds.last, limits)
    {
        let (holder, type_name) = (holder.to_owned(), type_name.to_owned());
        let reason = Reason::NativeInStep { holder, type_name, native: bytes };
        return Some(GrowthVerdict { verdict: Verdict::Leak, bytes, reason });
    }
    let matters = |growth: i64| growth as f64 >= limits.native_place * bytes as f64;
    let rows = account.rows.iter().filter(|row| row.part.is_native() && matters(row.growth));
    let evidence = NativeEvidence {
        bytes,
        parts: rows.map(|row| (row.part, row.growth.unsigned_abs())).collect(),
        library: account.malloc_library,
        grew: grown_intervals(&steps, limits),
        intervals: steps.len(),
    };
    Some(match course {
        Course::Steady => {
            GrowthVerdict { verdict: Verdict::NativeGrowth, bytes, reason: Reason::Native(evidence) }
        }
        _ => GrowthVerdict { verdict: Verdict::Inconclusive, bytes, reason: Reason::NativeInDoubt(evidence) },
    })
}

/// The verdict on a part of memory that kept growing although no place was found: the search may have failed.
/// Garbage is judged by the collector's rhythm.
fn no_place(grounds: &Grounds<'_>, limits: &Thresholds) -> Option<GrowthVerdict> {
    let parts = [AccountPart::Objects, AccountPart::Buffers];
    let rows = parts.iter().filter_map(|&part| grounds.account.row(part));
    let least = least(grounds.resident, limits);
    let grew = rows.filter(|row| course(&row.steps, least, None, limits) == Course::Steady);
    let row = grew.max_by_key(|row| row.growth)?;
    let (part, bytes) = (row.part, row.growth.unsigned_abs());
    Some(GrowthVerdict { verdict: Verdict::Inconclusive, bytes, reason: Reason::NoPlace { part, bytes } })
}
