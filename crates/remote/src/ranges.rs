//! Ranges of addresses.

/// Ranges of addresses, each from its start to before its end, ascending and apart.
pub(crate) type Ranges = Vec<(u64, u64)>;

/// Adds a range after the last one, and joins the two if they touch. An empty range is ignored.
pub(crate) fn push(ranges: &mut Ranges, start: u64, end: u64) {
    if start >= end {
        return;
    }
    match ranges.last_mut() {
        Some(last) if last.1 == start => last.1 = end,
        _ => ranges.push((start, end)),
    }
}

/// The number of bytes in all ranges.
pub(crate) fn total(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(start, end)| end - start).sum()
}

/// Whether an address is in one of the ranges. O(log n).
pub(crate) fn contains(ranges: &[(u64, u64)], address: u64) -> bool {
    let index = ranges.partition_point(|range| range.1 <= address);
    ranges.get(index).is_some_and(|range| range.0 <= address)
}

/// The number of bytes of the ranges that are between `start` and `end`. O(log n) plus the number of ranges
/// there.
pub(crate) fn overlap(ranges: &[(u64, u64)], start: u64, end: u64) -> u64 {
    let first = ranges.partition_point(|range| range.1 <= start);
    let inside = ranges[first..].iter().take_while(|range| range.0 < end);
    inside.map(|range| range.1.min(end).saturating_sub(range.0.max(start))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_are_joined() {
        let mut ranges = Ranges::new();
        for (start, end) in [(1, 3), (3, 3), (3, 5), (7, 9)] {
            push(&mut ranges, start, end);
        }
        assert_eq!((ranges.as_slice(), total(&ranges)), (&[(1, 5), (7, 9)][..], 6));
        let inside = (0..10).filter(|&address| contains(&ranges, address));
        assert_eq!(inside.collect::<Vec<_>>(), [1, 2, 3, 4, 7, 8]);
        let overlaps =
            [(0, 10), (4, 8), (5, 7), (8, 8), (8, 2)].map(|(start, end)| overlap(&ranges, start, end));
        assert_eq!(overlaps, [6, 2, 0, 0, 0]);
    }
}
