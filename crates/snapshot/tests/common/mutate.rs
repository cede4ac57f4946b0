//! Changes snapshots as a fuzzer does.
//!
//! A change of plain bytes mostly ends at a checksum. So half of the changes go into a page as it is unpacked, which
//! is packed again and gets a right header: those reach the decoders of levels, numbers and texts.

use super::common::Chance;

/// One of `seeds`, changed in one to four places, or mixed with another.
pub(crate) fn mutate(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        if chance.below(2) == 0 {
            bytes = change_page(&bytes, chance).unwrap_or(bytes);
        } else {
            change(&mut bytes, chance);
        }
    }
    if chance.below(20) == 0 {
        let other = &seeds[chance.below(seeds.len())];
        let (here, there) = (chance.below(bytes.len() + 1), chance.below(other.len() + 1));
        bytes.truncate(here);
        bytes.extend_from_slice(&other[there..]);
    }
    bytes
}

/// Changes some bytes in place, or puts in or takes out a few.
fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
    const EXTREMES: [&[u8]; 6] = [
        &[0xFF; 4],
        &[0xFF, 0xFF, 0xFF, 0x7F],
        &[0xFE, 0xFF, 0xFF, 0xFF, 0x0F],
        &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        &[0; 8],
        &[0x80; 8],
    ];
    if bytes.is_empty() {
        return;
    }
    // The end holds the metadata, where each byte counts.
    let near_end = chance.below(3) == 0;
    let start = if near_end { bytes.len() - bytes.len().min(6000) } else { 0 };
    let place = start + chance.below(bytes.len() - start);
    let length = chance.below(16).min(bytes.len() - place);
    match chance.below(6) {
        0 => bytes[place] ^= 1 << chance.below(8),
        1 => bytes[place] = chance.next() as u8,
        2 => {
            let extreme = EXTREMES[chance.below(EXTREMES.len())];
            let length = extreme.len().min(bytes.len() - place);
            bytes[place..place + length].copy_from_slice(&extreme[..length]);
        }
        3 => drop(bytes.drain(place..place + length)),
        4 => {
            let copied = bytes[place..place + length].to_vec();
            let to = chance.below(bytes.len() + 1);
            bytes.splice(to..to, copied);
        }
        _ => bytes[place] = bytes[place].wrapping_add(if chance.below(2) == 0 { 1 } else { 0xFF }),
    }
}

/// Changes a page inside, and packs it again in the same room, if it fits there.
///
/// Pages are found by the first bytes of what zstd packs. The header before one keeps its length: its numbers are
/// padded, as the protocol allows.
fn change_page(bytes: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    let pages: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, four)| *four == MAGIC).map(|(at, _)| at).collect();
    let start = *pages.get(chance.below(pages.len()))?;
    let length = zstd::zstd_safe::find_frame_compressed_size(&bytes[start..]).ok()?;
    let mut page = zstd::bulk::decompress(&bytes[start..start + length], 1 << 24).ok()?;
    change(&mut page, chance);
    let packed = zstd::bulk::compress(&page, 19).ok()?;
    // The fields of a header that come before those of its page, as the writer has them.
    let head = bytes[..start].windows(2).rposition(|two| two[0] == 0x15 && (two[1] == 0 || two[1] == 4))?;
    let mut header = bytes[head..start].to_vec();
    let fields = fields(&header)?;
    // What the page no longer needs of its room becomes a frame that zstd skips; that takes eight bytes or none.
    let left = length.checked_sub(packed.len()).filter(|left| *left == 0 || *left >= 8)?;
    let mut room = packed;
    if left > 0 {
        room.extend([0x50, 0x2A, 0x4D, 0x18]);
        room.extend((left as u32 - 8).to_le_bytes());
        room.resize(length, 0);
    }
    let sum = crc32fast::hash(&room).cast_signed();
    for (field, value) in [(1, page.len() as i32), (3, sum)] {
        let (place, room) = fields[field];
        write_padded(&mut header[place..place + room], value)?;
    }
    let mut changed = bytes[..head].to_vec();
    changed.extend_from_slice(&header);
    changed.extend_from_slice(&room);
    changed.extend_from_slice(&bytes[start + length..]);
    Some(changed)
}

/// Where the first four fields of a page's header have their numbers, and how long those are.
fn fields(header: &[u8]) -> Option<[(usize, usize); 4]> {
    let mut found = [(0, 0); 4];
    let mut at = 0;
    for field in &mut found {
        if *header.get(at)? != 0x15 {
            return None;
        }
        let room = header[at + 1..].iter().position(|byte| *byte < 0x80)? + 1;
        *field = (at + 1, room);
        at += 1 + room;
    }
    Some(found)
}

/// A zigzag number in just so many bytes.
fn write_padded(room: &mut [u8], value: i32) -> Option<()> {
    let mut rest = (value << 1 ^ value >> 31).cast_unsigned();
    let last = room.len() - 1;
    for (index, byte) in room.iter_mut().enumerate() {
        *byte = rest as u8 & 0x7F | if index < last { 0x80 } else { 0 };
        rest >>= 7;
    }
    (rest == 0).then_some(())
}
