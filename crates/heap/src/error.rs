//! Why a heap could not be finished.

/// Why a heap could not be finished: a table overflowed, or a handle was not one of its own.
///
/// A capture that works makes none of these; a file that is damaged or hostile does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeapError {
    /// More rows than a table can hold.
    #[error("the heap has too many {table}: at most {limit} fit")]
    TooMany {
        /// Which table.
        table: &'static str,
        /// How many fit.
        limit: u64,
    },
    /// A row points to a row that does not exist.
    #[error("{from} refers to {table} {row}, but there are only {rows}")]
    Dangling {
        /// What holds the handle.
        from: &'static str,
        /// The table that it points into.
        table: &'static str,
        /// The row that it points to.
        row: u64,
        /// How many rows there are.
        rows: u64,
    },
    /// The system has not enough memory, or it would be more than the capture may take.
    #[error("there is not enough memory for the heap: {bytes} more bytes could not be had")]
    OutOfMemory {
        /// How many bytes were wanted that were refused.
        bytes: u64,
    },
    /// A label of a kind that this version does not know.
    #[error("a reference has the unknown label {0:#010x}")]
    UnknownLabel(u32),
}
