//! Whether an object lies at an address, told by what it must look like: for words of objects whose layout nobody
//! knows.
//!
//! An object has a reference count that no freed memory has (a free list's link stands there, or 0), a type whose type
//! leads to `type`, and, where the collector may know it, a head that is empty or in a list.
//!
//! Invariant: nothing but reads that may fail; a type is judged once.

use rustc_hash::FxHashMap;

use crate::decoder::ADDRESS;
use crate::layout::{gc_head, object, type_object};
use crate::memory::Memory;

/// What the check knows of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    NoType,
    Type {
        has_head: bool,
    },
    /// The type of types: those that are not made at run time have no head.
    TypeOfTypes,
}

/// See the module's header.
#[derive(Debug, Default)]
pub(crate) struct Validity {
    types: FxHashMap<u64, Known>,
}

/// `Py_TPFLAGS_READY` and `Py_TPFLAGS_TYPE_SUBCLASS` (`Include/object.h`).
const READY: u64 = 1 << 12;
const TYPE_SUBCLASS: u64 = 1 << 31;
/// No type of types has a longer way to `type`.
const METATYPES: usize = 8;
/// More references than any object has, less than any address.
const MOST_COUNTED: u64 = 1 << 31;
const LARGEST: u64 = 1 << 20;

/// Whether an object may lie there at all: within a process's half of the addresses, and aligned to a word, as static
/// objects are; allocators give out multiples of 16.
#[inline]
pub(crate) fn is_plausible(address: u64) -> bool {
    (1 << 16..=ADDRESS).contains(&address) && address.is_multiple_of(8)
}

impl Validity {
    /// Whether an object lies at `address`, and whether it lives for ever. `tuple` is the type of tuples, by which
    /// `type` is known.
    pub(crate) fn object(
        &mut self,
        memory: &impl Memory,
        minor: u8,
        tuple: u64,
        address: u64,
    ) -> Option<Lifetime> {
        if !is_plausible(address) {
            return None;
        }
        let first = memory.word(address)?;
        let (count, immortal) = match minor {
            // From 3.14 flags stand in the highest bits (`Include/refcount.h`).
            14.. => (first & 0x0000_FFFF_FFFF_FFFF, (first as i32) < 0),
            12.. => (first, (first as i32) < 0),
            _ => (first, false),
        };
        let most = if immortal { u64::from(u32::MAX) } else { MOST_COUNTED };
        if !(1..=most).contains(&count) {
            return None;
        }
        let of = memory.word(address + object::TYPE as u64)?;
        let has_head = match self.type_at(memory, tuple, of)? {
            Known::NoType => return None,
            Known::Type { has_head } => has_head,
            Known::TypeOfTypes => {
                memory.word(address + type_object::FLAGS as u64)? & type_object::HEAP_TYPE != 0
            }
        };
        if has_head && !has_plausible_head(memory, address) {
            return None;
        }
        Some(if immortal { Lifetime::Immortal } else { Lifetime::Counted })
    }

    fn type_at(&mut self, memory: &impl Memory, tuple: u64, of: u64) -> Option<Known> {
        if let Some(&known) = self.types.get(&of) {
            return Some(known);
        }
        if !is_plausible(of) {
            return None;
        }
        let known = judge(memory, tuple, of).unwrap_or(Known::NoType);
        self.types.insert(of, known);
        Some(known)
    }
}

/// How long an object lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as something refers to it.
    Counted,
    /// For ever: its count says nothing.
    Immortal,
}

fn judge(memory: &impl Memory, tuple: u64, of: u64) -> Option<Known> {
    let type_of_types = memory.word(tuple + object::TYPE as u64)?;
    let mut meta = memory.word(of + object::TYPE as u64)?;
    let flags = memory.word(of + type_object::FLAGS as u64)?;
    for _ in 0..METATYPES {
        if meta == type_of_types {
            let basic = memory.word(of + type_object::BASIC_SIZE as u64)?;
            let is_type = flags & READY != 0 && (16..LARGEST).contains(&basic);
            return Some(match is_type {
                false => Known::NoType,
                true if flags & TYPE_SUBCLASS != 0 => Known::TypeOfTypes,
                true => Known::Type { has_head: flags & type_object::HAVE_GC != 0 },
            });
        }
        if !is_plausible(meta) || memory.word(meta + type_object::FLAGS as u64)? & TYPE_SUBCLASS == 0 {
            return None;
        }
        meta = memory.word(meta + object::TYPE as u64)?;
    }
    None
}

/// Whether the collector's head before an object is empty, or leads to another. While the collector is at work the way
/// back is no way, so that one of both is enough.
fn has_plausible_head(memory: &impl Memory, object: u64) -> bool {
    let head = object - gc_head::SIZE as u64;
    let mask = gc_head::MASK as u64;
    let Some(next) = memory.word(head + gc_head::NEXT as u64) else { return false };
    if next == 0 {
        return true;
    }
    let next = next & mask;
    is_plausible(next)
        && memory.word(next + gc_head::NEXT as u64).is_some_and(|after| is_plausible(after & mask))
}
