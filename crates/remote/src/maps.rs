//! The mappings of a process, as `/proc/PID/maps` lists them (`proc_pid_maps(5)`).

use memtop_procinfo::LARGEST_STACK;

/// A mapping of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Region {
    /// Its first address.
    pub start: u64,
    /// The address after its last one.
    pub end: u64,
    /// Whether it is readable.
    pub readable: bool,
    /// Whether it is writable.
    pub writable: bool,
    /// Whether it is executable.
    pub executable: bool,
    /// Whether other processes may share it.
    pub shared: bool,
    /// The offset in its file at which it begins, in bytes.
    pub offset: u64,
    /// The device of its file, as major and minor number.
    pub device: (u32, u32),
    /// The inode number of its file; 0 if it has no file.
    pub inode: u64,
    /// The path of its file, or a name such as `[heap]`; empty if it has neither.
    pub path: String,
}

impl Region {
    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// Whether it is private, readable and writable memory without a file.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.inode == 0 && !self.shared && self.readable && self.writable
    }

    /// Whether it maps a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.inode != 0 && self.path.starts_with('/')
    }

    /// Whether it maps the same file as another mapping.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether the kernel provides its contents.
    pub(crate) fn is_kernels(&self) -> bool {
        matches!(self.path.as_str(), "[vvar]" | "[vvar_vclock]" | "[vdso]" | "[vsyscall]")
    }

    fn parse(line: &str) -> Option<Self> {
        // start-end rwxp offset major:minor inode   path
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let rights = fields.next()?.as_bytes();
        let offset = fields.next()?;
        let (major, minor) = fields.next()?.split_once(':')?;
        let inode = fields.next()?.parse().ok()?;
        let path = fields.next().unwrap_or("").trim_start();
        let number = |text| u64::from_str_radix(text, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        if start >= end || rights.len() < 4 {
            return None;
        }
        Some(Self {
            start,
            end,
            readable: rights[0] == b'r',
            writable: rights[1] == b'w',
            executable: rights[2] == b'x',
            shared: rights[3] == b's',
            offset: number(offset)?,
            device: (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?),
            inode,
            path: path.to_owned(),
        })
    }
}

/// Parses the text of `/proc/PID/maps` into mappings, ascending. Invalid lines are skipped.
pub(crate) fn parse(text: &str) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::with_capacity(text.len() / 64);
    for region in text.lines().filter_map(Region::parse) {
        // While the process runs, a mapping may be listed twice.
        if regions.last().is_none_or(|last| last.end <= region.start) {
            regions.push(region);
        }
    }
    regions
}

/// The mapping that contains an address. O(log n).
pub(crate) fn around(regions: &[Region], address: u64) -> Option<&Region> {
    let index = regions.partition_point(|region| region.end <= address);
    regions.get(index).filter(|region| region.start <= address)
}

/// The start and end of the mapping that contains the stack with this stack pointer.
pub(crate) fn stack_around(regions: &[Region], pointer: u64) -> Option<(u64, u64)> {
    let region = around(regions, pointer)?;
    let is_stack = region.is_anonymous() && region.length() <= LARGEST_STACK;
    is_stack.then_some((region.start, region.end))
}

/// The last name of a path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind_are_parsed_and_invalid_ones_skipped() {
        let text = "55d0c0000000-55d0c0001000 r--p 00000000 fe:01 1234                       /usr/bin/a b (deleted)\n\
                    garbage\n\
                    7f0000000000-7f0000001000 rw-s 00002000 00:05 7 /dev/zero\n\
                    7f0000000800-7f0000003000 rw-p 00000000 00:00 0 \n\
                    7f0000002000-7f0000003000 ---p 00000000 00:00 0\n\
                    ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
        let regions = parse(text);
        assert_eq!(regions.len(), 4);
        assert_eq!((regions[0].path.as_str(), regions[0].inode), ("/usr/bin/a b (deleted)", 1234));
        assert_eq!(regions[0].device, (0xfe, 1));
        assert!(regions[1].shared && regions[1].offset == 0x2000);
        assert!(!regions[2].readable && regions[2].path.is_empty());
        assert_eq!(around(&regions, 0x7f00_0000_0fff).map(|region| region.start), Some(0x7f00_0000_0000));
        assert_eq!(around(&regions, 0x7f00_0000_1000), None);
    }
}
