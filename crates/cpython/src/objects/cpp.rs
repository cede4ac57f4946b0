//! Objects of C++ libraries that hold memory for objects of Python: what is common to all of them.
//!
//! Nothing is trusted here. The layouts are those of one implementation (libstdc++), so each object that is
//! passed has to look like one: a table of virtual functions in a mapped file, reference counts in range,
//! the bounds of a vector in order.

use super::view::{ObjectView, WORD};
use crate::address::is_plausible;
use crate::buffer::BufferSink;

/// The most elements of a vector that are visited.
const MOST_ELEMENTS: u64 = 1 << 16;
/// The highest count of references that is believed.
const MOST_COUNTED: u32 = 1 << 24;
/// The size of a `std::shared_ptr`: the object, and the block that counts its references.
pub(super) const SHARED_POINTER: u64 = 2 * WORD;

/// Reads C++ objects.
pub(super) struct Cpp<'v, 'm, 's, 'f> {
    pub(super) view: &'v ObjectView<'m>,
    pub(super) sink: &'s mut BufferSink<'f>,
}

impl Cpp<'_, '_, '_, '_> {
    /// The word at an address; 0 if it cannot be read, and when too many words were read.
    pub(super) fn word(&self, at: u64) -> u64 {
        if self.sink.may_read() { self.view.word_at(at) } else { 0 }
    }

    /// Whether the object at an address has virtual functions.
    pub(super) fn is_virtual(&self, at: u64) -> bool {
        is_plausible(at) && self.sink.is_in_file(self.word(at))
    }

    /// Whether the two halves of a word are the counts of references to an object. The highest bit may be a
    /// flag.
    pub(super) fn are_counts(&self, at: u64) -> bool {
        let is_count = |count: u32| (1..MOST_COUNTED).contains(&(count & (u32::MAX >> 1)));
        let counted = |at: u64| self.view.memory.half(at).is_some_and(is_count);
        counted(at) && counted(at + 4)
    }

    /// The object that the `std::shared_ptr` at an address leads to; `None` if there is none
    /// (`bits/shared_ptr_base.h`: the block has virtual functions, and two counts).
    pub(super) fn shared(&self, at: u64) -> Option<u64> {
        let (object, block) = (self.word(at), self.word(at + WORD));
        let is_shared = is_plausible(object)
            && !self.sink.is_in_file(object)
            && self.is_virtual(block)
            && self.are_counts(block + WORD);
        is_shared.then_some(object)
    }

    /// The addresses of the elements of the `std::vector` at an address; none if it is not one.
    pub(super) fn elements(&self, vector: u64, size: u64) -> impl Iterator<Item = u64> + use<> {
        let [first, end, after] = [0, 1, 2].map(|index| self.word(vector + index * WORD));
        let length = end.wrapping_sub(first);
        let is_vector = first <= end && end <= after && is_plausible(first) && length.is_multiple_of(size);
        let count = if is_vector { (length / size).min(MOST_ELEMENTS) } else { 0 };
        (0..count).map(move |index| first + index * size)
    }
}
