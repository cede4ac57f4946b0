//! Handles into the tables of one heap: a `u32` each, so that columns of them stay small.
//!
//! Invariant: a handle is below [`u32::MAX`], which means "none" in a column that may lack one. A handle in a finished
//! heap is valid there.
//!
//! A handle does not know its heap; using it with another heap is a bug, and returns a wrong row or panics.

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The most rows that a table with this handle can have.
            pub const MAX_ROWS: usize = u32::MAX as usize;

            /// The handle of the row `index`.
            ///
            /// # Panics
            /// If `index` is [`Self::MAX_ROWS`] or more.
            #[must_use]
            pub fn from_index(index: usize) -> Self {
                assert!(index < Self::MAX_ROWS, "a table has fewer than 2^32 - 1 rows");
                Self(index as u32)
            }

            /// The row as an index into a column.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The row as it is stored.
            #[must_use]
            pub fn raw(self) -> u32 {
                self.0
            }

            /// The handle that was stored as `raw`; `None` for `u32::MAX`.
            #[must_use]
            pub fn from_raw(raw: u32) -> Option<Self> {
                (raw != u32::MAX).then_some(Self(raw))
            }
        }
    };
}
// The value in columns of this crate that may lack a handle.
pub(crate) const NONE: u32 = u32::MAX;

handle!(
    /// An object of a heap: its row, from 0, in the order in which the capture added it.
    ObjectId
);
handle!(
    /// A type of a heap.
    TypeId
);
handle!(
    /// A text of a heap, held once.
    StringId
);
handle!(
    /// A root of a heap.
    RootId
);
handle!(
    /// A frame that roots of a heap belong to.
    FrameId
);
