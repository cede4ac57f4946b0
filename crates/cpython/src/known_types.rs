//! The types that are compared by address while objects are decoded.

/// Addresses of the interpreter's own types.
#[derive(Debug, Clone, Copy)]
pub struct KnownTypes {
    /// `str`.
    pub string: u64,
    /// `int`.
    pub integer: u64,
    /// `dict`.
    pub dict: u64,
    /// `list`.
    pub list: u64,
    /// `set`.
    pub set: u64,
    /// `tuple`.
    pub tuple: u64,
    /// `cell`.
    pub cell: u64,
    /// `contextvars.ContextVar`.
    pub context_variable: u64,
}
