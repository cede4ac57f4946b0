//! The finder: which place grows over a series of heaps, and what that says.
//!
//! Growth alone accuses nobody: caches fill, queues walk, saw-teeth rise. A place is accused if it held more in every
//! interval, if the least that its slope can be is above zero, and if its items stay. It is named by the holder that
//! was there throughout, as a path. The idea to look at paths and not at types is LeakCanary's (its object growth
//! detector); that what is new counts with its nearest surviving ancestor, that chains and values which are replaced
//! by larger ones are places too, and what puts growth in doubt, is ours.
//!
//! Each heap is walked a few times, each interval a few more; nothing is worse than linear but sorting addresses.
//! About 70 bytes an object and heap while it works; the dominators of the first and the last heap come on top.
//!
//! Invariant: equal heaps give equal answers, in whatever order they are given. What no root reaches, garbage and
//! mem_top's own objects never count. It renders nothing but paths and sentences.

mod answer;
mod doubts;
mod find;
mod gains;
mod history;
mod identity;
mod judge;
mod limits;
mod prose;
mod slopes;
mod snapshot;
mod tell;
mod verdict;
mod view;

use memtop_heap::{CaptureInfo, Heap};

pub use answer::{Cause, LeakStep, LeakedType, Leaks, Rate, SnapshotRow, Suspect, Verdict};
pub use limits::Thresholds;

use crate::memory::memory_total;
use crate::path_nodes::PathNodes;
use crate::retained::Retained;
use crate::series::{SeriesError, in_order};
use find::Search;
use gains::Gains;
use history::History;
use judge::Judged;
use tell::Teller;

/// What to look for, and how much to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeaksOptions {
    /// How many suspects and candidates are told, together.
    pub limit: usize,
    /// Whether to find retained sizes: of the first and the last heap, if there is anything to tell.
    pub retained: bool,
    /// From when on growth is believed.
    pub thresholds: Thresholds,
}

impl Default for LeaksOptions {
    fn default() -> Self {
        Self { limit: 10, retained: true, thresholds: Thresholds::default() }
    }
}

/// A place that the finder looked at, and what became of it. To see why a program is judged as it is.
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
    pub dropped: Option<String>,
    /// Why it is only a candidate.
    pub doubt: Option<String>,
}

/// Finds what leaks in a series of heaps of one process.
///
/// Three heaps are the least for an accusation, four or more are better. Two give candidates; one gives the points
/// where memory accumulates, as candidates. Heaps are put in the order of time.
///
/// # Errors
/// If the heaps are of different processes, interpreters or versions of Python.
pub fn leaks(heaps: &[&Heap], options: &LeaksOptions) -> Result<Leaks, SeriesError> {
    let (heaps, notes) = ordered(heaps)?;
    let limits = &options.thresholds;
    let mut answer = Leaks {
        info: heaps.last().map(|heap| heap.info().clone()),
        verdict: Verdict::Inconclusive,
        reason: String::new(),
        detectable_growth: None,
        snapshots: heaps.iter().map(|heap| snapshot::row(heap)).collect(),
        suspects: Vec::new(),
        candidates: Vec::new(),
        omitted: 0,
        memory: heaps.iter().map(|heap| memory_total(heap)).collect(),
        notes,
    };
    let mut native = None;
    match heaps.as_slice() {
        [] => {}
        [one] => answer.candidates = snapshot::candidates(one, options.limit),
        _ => {
            let mut told = None;
            search(&heaps, limits, |search, judged| {
                answer.detectable_growth = Some(limits.bytes.div_ceil(search.intervals().max(1) as u64));
                native = verdict::native(&heaps, &search.gains.total, limits);
                told = Some(tell(search, judged, &heaps, options));
            });
            (answer.suspects, answer.candidates) = told.unwrap_or_default();
        }
    }
    (answer.verdict, answer.reason) = verdict::verdict(
        &answer.suspects,
        &answer.candidates,
        native,
        &heaps,
        answer.detectable_growth,
        limits,
    );
    let all = answer.suspects.len() + answer.candidates.len();
    answer.suspects.truncate(options.limit);
    answer.candidates.truncate(options.limit - answer.suspects.len());
    answer.omitted = all - answer.suspects.len() - answer.candidates.len();
    Ok(answer)
}

