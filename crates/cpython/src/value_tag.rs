//! Tags of immutable values: four bits that differ, most of the time, between a new value and an old one at
//! the same address.
//!
//! An address alone does not identify an object, since allocators give freed memory out again, often in the
//! same order. Values seldom come back in that order too. A tag is keyed with a hash that only the process
//! knows, and is too short to identify a value: its contents cannot be read from it.

use crate::decoder::Decoder;
use crate::layout::object;
use crate::memory::Memory;
use crate::objects::definition::TagSource;

/// The length, in bytes, up to which the end of a value is tagged beside its beginning.
const LONGEST_WITH_END: u64 = 64;
const TEXT_STATE: u64 = 32;
/// `PyASCIIObject.hash`, which is keyed with the interpreter's secret.
const TEXT_HASH: u64 = 24;

impl<M: Memory> Decoder<'_, M> {
    /// The key of this process's tags: the hash of a str that is a key of `sys.modules` in every process.
    pub(crate) fn secret(&self, modules: u64) -> u64 {
        let key = self.key_called(modules, "sys");
        key.and_then(|key| self.memory.word(key + TEXT_HASH)).unwrap_or(0)
    }

    /// The tag of the value at an address; 0 if it has none.
    #[inline]
    pub(crate) fn tag(&self, at: u64, source: TagSource, secret: u64) -> u8 {
        let (first, second) = match source {
            TagSource::None => return 0,
            TagSource::Float => (self.memory.word(at + 16), Some(0)),
            TagSource::Int => {
                let tag = self.memory.word(at + object::SIZE as u64);
                (tag, self.memory.half(at + 24).map(u64::from))
            }
            TagSource::Bytes => {
                let length = self.memory.word(at + object::SIZE as u64).unwrap_or(0);
                self.ends(at + 32, length)
            }
            TagSource::Text => {
                let length = self.memory.word(at + object::SIZE as u64).unwrap_or(0);
                let state = self.memory.half(at + TEXT_STATE).unwrap_or(0);
                let (width, compact, ascii) = (state >> 2 & 7, state >> 5 & 1, state >> 6 & 1);
                if compact == 0 {
                    return 0;
                }
                let header = if ascii == 1 { self.layout.ascii_text } else { self.layout.compact_text };
                self.ends(at + header, length.saturating_mul(u64::from(width)))
            }
        };
        let (Some(first), Some(second)) = (first, second) else { return 0 };
        // Multiplication by an odd number, folded: D. E. Knuth, The Art of Computer Programming 3, 6.4.
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let mixed = (first ^ secret).wrapping_mul(ODD).rotate_left(31) ^ second;
        let mixed = mixed.wrapping_mul(ODD);
        1 + ((mixed >> 32) % 15) as u8
    }

    /// The first and the last eight bytes of `length` bytes.
    #[inline]
    fn ends(&self, start: u64, length: u64) -> (Option<u64>, Option<u64>) {
        // A zero follows each value, and the value's own memory reaches to the end of the word.
        let cut = |word: u64, bytes: u64| if bytes >= 8 { word } else { word & ((1 << (8 * bytes)) - 1) };
        let first = self.memory.word(start).map(|word| cut(word, length));
        let last = match length {
            0..=8 => Some(length),
            9..=LONGEST_WITH_END => self.memory.word(start + length - 8),
            _ => Some(length),
        };
        (first, last)
    }
}
