//! The set of addresses that were met: a bit for each sixteen bytes of the parts of memory in which objects
//! lie.
//!
//! An address becomes an [`AddressId`] of 32 bits: the index of its part of 1 MiB, in the order in which
//! parts were met, and its position in the part. Allocators align objects to sixteen bytes; those of the
//! interpreter that are aligned to eight only have parts of their own. An id takes half the memory of an
//! address, and its rank among all ids, the number of bits set before its own, is found by counting bits.
//!
//! Invariant: an address has one id, and an id one address. Beyond 64 GiB of parts with objects there are no
//! ids left.

use memtop_heap::{Budget, HEADROOM, HeapError, filled, headroom};
use rustc_hash::FxHashMap;

use crate::address::may_be_object;

/// An address, in 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AddressId(pub(crate) u32);

const PART_BITS: u32 = 20;
/// Set in the base of a part whose addresses are aligned to eight bytes only.
const ODD: u64 = 8;
const SLOT_BITS: u32 = 16;
const WORDS: usize = 1 << (SLOT_BITS - 6);
/// The last part is not used: an object id of its highest number would mean none.
const MAX_PARTS: usize = (1 << (32 - SLOT_BITS)) - 1;
const RECENT: usize = 512;

/// See the module's header.
pub(crate) struct AddressIndex {
    /// The parts met lately, by some bits of their number: base and index.
    recent: Vec<(u64, u32)>,
    known: FxHashMap<u64, u32>,
    /// The base of each part.
    parts: Vec<u64>,
    bits: Vec<u64>,
    /// Whether the memory for a part could not be allocated.
    pub(crate) out_of_memory: bool,
}

/// The base of the part of an address.
#[inline]
fn base(address: u64) -> u64 {
    address >> PART_BITS << PART_BITS | address & ODD
}

/// The position of an address in its part.
#[inline]
fn slot(address: u64) -> u32 {
    (address >> 4) as u32 & ((1 << SLOT_BITS) - 1)
}

/// The slot of a part among those met lately.
#[inline]
fn recent(base: u64) -> usize {
    (base >> PART_BITS ^ base & ODD) as usize % RECENT
}

impl AddressIndex {
    pub(crate) fn new() -> Self {
        Self {
            recent: vec![(u64::MAX, 0); RECENT],
            known: FxHashMap::default(),
            parts: Vec::new(),
            bits: Vec::new(),
            out_of_memory: false,
        }
    }

    /// The id of an address; `None` if no object can lie there, or if no ids are left.
    #[inline]
    pub(crate) fn id(&mut self, address: u64) -> Option<AddressId> {
        if !may_be_object(address) {
            return None;
        }
        let base = base(address);
        let part = match self.recent[recent(base)] {
            (recent, part) if recent == base => part,
            _ => self.part(base)?,
        };
        Some(AddressId(part << SLOT_BITS | slot(address)))
    }

    /// The id of an address, if its part was met lately.
    #[inline]
    pub(crate) fn cached_id(&self, address: u64) -> Option<AddressId> {
        let base = base(address);
        let (recent, part) = self.recent[recent(base)];
        (recent == base && may_be_object(address)).then(|| AddressId(part << SLOT_BITS | slot(address)))
    }

    /// The id of an address, if its part was met.
    pub(crate) fn known_id(&self, address: u64) -> Option<AddressId> {
        let part = *self.known.get(&base(address)).filter(|_| may_be_object(address))?;
        Some(AddressId(part << SLOT_BITS | slot(address)))
    }

    #[cold]
    fn part(&mut self, base: u64) -> Option<u32> {
        let part = match self.known.get(&base) {
            Some(&part) => part,
            None if self.parts.len() >= MAX_PARTS => return None,
            None => {
                let part = self.parts.len() as u32;
                self.out_of_memory |= self.reserve_part().is_err();
                if self.out_of_memory {
                    return None;
                }
                self.parts.push(base);
                self.bits.resize(self.bits.len() + WORDS, 0);
                self.known.insert(base, part);
                part
            }
        };
        self.recent[recent(base)] = (base, part);
        Some(part)
    }

