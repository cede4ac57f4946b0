//! Which addresses were met: a bit for each sixteen bytes of the parts of memory in which objects lie.
//!
//! An address becomes a [`AddressId`] of 32 bits: which part of 1 MiB, in the order in which the parts were met, and where
//! in it. Allocators align objects to sixteen bytes; those of the interpreter that are aligned to eight alone are in
//! parts of their own. That is half the size of an address, and it is found again among all places by counting bits: the number of a
//! place is how many bits are set before its own.
//!
//! Invariant: an address has one place, and a place one address. Past 64 GiB of parts with objects there are none left.

use memtop_heap::{Budget, HEADROOM, HeapError, filled, headroom};
use rustc_hash::FxHashMap;

use crate::decoder::may_be_object;

/// An address, in 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AddressId(pub(crate) u32);

const PART_BITS: u32 = 20;
/// Marks the parts of addresses that are aligned to eight bytes alone.
const ODD: u64 = 8;
const SLOT_BITS: u32 = 16;
const POOL_BITS: u32 = 14;
const WORDS: usize = 1 << (SLOT_BITS - 6);
/// The last place is not given out, since a handle of that number would mean none.
const MOST_PARTS: usize = (1 << (32 - SLOT_BITS)) - 1;
const RECENT: usize = 512;

/// See the module's header.
pub(crate) struct AddressIndex {
    /// By some bits of the part's number: the parts met lately.
    recent: Vec<(u64, u32)>,
    known: FxHashMap<u64, u32>,
    /// Where the parts begin.
    parts: Vec<u64>,
    bits: Vec<u64>,
    /// By part: a bit for each 16 KiB in which small objects lie.
    pools: Vec<u64>,
    /// Whether there was no memory for a part.
    pub(crate) starved: bool,
}

/// Where the part of an address begins.
#[inline]
fn base(address: u64) -> u64 {
    address >> PART_BITS << PART_BITS | address & ODD
}

/// Where in its part an address is.
#[inline]
fn slot(address: u64) -> u32 {
    (address >> 4) as u32 & ((1 << SLOT_BITS) - 1)
}

