//! The answers for the processes of a group, merged: pre-forked workers run the same code and leak alike, so one leak
//! is named once.
//!
//! A place is the same in two processes if its fingerprint, a digest of its path, is the same. It is described as in
//! the process in which it grew most, with the totals of all processes.

use std::collections::BTreeMap;

use crate::leaks::{Doubt, GarbageCause, Leaks, Note, Reason, Suspect, Thresholds, Verdict};

/// The answer for one process of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberLeaks {
    /// The process.
    pub pid: u32,
    /// The answer over all its heaps.
    pub answer: Leaks,
}

/// A place that grows in one process or in several.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedSuspect {
    /// As in the process in which it grew most; its rank is that among all.
    pub suspect: Suspect,
    /// The processes in which it grows, by PID.
    pub pids: Vec<u32>,
    /// By how many items it grew in all of them, over all intervals.
    pub items_growth: i64,
    /// By how many bytes it grew in all of them.
    pub bytes_growth: i64,
    /// Its retained size in all of them together, as far as known.
    pub retained: Option<u64>,
}

/// How many of the processes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessCount {
    /// How many.
    pub count: usize,
    /// Of how many in all.
    pub of: usize,
}

/// Why the verdict over a process group is as it is. A holder is a path; none is native code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupReason {
    /// Places keep growing.
    Growth {
        /// The holder of the first suspect.
        holder: Option<String>,
        /// The processes in which it grows.
        processes: ProcessCount,
        /// How many suspects there are.
        places: usize,
    },
    /// Native memory grew.
    Native {
        /// The processes in which it did.
        processes: ProcessCount,
    },
    /// Garbage grew.
    Garbage {
        /// The processes in which it did.
        processes: ProcessCount,
        /// By how many bytes in all of them together.
        bytes: u64,
        /// Why the collector did not free it, in the process in which it grew most.
        cause: GarbageCause,
    },
    /// The first candidate, which is in doubt.
    InDoubt {
        /// Its holder.
        holder: Option<String>,
        /// The processes in which it grew.
        processes: ProcessCount,
        /// Its doubt.
        doubt: Doubt,
    },
    /// Memory in which no place was found grew, perhaps not for good.
    MemoryInDoubt {
        /// The processes in which it did.
        processes: ProcessCount,
        /// By how many bytes in all of them together.
        bytes: u64,
    },
    /// No process has enough snapshots.
    TooFewSnapshots,
    /// No place grew.
    NoGrowth {
        /// The processes that have enough snapshots to show it.
        processes: ProcessCount,
    },
}

/// One of the verdicts that hold in a process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// By how many bytes the memory that it is about grew in all processes.
    pub bytes: u64,
    /// The processes in which it holds.
    pub processes: ProcessCount,
}

/// The answer about growth over the heaps of a process group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupLeaks {
    /// The verdict over all processes.
    pub verdict: Verdict,
    /// Why.
    pub reason: GroupReason,
    /// Every verdict that holds in a process, largest growth first.
    pub verdicts: Vec<GroupVerdict>,
    /// The processes by PID, each with its own answer. Their suspects are below.
    pub members: Vec<MemberLeaks>,
    /// The places that are accused in at least one process, the largest growth first.
    pub suspects: Vec<SharedSuspect>,
    /// The candidates that no process accuses.
    pub candidates: Vec<SharedSuspect>,
    /// How many were left out by the limit.
    pub omitted: usize,
    /// Notes for the reader.
    pub notes: Vec<Note>,
}

/// Merges the answers of the processes into one, with at most `limit` suspects and candidates. Each answer should have
/// all of its own.
#[must_use]
pub fn merge_members(mut members: Vec<MemberLeaks>, limit: usize) -> GroupLeaks {
    members.sort_by_key(|member| member.pid);
    // By fingerprint; whether it is accused anywhere.
    let mut places: BTreeMap<String, (bool, SharedSuspect)> = BTreeMap::new();
    let mut notes: Vec<Note> = Vec::new();
    let mut omitted = 0;
    for member in &mut members {
        for note in std::mem::take(&mut member.answer.notes) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        omitted += member.answer.omitted;
        let accused = std::mem::take(&mut member.answer.suspects).into_iter().map(|one| (true, one));
        let doubted = std::mem::take(&mut member.answer.candidates).into_iter().map(|one| (false, one));
        for (is_accused, one) in accused.chain(doubted) {
            let shared = share(member.pid, one);
            match places.get_mut(&shared.suspect.fingerprint) {
                None => {
                    places.insert(shared.suspect.fingerprint.clone(), (is_accused, shared));
                }
                Some(known) => add(known, is_accused, shared),
            }
        }
    }
    let (accused, doubted): (Vec<_>, Vec<_>) = places.into_values().partition(|(is_accused, _)| *is_accused);
    let mut suspects = ranked(accused);
    let mut candidates = ranked(doubted);
    let verdicts = verdicts(&members);
    let (verdict, reason) = verdict(&members, &verdicts, &suspects, &candidates);
    let all = suspects.len() + candidates.len();
    suspects.truncate(limit);
    candidates.truncate(limit - suspects.len());
    omitted += all - suspects.len() - candidates.len();
    GroupLeaks { verdict, reason, verdicts, members, suspects, candidates, omitted, notes }
}

fn sum(changes: &[i64]) -> i64 {
    changes.iter().fold(0, |sum, &change| sum.saturating_add(change))
}

fn share(pid: u32, one: Suspect) -> SharedSuspect {
    SharedSuspect {
        pids: vec![pid],
        items_growth: sum(&one.growth),
        bytes_growth: sum(&one.bytes_growth),
        retained: one.retained,
        suspect: one,
    }
}

