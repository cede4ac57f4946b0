//! Words that can be addresses of objects, judged by their value alone; and arrays of them.

use crate::memory::Memory;

/// The bits of an address that a process can have: 47 on x86-64, 48 on aarch64. A pointer that is masked with
/// it can be added to without overflow.
pub(crate) const ADDRESS_MASK: u64 = (1 << 48) - 1;
/// Below this nothing is mapped.
pub(crate) const LOWEST_MAPPED: u64 = 1 << 12;
/// Below this no allocator and no file has objects. A higher limit than [`LOWEST_MAPPED`], since it judges
/// words that may be small numbers.
const LOWEST_PLAUSIBLE: u64 = 1 << 16;
/// More items than any container in 48 bits of addresses can have.
pub(crate) const MAX_ITEMS: u64 = 1 << 44;
/// A run of empty items that ends a container: memory that was never written.
const MAX_EMPTY_RUN: u64 = 1 << 12;

/// Whether an object may lie at an address: aligned to a word, within what a process can have. What follows a
/// container's items in memory, a reference count or an allocator's size, fails this test.
#[inline]
pub(crate) fn may_be_object(address: u64) -> bool {
    address & 7 == 0 && (LOWEST_MAPPED..=ADDRESS_MASK).contains(&address)
}

/// Whether a word may be an item of a container: empty, or the address of an object.
#[inline]
pub(crate) fn is_item(word: u64) -> bool {
    word == 0 || may_be_object(word)
}

/// Whether a word of unknown meaning may lead to an object. Static objects are aligned to a word.
#[inline]
pub(crate) fn is_plausible(word: u64) -> bool {
    (LOWEST_PLAUSIBLE..=ADDRESS_MASK).contains(&word) && word.is_multiple_of(8)
}

/// The same of an object that an allocator gave out: both of CPython's give out multiples of 16.
#[inline]
pub(crate) fn is_plausible_on_heap(word: u64) -> bool {
    (LOWEST_PLAUSIBLE..=ADDRESS_MASK).contains(&word) && word.is_multiple_of(16)
}

/// Visits the items of an array, each with its index, without the empty ones. Ends at the first word that
/// cannot be read or cannot be an item, and after a long run of empty ones.
#[inline]
pub(crate) fn for_each_item<M: Memory + ?Sized>(
    memory: &M,
    first: u64,
    count: u64,
    mut visit: impl FnMut(usize, u64),
) {
    let mut empty = 0;
    for index in 0..count {
        let Some(to) = memory.word(first + index * 8).filter(|&to| is_item(to)) else { break };
        empty = if to == 0 { empty + 1 } else { 0 };
        if empty == MAX_EMPTY_RUN {
            break;
        }
        if to != 0 {
            visit(index as usize, to);
        }
    }
}
