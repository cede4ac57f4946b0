//! The program headers of an ELF file: where its segments are mapped (`elf(5)`).

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::elf::{
    DT_FINI_ARRAYSZ, DT_FLAGS, DT_FLAGS_1, DT_INIT_ARRAYSZ, DT_NEEDED, DT_PLTREL, DT_PLTRELSZ, DT_RELACOUNT,
    DT_RELAENT, DT_RELASZ, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_SYMENT, DT_VERDEFNUM, DT_VERNEEDNUM, PF_W,
    PF_X, PT_DYNAMIC, PT_LOAD,
};

use crate::maps::Region;

/// Sizes of structs, in bytes.
pub(crate) const FILE_HEADER: usize = 64;
pub(crate) const PROGRAM_HEADER: usize = 56;
/// The most segments that are read. No file has as many.
pub(crate) const MOST_LOADS: usize = 64;

/// A segment of the file that is mapped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) in_file: u64,
    pub(crate) writable: bool,
    pub(crate) executable: bool,
}

impl Load {
    /// The segment that a program header describes.
    pub(crate) fn of(header: &[u8]) -> Option<Self> {
        let flags = half(header, 4)?;
        Some(Self {
            offset: word(header, 8)?,
            address: word(header, 16)?,
            in_file: word(header, 32)?,
            writable: flags & PF_W != 0,
            executable: flags & PF_X != 0,
        })
    }
}

pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

pub(crate) fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The segments of an ELF file, and its dynamic section: offset, address and size.
pub(crate) struct ElfHeaders {
    loads: Vec<Load>,
    dynamic: Option<(u64, u64, u64)>,
}

impl ElfHeaders {
    /// Reads the headers of a 64-bit ELF file; `None` for any other file.
    pub(crate) fn of(file: &File) -> Option<Self> {
        let mut head = [0; FILE_HEADER];
        file.read_exact_at(&mut head, 0).ok()?;
        if head[..6] != *b"\x7fELF\x02\x01" {
            return None;
        }
        let count = usize::from(u16::from_le_bytes([head[56], head[57]])).min(MOST_LOADS);
        let mut headers = vec![0; count * PROGRAM_HEADER];
        file.read_exact_at(&mut headers, word(&head, 32)?).ok()?;
        let (mut loads, mut dynamic) = (Vec::new(), None);
        for header in headers.chunks_exact(PROGRAM_HEADER) {
            match half(header, 0)? {
                PT_LOAD => loads.push(Load::of(header)?),
                PT_DYNAMIC => dynamic = Some((word(header, 8)?, word(header, 16)?, word(header, 32)?)),
                _ => {}
            }
        }
        (!loads.is_empty()).then_some(Self { loads, dynamic })
    }

    /// The distance between the file's addresses and the mapped ones, if it is the same for all the
    /// mappings and each of them is in a segment.
    pub(crate) fn bias<'r>(&self, mapped: impl Iterator<Item = &'r Region>) -> Option<u64> {
        const PAGE: u64 = 4096;
        let mut all = None;
        for region in mapped {
            let mut fitting = self.loads.iter().filter_map(|load| {
                let begins = load.offset & !(PAGE - 1);
                let ends = load.offset.checked_add(load.in_file)?.checked_next_multiple_of(PAGE)?;
                let is_inside = (begins..ends).contains(&region.offset);
                let address = load.address.wrapping_sub(load.offset).wrapping_add(region.offset);
                is_inside.then(|| region.start.wrapping_sub(address))
            });
            // A page in which one segment ends and the next begins may belong to either.
            let bias = match all {
                None => fitting.next()?,
                Some(bias) => fitting.find(|&other| other == bias)?,
            };
            all = Some(bias);
        }
        all
    }

    /// Whether the dynamic section in memory is the same as in the file. `memory` reads a word at
    /// one of the file's addresses. The loader changes addresses in the section, but neither tags
    /// nor sizes and flags.
    pub(crate) fn has_same_dynamic(&self, file: &File, memory: impl Fn(u64) -> Option<u64>) -> bool {
        const LARGEST: u64 = 1 << 14;
        const FEWEST: usize = 8;
        let Some((offset, address, length)) = self.dynamic.filter(|dynamic| dynamic.2 <= LARGEST) else {
            return false;
        };
        let mut table = vec![0; length as usize];
        if file.read_exact_at(&mut table, offset).is_err() {
            return false;
        }
        let mut compared = 0;
        for (offset, entry) in (0..).step_by(16).zip(table.chunks_exact(16)) {
            let (Some(tag), Some(value)) = (word(entry, 0), word(entry, 8)) else { return false };
            let at = address.wrapping_add(offset);
            if memory(at) != Some(tag) {
                return false;
            }
            if tag == 0 {
                break;
            }
            compared += 1;
            if is_number(tag.cast_signed()) && memory(at.wrapping_add(8)) != Some(value) {
                return false;
            }
        }
        compared >= FEWEST
    }
}

/// Whether the value of an entry in the dynamic section is a number. The loader does not change
/// those.
fn is_number(tag: i64) -> bool {
    matches!(
        tag,
        DT_NEEDED
            | DT_PLTRELSZ
            | DT_RELASZ
            | DT_RELAENT
            | DT_STRSZ
            | DT_SYMENT
            | DT_SONAME
            | DT_PLTREL
            | DT_INIT_ARRAYSZ
            | DT_FINI_ARRAYSZ
            | DT_RUNPATH
            | DT_FLAGS
            | DT_FLAGS_1
            | DT_VERNEEDNUM
            | DT_VERDEFNUM
            | DT_RELACOUNT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_matches_mappings_that_are_all_moved_by_the_same_distance() {
        let load =
            |offset, address, in_file| Load { offset, address, in_file, writable: false, executable: false };
        let loads = vec![load(0, 0, 0x1800), load(0x1800, 0x2800, 0x1000)];
        let headers = ElfHeaders { loads, dynamic: None };
        let region = |start, offset| Region {
            start,
            end: start + 0x1000,
            readable: true,
            offset,
            inode: 1,
            ..Region::default()
        };
        let bias = |mapped: &[Region]| headers.bias(mapped.iter());
        assert_eq!(bias(&[region(0x10000, 0), region(0x12000, 0x1000)]), Some(0x10000));
        assert_eq!(bias(&[region(0x10000, 0), region(0x13000, 0x1000)]), None, "moved differently");
        assert_eq!(bias(&[region(0x10000, 0x3000)]), None, "no segment contains it");
        assert_eq!(bias(&[]), None);
    }
}