    /// Allocates the memory for a part.
    fn reserve_part(&mut self) -> Result<(), HeapError> {
        let mut budget = Budget::default();
        budget.grow(&mut self.parts, 1)?;
        budget.grow(&mut self.bits, WORDS)?;
        self.known.try_reserve(1).map_err(|_| HeapError::OutOfMemory { bytes: 0 })
    }

    /// The address of an id.
    #[inline]
    pub(crate) fn address(&self, id: AddressId) -> u64 {
        let slot = u64::from(id.0) & ((1 << SLOT_BITS) - 1);
        self.parts[(id.0 >> SLOT_BITS) as usize] + (slot << 4)
    }

    /// Adds an id to the set. Returns whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, id: AddressId) -> bool {
        let word = &mut self.bits[(id.0 >> 6) as usize];
        let bit = 1 << (id.0 & 63);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether an id is in the set.
    pub(crate) fn contains(&self, id: AddressId) -> bool {
        self.bits[(id.0 >> 6) as usize] >> (id.0 & 63) & 1 == 1
    }

    /// The set as a map from id to row: the position of the id in `order`, which has each id of the set once.
    ///
    /// # Errors
    /// If the memory for it cannot be allocated.
    pub(crate) fn into_ranks(self, order: &[AddressId]) -> Result<Ranks, HeapError> {
        headroom(HEADROOM)?;
        let mut before = filled(self.bits.len(), 0_u32)?;
        let mut sum = 0_u32;
        for (word, before) in self.bits.iter().zip(&mut before) {
            *before = sum;
            sum += word.count_ones();
        }
        let mut ranks = Ranks { bits: self.bits, before, rows: filled(sum as usize, 0)? };
        for (row, &id) in order.iter().enumerate() {
            let rank = ranks.rank(id);
            ranks.rows[rank] = row as u32;
        }
        Ok(ranks)
    }
}

/// Maps each id of a set to its row.
pub(crate) struct Ranks {
    bits: Vec<u64>,
    before: Vec<u32>,
    rows: Vec<u32>,
}

impl Ranks {
    #[inline]
    fn rank(&self, id: AddressId) -> usize {
        let word = (id.0 >> 6) as usize;
        let below = self.bits[word] & ((1 << (id.0 & 63)) - 1);
        (self.before[word] + below.count_ones()) as usize
    }

    /// The row of an id; `None` if it was not in the set.
    #[inline]
    pub(crate) fn row(&self, id: AddressId) -> Option<usize> {
        let word = *self.bits.get((id.0 >> 6) as usize)?;
        (word >> (id.0 & 63) & 1 == 1).then(|| self.rows[self.rank(id)] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_found_in_the_row_in_which_it_was_met() {
        let mut index = AddressIndex::new();
        let addresses =
            [0x7fff_1234_5678_u64, 0x1010, 0x7fff_1234_5670, 0x5555_0000_0008, 0x1018, 0x7ffe_0000_0000];
        let order: Vec<AddressId> = addresses.iter().map(|&address| index.id(address).unwrap()).collect();
        for (&id, &address) in order.iter().zip(&addresses) {
            assert_eq!(index.address(id), address & !7);
            assert!(index.insert(id));
            assert!(!index.insert(id));
        }
        let absent = index.id(0x1020).unwrap();
        let ranks = index.into_ranks(&order).unwrap();
        for (row, &id) in order.iter().enumerate() {
            assert_eq!(ranks.row(id), Some(row));
        }
        assert_eq!(ranks.row(absent), None);
    }

    #[test]
    fn an_address_that_no_process_can_have_has_no_id() {
        let mut index = AddressIndex::new();
        for address in [0, 8, 0xFF8, 0x7fff_1234_5679, 1 << 48, u64::MAX, u64::MAX - 7] {
            assert_eq!(index.id(address), None, "{address:#x}");
        }
    }
}
