//! The memory for the results of a walk.

use memtop_heap::{Budget, CaptureInfo, HEADROOM, HeapBuilder, HeapError, headroom, preallocate};

use super::address_index::AddressId;

/// The memory for each object that making a heap takes beside the heap, at most, in bytes.
const FINISHING_BYTES: u64 = 16;

/// The memory for the results of a walk, allocated before the process is stopped.
pub struct Preallocated {
    pub(super) builder: HeapBuilder,
    pub(super) order: Vec<AddressId>,
}

impl Preallocated {
    /// Allocates for about `expected` objects. A walk may find more, within `budget`, and then takes longer.
    /// `populate` has the kernel back a range of addresses, and returns whether it did: see
    /// [`memtop_heap::preallocate`].
    ///
    /// # Errors
    /// If the memory cannot be allocated.
    pub fn for_objects(
        expected: usize,
        budget: Budget,
        populate: impl Fn(usize, usize) -> bool,
    ) -> Result<Self, HeapError> {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        *builder.budget_mut() = budget;
        builder.budget_mut().take(FINISHING_BYTES.saturating_mul(expected as u64))?;
        builder.prepare(expected, expected.saturating_mul(3) / 2, &populate)?;
        let mut order = Vec::new();
        preallocate(&mut order, expected, AddressId(0), builder.budget_mut(), &populate)?;
        headroom(HEADROOM)?;
        Ok(Self { builder, order })
    }
}
