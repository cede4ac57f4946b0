//! Memory that can be read: the process's own, a copy of another's, a made-up image.

/// Little-endian memory with 64-bit addresses. `None` where nothing can be read.
pub trait Memory {
    /// The word at an address.
    fn word(&self, address: u64) -> Option<u64>;

    /// The four bytes at an address.
    fn half(&self, address: u64) -> Option<u32>;

    /// The byte at an address.
    fn byte(&self, address: u64) -> Option<u8>;

    /// The two words at an address that may be no object's, nor in memory at all.
    fn probe(&self, address: u64) -> Option<[u64; 2]> {
        Some([self.word(address)?, self.word(address.checked_add(8)?)?])
    }

    /// Puts `length` bytes into `into`, whose contents they replace. Callers cap the length.
    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()>;
}
