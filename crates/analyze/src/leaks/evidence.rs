//! Why a place is accused, doubted or dropped, and why a verdict is as it is: data with its numbers. The `report` crate
//! makes the sentences.

use memtop_heap::MallocLibrary;

use super::garbage_growth::GarbageCause;
use crate::account::AccountPart;
use crate::contradiction::Contradiction;

/// The unit of growth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrowthUnit {
    /// Items of a holder.
    Items,
    /// Bytes.
    Bytes,
}

/// The time or work over which growth is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// A minute, in each interval.
    Minute,
    /// A minute; in single intervals it was more or less.
    MinuteOnAverage,
    /// A second.
    Second,
    /// A unit of work.
    Unit,
    /// The interval between two snapshots.
    Interval,
    /// All intervals together.
    Series,
}

/// The fact that a suspect's summary begins with: how much it gained.
#[derive(Debug, Clone, PartialEq)]
pub enum Headline {
    /// Objects of one type.
    Objects {
        /// The name of the type.
        type_name: String,
        /// How many.
        amount: f64,
        /// In which time.
        per: Per,
    },
    /// Bytes, where no type became more numerous.
    Bytes {
        /// How many.
        amount: u64,
        /// In which time.
        per: Per,
    },
    /// One snapshot shows no growth; the share of the heap that the place retains, from 0 to 1.
    Retains {
        /// The share.
        share: f64,
    },
}

/// A fact that speaks for a suspect.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// By how much it grew in each interval.
    Growth {
        /// The unit.
        unit: GrowthUnit,
        /// By interval.
        changes: Vec<i64>,
    },
    /// Its growth rate: the mean, and the lower bound of the 95 % confidence interval of the Theil–Sen slope.
    Slope {
        /// The unit.
        unit: GrowthUnit,
        /// The mean.
        mean: f64,
        /// The lower bound.
        at_least: f64,
        /// Per interval, or, if those are unequal, per second or unit of work.
        per: Per,
    },
    /// By how much it grew over all intervals.
    Total {
        /// In bytes.
        bytes: u64,
        /// Its share of all growth, from 0 to 1.
        share: f64,
    },
    /// Its retained size.
    Retained {
        /// In bytes.
        bytes: u64,
        /// By how much that grew.
        growth: i64,
    },
    /// Its retained size in the only snapshot.
    RetainedShare {
        /// In bytes.
        bytes: u64,
        /// The share of the heap, from 0 to 1.
        share: f64,
    },
    /// No Python object refers to the leaked objects, but their reference counts exceed the references found.
    NativeReferences,
    /// The leaked objects are in cycles that the collector never frees, since it does not see a reference of them.
    HiddenReference {
        /// The type of the object that has the reference.
        type_name: String,
    },
    /// Frames, tracebacks or suspended generators hold the items.
    HeldByFrames,
    /// Its growth per unit of work.
    PerUnitOfWork {
        /// The unit.
        unit: GrowthUnit,
        /// How much.
        amount: f64,
    },
    /// Another place, as a path, that holds the same items.
    CoHolder(String),
}

/// Why a place that grew is only a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// One snapshot shows size, not growth.
    OneSnapshot,
    /// Growth over so few snapshots may be a warm-up.
    FewSnapshots {
        /// How many there are.
        snapshots: usize,
        /// How many to take.
        wanted: usize,
    },
    /// It has a size limit and is not full yet.
    Limited,
    /// Its root is of an unknown kind.
    UnknownRoot,
    /// It grows more slowly in each interval.
    Slowing,
    /// It grew much more slowly in the last interval.
    Slowed,
    /// It grew in some intervals only, and gave nothing back.
    Bursts {
        /// In how many it grew.
        grew: usize,
        /// How many there are.
        intervals: usize,
    },
    /// Most of its new items are cancelled timers, which the event loop removes many at a time.
    CancelledTimers,
    /// It is small, and may be emptied many items at a time, as buffers and batches are.
    MayBeBatch {
        /// How many items it has.
        items: u64,
    },
    /// Most new items do not stay.
    Turnover {
        /// How many items came before the last interval.
        new: u64,
        /// How many of them are still there.
        lasting: u64,
    },
    /// It grows unevenly, and its items come and go.
    RandomWalk,
    /// Another place held its new items before, and memory did not grow.
    Moved,
    /// Its weak references are to objects that may be garbage.
    WeakToGarbage,
    /// It grows in step with a larger suspect, whose objects may hold it out of sight.
    InStepWithSuspect,
    /// It grows in step with garbage, which may hold it out of sight.
    InStepWithGarbage,
    /// It is a small part of a place that is in doubt.
    PartOfDoubted,
}