/// Adds the place as found in another process. An accusation takes precedence over a doubt, and of equals the one that
/// grew more.
fn add(known: &mut (bool, SharedSuspect), is_accused: bool, other: SharedSuspect) {
    let (was_accused, place) = known;
    let weight = |is_accused: bool, one: &Suspect| (is_accused, sum(&one.bytes_growth));
    place.pids.extend(other.pids);
    place.items_growth = place.items_growth.saturating_add(other.items_growth);
    place.bytes_growth = place.bytes_growth.saturating_add(other.bytes_growth);
    place.retained = match (place.retained, other.retained) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
    };
    if weight(is_accused, &other.suspect) > weight(*was_accused, &place.suspect) {
        place.suspect = other.suspect;
    }
    *was_accused |= is_accused;
}

fn ranked(places: Vec<(bool, SharedSuspect)>) -> Vec<SharedSuspect> {
    let mut places: Vec<SharedSuspect> = places.into_iter().map(|(_, place)| place).collect();
    // Stable: of equal growth, in the order of fingerprints.
    places.sort_by_key(|place| std::cmp::Reverse(place.bytes_growth));
    for (index, place) in places.iter_mut().enumerate() {
        place.suspect.rank = index + 1;
    }
    places
}

/// The verdicts of the processes. Growth is worth a mention beside larger growth, but no growth is not.
fn verdicts(members: &[MemberLeaks]) -> Vec<GroupVerdict> {
    let mut all: Vec<GroupVerdict> = Vec::new();
    for member in members {
        // Each verdict counts once in a process.
        let mut of_member: Vec<(Verdict, u64)> = Vec::new();
        for one in &member.answer.verdicts {
            match of_member.iter_mut().find(|known| known.0 == one.verdict) {
                Some(known) => known.1 = known.1.saturating_add(one.bytes),
                None => of_member.push((one.verdict, one.bytes)),
            }
        }
        for (verdict, bytes) in of_member {
            match all.iter_mut().find(|known| known.verdict == verdict) {
                Some(known) => {
                    known.bytes = known.bytes.saturating_add(bytes);
                    known.processes.count += 1;
                }
                None => {
                    let processes = ProcessCount { count: 1, of: members.len() };
                    all.push(GroupVerdict { verdict, bytes, processes });
                }
            }
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.bytes, one.verdict.severity())));
    all
}

/// A leak comes before native growth if it is more than a small part beside it, as in one process.
fn verdict(
    members: &[MemberLeaks],
    verdicts: &[GroupVerdict],
    suspects: &[SharedSuspect],
    candidates: &[SharedSuspect],
) -> (Verdict, GroupReason) {
    let processes = |count: usize| ProcessCount { count, of: members.len() };
    let with = |verdict: Verdict| members.iter().filter(|member| member.answer.verdict == verdict).count();
    let native = verdicts.iter().find(|one| one.verdict == Verdict::NativeGrowth);
    let leads = native.is_some_and(|native| {
        let accused: i64 = suspects.iter().map(|place| place.bytes_growth.max(0)).sum();
        (accused as f64) < Thresholds::default().native_share * native.bytes as f64
    });
    if let Some(first) = suspects.first().filter(|_| !leads) {
        let holder = first.suspect.name().map(str::to_owned);
        let processes = processes(first.pids.len());
        return (Verdict::Leak, GroupReason::Growth { holder, processes, places: suspects.len() });
    }
    if let Some(native) = native {
        return (Verdict::NativeGrowth, GroupReason::Native { processes: native.processes });
    }
    let garbage = |wanted: &[Verdict]| {
        let all = members.iter().flat_map(|member| &member.answer.verdicts);
        let grew: Vec<(Verdict, u64, GarbageCause)> = all
            .filter_map(|one| match one.reason {
                Reason::Garbage { bytes, cause, .. } => Some((one.verdict, bytes, cause)),
                _ => None,
            })
            .filter(|(verdict, ..)| wanted.contains(verdict))
            .collect();
        let &(verdict, _, cause) = grew.iter().max_by_key(|(_, bytes, _)| *bytes)?;
        let bytes = grew.iter().fold(0_u64, |sum, (_, bytes, _)| sum.saturating_add(*bytes));
        Some((verdict, GroupReason::Garbage { processes: processes(grew.len()), bytes, cause }))
    };
    if let Some(answer) = garbage(&[Verdict::GarbageGrowth, Verdict::UncollectableCycles]) {
        return answer;
    }
    if let Some(first) = candidates.first()
        && let Some(doubt) = &first.suspect.doubt
    {
        let processes = processes(first.pids.len());
        let holder = first.suspect.name().map(str::to_owned);
        let reason = GroupReason::InDoubt { holder, processes, doubt: doubt.clone() };
        return (Verdict::Inconclusive, reason);
    }
    if let Some(answer) = garbage(&[Verdict::Inconclusive]) {
        return answer;
    }
    let in_doubt = members.iter().filter_map(|member| {
        let is_memory = |reason: &Reason| matches!(reason, Reason::NativeInDoubt(_) | Reason::NoPlace { .. });
        member.answer.verdicts.iter().find(|one| is_memory(&one.reason)).map(|one| one.bytes)
    });
    let in_doubt: Vec<u64> = in_doubt.collect();
    if !in_doubt.is_empty() {
        let bytes = in_doubt.iter().fold(0_u64, |sum, &bytes| sum.saturating_add(bytes));
        let reason = GroupReason::MemoryInDoubt { processes: processes(in_doubt.len()), bytes };
        return (Verdict::Inconclusive, reason);
    }
    match with(Verdict::NoGrowth) {
        0 => (Verdict::Inconclusive, GroupReason::TooFewSnapshots),
        calm => (Verdict::NoGrowth, GroupReason::NoGrowth { processes: processes(calm) }),
    }
}
