//! The answer about growth over a series of heaps: plain fields, which views render.
//!
//! Invariant: what cannot be known is `None`, never 0. A suspect is an accusation; a candidate is in doubt, and has the
//! reason.

use memtop_heap::CaptureInfo;

use super::evidence::{Doubt, Evidence, Headline, Note, Reason};
use super::garbage_growth::GarbageGrowth;
use crate::account::Account;
use crate::memory::MemoryTotal;
use crate::path::Path;

/// The verdict over a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// At least one suspect.
    Leak,
    /// Nothing grew by as much as could have been seen.
    NoGrowth,
    /// Native memory grows: no Python object accounts for it.
    NativeGrowth,
    /// Garbage grows: the collector does not free it.
    GarbageGrowth,
    /// Garbage that full collections did not free.
    UncollectableCycles,
    /// There is not enough to decide.
    Inconclusive,
}

impl Verdict {
    /// Its name in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::NoGrowth => "no growth",
            Self::NativeGrowth => "native growth",
            Self::GarbageGrowth => "garbage growth",
            Self::UncollectableCycles => "uncollectable cycles",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// How bad it is: verdicts with the same severity have the same exit status.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::NoGrowth => 0,
            Self::Inconclusive => 1,
            Self::Leak | Self::NativeGrowth | Self::GarbageGrowth | Self::UncollectableCycles => 2,
        }
    }
}

/// One of the verdicts that hold over a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowthVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// By how many bytes the part of memory that it is about grew.
    pub bytes: u64,
    /// Why.
    pub reason: Reason,
}

/// Why what leaks stays alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing in Python holds it, and its reference count exceeds the references found.
    NativeReference,
    /// Held by a cycle with a reference that the collector does not see.
    UncollectableCycle,
    /// Held through a traceback, a frame or a suspended generator.
    Frames,
    /// Held by a container.
    Container,
}

impl Cause {
    /// Its name in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NativeReference => "native reference",
            Self::UncollectableCycle => "uncollectable cycle",
            Self::Frames => "frames",
            Self::Container => "container",
        }
    }
}

/// A type whose objects a suspect accumulates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakedType {
    /// The name of the type.
    pub type_name: String,
    /// How many there are now under the holder.
    pub count: u64,
    /// How many more there were in each interval.
    pub growth: Vec<i64>,
    /// The shallow bytes that they grew by, over all intervals.
    pub bytes: u64,
}

/// The plain container that each item of a suspect is, where the objects that are named are parts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemWrapper {
    /// The type of the items, such as `tuple`.
    pub type_name: String,
    /// The types of the parts of one of the items, in their order.
    pub parts: Vec<String>,
    /// Whether it has parts of more types.
    pub has_more: bool,
}

/// A step of the path to a holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakStep {
    /// As it is written in a path: `.by_token`, `['x']`, `[*]`; the root's name for the first.
    pub label: String,
    /// The name of the type of what it leads to; for a root, its kind.
    pub type_name: String,
}

impl LeakStep {
    /// The steps of a path, its root first.
    pub(super) fn of_path(path: &Path) -> Vec<Self> {
        let whole = Path { root: path.root.clone(), steps: Vec::new() }.to_string();
        let kind = match path.root.hidden_by() {
            Some(_) => Cause::UncollectableCycle.word(),
            None => path.root.kind.word(),
        };
        let root = Self { label: whole, type_name: kind.to_owned() };
        let rest = path.steps.iter().map(|step| Self {
            label: step.label.to_string().trim().to_owned(),
            type_name: step.type_name.clone(),
        });
        std::iter::once(root).chain(rest).collect()
    }
}

/// How fast something grows: the Theil–Sen estimate, the median of the slopes of all pairs of heaps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Items in a minute; none if the heaps carry no usable time.
    pub items_per_minute: Option<f64>,
    /// Bytes in a minute.
    pub bytes_per_minute: Option<f64>,
    /// Items in a unit of work; none if no work was reported.
    pub items_per_unit: Option<f64>,
    /// Bytes in a unit of work.
    pub bytes_per_unit: Option<f64>,
}

