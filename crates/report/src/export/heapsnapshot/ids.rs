//! The numbers by which DevTools compares two snapshots: small, and for an object mostly the same in each.
//!
//! An object's number follows from its address, which does not change while it lives: DevTools' comparison matches
//! objects of one class by number. An address is too long for it, so it is hashed; of two with the same hash, the later
//! takes the next free number, and may therefore have another number in another snapshot. An object at the former
//! address of another object of its class counts as that one.
//!
//! Invariant: no number is given twice. Memory: 32 MB.

/// The number of bits of a place.
const BITS: u32 = 28;

/// The numbers that are in use.
pub(super) struct Ids {
    taken: Vec<u64>,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self { taken: vec![0; 1 << (BITS - 6)] }
    }

    /// The number of an object, odd as are V8's. There must be fewer than 2^28.
    pub(super) fn of_address(&mut self, address: u64) -> u64 {
        // Objects are 16 bytes apart. The multiplier is 2^64 by the golden ratio, made odd.
        let hash = (address >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS);
        let mut place = hash as usize;
        loop {
            let (word, bit) = (place / 64, 1_u64 << (place % 64));
            if self.taken[word] & bit == 0 {
                self.taken[word] |= bit;
                return 2 * place as u64 + 1;
            }
            place = (place + 1) % (1 << BITS);
        }
    }

    /// The number of a node that is not an object, even.
    pub(super) fn of_place(place: usize) -> u64 {
        2 * place as u64 + 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_follows_from_the_address_and_is_given_once() {
        let addresses: Vec<u64> = (0..200_000).map(|index| 0x7f00_0000_0000 + 48 * index).collect();
        let mut ids = Ids::new();
        let given: Vec<u64> = addresses.iter().map(|&address| ids.of_address(address)).collect();
        let mut once = given.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), given.len());
        assert!(given.iter().all(|id| id % 2 == 1 && *id < 1 << 30));
        // Half of the objects are gone, and others are there.
        let mut ids = Ids::new();
        for &address in &addresses[..1000] {
            ids.of_address(address + 16);
        }
        let same = addresses.iter().zip(&given).skip(100_000).filter(|&(&a, &id)| ids.of_address(a) == id);
        assert!(same.count() > 99_000);
        let one = [0x10; 3].map(|address| ids.of_address(address));
        assert!(one[0] != one[1] && one[1] != one[2]);
    }
}
