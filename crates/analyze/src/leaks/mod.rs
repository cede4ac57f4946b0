//! The leak finder: the places that grow over a series of heaps, and which of them are suspects.
//!
//! Growth alone is not a leak: caches fill, queues drift, saw-teeth rise. A place is a suspect if it held more in every
//! interval, if the lower bound of its slope is above zero, and if its items stay. A place that grew in bursts and never
//! shrank is a candidate, or a suspect if it grew by much. Its name is the path of the holder
//! that existed throughout. Looking at paths instead of types is the idea of LeakCanary's object growth detector. Ours
//! are the rest: paths are chosen once for all heaps, objects that are not in every heap count with their nearest
//! ancestor that is, chains and values that are replaced by larger ones are places too, and growth can be in doubt.
//!
//! Each heap is loaded three times: for the paths that all heaps have, for the past of each object, and for its future.
//! It is walked a few times, and each interval a few more; nothing but sorting is worse than linear. It needs about 80
//! bytes per object, for two heaps at once, or for all of them if they are in memory anyway, 24 for each object that is
//! in every heap, and the dominators of the first and the last heap.
//!
//! Invariant: equal heaps give equal answers, in whatever order they are given. Unreachable objects, garbage and
//! mem_top's own objects never count. It renders paths, and nothing else: an answer holds data.

mod answer;
mod assessment;
mod bounds;
mod classify;
mod co_holders;
mod consistency;
mod detect;
mod doubts;
mod evidence;
mod finding;
mod fingerprint;
mod garbage_growth;
mod garbage_verdict;
mod growth;
mod heap_facts;
mod held_items;
mod history;
mod item_order;
mod keepers;
mod leaked_types;
mod nested;
mod object_matches;
mod patterns;
mod slopes;
mod snapshot;
mod spans;
mod store;
mod suspect_builder;
mod thresholds;
mod verdict;
mod weak_tables;

use memtop_heap::{CaptureInfo, Heap, ObjectId};

pub use answer::{
    Advice, Cause, GrowthVerdict, ItemWrapper, LeakStep, LeakedType, Leaks, Rate, SnapshotRow, Suspect,
    Verdict,
};
pub use evidence::{Doubt, DropRule, Evidence, GrowthUnit, Headline, NativeEvidence, Note, Per, Reason};
pub use garbage_growth::{GarbageCause, GarbageGrowth, GarbageType};
pub use patterns::{Pattern, Patterns, PatternsError};
pub use thresholds::{LEAST_MINUTES, Thresholds};

use crate::account::Account;
use crate::heap_series::HeapSeries;
use crate::memory::{MemoryTotal, memory_total};
use crate::retained::Retained;
use crate::series::{SeriesError, order_of};
use detect::Search;
use finding::Finding;
use growth::Gains;
use heap_facts::HeapFacts;
use history::History;
use spans::Spans;
use store::Store;
use suspect_builder::SuspectBuilder;

/// The reason why a series has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaksError<E> {
    /// The heaps cannot be compared.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// A heap could not be loaded.
    #[error("a heap of the series cannot be loaded")]
    Heap(E),
}

impl From<LeaksError<std::convert::Infallible>> for SeriesError {
    fn from(error: LeaksError<std::convert::Infallible>) -> Self {
        match error {
            LeaksError::Series(error) => error,
            LeaksError::Heap(never) => match never {},
        }
    }
}

/// The sensitivity of the finder, and the size of its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeaksOptions {
    /// The largest number of suspects and candidates together.
    pub limit: usize,
    /// Whether to compute retained sizes, in the first and the last heap, if there is a suspect or candidate.
    pub retained: bool,
    /// The thresholds above which growth counts.
    pub thresholds: Thresholds,
}

impl Default for LeaksOptions {
    fn default() -> Self {
        Self { limit: 10, retained: true, thresholds: Thresholds::default() }
    }
}

/// A place that the finder considered, and the result: for understanding a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The path of the place.
    pub holder: String,
    /// How it grows: `items`, `replaced`, `size`, `native`, `roots` or `chain`.
    pub kind: &'static str,
    /// By interval: bytes, net.
    pub bytes: Vec<i64>,
    /// By interval: items.
    pub items: Vec<i64>,
    /// New items before the last interval, and how many of them are still there at the end.
    pub turnover: (u64, u64),
    /// The rule that dropped it; none for a suspect or candidate.
    pub dropped: Option<DropRule>,
    /// Why it is only a candidate.
    pub doubt: Option<Doubt>,
}

/// Finds what leaks in a series of heaps of one process.
///
/// A suspect takes three heaps at least, better four or more. Two give candidates; one gives the points where memory
/// accumulates, as candidates. The heaps are sorted by time.
///
/// # Errors
/// If the heaps are of different processes, interpreters or versions of Python.
pub fn leaks(heaps: &[&Heap], options: &LeaksOptions) -> Result<Leaks, SeriesError> {
    Ok(leaks_of(heaps, options)?)
}

