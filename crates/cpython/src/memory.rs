//! Readable memory: the process's own, a copy of another process's, a synthetic image.

use std::cell::RefCell;

/// Little-endian memory with 64-bit addresses. A read returns `None` if the address cannot be read.
pub trait Memory {
    /// The word at an address.
    fn word(&self, address: u64) -> Option<u64>;

    /// The four bytes at an address.
    fn half(&self, address: u64) -> Option<u32>;

    /// The byte at an address.
    fn byte(&self, address: u64) -> Option<u8>;

    /// Fills `into` with the bytes at an address that may not be mapped.
    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        for (offset, byte) in (0..).zip(into) {
            *byte = self.byte(address.checked_add(offset)?)?;
        }
        Some(())
    }

    /// Replaces the contents of `into` by `length` bytes. Callers cap the length.
    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()>;
}

/// The same memory with every read checked, for what is reached through a guess. It caches some pages, so
/// that objects side by side cost one check together.
pub struct Checked<'m, M> {
    memory: &'m M,
    /// The number and the bytes of each page, by some bits of its number. Empty before the first read.
    pages: RefCell<Vec<Option<Page>>>,
}

type Page = (u64, Box<[u8; PAGE]>);

const PAGE: usize = 4096;
const PAGES: usize = 64;

impl<'m, M: Memory> Checked<'m, M> {
    /// Checks each read of `memory`.
    pub fn new(memory: &'m M) -> Self {
        Self { memory, pages: RefCell::new(Vec::new()) }
    }

    /// The bytes at an address.
    fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        let (number, offset) = (address / PAGE as u64, (address % PAGE as u64) as usize);
        if offset + N > PAGE {
            self.memory.checked(address, &mut bytes)?;
            return Some(bytes);
        }
        let mut pages = self.pages.borrow_mut();
        if pages.is_empty() {
            pages.resize(PAGES, None);
        }
        let page = &mut pages[number as usize % PAGES];
        if page.as_ref().is_none_or(|&(known, _)| known != number) {
            let (_, mut bytes) = page.take().unwrap_or_else(|| (number, Box::new([0; PAGE])));
            self.memory.checked(number * PAGE as u64, &mut bytes[..])?;
            *page = Some((number, bytes));
        }
        bytes.copy_from_slice(&page.as_ref()?.1[offset..offset + N]);
        Some(bytes)
    }
}

impl<M: Memory> Memory for Checked<'_, M> {
    fn word(&self, address: u64) -> Option<u64> {
        self.read(address).map(u64::from_le_bytes)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.read(address).map(u32::from_le_bytes)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.read(address).map(u8::from_le_bytes)
    }

    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        self.memory.checked(address, into)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        into.resize(length, 0);
        self.memory.checked(address, into)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Two pages that hold their own offsets and allow checked reads only.
    struct TwoPages {
        checks: Cell<usize>,
    }

    const START: u64 = 0x10_0000;

    impl Memory for TwoPages {
        fn word(&self, _: u64) -> Option<u64> {
            panic!("an unchecked read")
        }

        fn half(&self, _: u64) -> Option<u32> {
            panic!("an unchecked read")
        }

        fn byte(&self, _: u64) -> Option<u8> {
            panic!("an unchecked read")
        }

        fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
            self.checks.set(self.checks.get() + 1);
            let first = address.checked_sub(START)?;
            for (offset, byte) in (first..).zip(into) {
                *byte = (offset < 2 * PAGE as u64).then_some(offset as u8)?;
            }
            Some(())
        }

        fn bytes(&self, _: u64, _: usize, _: &mut Vec<u8>) -> Option<()> {
            panic!("an unchecked read")
        }
    }

    #[test]
    fn every_read_is_checked_and_a_page_only_once() {
        let memory = TwoPages { checks: Cell::new(0) };
        let checked = Checked::new(&memory);
        assert_eq!(checked.word(START), Some(0x0706_0504_0302_0100));
        assert_eq!((checked.half(START + 1), checked.byte(START + 0x42)), (Some(0x0403_0201), Some(0x42)));
        assert_eq!(memory.checks.get(), 1);
        assert_eq!(checked.word(START + PAGE as u64 - 4), Some(0x0302_0100_FFFE_FDFC), "across two pages");
        assert_eq!(checked.byte(START + PAGE as u64), Some(0));
        let mut bytes = Vec::new();
        assert_eq!(checked.bytes(START + 2, 3, &mut bytes), Some(()));
        assert_eq!(bytes, [2, 3, 4]);
    }

    #[test]
    fn unmapped_memory_is_none() {
        let memory = TwoPages { checks: Cell::new(0) };
        let checked = Checked::new(&memory);
        assert_eq!((checked.word(8), checked.byte(START - 1)), (None, None));
        assert_eq!(checked.word(START + 2 * PAGE as u64 - 4), None, "its end is not mapped");
        assert_eq!(checked.bytes(START, 3 * PAGE, &mut Vec::new()), None);
    }
}
