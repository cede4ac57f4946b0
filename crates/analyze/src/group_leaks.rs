//! The answers for the workers of a server, put together: pre-forked workers run the same code, so they leak alike, and
//! one leak is to be named once.
//!
//! A place is the same in two workers if its fingerprint is, a digest of its path. It is told as it is in the worker in
//! which it grew most, with the numbers of all together.

use std::collections::BTreeMap;

use crate::leaks::{Leaks, Suspect, Verdict};

/// The answer for one process of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberLeaks {
    /// The process.
    pub pid: u32,
    /// What its heaps say, over all of them.
    pub answer: Leaks,
}

/// A place that grows in one worker or in several.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedSuspect {
    /// As it is in the worker in which it grew most; its rank is that among all.
    pub suspect: Suspect,
    /// The workers in which it grows, by their numbers.
    pub pids: Vec<u32>,
    /// By how many items it grew in all of them, over all intervals.
    pub items_growth: i64,
    /// By how many bytes it grew in all of them.
    pub bytes_growth: i64,
    /// What it retains in all of them, as far as that is known.
    pub retained: Option<u64>,
}

/// What the heaps of a server's processes say of growth.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupLeaks {
    /// What is to be said over all.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// The processes, by their numbers, each with its own answer. Their suspects are below.
    pub workers: Vec<MemberLeaks>,
    /// Who is accused in at least one worker, the largest growth first.
    pub suspects: Vec<SharedSuspect>,
    /// Who is a candidate and nowhere accused.
    pub candidates: Vec<SharedSuspect>,
    /// How many were left out by the limit.
    pub omitted: usize,
    /// What else a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// The answers of `workers` as one; so many suspects and candidates at most. Each answer should have all of its own.
#[must_use]
pub fn merge_members(mut workers: Vec<MemberLeaks>, limit: usize) -> GroupLeaks {
    workers.sort_by_key(|worker| worker.pid);
    // By fingerprint; whether it is accused anywhere.
    let mut places: BTreeMap<String, (bool, SharedSuspect)> = BTreeMap::new();
    let mut notes: Vec<String> = Vec::new();
    let mut omitted = 0;
    for worker in &mut workers {
        for note in std::mem::take(&mut worker.answer.notes) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        omitted += worker.answer.omitted;
        let accused = std::mem::take(&mut worker.answer.suspects).into_iter().map(|one| (true, one));
        let doubted = std::mem::take(&mut worker.answer.candidates).into_iter().map(|one| (false, one));
        for (is_accused, one) in accused.chain(doubted) {
            let shared = share(worker.pid, one);
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
    let (verdict, reason) = verdict(&workers, &suspects, &candidates);
    let all = suspects.len() + candidates.len();
    suspects.truncate(limit);
    candidates.truncate(limit - suspects.len());
    omitted += all - suspects.len() - candidates.len();
    GroupLeaks { verdict, reason, workers, suspects, candidates, omitted, notes }
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

/// Adds another worker's. An accusation is told rather than a doubt, and of equals the one that grew more.
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

fn verdict(
    workers: &[MemberLeaks],
    suspects: &[SharedSuspect],
    candidates: &[SharedSuspect],
) -> (Verdict, String) {
    let all = workers.len();
    let processes = |count: usize| match count {
        _ if all == 1 => "the one process".to_owned(),
        count if count == all => format!("all {all} processes"),
        count => format!("{count} of {all} processes"),
    };
    let holder = |place: &SharedSuspect| {
        place.suspect.holder.clone().unwrap_or_else(|| "what native code holds".to_owned())
    };
    let with = |verdict: Verdict| workers.iter().filter(|worker| worker.answer.verdict == verdict).count();
    if let Some(first) = suspects.first() {
        let more = match suspects.len() {
            1 => String::new(),
            2 => ", and one more place".to_owned(),
            count => format!(", and {} more places", count - 1),
        };
        let reason =
            format!("{} holds more each time in {}{more}", holder(first), processes(first.pids.len()));
        return (Verdict::Leak, reason);
    }
    let native = with(Verdict::NativeGrowth);
    if native > 0 {
        let reason = format!("memory outside of Python objects grew in {}", processes(native));
        return (Verdict::NativeGrowth, reason);
    }
    if let Some(first) = candidates.first() {
        let doubt = first.suspect.doubt.as_deref().unwrap_or("it may be innocent");
        let reason = format!("{} grew in {}, but {doubt}", holder(first), processes(first.pids.len()));
        return (Verdict::Inconclusive, reason);
    }
    match with(Verdict::NoGrowth) {
        0 => (Verdict::Inconclusive, "no process was seen often enough".to_owned()),
        calm if calm == all => (Verdict::NoGrowth, format!("no place grew in {}", processes(all))),
        calm => {
            let reason =
                format!("no place grew in {}; the others were not seen often enough", processes(calm));
            (Verdict::NoGrowth, reason)
        }
    }
}
