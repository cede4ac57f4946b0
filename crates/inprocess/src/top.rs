//! The `limit` largest of a stream, without sorting it.
//!
//! Invariant: [`Top::into_sorted`] equals a stable sort of the whole stream by number, largest first, cut to the limit:
//! of equal numbers, the earliest comes first.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, TryReserveError};

/// A number with its position in the stream and the item that it belongs to. The *greatest* entry by `Ord` is evicted
/// first: the smallest number, and of equal numbers the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<T> {
    /// The number to rank by.
    pub(crate) number: u64,
    /// Its position in the stream.
    pub(crate) position: u64,
    /// The item that the number belongs to.
    pub(crate) item: T,
}

impl<T: Copy + Eq> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.number.cmp(&self.number).then(self.position.cmp(&other.position))
    }
}

impl<T: Copy + Eq> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A bounded heap of the largest entries. Memory: O(min(limit, entries)).
#[derive(Debug)]
pub(crate) struct Top<T> {
    limit: usize,
    heap: BinaryHeap<Entry<T>>,
}

impl<T: Copy + Eq> Top<T> {
    /// An empty top; without a limit, all entries are kept.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self { limit: limit.unwrap_or(usize::MAX), heap: BinaryHeap::new() }
    }

    /// Whether an entry at this position whose number is at most `bound` could still get in. O(1).
    #[inline]
    pub(crate) fn admits(&self, bound: u64, position: u64) -> bool {
        self.heap.len() < self.limit
            || self.heap.peek().is_some_and(|worst| {
                bound > worst.number || bound == worst.number && position < worst.position
            })
    }

    /// Offers an entry. O(log limit). An error if there is no memory for it.
    pub(crate) fn offer(&mut self, entry: Entry<T>) -> Result<(), TryReserveError> {
        if self.heap.len() < self.limit {
            self.heap.try_reserve(1)?;
            self.heap.push(entry);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && entry < *worst
        {
            *worst = entry;
        }
        Ok(())
    }

    /// The entries, largest number first; of equal numbers, the earliest first.
    pub(crate) fn into_sorted(self) -> Vec<Entry<T>> {
        self.heap.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(limit: Option<usize>, numbers: &[u64]) -> Vec<(u64, u64)> {
        let mut top = Top::new(limit);
        for (position, &number) in numbers.iter().enumerate() {
            let position = position as u64;
            if top.admits(number, position) {
                top.offer(Entry { number, position, item: () }).unwrap();
            }
        }
        top.into_sorted().into_iter().map(|entry| (entry.number, entry.position)).collect()
    }

    #[test]
    fn equals_a_stable_sort_of_the_whole() {
        let numbers: Vec<u64> = (0..500u64).map(|n| n.wrapping_mul(2_654_435_761) % 37).collect();
        for limit in [0, 1, 2, 10, 499, 500, 1000] {
            let mut sorted: Vec<_> =
                numbers.iter().enumerate().map(|(n, &number)| (number, n as u64)).collect();
            sorted.sort_by_key(|&(number, _)| std::cmp::Reverse(number));
            sorted.truncate(limit);
            assert_eq!(top(Some(limit), &numbers), sorted);
        }
    }

    #[test]
    fn no_limit_keeps_all() {
        assert_eq!(top(None, &[3, 9, 3]), [(9, 1), (3, 0), (3, 2)]);
    }

    #[test]
    fn an_entry_from_earlier_wins_a_tie_whenever_it_is_offered() {
        let mut top = Top::new(Some(1));
        top.offer(Entry { number: 5, position: 9, item: 'b' }).unwrap();
        top.offer(Entry { number: 5, position: 2, item: 'a' }).unwrap();
        assert_eq!(top.into_sorted()[0].item, 'a');
    }
}
