//! Options of a capture: plain data, the same on every system.

/// Options for capturing the heap of a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptureOptions {
    /// The units of work that the program has done so far.
    pub work: Option<f64>,
    /// Whether to keep dict keys that are not identifiers.
    pub with_keys: bool,
    /// Whether to stop the process for the copy. Otherwise the heap is approximate.
    pub pause: bool,
    /// Whether to read pages that are swapped out.
    pub include_swapped: bool,
    /// Whether to copy large mappings that contain no addresses, too.
    pub large_mappings: bool,
    /// How much memory the capture may use.
    pub memory: MemoryPlan,
}

impl Default for CaptureOptions {
    fn default() -> Self {
        let CopyOptions { pause, include_swapped, large_mappings, memory } = CopyOptions::default();
        Self { work: None, with_keys: false, pause, include_swapped, large_mappings, memory }
    }
}

impl CaptureOptions {
    /// The options for copying the memory.
    pub(crate) fn copy(&self) -> CopyOptions {
        let Self { pause, include_swapped, large_mappings, memory, .. } = *self;
        CopyOptions { pause, include_swapped, large_mappings, memory }
    }
}

/// Options for copying the memory of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyOptions {
    /// Whether to stop the process for the copy. Otherwise the copy is approximate.
    pub pause: bool,
    /// Whether to read pages that are swapped out, which brings them back into memory.
    pub include_swapped: bool,
    /// Whether to copy large mappings that contain no addresses, too, such as the numbers of
    /// arrays. Otherwise they are read on demand, from the process as it is then.
    pub large_mappings: bool,
    /// How much memory the copy may use.
    pub memory: MemoryPlan,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self { pause: true, include_swapped: false, large_mappings: false, memory: MemoryPlan::default() }
    }
}

/// The purpose of a heap, which determines how much memory is needed in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// To save the heap.
    Heap,
    /// To answer questions about it, with retained sizes.
    #[default]
    Answers,
    /// To find growth over several heaps. Two of them are in memory at once.
    Series,
}

impl Purpose {
    /// The most memory that is needed besides the copy, in tenths of the copy's size: the heap is
    /// built next to the copy, and analyzed after the copy is freed. `docs/pid.md` lists the
    /// measurements that these numbers rest on.
    pub(crate) fn tenths_beside_the_copy(self) -> u64 {
        match self {
            Self::Heap => 8,
            Self::Answers => 10,
            Self::Series => 18,
        }
    }
}

/// How much memory a capture may use, and for which purpose. It is checked before the process is
/// stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The most bytes in all; less if less memory is free.
    pub most_bytes: u64,
    /// The purpose of the heap.
    pub purpose: Purpose,
}

impl Default for MemoryPlan {
    fn default() -> Self {
        Self { most_bytes: u64::MAX, purpose: Purpose::default() }
    }
}