/// As [`leaks`], of heaps that need not all be in memory. The answer is the same.
///
/// # Errors
/// As [`leaks`], or if a heap cannot be loaded.
pub fn leaks_of<S: HeapSeries + ?Sized>(
    series: &S,
    options: &LeaksOptions,
) -> Result<Leaks, LeaksError<S::Error>> {
    let (order, notes) = ordered(&series.captures())?;
    let limits = &options.thresholds;
    let mut store = Store::new(series, order, limits);
    let heaps = store.len();
    let mut answer = Leaks {
        info: store.captures().last().map(|&info| info.clone()),
        verdict: Verdict::Inconclusive,
        reason: Reason::NoSnapshot,
        verdicts: Vec::new(),
        detectable_growth: None,
        snapshots: Vec::new(),
        suspects: Vec::new(),
        candidates: Vec::new(),
        omitted: 0,
        memory: Vec::new(),
        garbage: None,
        account: Account::default(),
        notes,
    };
    match heaps {
        0 => {}
        1 => {
            let heap = store.heap(0).map_err(LeaksError::Heap)?;
            answer.snapshots.push(snapshot::row(&heap));
            answer.memory.push(memory_total(&heap));
            answer.account = Account::new(&answer.memory);
            answer.candidates = snapshot::candidates(&heap, options.limit);
        }
        _ => search(&mut store, limits, |store, search, findings| {
            for heap in &search.history.heaps {
                answer.snapshots.push(heap.row);
                answer.memory.push(heap.memory.clone());
            }
            answer.account = Account::new(&answer.memory);
            (answer.suspects, answer.candidates) =
                suspects(store, search, findings, &answer.account, options);
            let found_none = answer.suspects.is_empty() && answer.candidates.is_empty();
            // Objects that grow in every interval are somewhere: where no place was found, the search missed it.
            let is_known = findings.iter().any(|finding| finding.dropped == Some(DropRule::WeakSubclasses));
            let missed = found_none && !is_known && search.grew_throughout();
            let least = limits.bytes.div_ceil(search.intervals().max(1) as u64);
            answer.detectable_growth = (!missed).then_some(least);
        })
        .map_err(LeaksError::Heap)?,
    }
    answer.garbage = garbage(&store, &answer.snapshots, &answer.memory, limits).map_err(LeaksError::Heap)?;
    let resident = answer.memory.first().and_then(|memory| memory.rss);
    let spans = if heaps < 2 { Spans::default() } else { Spans::new(&store.captures()) };
    let last = match heaps.checked_sub(1) {
        Some(last) if verdict::has_native_growth(&answer.account, resident, &spans, limits) => {
            Some(store.heap(last).map_err(LeaksError::Heap)?)
        }
        _ => None,
    };
    answer.verdicts = verdict::verdicts(
        &verdict::Grounds {
            suspects: &answer.suspects,
            candidates: &answer.candidates,
            garbage: answer.garbage.as_ref(),
            account: &answer.account,
            resident,
            spans: &spans,
            heaps,
            last: last.as_deref(),
            detectable: answer.detectable_growth,
        },
        limits,
    );
    if let Some(first) = verdict::first(&answer.verdicts, limits) {
        (answer.verdict, answer.reason) = (first.verdict, first.reason);
    }
    let all = answer.suspects.len() + answer.candidates.len();
    answer.suspects.truncate(options.limit);
    answer.candidates.truncate(options.limit - answer.suspects.len());
    answer.omitted = all - answer.suspects.len() - answer.candidates.len();
    let contradictions = answer.contradictions();
    debug_assert!(contradictions.is_empty(), "{contradictions:?} in {answer:#?}");
    answer.notes.extend(contradictions.into_iter().map(Note::Contradiction));
    Ok(answer)
}

/// Garbage that grew, and why; none if that is the collector's ordinary rhythm. Of the heaps, it needs the first and
/// the last, and these only if there is any.
fn garbage<S: HeapSeries + ?Sized>(
    store: &Store<'_, S>,
    snapshots: &[SnapshotRow],
    memory: &[MemoryTotal],
    limits: &Thresholds,
) -> Result<Option<GarbageGrowth>, S::Error> {
    let bytes: Vec<u64> = memory.iter().map(|total| total.garbage).collect();
    let Some(grown) = garbage_growth::rise(&bytes, limits) else { return Ok(None) };
    let tracked: Vec<u64> = snapshots.iter().map(|row| row.tracked_garbage).collect();
    let collectors: Vec<_> = store.captures().iter().map(|info| info.collector).collect();
    let Some(cause) = garbage_growth::cause(&collectors, &tracked, grown, limits) else { return Ok(None) };
    let (first, last) = (store.heap(0)?, store.heap(bytes.len() - 1)?);
    let types = garbage_growth::types(&first, &last);
    Ok(Some(GarbageGrowth { bytes, grown, cause, collector: collectors.last().copied().flatten(), types }))
}