/// Every place that was considered, with the rule that let it go: suspects first, then candidates, then the rest.
///
/// # Errors
/// As [`leaks`].
pub fn explain(heaps: &[&Heap], options: &LeaksOptions) -> Result<Vec<Considered>, SeriesError> {
    let (heaps, _) = ordered(heaps)?;
    let mut all = Vec::new();
    if heaps.len() < 2 {
        return Ok(all);
    }
    search(&heaps, &options.thresholds, |search, judged| {
        let teller = Teller { search, retained: None, minutes: None, work: None, growth: 0 };
        all = judged
            .iter()
            .map(|judged| Considered {
                holder: teller.path(judged).to_string(),
                kind: judged.finding.kind.word(),
                bytes: judged.finding.net.clone(),
                items: judged.finding.items.clone(),
                turnover: search.turnover(&judged.finding),
                dropped: judged.finding.dropped.clone(),
                doubt: judged.finding.doubt.clone(),
            })
            .collect();
    });
    Ok(all)
}

/// The heaps in the order of time, with what is to be said of that.
fn ordered<'a>(heaps: &[&'a Heap]) -> Result<(Vec<&'a Heap>, Vec<String>), SeriesError> {
    let order = in_order(heaps)?;
    let mut notes = Vec::new();
    if !order.is_sorted() {
        notes.push("the snapshots were not in the order of time, and were put in it".to_owned());
    }
    if heaps.iter().any(|heap| heap.info().approximate) {
        notes.push("the process ran on while a snapshot was taken: numbers are approximate".to_owned());
    }
    let sum = |part: fn(&CaptureInfo) -> u64| {
        heaps.iter().map(|heap| part(heap.info())).fold(0, u64::saturating_add)
    };
    let (damaged, dangling) = (sum(|info| info.damaged), sum(|info| info.dangling));
    if damaged > 0 {
        notes.push(format!("objects that could not be read, in all snapshots together: {damaged}"));
    }
    if dangling > 0 {
        notes.push(format!("references that lead to no object, in all snapshots together: {dangling}"));
    }
    // What each says is said once.
    for note in order.iter().flat_map(|&index| &heaps[index].info().notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    Ok((order.into_iter().map(|index| heaps[index]).collect(), notes))
}

/// Finds and judges; hands over what was found with what it rests on.
fn search(heaps: &[&Heap], limits: &Thresholds, done: impl FnOnce(&Search<'_, '_>, &[Judged])) {
    let mut nodes = PathNodes::new();
    let views = view::views(heaps, &mut nodes);
    let history = History::new(&views, &nodes, limits);
    let gains = Gains::new(&views, &history, &nodes);
    let search = Search { views: &views, nodes: &nodes, history: &history, gains: &gains, limits };
    let judged = search.judged();
    done(&search, &judged);
}

fn tell(
    search: &Search<'_, '_>,
    judged: &[Judged],
    heaps: &[&Heap],
    options: &LeaksOptions,
) -> (Vec<Suspect>, Vec<Suspect>) {
    let kept: Vec<&Judged> = judged.iter().filter(|judged| judged.finding.dropped.is_none()).collect();
    let retained = match (heaps.first(), heaps.last()) {
        (Some(first), Some(last)) if options.retained && !kept.is_empty() => {
            let mut both = view::on_threads(vec![*first, *last], Retained::new).into_iter();
            both.next().zip(both.next())
        }
        _ => None,
    };
    let grown: i64 = search.gains.rows.iter().map(|row| row.net.iter().sum::<i64>().max(0)).sum();
    let of_kept: i64 = kept.iter().map(|judged| judged.finding.bytes()).sum();
    let teller = Teller {
        search,
        retained,
        minutes: snapshot::minutes(heaps),
        work: snapshot::work(heaps),
        growth: grown.max(of_kept),
    };
    let (mut suspects, mut candidates): (Vec<Suspect>, Vec<Suspect>) =
        kept.into_iter().filter_map(|judged| teller.suspect(judged)).partition(|s| s.doubt.is_none());
    for list in [&mut suspects, &mut candidates] {
        for (index, suspect) in list.iter_mut().enumerate() {
            suspect.rank = index + 1;
        }
    }
    (suspects, candidates)
}
