//! Marks of immutable values: four bits by which a new value at the address of an old one is recognised.
//!
//! An address alone says little of which object it is, since allocators give freed memory out again, often in the same
//! order. The values that objects hold seldom come back in that order too. A mark is keyed with a hash that only the
//! process knows, and is too short to tell a value by: nothing of what a value says can be read from it.

use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::layout::object;
use crate::memory::Memory;

/// What of a type's objects is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagSource {
    /// Nothing.
    None,
    /// The digits of an int (`Include/cpython/longintrepr.h`).
    Int,
    /// The bits of a float (`Include/cpython/floatobject.h`).
    Float,
    /// The bytes of a bytes object (`Include/cpython/bytesobject.h`).
    Bytes,
    /// The characters of a str (`Include/cpython/unicodeobject.h`).
    Text,
}

impl TagSource {
    /// Of the objects of a C type.
    pub(crate) fn of(c_type: Option<CType>) -> Self {
        match c_type.map(CType::name) {
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("bytes") => Self::Bytes,
            Some("str") => Self::Text,
            _ => Self::None,
        }
    }
}

/// The first bytes of a value are looked at, and, of one that is not longer than this, the last ones.
const NEAR: u64 = 64;
const TEXT_STATE: u64 = 32;
/// Where the hash of a str stands, which is keyed with the interpreter's secret.
const TEXT_HASH: u64 = 24;

impl<M: Memory> Decoder<'_, M> {
    /// What the marks of this process are keyed with: the hash of a text that is a key of `sys.modules` in each.
    pub(crate) fn secret(&self, modules: u64) -> u64 {
        let key = self.key_called(modules, "sys");
        key.and_then(|key| self.memory.word(key + TEXT_HASH)).unwrap_or(0)
    }

    /// The mark of the value at an address; 0 for one that has none.
    #[inline]
    pub(crate) fn mark(&self, at: u64, marked: TagSource, secret: u64) -> u8 {
        let (first, second) = match marked {
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
        // A value of Python has a zero behind it, and ends at a word's end or before one that is its own.
        let cut = |word: u64, bytes: u64| if bytes >= 8 { word } else { word & ((1 << (8 * bytes)) - 1) };
        let first = self.memory.word(start).map(|word| cut(word, length));
        let last = match length {
            0..=8 => Some(length),
            9..=NEAR => self.memory.word(start + length - 8),
            _ => Some(length),
        };
        (first, last)
    }
}
