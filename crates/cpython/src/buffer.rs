//! Native memory that objects hold: the data of arrays, mapped memory, the buffers of C libraries.
//!
//! A definition in `objects/` reports the ranges of addresses that an object holds. After the walk,
//! `walk/buffers.rs` counts each byte once, for one of the objects that hold it, as far as it is resident.
//!
//! Invariant: a range that is reported is never read. Whatever leads to it through a library's own structs is
//! read with checks.

use std::cell::Cell;

use crate::address::ADDRESS_MASK;
use crate::layout::object as object_layout;
use crate::objects::view::ObjectView;

/// Smaller buffers that are part of an object's size are not reported.
pub(crate) const SMALLEST_COUNTED: u64 = 1 << 12;
/// Whether pages are resident is asked for larger buffers only. The allocator has touched most of the pages
/// of smaller ones.
pub(crate) const SMALLEST_QUERIED: u64 = 1 << 16;
/// The most buffers that are read of one object.
const MOST_BUFFERS: usize = 1 << 16;

/// How an object holds a buffer. Of several that hold the same byte, the first of these counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    /// It allocated the buffer, and its size includes it.
    InSize,
    /// It mapped the memory.
    Mapped,
    /// It owns the buffer, maybe together with other objects.
    Owned,
    /// It shows memory whose owner is not known, and keeps the owner alive.
    Shown,
}

/// A range of addresses that an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) claim: Claim,
    pub(crate) start: u64,
    /// The address after the last byte.
    pub(crate) end: u64,
}

/// Receives the buffers of an object.
pub(crate) struct BufferSink<'a> {
    is_in_file: &'a dyn Fn(u64) -> bool,
    recognise: &'a dyn Fn(u64) -> Option<&'static str>,
    found: &'a mut Vec<Buffer>,
    /// How many words of C++ objects may still be read.
    steps: &'a Cell<u32>,
    device: Option<(u64, u64)>,
}

impl<'a> BufferSink<'a> {
    /// A sink that replaces the contents of `found`. `is_in_file` says whether an address lies in a mapped
    /// file, `recognise` names the C type at an address, and `steps` is how many words of C++ objects may be
    /// read.
    pub(crate) fn new(
        is_in_file: &'a dyn Fn(u64) -> bool,
        recognise: &'a dyn Fn(u64) -> Option<&'static str>,
        found: &'a mut Vec<Buffer>,
        steps: &'a Cell<u32>,
    ) -> Self {
        found.clear();
        Self { is_in_file, recognise, found, steps, device: None }
    }

    /// Adds a buffer of `length` bytes. One that no process can have is ignored.
    pub(crate) fn add(&mut self, claim: Claim, start: u64, length: u64) {
        let Some(end) = start.checked_add(length).filter(|&end| end <= ADDRESS_MASK) else { return };
        if start != 0 && length > 0 && self.found.len() < MOST_BUFFERS {
            self.found.push(Buffer { claim, start, end });
        }
    }

    /// Sets the memory that the object holds on another device: the address there, and its bytes.
    pub(crate) fn set_device(&mut self, at: u64, bytes: u64) {
        self.device = Some((at, bytes));
    }

    /// Counts the read of a word; false if there were too many. Damaged objects may lead anywhere.
    pub(crate) fn may_read(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }

    /// Whether an object owns memory of which nothing else is known: a capsule, or an object of an unknown
    /// type. Memory that C shows without an owner, as `PyMemoryView_FromMemory` does, has none (`at` is 0).
    pub(crate) fn is_unknown_owner(&self, object: &ObjectView<'_>, at: u64) -> bool {
        let of = object.pointer_at(at + object_layout::TYPE as u64);
        of != 0 && (self.recognise)(of).is_none_or(|name| name == "PyCapsule")
    }

    /// Whether an address lies in a mapped file, as the table of virtual functions of a C++ object does.
    pub(crate) fn is_in_file(&self, address: u64) -> bool {
        (self.is_in_file)(address)
    }

    /// The memory on another device.
    pub(crate) fn device(&self) -> Option<(u64, u64)> {
        self.device
    }
}
