//! The ranges of a process's memory that can be read. No object is larger than the range that it lies in.

/// Readable ranges of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappedMemory {
    /// Start and end of each range, ascending, with a gap between any two.
    ranges: Vec<(u64, u64)>,
    bytes: u64,
}

impl MappedMemory {
    /// The memory of these ranges, each with its start and end. Adjacent ones become one.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|&(start, end)| start < end).collect();
        sorted.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(sorted.len());
        for (start, end) in sorted {
            match ranges.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => ranges.push((start, end)),
            }
        }
        let bytes = ranges.iter().map(|&(start, end)| end - start).fold(0, u64::saturating_add);
        Self { ranges, bytes }
    }

    /// Memory of which nothing is known: everything may be readable.
    #[must_use]
    pub fn unknown() -> Self {
        Self::new([(0, u64::MAX)])
    }

    /// The number of readable bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes can be read from an address on. O(log n).
    #[must_use]
    pub fn bytes_from(&self, address: u64) -> u64 {
        let index = self.ranges.partition_point(|&(_, end)| end <= address);
        match self.ranges.get(index) {
            Some(&(start, end)) if start <= address => end - address,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_ranges_are_one() {
        let mapped = MappedMemory::new([(300, 400), (100, 200), (200, 250), (500, 500), (120, 130)]);
        assert_eq!(mapped.bytes(), 250);
        let rest = [99, 100, 199, 249, 250, 300, 400, 500].map(|address| mapped.bytes_from(address));
        assert_eq!(rest, [0, 150, 51, 1, 0, 100, 0, 0]);
    }

    #[test]
    fn unknown_memory_may_hold_anything() {
        assert_eq!(MappedMemory::unknown().bytes_from(1 << 40), u64::MAX - (1 << 40));
    }
}
