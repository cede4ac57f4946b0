//! The text of a `str`, and whether it is an identifier.
//!
//! Layout: `PyASCIIObject` and its kin (`Include/cpython/unicodeobject.h`), the same in all GIL builds from
//! 3.8 but for the size of the header.

use crate::layout::Layout;
use crate::memory::Memory;

const LENGTH: u64 = 16;
const STATE: u64 = 32;

/// Reads texts into one buffer, so that none is allocated for each.
#[derive(Debug, Default, Clone)]
pub struct Text {
    bytes: Vec<u8>,
    text: String,
}

/// Longer texts are cut; names are shorter.
const LONGEST: u64 = 4096;

impl Text {
    /// The text of the str at an address, cut at 4,096 characters; lone surrogates become U+FFFD.
    pub fn read(&mut self, memory: &impl Memory, layout: &Layout, address: u64) -> Option<&str> {
        let length = memory.word(address + LENGTH)?.min(LONGEST);
        let state = memory.half(address + STATE)?;
        let (kind, compact, ascii) = (state >> 2 & 7, state >> 5 & 1 == 1, state >> 6 & 1 == 1);
        self.text.clear();
        let start = match (compact, ascii) {
            (true, true) => address + layout.ascii_text,
            (true, false) => address + layout.compact_text,
            (false, _) => memory.word(address + layout.compact_text)?,
        };
        let width = match kind {
            1 | 2 | 4 => kind as usize,
            _ => return None,
        };
        memory.bytes(start, length as usize * width, &mut self.bytes)?;
        let unknown = char::REPLACEMENT_CHARACTER;
        match width {
            1 if self.bytes.is_ascii() => self.text.push_str(str::from_utf8(&self.bytes).ok()?),
            1 => self.text.extend(self.bytes.iter().map(|&byte| char::from(byte))),
            2 => self.text.extend(
                self.bytes
                    .chunks_exact(2)
                    .map(|c| char::from_u32(u32::from(u16::from_le_bytes([c[0], c[1]]))).unwrap_or(unknown)),
            ),
            _ => self.text.extend(
                self.bytes
                    .chunks_exact(4)
                    .map(|c| char::from_u32(u32::from_le_bytes([c[0], c[1], c[2], c[3]])).unwrap_or(unknown)),
            ),
        }
        Some(&self.text)
    }

    /// Whether the str at an address is `expected`, which is ASCII.
    pub fn is(memory: &impl Memory, layout: &Layout, address: u64, expected: &str) -> bool {
        if memory.word(address + LENGTH) != Some(expected.len() as u64) {
            return false;
        }
        let mut text = Self::default();
        text.read(memory, layout, address) == Some(expected)
    }
}

/// Whether a text is an identifier. Such keys of small containers may be saved in a file.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::is_identifier;

    #[test]
    fn names_are_identifiers_and_tokens_with_signs_are_not() {
        for name in ["a", "_x", "by_token", "größe", "x1"] {
            assert!(is_identifier(name), "{name}");
        }
        for other in ["", "1a", "tok-17", "a b", "a.b", "a@b"] {
            assert!(!is_identifier(other), "{other}");
        }
    }
}
