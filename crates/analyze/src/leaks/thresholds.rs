//! From when on growth is believed: every threshold of the finder, in one place.
//!
//! They were set on programs with known leaks and on innocent ones (caches that are full, queues that walk, saw-teeth,
//! warm-ups), and lean to the innocent's side: what is in doubt becomes a candidate.

/// A series that is shorter, in minutes, gives no rate per minute that a person should read.
pub const LEAST_MINUTES: f64 = 0.25;

/// From when on growth is believed. Bytes are shallow sizes; shares are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// The fewest heaps that make an accusation; with fewer all are candidates.
    pub heaps: usize,
    /// What share of the intervals may pass without growth. With fewer than ten intervals a tenth is none.
    pub idle: f64,
    /// Holders that grow each time are named alone if this share of the growth is theirs.
    pub growers: f64,
    /// Of the changes of all holders of a place taken together, this share must be growth.
    pub coherent: f64,
    /// What a place must gain over all intervals, net, in bytes.
    pub bytes: u64,
    /// What it must gain in items over all intervals …
    pub items: u64,
    /// … or, with fewer items, in bytes.
    pub few_items_bytes: u64,
    /// A rate that falls in every interval, and ends below this share of the first, is in doubt.
    pub falling: f64,
    /// A rate whose last interval is below this share of those before is in doubt: of the least in items, of the median
    /// in bytes.
    pub slowed: f64,
    /// A fall in items that is less than so many standard deviations is chance.
    pub chance: f64,
    /// Growth is uneven if the smallest is below this share of the median …
    pub uneven: f64,
    /// … and it is in doubt if a smaller share than this of the new items is still there at the end.
    pub uneven_turnover: f64,
    /// Items turn over if of the new ones (but for the last interval's) a smaller share is still there at the end.
    pub turnover: f64,
    /// From so many new items on turnover can be told.
    pub turnover_items: u64,
    /// What share of an item's own parts must be the same for it to be the same item: addresses are reused.
    pub same_parts: f64,
    /// Of the values that were replaced in one place, this share must be larger each time.
    pub replaced: f64,
    /// A plain value that grows has no parts to be recognised by; its smallest growth must be this share of the median.
    pub steady: f64,
    /// What share of the growth of an object that grows by itself must be its own size.
    pub own_size: f64,
    /// A place whose growth is a smaller share of the growth of all suspects is left out.
    pub share: f64,
    /// What grows within something that grows and is in doubt is in doubt too if it is a smaller share of it.
    pub within: f64,
    /// A co-holder refers to this share of the new items.
    pub co_holder: f64,
    /// A weak registry is left out if a suspect gained this share of its items.
    pub weak: f64,
    /// Two growths are in step if their ratio in an interval is off by no more than this share.
    pub alongside: f64,
    /// Growth is only a move if the heap grew by a smaller share of it.
    pub moved: f64,
    /// What memory outside of Python's objects must gain in every interval, in bytes, to be told …
    pub native_bytes: u64,
    /// … and how many times as much as Python's objects.
    pub native_times: f64,
    /// A suspect in Python whose growth is a smaller share of the native growth does not explain it.
    pub native_share: f64,
    /// Native growth belongs to objects written in C if their ratio in an interval is off by no more than this share.
    pub native_step: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            heaps: 3,
            idle: 0.1,
            growers: 0.9,
            coherent: 0.2,
            bytes: 1000,
            items: 3,
            few_items_bytes: 20_000,
            falling: 0.8,
            slowed: 0.5,
            chance: 1.5,
            uneven: 0.25,
            uneven_turnover: 0.6,
            turnover: 0.25,
            turnover_items: 8,
            same_parts: 0.5,
            replaced: 0.5,
            steady: 0.3,
            own_size: 0.5,
            share: 0.01,
            within: 0.1,
            co_holder: 0.5,
            weak: 0.5,
            alongside: 0.1,
            moved: 0.25,
            native_bytes: 1_000_000,
            native_times: 4.0,
            native_share: 0.05,
            native_step: 0.3,
        }
    }
}

impl Thresholds {
    /// In how many of `intervals` a place must grow.
    #[must_use]
    pub fn required(&self, intervals: usize) -> usize {
        intervals - (intervals as f64 * self.idle) as usize
    }
}
