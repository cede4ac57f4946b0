//! The addresses that an object's traverse function visited. References with a label are taken out of them.
//!
//! Nearly always, addresses are taken in the order in which they were visited, which costs a few comparisons
//! each. If one is out of order, all are counted, so that an object with a million references does not cost a
//! million searches.
//!
//! Invariant: an address that was visited n times can be taken n times, and no more.

use rustc_hash::FxHashMap;

/// How far ahead an address may be to be taken without counting.
const NEAR: usize = 8;

/// See the module's header.
pub(crate) struct Visited<'v> {
    items: &'v mut Vec<u64>,
    /// The addresses before this index were taken.
    from: usize,
    /// How often each remaining address can be taken, once they had to be counted.
    left: Option<FxHashMap<u64, u32>>,
}

impl<'v> Visited<'v> {
    pub(crate) fn new(items: &'v mut Vec<u64>) -> Self {
        Self { items, from: 0, left: None }
    }

    /// All addresses, before any is taken.
    pub(crate) fn all(&self) -> &[u64] {
        self.items
    }

    /// Takes an address that is among the next few. Used as long as none was out of order.
    #[inline]
    fn take_near(&mut self, to: u64) -> bool {
        let near = self.items.len().min(self.from + NEAR);
        let Some(place) = self.items[self.from..near].iter().position(|&known| known == to) else {
            return false;
        };
        // The addresses before it stay, in their order.
        self.items[self.from..=self.from + place].rotate_right(1);
        self.from += 1;
        true
    }

    /// Takes an address. Returns whether it was there.
    pub(crate) fn take(&mut self, to: u64) -> bool {
        if self.left.is_none() {
            if self.take_near(to) {
                return true;
            }
            if self.items.len() <= self.from + NEAR {
                return false;
            }
            let mut left = FxHashMap::default();
            for &item in &self.items[self.from..] {
                *left.entry(item).or_default() += 1;
            }
            self.left = Some(left);
        }
        match self.left.as_mut().and_then(|left| left.get_mut(&to)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// The remaining addresses, in the order in which they were visited. The list is empty afterwards.
    pub(crate) fn rest(mut self) -> impl Iterator<Item = u64> + use<'v> {
        let mut left = self.left.take();
        self.items.drain(..).skip(self.from).filter(move |item| match &mut left {
            None => true,
            Some(left) => match left.get_mut(item) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            },
        })
    }
}

/// Takes an address out of the visited ones. Returns true if there is no list.
#[inline]
pub(crate) fn take(visited: &mut Option<Visited<'_>>, to: u64) -> bool {
    visited.as_mut().is_none_or(|visited| visited.take(to))
}

/// The same for an address that may not have been visited at all: searched among the next few only, unless
/// all are counted.
#[inline]
pub(crate) fn take_if_near(visited: &mut Option<Visited<'_>>, to: u64) {
    if let Some(visited) = visited {
        match visited.left {
            None => visited.take_near(to),
            Some(_) => visited.take(to),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes addresses. Returns for each whether it was there, and the remaining ones.
    fn check(visited: &[u64], taken: &[u64]) -> (Vec<bool>, Vec<u64>) {
        let mut items = visited.to_vec();
        let mut visited = Some(Visited::new(&mut items));
        let could = taken.iter().map(|&to| take(&mut visited, to)).collect();
        let rest = visited.unwrap().rest().collect();
        assert!(items.is_empty());
        (could, rest)
    }

    #[test]
    fn addresses_in_order_are_taken() {
        assert_eq!(check(&[1, 2, 3], &[1, 2]), (vec![true, true], vec![3]));
    }

    #[test]
    fn addresses_that_are_passed_over_stay_in_their_order() {
        assert_eq!(check(&[1, 2, 3, 4], &[3, 1, 9]), (vec![true, true, false], vec![2, 4]));
    }

    #[test]
    fn an_address_visited_twice_can_be_taken_twice() {
        assert_eq!(check(&[5, 6, 5], &[5, 5, 5]), (vec![true, true, false], vec![6]));
        let long: Vec<u64> = (0..100).chain(0..100).collect();
        assert_eq!(check(&long, &[70, 70, 70]).0, [true, true, false]);
    }

    #[test]
    fn a_long_list_is_taken_in_reverse() {
        let long: Vec<u64> = (0..200_000).collect();
        let back: Vec<u64> = long.iter().rev().copied().take(199_999).collect();
        let (could, rest) = check(&long, &back);
        assert!(could.iter().all(|&could| could));
        assert_eq!(rest, [0]);
    }
}
