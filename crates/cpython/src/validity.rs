//! Judges whether an object lies at an address, by what an object must look like. Used for words of unknown
//! meaning.
//!
//! An object has a reference count that freed memory does not have (which begins with a free list's link, or
//! 0), a type whose own type derives from `type`, and, if the collector may know it, a head that is empty or
//! in a list.
//!
//! Invariant: every read may fail; a type is judged once.

use rustc_hash::FxHashMap;

use crate::address::is_plausible;
use crate::layout::{gc_head, object, type_object};
use crate::memory::Memory;
use crate::scan_plan::LARGEST_STRUCT;

/// The judgement of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    NoType,
    Type {
        has_head: bool,
    },
    /// A metatype: static types have no head.
    TypeOfTypes,
}

/// See the module's header.
#[derive(Debug, Default)]
pub(crate) struct Validity {
    types: FxHashMap<u64, Judged>,
}

/// `Py_TPFLAGS_READY` and `Py_TPFLAGS_TYPE_SUBCLASS` (`Include/object.h`).
const READY: u64 = 1 << 12;
const TYPE_SUBCLASS: u64 = 1 << 31;
/// The longest way from a metatype to `type`.
const MAX_METATYPES: usize = 8;
/// More references than any object has, and less than any address.
const MAX_COUNT: u64 = 1 << 31;

impl Validity {
    /// How long the object at an address lives; `None` if no object lies there. `tuple` is the type of
    /// tuples, whose own type is `type`.
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
            // From 3.14 the highest bits are flags (`Include/refcount.h`).
            14.. => (first & 0x0000_FFFF_FFFF_FFFF, (first as i32) < 0),
            12.. => (first, (first as i32) < 0),
            _ => (first, false),
        };
        let most = if immortal { u64::from(u32::MAX) } else { MAX_COUNT };
        if !(1..=most).contains(&count) {
            return None;
        }
        let of = memory.word(address + object::TYPE as u64)?;
        let has_head = match self.type_at(memory, tuple, of)? {
            Judged::NoType => return None,
            Judged::Type { has_head } => has_head,
            Judged::TypeOfTypes => {
                memory.word(address + type_object::FLAGS as u64)? & type_object::HEAP_TYPE != 0
            }
        };
        if has_head && !has_plausible_head(memory, address) {
            return None;
        }
        Some(if immortal { Lifetime::Immortal } else { Lifetime::Counted })
    }

    fn type_at(&mut self, memory: &impl Memory, tuple: u64, of: u64) -> Option<Judged> {
        if let Some(&known) = self.types.get(&of) {
            return Some(known);
        }
        if !is_plausible(of) {
            return None;
        }
        let known = judge(memory, tuple, of).unwrap_or(Judged::NoType);
        self.types.insert(of, known);
        Some(known)
    }
}

/// How long an object lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as something refers to it.
    Counted,
    /// For ever: its count means nothing.
    Immortal,
}

fn judge(memory: &impl Memory, tuple: u64, of: u64) -> Option<Judged> {
    let type_of_types = memory.word(tuple + object::TYPE as u64)?;
    let mut meta = memory.word(of + object::TYPE as u64)?;
    let flags = memory.word(of + type_object::FLAGS as u64)?;
    for _ in 0..MAX_METATYPES {
        if meta == type_of_types {
            let basic = memory.word(of + type_object::BASIC_SIZE as u64)?;
            let is_type = flags & READY != 0 && (16..LARGEST_STRUCT).contains(&basic);
            return Some(match is_type {
                false => Judged::NoType,
                true if flags & TYPE_SUBCLASS != 0 => Judged::TypeOfTypes,
                true => Judged::Type { has_head: flags & type_object::HAVE_GC != 0 },
            });
        }
        if !is_plausible(meta) || memory.word(meta + type_object::FLAGS as u64)? & TYPE_SUBCLASS == 0 {
            return None;
        }
        meta = memory.word(meta + object::TYPE as u64)?;
    }
    None
}

/// Whether the collector's head before an object is empty or leads to another. The link back is not checked:
/// while the collector runs, it holds a reference count.
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