/// Every place that was considered, with the rule that dropped it: suspects first, then candidates, then the rest.
///
/// # Errors
/// As [`leaks`].
pub fn explain(heaps: &[&Heap], options: &LeaksOptions) -> Result<Vec<Considered>, SeriesError> {
    let (order, _) = ordered(&heaps.captures())?;
    let mut store = Store::new(heaps, order, &options.thresholds);
    let mut all = Vec::new();
    if store.len() < 2 {
        return Ok(all);
    }
    search(&mut store, &options.thresholds, |_, search, findings| {
        let builder = SuspectBuilder {
            search,
            retained: None,
            minutes: None,
            work: None,
            growth: 0,
            objects_growth: 0,
        };
        all = findings
            .iter()
            .map(|finding| Considered {
                holder: builder.path(finding).to_string(),
                kind: finding.kind.word(),
                bytes: finding.net.clone(),
                items: finding.items.clone(),
                turnover: search.turnover(finding),
                dropped: finding.dropped.clone(),
                doubt: finding.doubt.clone(),
            })
            .collect();
    })
    .map_err(LeaksError::Heap)?;
    Ok(all)
}

/// The indexes of the captures in the order of time, with notes for the reader.
fn ordered(captures: &[&CaptureInfo]) -> Result<(Vec<usize>, Vec<Note>), SeriesError> {
    let order = order_of(captures)?;
    let mut notes = Vec::new();
    if !order.is_sorted() {
        notes.push(Note::Sorted);
    }
    if captures.iter().any(|info| info.approximate) {
        notes.push(Note::Approximate);
    }
    let sum =
        |part: fn(&CaptureInfo) -> u64| captures.iter().map(|info| part(info)).fold(0, u64::saturating_add);
    let (damaged, dangling) = (sum(|info| info.damaged), sum(|info| info.dangling));
    if damaged > 0 {
        notes.push(Note::Damaged(damaged));
    }
    if dangling > 0 {
        notes.push(Note::Dangling(dangling));
    }
    // A note that several captures have is given once.
    for note in order.iter().flat_map(|&index| &captures[index].notes) {
        let note = Note::Text(note.clone());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok((order, notes))
}

/// Finds and classifies growth over two heaps or more, and passes the result to `done`.
fn search<S: HeapSeries + ?Sized>(
    store: &mut Store<'_, S>,
    limits: &Thresholds,
    done: impl FnOnce(&Store<'_, S>, &Search<'_, '_>, &[Finding]),
) -> Result<(), S::Error> {
    store.prepare()?;
    let mut gains = Gains::new(store.intervals());
    let history = History::new(store, limits, |heaps, nodes, interval| gains.add(heaps, nodes, interval))?;
    gains.finish();
    let end = store.len() - 1;
    store.keep_only(&[0, end]);
    let (first, last) = (store.facts(0)?, store.facts(end)?);
    let spans = Spans::new(&store.captures());
    let search = Search {
        first: &first,
        last: &last,
        nodes: store.nodes(),
        history: &history,
        gains: &gains,
        spans: &spans,
        limits,
    };
    done(store, &search, &search.classified());
    Ok(())
}

fn suspects<S: HeapSeries + ?Sized>(
    store: &Store<'_, S>,
    search: &Search<'_, '_>,
    findings: &[Finding],
    account: &Account,
    options: &LeaksOptions,
) -> (Vec<Suspect>, Vec<Suspect>) {
    let kept: Vec<&Finding> = findings.iter().filter(|finding| finding.dropped.is_none()).collect();
    let retained = (options.retained && !kept.is_empty()).then(|| {
        let sides = vec![
            (search.first, kept.iter().map(|finding| &finding.firsts[..]).collect::<Vec<_>>()),
            (search.last, kept.iter().map(|finding| &finding.members[..]).collect()),
        ];
        let sums = |(facts, holders): (&HeapFacts<'_>, Vec<&[ObjectId]>)| retained(&facts.heap, &holders);
        // In parallel it takes the memory of two.
        let sums = match store.is_in_memory() {
            true => heap_facts::on_threads(sides, sums),
            false => sides.into_iter().map(sums).collect(),
        };
        (0..kept.len()).map(|place| (sums[0][place], sums[1][place])).collect()
    });
    let grown: i64 = search.gains.rows.iter().map(|row| row.net.iter().sum::<i64>().max(0)).sum();
    let of_kept: i64 = kept.iter().map(|finding| finding.bytes()).sum();
    let objects_growth = grown.max(of_kept);
    let builder = SuspectBuilder {
        search,
        retained,
        minutes: search.spans.minutes.clone(),
        work: search.spans.work.clone(),
        growth: objects_growth.saturating_add(account.grown_beside_objects()),
        objects_growth,
    };
    let built = kept.into_iter().enumerate().map(|(place, finding)| builder.suspect(place, finding));
    let (mut suspects, mut candidates): (Vec<Suspect>, Vec<Suspect>) = built.partition(|s| s.doubt.is_none());
    for list in [&mut suspects, &mut candidates] {
        for (index, suspect) in list.iter_mut().enumerate() {
            suspect.rank = index + 1;
            suspect.advice = Patterns::known().advice(suspect).cloned();
        }
    }
    (suspects, candidates)
}

/// The retained size of each group of objects.
fn retained(heap: &Heap, groups: &[&[ObjectId]]) -> Vec<u64> {
    let retained = Retained::new(heap);
    groups.iter().map(|ids| retained.together(ids)).collect()
}
