//! C strings, such as the names of types.

use crate::memory::Memory;

/// The bytes of the C string at an address, 200 at most, without its terminating zero; `None` if it cannot be
/// read. Unless it is certain that a string is there, each read is checked: a C type may give any address for
/// its name.
pub(crate) fn c_string(memory: &impl Memory, at: u64, is_certain: bool) -> Option<Vec<u8>> {
    const LONGEST: usize = 200;
    const PIECE: u64 = 64;
    let mut text = Vec::new();
    while is_certain && text.len() < LONGEST {
        match memory.byte(at.checked_add(text.len() as u64)?)? {
            0 => return Some(text),
            byte => text.push(byte),
        }
    }
    while text.len() < LONGEST {
        let from = at.checked_add(text.len() as u64)?;
        let mut piece = [0; PIECE as usize];
        // A piece does not reach into the next page, which may not be mapped.
        let piece = &mut piece[..(PIECE - from % PIECE) as usize];
        if memory.checked(from, piece).is_none() {
            // Memory ends before the string does.
            return (!text.is_empty()).then_some(text);
        }
        if let Some(end) = piece.iter().position(|&byte| byte == 0) {
            text.extend_from_slice(&piece[..end]);
            break;
        }
        text.extend_from_slice(piece);
    }
    text.truncate(LONGEST);
    Some(text)
}
