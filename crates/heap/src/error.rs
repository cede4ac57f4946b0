//! Errors of building a heap.

/// The reason why a heap could not be finished: a table overflowed, a handle is invalid, or memory ran out.
///
/// A correct capture of a heap that fits causes none of these; a damaged or hostile file does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeapError {
    /// More rows than a table can hold.
    #[error("the heap has too many {table}: at most {limit} are supported")]
    TooMany {
        /// The table.
        table: &'static str,
        /// The most rows that it can hold.
        limit: u64,
    },
    /// A row points to a row that does not exist.
    #[error("{from} refers to {table} {row}, but there are only {rows}")]
    Dangling {
        /// The kind of row that holds the handle.
        from: &'static str,
        /// The table that it points into.
        table: &'static str,
        /// The row that it points to.
        row: u64,
        /// The number of rows in that table.
        rows: u64,
    },
    /// The system does not have enough memory, or it would be more than the capture may take.
    #[error("not enough memory for the heap: {bytes} more bytes could not be allocated")]
    OutOfMemory {
        /// The number of bytes that were refused.
        bytes: u64,
    },
    /// A label whose kind this version does not know.
    #[error("a reference has the unknown label {0:#010x}")]
    UnknownLabel(u32),
}
