//! The parts of resident memory as parts of a bar, which add up to it.

use memtop_analyze::MemoryTotal;

use super::theme::Part;

/// The number of kinds of Python objects that have a part of their own.
const KINDS: usize = 4;

/// A part of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemoryPart {
    pub(crate) part: Part,
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// Returns the parts of the memory of one process or of several, without empty ones.
pub(crate) fn parts(totals: &[&MemoryTotal]) -> Vec<MemoryPart> {
    let mut kinds: Vec<(&str, u64)> = Vec::new();
    for kind in totals.iter().flat_map(|total| &total.kinds) {
        match kinds.iter_mut().find(|known| known.0 == kind.name) {
            Some(known) => known.1 = known.1.saturating_add(kind.bytes),
            None => kinds.push((&kind.name, kind.bytes)),
        }
    }
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.1));
    let sum = |value: fn(&MemoryTotal) -> Option<u64>| {
        totals.iter().filter_map(|total| value(total)).fold(0_u64, u64::saturating_add)
    };
    let others = kinds.iter().skip(KINDS).fold(0_u64, |sum, kind| sum.saturating_add(kind.1));
    let named = kinds.iter().take(KINDS).enumerate();
    let mut parts: Vec<MemoryPart> = named
        .map(|(place, &(name, bytes))| MemoryPart { part: Part::Kind(place), name: name.to_owned(), bytes })
        .collect();
    let rest = [
        (Part::OtherKinds, "other Python", others),
        (Part::Free, "free", sum(|t| t.pymalloc_free).saturating_add(sum(|t| t.malloc_free))),
        (Part::Native, "native", sum(|t| t.native_known)),
        (Part::Files, "files", sum(|t| t.file_backed)),
        (Part::Unexplained, "unexplained", sum(|t| t.unexplained.and_then(|rest| u64::try_from(rest).ok()))),
    ];
    parts.extend(rest.map(|(part, name, bytes)| MemoryPart { part, name: name.to_owned(), bytes }));
    parts.retain(|part| part.bytes > 0);
    parts
}

/// Returns the width of each part in a bar of `width` columns, by the largest remainder method, so that they add up.
pub(crate) fn widths(parts: &[MemoryPart], width: usize) -> Vec<usize> {
    let whole: u128 = parts.iter().map(|part| u128::from(part.bytes)).sum();
    if whole == 0 {
        return vec![0; parts.len()];
    }
    let exact = |part: &MemoryPart| u128::from(part.bytes) * width as u128;
    let mut widths: Vec<usize> = parts.iter().map(|part| (exact(part) / whole) as usize).collect();
    let mut by_rest: Vec<usize> = (0..parts.len()).collect();
    by_rest.sort_by_key(|&place| std::cmp::Reverse(exact(&parts[place]) % whole));
    let missing = width - widths.iter().sum::<usize>();
    for place in by_rest.into_iter().take(missing) {
        widths[place] += 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_filled_exactly() {
        let part = |bytes| MemoryPart { part: Part::Free, name: String::new(), bytes };
        for sizes in [vec![1, 1, 1], vec![u64::MAX, u64::MAX, 1], vec![7], vec![1000, 1, 1, 1, 50]] {
            let parts: Vec<MemoryPart> = sizes.into_iter().map(part).collect();
            for width in 0..100 {
                assert_eq!(widths(&parts, width).iter().sum::<usize>(), width);
            }
        }
        assert_eq!(widths(&[], 10), Vec::<usize>::new());
    }
}
