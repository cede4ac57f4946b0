//! What a process has mapped, as `/proc/PID/maps` tells it (`proc_pid_maps(5)`).

/// A mapping of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Whether it can be read.
    pub readable: bool,
    /// Whether it can be written to.
    pub writable: bool,
    /// Whether it is code.
    pub executable: bool,
    /// Whether other processes may share it.
    pub shared: bool,
    /// Where in its file it begins, in bytes.
    pub offset: u64,
    /// The device that its file is on, as major and minor number.
    pub device: (u32, u32),
    /// The file's number; 0 for memory of no file.
    pub inode: u64,
    /// The file, or a name such as `[heap]`; empty for memory without a name.
    pub path: String,
}

impl Region {
    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// Whether it is private memory of no file that the process reads and writes.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.inode == 0 && !self.shared && self.readable && self.writable
    }

    /// Whether it is of a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.inode != 0 && self.path.starts_with('/')
    }

    /// Whether it is of the same part of the same file as another.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
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

/// The mappings in the text of `/proc/PID/maps`, ascending. Lines that cannot be read are left out.
pub(crate) fn parse(text: &str) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::with_capacity(text.len() / 64);
    for region in text.lines().filter_map(Region::parse) {
        // Read while the process runs, a mapping may be told twice.
        if regions.last().is_none_or(|last| last.end <= region.start) {
            regions.push(region);
        }
    }
    regions
}

/// The mapping that an address is in. O(log n).
pub(crate) fn around(regions: &[Region], address: u64) -> Option<&Region> {
    let place = regions.partition_point(|region| region.end <= address);
    regions.get(place).filter(|region| region.start <= address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind_are_read_and_others_left_out() {
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