/// Advice on a leak of a known kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The name of the pattern, such as `lru-cache-on-method`.
    pub pattern: String,
    /// The cause, in one sentence without its full stop.
    pub title: String,
    /// The advice itself: one sentence or two.
    pub text: String,
    /// Where to read more: an address that begins with `https://` or `http://`.
    pub link: Option<String>,
}

/// A place where objects accumulate.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Its rank in the list, from 1.
    pub rank: usize,
    /// The path of what accumulates, as Python would write it; none for a native reference.
    pub holder: Option<String>,
    /// The last part of that path which means something, such as `history of app.Session`; none if the whole path reads
    /// well.
    pub headline_holder: Option<String>,
    /// Its type.
    pub holder_type: Option<String>,
    /// Why what it holds stays alive.
    pub cause: Cause,
    /// The types of objects that it accumulates; the one that a person would name first comes first.
    pub leaked: Vec<LeakedType>,
    /// The type of the items, where they are plain containers of the objects that are named first.
    pub wrapper: Option<ItemWrapper>,
    /// How many items it holds now.
    pub count: Option<u64>,
    /// How many more items it held after each interval.
    pub growth: Vec<i64>,
    /// The net change of the bytes held through it in each interval.
    pub bytes_growth: Vec<i64>,
    /// Its retained size now, in bytes.
    pub retained: Option<u64>,
    /// By how much that grew over all intervals.
    pub retained_growth: Option<i64>,
    /// Its share of the growth of memory in use, from 0 to 1: of all parts of resident memory but free memory and pages
    /// of files.
    pub share_of_growth: f64,
    /// How certain the accusation is, from 0 to 1.
    pub confidence: f64,
    /// How fast it grows.
    pub rate: Rate,
    /// The facts that speak for it.
    pub evidence: Vec<Evidence>,
    /// The first part of the path that is in the user's own code.
    pub own_holder: Option<String>,
    /// The same for the same leak in every run: a digest of the path.
    pub fingerprint: String,
    /// The path to the holder, from its root.
    pub path: Vec<LeakStep>,
    /// The paths of other holders of the same items.
    pub co_holders: Vec<String>,
    /// The fact that its summary begins with.
    pub headline: Headline,
    /// Why it is only a candidate.
    pub doubt: Option<Doubt>,
    /// Advice, if it is a known pattern. One heap shows no growth, and gives no advice.
    pub advice: Option<Advice>,
}

impl Suspect {
    /// The name of the holder for a person: the telling part of its path, or all of it. None for a native reference.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.headline_holder.as_deref().or(self.holder.as_deref())
    }
}

/// One heap of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SnapshotRow {
    /// When, in microseconds since 1970 (UTC).
    pub taken_at: i64,
    /// Objects, mem_top's own and garbage left out.
    pub objects: u64,
    /// Their shallow bytes.
    pub bytes: u64,
    /// Objects of garbage that the collector tracks.
    pub tracked_garbage: u64,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// How long the process was paused, in nanoseconds.
    pub pause: Option<u64>,
    /// The units of work done so far.
    pub work: Option<f64>,
}

/// The answer about growth over a series of heaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaks {
    /// How the last heap was captured, and of which process; none if there is no heap.
    pub info: Option<CaptureInfo>,
    /// The verdict over all heaps: of those in `verdicts`, one of the worst.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Every verdict that holds, by the bytes that it is about, largest first; at least one.
    pub verdicts: Vec<GrowthVerdict>,
    /// The smallest growth of one place, in bytes an interval, that would have been seen.
    pub detectable_growth: Option<u64>,
    /// The heaps, in the order of time.
    pub snapshots: Vec<SnapshotRow>,
    /// The accused places, by rank.
    pub suspects: Vec<Suspect>,
    /// The places in doubt, by rank; each with its doubt.
    pub candidates: Vec<Suspect>,
    /// How many suspects and candidates were left out by the limit.
    pub omitted: usize,
    /// The process's memory, for each heap.
    pub memory: Vec<MemoryTotal>,
    /// Garbage, if it grew and the collector did not free it in its ordinary rhythm.
    pub garbage: Option<GarbageGrowth>,
    /// By how much resident memory grew, and which parts of it did.
    pub account: Account,
    /// Notes for the reader.
    pub notes: Vec<Note>,
}
