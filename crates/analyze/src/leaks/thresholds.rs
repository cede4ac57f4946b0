//! Every threshold of the finder, in one place.
//!
//! They were chosen on programs with known leaks and on innocent ones (full caches, drifting queues, saw-teeth,
//! warm-ups), in favour of the innocent: growth in doubt makes a candidate.

/// A series that is shorter, in minutes, gives no rate per minute that a person should read.
pub const LEAST_MINUTES: f64 = 0.25;

/// The thresholds above which growth counts. Bytes are shallow sizes; shares are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// The fewest heaps for an accusation; with fewer, all places are candidates.
    pub heaps: usize,
    /// The share of the intervals that may pass without growth. It is rounded down: a tenth of fewer than ten is zero.
    pub idle: f64,
    /// Holders that grow each time are named alone if this share of the growth is theirs.
    pub growers: f64,
    /// Of the changes of all holders of a place taken together, this share must be growth.
    pub coherent: f64,
    /// The bytes that a place must gain if it grew in some intervals only …
    pub bursts_bytes: u64,
    /// … or in one of several.
    pub single_burst_bytes: u64,
    /// Growth in bursts is enough for an accusation from these bytes on …
    pub proof_bytes: u64,
    /// … in so many intervals.
    pub proof_intervals: usize,
    /// Containers that together have no more items than this may be emptied many items at a time …
    pub batch_items: u64,
    /// … or, if they hold their items weakly, than this in each …
    pub batch_weak_items: u64,
    /// … unless they grew by as many bytes.
    pub batch_bytes: u64,
    /// Growth that is little evidence by its amount is even if its smallest step is this share of the usual one.
    pub even: f64,
    /// The bytes that a place must gain over all intervals, net.
    pub bytes: u64,
    /// The items that it must gain over all intervals …
    pub items: u64,
    /// … or, with fewer items, in bytes.
    pub few_items_bytes: u64,
    /// A rate that falls in every interval, and ends below this share of the first, causes a doubt.
    pub falling: f64,
    /// A rate whose last interval is below this share of the earlier ones causes a doubt: of the least for items, of
    /// the median for bytes.
    pub slowed: f64,
    /// A fall in items below this many standard deviations is treated as noise.
    pub chance: f64,
    /// Growth is uneven if the smallest is below this share of the median …
    pub uneven: f64,
    /// … and causes a doubt if a smaller share than this of the new items is still there at the end.
    pub uneven_turnover: f64,
    /// Items turn over if a smaller share than this of the new ones, without the last interval's, is there at the end.
    pub turnover: f64,
    /// The fewest new items from which turnover is measured.
    pub turnover_items: u64,
    /// The share of an item's own parts that must be the same for it to be the same item: addresses are reused.
    pub same_parts: f64,
    /// Of the values that were replaced in one place, this share must be larger each time.
    pub replaced: f64,
    /// A plain value that grows has no parts to be recognised by; its smallest growth must be this share of the median.
    pub steady: f64,
    /// The share of the growth of an object that grows by itself that must be its own size.
    pub own_size: f64,
    /// A place whose growth is a smaller share of the growth of all suspects is left out.
    pub share: f64,
    /// A place within a larger one that is in doubt is in doubt too if its growth is a smaller share than this.
    pub within: f64,
    /// The share of the new items that a co-holder refers to.
    pub co_holder: f64,
    /// A weak registry is dropped if a suspect gained this share of its items.
    pub weak: f64,
    /// Two growths are in step if their ratio in an interval is off by no more than this share.
    pub alongside: f64,
    /// Growth is a mere move if the heap grew by a smaller share of it.
    pub moved: f64,
    /// The bytes that a part of resident memory must gain over all intervals to be reported …
    pub native_bytes: u64,
    /// … or this share of resident memory, if that is more.
    pub native_of_resident: f64,
    /// In an interval in which it grows, it gains this share of the mean …
    pub native_part_of_mean: f64,
    /// … and at least so many bytes.
    pub native_step_bytes: u64,
    /// Below so many bytes, native growth must be even, per unit of work or time.
    pub native_proof_bytes: u64,
    /// A fall by this share of the growth shows that memory is given back.
    pub native_fall: f64,
    /// How many times as much as Python objects native memory must gain: their sizes are not exact.
    pub native_times: f64,
    /// The growth of what the allocators have in use counts if this share of it is resident.
    pub native_resident: f64,
    /// A part of native memory is named if this share of the growth is its.
    pub native_place: f64,
    /// Native growth is the first verdict if the suspects' growth is a smaller share of it.
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
            bursts_bytes: 5_000,
            single_burst_bytes: 50_000,
            proof_bytes: 1_000_000,
            proof_intervals: 3,
            batch_items: 100,
            batch_weak_items: 250,
            batch_bytes: 100_000,
            even: 0.5,
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
            native_of_resident: 0.005,
            native_part_of_mean: 0.25,
            native_step_bytes: 1 << 16,
            native_proof_bytes: 10_000_000,
            native_fall: 0.1,
            native_times: 0.25,
            native_resident: 0.5,
            native_place: 0.1,
            native_share: 0.05,
            native_step: 0.3,
        }
    }
}

impl Thresholds {
    /// The number of `intervals` in which a place must grow.
    #[must_use]
    pub fn required(&self, intervals: usize) -> usize {
        intervals - (intervals as f64 * self.idle) as usize
    }
}
