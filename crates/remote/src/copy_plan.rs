//! Decides which pages of a process are copied.

use crate::maps::Region;
use crate::options::CopyOptions;
use crate::ranges::{Ranges, push};
use crate::raw::{PAGE_IS_FILE, PAGE_IS_PRESENT, PAGE_IS_ZERO, PageRange};

/// A writable mapping of a file that is larger than this is not copied where it is the same as in
/// the file.
const LARGE_FILE: u64 = 1 << 26;

/// The pages of a process, by what happens to them.
#[derive(Debug, Default)]
pub(crate) struct CopyPlan {
    /// Pages that are copied.
    pub(crate) copy: Ranges,
    /// Present pages without addresses, which are not copied.
    pub(crate) skipped: Ranges,
    /// Pages that are swapped out and are not read.
    pub(crate) swapped: Ranges,
    /// Present pages that are not a file's: of anonymous memory, and written pages of private files.
    pub(crate) resident: Ranges,
    /// Present pages that are the same as in a file.
    pub(crate) of_files: Ranges,
}

impl CopyPlan {
    /// Plans the copy of some pages. `regions`, `pages` and `skippable` ascend.
    pub(crate) fn new(
        regions: &[Region],
        pages: &[PageRange],
        skippable: &[(u64, u64)],
        options: &CopyOptions,
    ) -> Self {
        let mut plan = Self::default();
        let mut regions = regions.iter().peekable();
        let mut skippable = skippable.iter().peekable();
        for &PageRange { start, end, categories } in pages {
            while regions.next_if(|region| region.end <= start).is_some() {}
            let Some(region) = regions.peek() else { break };
            if categories & PAGE_IS_PRESENT == 0 {
                push(if options.include_swapped { &mut plan.copy } else { &mut plan.swapped }, start, end);
                continue;
            }
            if categories & PAGE_IS_ZERO != 0 {
                continue;
            }
            if categories & PAGE_IS_FILE != 0 {
                push(&mut plan.of_files, start, end);
                // The page is the same as in the file, and can be read from there.
                if region.writable && region.length() <= LARGE_FILE {
                    push(&mut plan.copy, start, end);
                }
                continue;
            }
            push(&mut plan.resident, start, end);
            // Skippable parts are cut out of the range.
            let mut at = start;
            while at < end {
                while skippable.next_if(|piece| piece.1 <= at).is_some() {}
                let (from, to) =
                    skippable.peek().map_or((end, end), |piece| (piece.0.clamp(at, end), piece.1.min(end)));
                push(&mut plan.copy, at, from);
                push(&mut plan.skipped, from, to.max(from));
                at = to.max(from);
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranges::total;
    use crate::raw::PAGE_IS_SWAPPED;

    fn region(start: u64, end: u64, writable: bool, inode: u64) -> Region {
        let device = (0, 0);
        let path = String::new();
        Region {
            start,
            end,
            readable: true,
            writable,
            executable: false,
            shared: false,
            offset: 0,
            device,
            inode,
            path,
        }
    }

    #[test]
    fn pages_are_copied_skipped_or_counted_by_their_kind() {
        const MB: u64 = 1 << 20;
        let regions = [
            region(MB, 2 * MB, true, 0),
            region(4 * MB, 5 * MB, false, 7),
            region(5 * MB, 6 * MB, true, 7),
            region(6 * MB, 6 * MB + (LARGE_FILE + MB), true, 8),
            region(200 * MB, 300 * MB, true, 0),
        ];
        let of_file = PAGE_IS_PRESENT | PAGE_IS_FILE;
        let page = |start, end, categories| PageRange { start, end, categories };
        let pages = [
            page(MB, MB + 0x2000, PAGE_IS_PRESENT),
            page(MB + 0x2000, MB + 0x3000, PAGE_IS_PRESENT | PAGE_IS_ZERO),
            page(MB + 0x3000, MB + 0x5000, PAGE_IS_SWAPPED),
            // Same as in the file; written to before it was protected; same as in the file and
            // writable.
            page(4 * MB, 4 * MB + 0x1000, of_file),
            page(4 * MB + 0x1000, 4 * MB + 0x2000, PAGE_IS_PRESENT),
            page(5 * MB, 5 * MB + 0x1000, of_file),
            page(6 * MB, 6 * MB + 0x1000, of_file),
            page(200 * MB, 300 * MB, PAGE_IS_PRESENT),
        ];
        let skippable = [(210 * MB, 220 * MB), (220 * MB + 0x1000, 250 * MB)];
        let mut options = CopyOptions::default();
        let plan = CopyPlan::new(&regions, &pages, &skippable, &options);
        let copied = vec![
            (MB, MB + 0x2000),
            (4 * MB + 0x1000, 4 * MB + 0x2000),
            (5 * MB, 5 * MB + 0x1000),
            (200 * MB, 210 * MB),
            (220 * MB, 220 * MB + 0x1000),
            (250 * MB, 300 * MB),
        ];
        assert_eq!(plan.copy, copied);
        assert_eq!(plan.skipped, skippable);
        assert_eq!(plan.swapped, [(MB + 0x3000, MB + 0x5000)]);
        let written = (4 * MB + 0x1000, 4 * MB + 0x2000);
        assert_eq!(plan.resident, [(MB, MB + 0x2000), written, (200 * MB, 300 * MB)]);
        let of_files = [4 * MB, 5 * MB, 6 * MB].map(|at| (at, at + 0x1000));
        assert_eq!(plan.of_files, of_files);
        options.include_swapped = true;
        let plan = CopyPlan::new(&regions, &pages, &[], &options);
        assert_eq!(plan.copy[..2], [(MB, MB + 0x2000), (MB + 0x3000, MB + 0x5000)]);
        assert_eq!(total(&plan.skipped) + total(&plan.swapped), 0);
    }
}
