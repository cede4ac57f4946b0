//! The reconciled total: what resident memory is made of, each part named, adding up.

/// A part of a process's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPart {
    /// What it is, in a few words.
    pub name: String,
    /// How large, in bytes.
    pub bytes: u64,
}

/// What a process's resident memory is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryTotal {
    /// Resident memory; the parts and `unexplained` add up to it.
    pub rss: Option<u64>,
    /// Python objects together, garbage included.
    pub python: u64,
    /// Python objects by kind (`str`, `dict`, classes of the program, garbage …), largest first; they add up to
    /// `python`.
    pub kinds: Vec<MemoryPart>,
    /// Free memory that pymalloc holds.
    pub pymalloc_free: Option<u64>,
    /// Free memory that malloc holds.
    pub malloc_free: Option<u64>,
    /// Buffers outside of objects that are known: mmap, numpy.
    pub native_known: Option<u64>,
    /// Resident pages of files: the program and its libraries.
    pub file_backed: Option<u64>,
    /// What is left. Negative if objects have memory that is not resident (swapped out, never touched).
    pub unexplained: Option<i64>,
}
