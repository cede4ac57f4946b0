//! Memory for what a walk finds.

use memtop_heap::{Budget, CaptureInfo, HEADROOM, HeapBuilder, HeapError, headroom, make_room};

use super::address_index::AddressId;

/// The memory for each object that making a heap takes beside the heap, at most, in bytes.
const FINISHING_BYTES: u64 = 16;

/// Preallocated for what a walk finds, made before anything stands still.
pub struct Preallocated {
    pub(super) builder: HeapBuilder,
    pub(super) order: Vec<AddressId>,
}

impl Preallocated {
    /// Preallocated for about so many objects; more are taken too, at the cost of a longer walk, as far as `budget` goes.
    /// `populate` has memory put behind an address and so many bytes, and says whether it did: see
    /// [`memtop_heap::make_room`].
    ///
    /// # Errors
    /// If the memory cannot be had.
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
        make_room(&mut order, expected, AddressId(0), builder.budget_mut(), &populate)?;
        headroom(HEADROOM)?;
        Ok(Self { builder, order })
    }
}