/// The rule by which a place that grew is neither suspect nor candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropRule {
    /// Its bytes did not grow in enough intervals.
    IdleIntervals,
    /// It grew by too few bytes.
    FewBytes {
        /// By how many.
        bytes: i64,
    },
    /// It gained too few items.
    FewItems {
        /// How many.
        items: i64,
    },
    /// The lower bound of its slope is not above zero.
    SlopeMayBeZero,
    /// Too few of the values that are replaced here grew each time.
    FewValuesGrew {
        /// How many grew.
        grew: usize,
        /// How many there are.
        values: usize,
    },
    /// Each new value holds other objects than the one before.
    ValuesUnrelated,
    /// A plain value that grows unsteadily.
    UnsteadyValue,
    /// Another place accounts for its growth.
    Claimed,
    /// It also holds the items of a larger place, which names it as a co-holder.
    CoHolder,
    /// It is a part of what a larger place holds, which its growth counts with.
    PartOfPlace,
    /// It gained more items than it holds: its holders came and went.
    HoldersTurnedOver {
        /// How many items it holds.
        held: u64,
        /// How many it gained.
        gained: u64,
    },
    /// The interpreter's weak dict of the subclasses of a class.
    WeakSubclasses,
    /// It holds its items weakly, and grows alongside a suspect.
    WeakAlongside,
    /// It is small beside the others.
    Small {
        /// By how many bytes it grew.
        bytes: i64,
    },
}

/// Why the verdict over a series is as it is. A holder is a path; none is native code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is no snapshot.
    NoSnapshot,
    /// One snapshot shows where memory is, not where it grows.
    OneSnapshot,
    /// Places keep growing.
    Growth {
        /// The holder of the first suspect.
        holder: Option<String>,
        /// How many suspects there are.
        places: usize,
        /// By how many bytes they grew together.
        bytes: u64,
    },
    /// Cycles keep growing that the collector never frees.
    UncollectableCycles {
        /// The type of the objects that hide a reference of them.
        hidden_by: String,
        /// How many suspects there are.
        places: usize,
        /// By how many bytes the suspects grew together.
        bytes: u64,
    },
    /// Garbage grew.
    Garbage {
        /// By how many bytes.
        bytes: u64,
        /// The type that grew by the most bytes.
        type_name: Option<String>,
        /// Why the collector does not free it.
        cause: GarbageCause,
    },
    /// A suspect keeps growing, and native memory grows in step with objects that it holds.
    NativeInStep {
        /// The suspect's holder.
        holder: String,
        /// The type of the objects.
        type_name: String,
        /// By how many bytes native memory grew.
        native: u64,
    },
    /// Native memory keeps growing: no Python object accounts for it.
    Native(NativeEvidence),
    /// Native memory grew, in some intervals or ever more slowly.
    NativeInDoubt(NativeEvidence),
    /// A part of memory keeps growing, and no place was found in which it does.
    NoPlace {
        /// The part.
        part: AccountPart,
        /// By how many bytes it grew.
        bytes: u64,
    },
    /// The first candidate, which is in doubt.
    InDoubt {
        /// Its holder.
        holder: Option<String>,
        /// Its doubt.
        doubt: Doubt,
    },
    /// No place grew between the two snapshots.
    NoGrowthBetweenTwo,
    /// No place grew in every interval.
    NoGrowth {
        /// The smallest growth of one place, in bytes per interval, that would have been seen.
        detectable: Option<u64>,
    },
}

/// Where native memory grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeEvidence {
    /// By how many bytes.
    pub bytes: u64,
    /// The parts in which it did, largest first.
    pub parts: Vec<(AccountPart, u64)>,
    /// The library that provides malloc.
    pub library: Option<MallocLibrary>,
    /// In how many intervals it grew.
    pub grew: usize,
    /// How many intervals there are.
    pub intervals: usize,
}

/// A note for the reader of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The snapshots were not given in the order of time, and were sorted.
    Sorted,
    /// The process ran while a snapshot was taken.
    Approximate,
    /// How many objects could not be read, in all snapshots together.
    Damaged(u64),
    /// How many references lead to no object, in all snapshots together.
    Dangling(u64),
    /// Two statements of the answer cannot both be true: a mistake of mem_top.
    Contradiction(Contradiction),
    /// A sentence from elsewhere: of a capture, or of the caller.
    Text(String),
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