/// Where a part is remembered.
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
            pools: Vec::new(),
            starved: false,
        }
    }

    /// The place of an address; none if there is none left, or if the address is no object's.
    #[inline]
    pub(crate) fn place(&mut self, address: u64) -> Option<AddressId> {
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

    /// The place of an address in a part that was met lately.
    #[inline]
    pub(crate) fn cached_id(&self, address: u64) -> Option<AddressId> {
        let base = base(address);
        let (recent, part) = self.recent[recent(base)];
        (recent == base && may_be_object(address)).then(|| AddressId(part << SLOT_BITS | slot(address)))
    }

    /// The place of an address in a part that was met.
    pub(crate) fn place_if_known(&self, address: u64) -> Option<AddressId> {
        let part = *self.known.get(&base(address)).filter(|_| may_be_object(address))?;
        Some(AddressId(part << SLOT_BITS | slot(address)))
    }

    #[cold]
    fn part(&mut self, base: u64) -> Option<u32> {
        let part = match self.known.get(&base) {
            Some(&part) => part,
            None if self.parts.len() >= MOST_PARTS => return None,
            None => {
                let part = self.parts.len() as u32;
                self.starved |= self.make_room().is_err();
                if self.starved {
                    return None;
                }
                self.parts.push(base);
                self.pools.push(0);
                self.bits.resize(self.bits.len() + WORDS, 0);
                self.known.insert(base, part);
                part
            }
        };
        self.recent[recent(base)] = (base, part);
        Some(part)
    }

    /// Makes room for a part.
    fn make_room(&mut self) -> Result<(), HeapError> {
        let mut budget = Budget::default();
        budget.grow(&mut self.parts, 1)?;
        budget.grow(&mut self.pools, 1)?;
        budget.grow(&mut self.bits, WORDS)?;
        self.known.try_reserve(1).map_err(|_| HeapError::OutOfMemory { bytes: 0 })
    }

    /// The address of a place.
    #[inline]
    pub(crate) fn address(&self, place: AddressId) -> u64 {
        let slot = u64::from(place.0) & ((1 << SLOT_BITS) - 1);
        self.parts[(place.0 >> SLOT_BITS) as usize] + (slot << 4)
    }

    /// Marks a place; whether it was not marked yet.
    #[inline]
    pub(crate) fn mark(&mut self, place: AddressId) -> bool {
        let word = &mut self.bits[(place.0 >> 6) as usize];
        let bit = 1 << (place.0 & 63);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Says that a small object lies at a place.
    #[inline]
    pub(crate) fn mark_small(&mut self, place: AddressId) {
        self.pools[(place.0 >> SLOT_BITS) as usize] |= 1 << (place.0 >> (POOL_BITS - 4) & 63);
    }

    /// The addresses of the pieces of 16 KiB in which small objects lie.
    pub(crate) fn pools(&self) -> impl Iterator<Item = u64> + '_ {
        self.parts.iter().zip(&self.pools).flat_map(|(&part, &pools)| {
            (0..64_u64)
                .filter(move |&index| pools >> index & 1 == 1)
                .map(move |index| (part & !ODD) + (index << POOL_BITS))
        })
    }

    /// Whether a place is marked.
    pub(crate) fn is_marked(&self, place: AddressId) -> bool {
        self.bits[(place.0 >> 6) as usize] >> (place.0 & 63) & 1 == 1
    }

    /// Finds the marked places again: `order` has each of them once, and its own place in `order` is what is found.
    ///
    /// # Errors
    /// If the memory for it cannot be had.
    pub(crate) fn finder(self, order: &[AddressId]) -> Result<Ranks, HeapError> {
        headroom(HEADROOM)?;
        let mut before = filled(self.bits.len(), 0_u32)?;
        let mut sum = 0_u32;
        for (word, before) in self.bits.iter().zip(&mut before) {
            *before = sum;
            sum += word.count_ones();
        }
        let mut finder = Ranks { bits: self.bits, before, rows: filled(sum as usize, 0)? };
        for (row, &place) in order.iter().enumerate() {
            let rank = finder.rank(place);
            finder.rows[rank] = row as u32;
        }
        Ok(finder)
    }
}

/// Gives the row of each place.
pub(crate) struct Ranks {
    bits: Vec<u64>,
    before: Vec<u32>,
    rows: Vec<u32>,
}

impl Ranks {
    #[inline]
    fn rank(&self, place: AddressId) -> usize {
        let word = (place.0 >> 6) as usize;
        let below = self.bits[word] & ((1 << (place.0 & 63)) - 1);
        (self.before[word] + below.count_ones()) as usize
    }

    /// The row of a place, if it was marked.
    #[inline]
    pub(crate) fn row(&self, place: AddressId) -> Option<usize> {
        let word = *self.bits.get((place.0 >> 6) as usize)?;
        (word >> (place.0 & 63) & 1 == 1).then(|| self.rows[self.rank(place)] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_in_the_row_in_which_it_was_met() {
        let mut places = AddressIndex::new();
        let addresses =
            [0x7fff_1234_5678_u64, 0x1010, 0x7fff_1234_5670, 0x5555_0000_0008, 0x1018, 0x7ffe_0000_0000];
        let order: Vec<AddressId> = addresses.iter().map(|&address| places.place(address).unwrap()).collect();
        for (&place, &address) in order.iter().zip(&addresses) {
            assert_eq!(places.address(place), address & !7);
            assert!(places.mark(place));
            assert!(!places.mark(place));
        }
        let unmarked = places.place(0x1020).unwrap();
        let finder = places.finder(&order).unwrap();
        for (row, &place) in order.iter().enumerate() {
            assert_eq!(finder.row(place), Some(row));
        }
        assert_eq!(finder.row(unmarked), None);
    }

    #[test]
    fn what_no_process_can_have_has_no_place() {
        let mut places = AddressIndex::new();
        for address in [0, 8, 0xFF8, 0x7fff_1234_5679, 1 << 48, u64::MAX, u64::MAX - 7] {
            assert_eq!(places.place(address), None, "{address:#x}");
        }
    }
}
