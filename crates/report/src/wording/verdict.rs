//! Why a verdict is as it is, which rule dropped a place, and what else a reader should know.

use memtop_analyze::{
    AccountPart, Contradiction, DropRule, GarbageCause, GroupLeaks, GroupReason, Leaks, NativeEvidence, Note,
    ProcessCount, Reason, Verdict,
};

use super::account::{account_part, resident_growth};
use super::suspect::doubt;
use crate::numbers::{bytes, count, grouped, signed_bytes};

/// The reason of a verdict, as a clause.
#[must_use]
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::NoSnapshot => "there is no snapshot".to_owned(),
        Reason::OneSnapshot => {
            "one snapshot shows where memory is, not where it grows: take three or more".to_owned()
        }
        Reason::Growth { holder: Some(holder), places: 0 | 1, bytes: size } => {
            format!("{holder} keeps growing: {} in total", bytes(*size))
        }
        Reason::Growth { holder: Some(holder), places, bytes: size } => {
            format!("{holder} and {} keep growing: {} in total", more(*places), bytes(*size))
        }
        Reason::Growth { holder: None, places: 0 | 1, bytes: size } => {
            format!("native code holds more and more objects: {} in total", bytes(*size))
        }
        Reason::Growth { holder: None, places, bytes: size } => {
            format!("native code and {} hold more and more objects: {} in total", more(*places), bytes(*size))
        }
        Reason::UncollectableCycles { hidden_by, places, bytes: size } => {
            let others = match places {
                0 | 1 => String::new(),
                places => format!("; with {}", more(*places)),
            };
            format!(
                "cycles through {hidden_by} keep growing, and the collector never frees them{others}: {} in total",
                bytes(*size)
            )
        }
        Reason::Garbage { bytes: size, type_name, cause } => {
            let most = type_name.as_ref().map_or_else(String::new, |name| format!(", mostly {name}"));
            format!("garbage grew by {}{most}: {}", bytes(*size), garbage_cause(*cause))
        }
        Reason::NativeInStep { holder, type_name, native } => {
            format!("{holder} keeps growing; {}, in step with its {type_name} objects", outside(*native))
        }
        Reason::Native(evidence) => {
            format!(
                "{} in total, in {}{}",
                outside(evidence.bytes),
                intervals(evidence),
                native_parts(evidence)
            )
        }
        Reason::NativeInDoubt(evidence) => format!(
            "{} in total, in {}{}; more snapshots would show whether it goes on",
            outside(evidence.bytes),
            intervals(evidence),
            native_parts(evidence)
        ),
        Reason::NoPlace { part, bytes: size } => format!(
            "{} grew by {} in every interval, but no place was found that accounts for it",
            account_part(*part, None),
            bytes(*size)
        ),
        Reason::InDoubt { holder, doubt: of } => {
            format!("{} grew, but {}", candidate(holder.as_deref()), doubt(of))
        }
        Reason::NoGrowthBetweenTwo => "no place grew between the two snapshots".to_owned(),
        Reason::NoGrowth { detectable: None } => "no place grew in every interval".to_owned(),
        Reason::NoGrowth { detectable: Some(least) } => format!(
            "no place grew in every interval; growth of {} per interval in one place would have been detected",
            bytes(*least)
        ),
    }
}

/// The reasons of all verdicts over a series, as one sentence. "No growth" comes with the growth of resident memory.
#[must_use]
pub fn reasons(answer: &Leaks) -> String {
    let reasons = answer.verdicts.iter().map(|one| match one.verdict {
        Verdict::NoGrowth => reason(&one.reason) + &resident_growth(&answer.account),
        _ => reason(&one.reason),
    });
    let all = reasons.collect::<Vec<_>>().join("; ");
    if all.is_empty() { reason(&answer.reason) } else { all }
}

