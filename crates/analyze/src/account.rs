//! The account of growth: by how much resident memory grew over a series of heaps, and which parts of it did.
//!
//! Invariant: where resident memory is known, the growth of the parts adds up to that of resident memory exactly, in each
//! interval. A part that is not known of every heap is within `Unexplained` for all of them.

use memtop_heap::MallocLibrary;

use crate::memory::MemoryTotal;

/// A part of resident memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountPart {
    /// Python objects, without garbage and mem_top's own.
    Objects,
    /// Objects that await the collector.
    Garbage,
    /// mem_top's own objects.
    Own,
    /// Stacks of threads, and of their frames.
    Buffers,
    /// Blocks of malloc that hold no object.
    Malloc,
    /// Blocks of pymalloc that hold no object.
    Pymalloc,
    /// Interned strings that no object refers to.
    Interned,
    /// Stacks of Python frames.
    FrameStacks,
    /// Anonymous mappings of unknown purpose.
    Mappings,
    /// Free memory that malloc holds.
    MallocFree,
    /// Free memory that pymalloc holds.
    PymallocFree,
    /// Pages of files, and shared memory.
    Files,
    /// The remainder.
    Unexplained,
}

impl AccountPart {
    /// Every part.
    pub const ALL: [Self; 13] = [
        Self::Objects,
        Self::Garbage,
        Self::Own,
        Self::Buffers,
        Self::Malloc,
        Self::Pymalloc,
        Self::Interned,
        Self::FrameStacks,
        Self::Mappings,
        Self::MallocFree,
        Self::PymallocFree,
        Self::Files,
        Self::Unexplained,
    ];

    /// Its name in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Garbage => "garbage",
            Self::Own => "mem_top",
            Self::Buffers => "buffers",
            Self::Malloc => "malloc",
            Self::Pymalloc => "pymalloc",
            Self::Interned => "interned_strings",
            Self::FrameStacks => "frame_stacks",
            Self::Mappings => "mappings",
            Self::MallocFree => "malloc_free",
            Self::PymallocFree => "pymalloc_free",
            Self::Files => "files",
            Self::Unexplained => "unexplained",
        }
    }

    /// Whether it is memory in use that no object accounts for.
    #[must_use]
    pub fn is_native(self) -> bool {
        matches!(
            self,
            Self::Malloc
                | Self::Pymalloc
                | Self::Interned
                | Self::FrameStacks
                | Self::Mappings
                | Self::Unexplained
        )
    }

    /// Its bytes in one heap; `None` if they are not known.
    fn of(self, total: &MemoryTotal) -> Option<i64> {
        let known = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        match self {
            Self::Objects => {
                Some(known(total.python.saturating_sub(total.garbage).saturating_sub(total.own)))
            }
            Self::Garbage => Some(known(total.garbage)),
            Self::Own => Some(known(total.own)),
            Self::Buffers => total.native_known.map(known),
            Self::Malloc => total.native.malloc,
            Self::Pymalloc => total.native.pymalloc,
            Self::Interned => total.native.interned.map(known),
            Self::FrameStacks => total.native.frame_stacks.map(known),
            Self::Mappings => total.native.mapped.map(known),
            Self::MallocFree => total.malloc_free.map(known),
            Self::PymallocFree => total.pymalloc_free.map(known),
            Self::Files => total.file_backed.map(known),
            Self::Unexplained => None,
        }
    }
}

/// A part of resident memory over a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The part.
    pub part: AccountPart,
    /// Its bytes in the last heap. Those of an allocator may be negative: they are estimates.
    pub bytes: i64,
    /// By how many bytes it grew over all intervals.
    pub growth: i64,
    /// By how many in each interval.
    pub steps: Vec<i64>,
}

/// The growth of resident memory over a series, by part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// By how many bytes resident memory grew; none if it is not known of every heap.
    pub resident: Option<i64>,
    /// The parts that are known, the one that grew most first.
    pub rows: Vec<AccountRow>,
    /// The library that provides malloc.
    pub malloc_library: Option<MallocLibrary>,
}

impl Account {
    /// The account of the heaps with these totals, in the order of time.
    #[must_use]
    pub fn new(totals: &[MemoryTotal]) -> Self {
        let Some(last) = totals.last() else { return Self::default() };
        let resident: Option<Vec<i64>> =
            totals.iter().map(|total| total.rss.map(|rss| i64::try_from(rss).unwrap_or(i64::MAX))).collect();
        let mut rows = Vec::new();
        let mut rest = resident.clone();
        for part in AccountPart::ALL {
            let levels: Option<Vec<i64>> = match part {
                AccountPart::Unexplained => rest.take(),
                _ => totals.iter().map(|total| part.of(total)).collect(),
            };
            let Some(levels) = levels else { continue };
            if let Some(rest) = &mut rest {
                for (rest, level) in rest.iter_mut().zip(&levels) {
                    *rest = rest.saturating_sub(*level);
                }
            }
            rows.push(AccountRow::new(part, &levels));
        }
        rows.sort_by_key(|row| (std::cmp::Reverse(row.growth), row.part));
        Self { resident: resident.map(|levels| growth(&levels)), rows, malloc_library: last.malloc_library }
    }

    /// The row of a part, if it is known.
    #[must_use]
    pub fn row(&self, part: AccountPart) -> Option<&AccountRow> {
        self.rows.iter().find(|row| row.part == part)
    }

    /// By how many bytes the parts that meet a condition grew, in each interval.
    pub(crate) fn steps(&self, of: impl Fn(AccountPart) -> bool) -> Vec<i64> {
        let mut sum = Vec::new();
        for row in self.rows.iter().filter(|row| of(row.part)) {
            sum.resize(row.steps.len(), 0_i64);
            for (sum, step) in sum.iter_mut().zip(&row.steps) {
                *sum = sum.saturating_add(*step);
            }
        }
        sum
    }

    /// The bytes that memory in use gained beside reachable objects: each part that grew, without free memory and pages
    /// of files.
    pub(crate) fn grown_beside_objects(&self) -> i64 {
        let counts = |part: AccountPart| matches!(part, AccountPart::Garbage | AccountPart::Buffers);
        let native = self.rows.iter().filter(|row| row.part.is_native()).map(|row| row.growth);
        let native = native.fold(0, i64::saturating_add).max(0);
        let others = self.rows.iter().filter(|row| counts(row.part)).map(|row| row.growth.max(0));
        others.fold(native, i64::saturating_add)
    }
}

impl AccountRow {
    fn new(part: AccountPart, levels: &[i64]) -> Self {
        Self {
            part,
            bytes: levels.last().copied().unwrap_or(0),
            growth: growth(levels),
            steps: levels.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect(),
        }
    }
}

fn growth(levels: &[i64]) -> i64 {
    match levels {
        [first, .., last] => last.saturating_sub(*first),
        _ => 0,
    }
}