/// The verdicts over a series with their bytes, if there are several: `native growth (97.0 MB), leak (6.3 kB)`.
#[must_use]
pub fn verdicts(answer: &Leaks) -> String {
    match answer.verdicts.as_slice() {
        [] | [_] => answer.verdict.word().to_owned(),
        several => several
            .iter()
            .map(|one| format!("{} ({})", one.verdict.word(), bytes(one.bytes)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// The verdicts over a process group, if there are several: `native growth (97.0 MB in 2 of 4 processes), leak (…)`.
#[must_use]
pub fn group_verdicts(answer: &GroupLeaks) -> String {
    let growth = answer.verdicts.iter().filter(|one| one.bytes > 0);
    let growth: Vec<String> = growth
        .map(|one| format!("{} ({} in {})", one.verdict.word(), bytes(one.bytes), processes(one.processes)))
        .collect();
    match growth.as_slice() {
        [] | [_] => answer.verdict.word().to_owned(),
        several => several.join(", "),
    }
}

/// The reason of the verdict over a process group, as a clause.
#[must_use]
pub fn group_reason(reason: &GroupReason) -> String {
    match reason {
        GroupReason::Growth { holder, processes: of, places } => {
            let grows = match holder {
                Some(holder) => format!("{holder} keeps growing"),
                None => "native code holds more and more objects".to_owned(),
            };
            let others = match places {
                0 | 1 => String::new(),
                2 => ", and so does one more place".to_owned(),
                places => format!(", and so do {}", more(*places)),
            };
            format!("{grows} in {}{others}", processes(*of))
        }
        GroupReason::Native { processes: of } => {
            format!("memory outside Python objects grew in {}", processes(*of))
        }
        GroupReason::Garbage { processes: of, bytes: size, cause } => {
            format!("garbage grew by {} in {}: {}", bytes(*size), processes(*of), garbage_cause(*cause))
        }
        GroupReason::InDoubt { holder, processes: of, doubt: why } => {
            format!("{} grew in {}, but {}", candidate(holder.as_deref()), processes(*of), doubt(why))
        }
        GroupReason::MemoryInDoubt { processes: of, bytes: size } => format!(
            "memory in which no place was found grew by {} in {}; more snapshots would show whether it goes on",
            bytes(*size),
            processes(*of)
        ),
        GroupReason::TooFewSnapshots => "no process has enough snapshots".to_owned(),
        GroupReason::NoGrowth { processes: ProcessCount { count: 1, of: 1 } } => {
            "no place grew in the only process".to_owned()
        }
        GroupReason::NoGrowth { processes: ProcessCount { count, of } } if count == of => {
            format!("no place grew in any of {} processes", grouped(*of as u64))
        }
        GroupReason::NoGrowth { processes: of } => {
            format!("no place grew in {}; the others have too few snapshots", processes(*of))
        }
    }
}

/// Why the collector does not free garbage, as a clause.
fn garbage_cause(cause: GarbageCause) -> String {
    match cause {
        GarbageCause::Off => "the collector is off".to_owned(),
        GarbageCause::Frozen => "gc.freeze() has put it out of the collector's reach".to_owned(),
        GarbageCause::HighThreshold { threshold } => format!(
            "the collector did not run, since its threshold is {}",
            count(threshold, "new object", "new objects")
        ),
        GarbageCause::PutOff { count: due, threshold } => format!(
            "the collector puts off a full collection, which has been due since {} of {} young ones, \
             because most objects are old",
            grouped(threshold),
            grouped(due)
        ),
        GarbageCause::NotYet => {
            "the collector is on, but has not freed it yet; a longer series shows whether it does".to_owned()
        }
        GarbageCause::Survived { objects } => format!(
            "a full collection left at least {} of it, so the collector never frees it",
            count(objects, "object", "objects")
        ),
        GarbageCause::Unknown => "the state of the collector is unknown".to_owned(),
    }
}

fn outside(native: u64) -> String {
    format!("memory outside Python objects grew by {}", bytes(native))
}

/// `each of 3 intervals`, `2 of 3 intervals`.
fn intervals(evidence: &NativeEvidence) -> String {
    match (evidence.grew, evidence.intervals) {
        (_, 1) => "the only interval".to_owned(),
        (grew, all) if grew == all => format!("each of {}", count(all as u64, "interval", "intervals")),
        (grew, all) => format!("{} of {}", grouped(grew as u64), count(all as u64, "interval", "intervals")),
    }
}

/// Where native memory grew: `, 96.8 MB of it in blocks of malloc (glibc)`.
fn native_parts(evidence: &NativeEvidence) -> String {
    let known = evidence.parts.iter().filter(|(part, _)| *part != AccountPart::Unexplained);
    let parts: Vec<String> = known
        .map(|&(part, size)| format!("{} of it in {}", bytes(size), account_part(part, evidence.library)))
        .collect();
    match parts.as_slice() {
        [] => ", where is not known".to_owned(),
        parts => format!(", {}", parts.join(", ")),
    }
}

fn candidate(holder: Option<&str>) -> &str {
    holder.unwrap_or("the number of objects that native code holds")
}

/// `one more place`, `2 more places`: the suspects after the first.
fn more(places: usize) -> String {
    match places.saturating_sub(1) {
        1 => "one more place".to_owned(),
        more => count(more as u64, "more place", "more places"),
    }
}

fn processes(ProcessCount { count, of }: ProcessCount) -> String {
    match count {
        _ if of == 1 => "the only process".to_owned(),
        _ if count == of => format!("all {} processes", grouped(of as u64)),
        _ => format!("{} of {} processes", grouped(count as u64), grouped(of as u64)),
    }
}

/// The rule by which a place that grew is neither suspect nor candidate, as a clause.
#[must_use]
pub fn drop_rule(rule: &DropRule) -> String {
    match rule {
        DropRule::IdleIntervals => "its bytes did not grow in enough intervals".to_owned(),
        DropRule::FewBytes { bytes: size } => format!("it grew by too few bytes: {}", signed_bytes(*size)),
        DropRule::FewItems { items } => {
            format!("it gained only {}", count(items.unsigned_abs(), "item", "items"))
        }
        DropRule::SlopeMayBeZero => "its slope may be zero".to_owned(),
        DropRule::FewValuesGrew { grew, values } => format!(
            "only {} of {} grew each time",
            grouped(*grew as u64),
            count(*values as u64, "value here", "values here")
        ),
        DropRule::ValuesUnrelated => "each new value holds other objects than the one before".to_owned(),
        DropRule::UnsteadyValue => "a plain value that grows unsteadily".to_owned(),
        DropRule::Claimed => "another place accounts for its growth".to_owned(),
        DropRule::CoHolder => "it also holds the items of a larger place, which names it".to_owned(),
        DropRule::PartOfPlace => "it is a part of what a larger place holds".to_owned(),
        DropRule::HoldersTurnedOver { held, gained } => format!(
            "it gained {} and holds {}: its holders came and went",
            count(*gained, "item", "items"),
            grouped(*held)
        ),
        DropRule::WeakSubclasses => "the interpreter's weak dict of the subclasses of a class".to_owned(),
        DropRule::WeakAlongside => "it holds its items weakly, and grows alongside a suspect".to_owned(),
        DropRule::Small { bytes: size } => {
            format!("its growth is small beside the others: {}", signed_bytes(*size))
        }
    }
}

/// A note, as a sentence.
#[must_use]
pub fn note(note: &Note) -> String {
    match note {
        Note::Sorted => "the snapshots were not in chronological order, and were sorted".to_owned(),
        Note::Approximate => {
            "the process kept running while a snapshot was taken: numbers are approximate".to_owned()
        }
        Note::Damaged(objects) => {
            format!("{} could not be read, in all snapshots together", count(*objects, "object", "objects"))
        }
        Note::Dangling(references) => format!(
            "{} to no object, in all snapshots together",
            count(*references, "reference leads", "references lead")
        ),
        Note::Contradiction(what) => {
            format!("this answer contradicts itself, please report it: {}", contradiction(what))
        }
        Note::Text(text) => text.clone(),
    }
}

/// Two statements of an answer that cannot both be true, as a clause.
fn contradiction(what: &Contradiction) -> String {
    match what {
        Contradiction::Share { place } => format!("a share of {place} is not between 0 and 100 %"),
        Contradiction::Shares => "the shares of all places together exceed 100 %".to_owned(),
        Contradiction::MoreGainedThanHeld { place, held, gained } => {
            format!("{place} holds {}, and gained {}", count(*held, "item", "items"), grouped(*gained))
        }
        Contradiction::RetainsTooMuch { place } => {
            format!("{place} retains more than all objects occupy")
        }
        Contradiction::Intervals { place } => {
            format!("the growth of {place} is not given for each interval")
        }
        Contradiction::PartBesideWhole { part, whole } => {
            format!("{part} is listed beside {whole}, which holds it")
        }
        Contradiction::Twice { place } => format!("{place} is listed twice"),
        Contradiction::KeptAloneAndShared { place, other } => {
            format!("{place} alone retains what {other} holds too")
        }
        Contradiction::Doubt { place } => {
            format!("{place} is a suspect with a doubt, or a candidate without one")
        }
        Contradiction::Verdict => "the verdicts and the list of suspects disagree".to_owned(),
        Contradiction::PartsExceedWhole { place } => format!("the parts of {place} exceed it"),
    }
}
