//! A few moments out of many, spread evenly over the past: memory stays bounded, however long one looks.
//!
//! When there are too many, every second one is dropped and the distance doubles, up to a longest distance; from then on
//! the oldest goes. The newest is always there, and gives way to the next while it is too near to the one before.
//!
//! Invariant: in the order of time; never more than the capacity.

use std::time::Duration;

/// Moments with a value each.
#[derive(Debug, Clone)]
pub struct Series<T> {
    points: Vec<(Duration, T)>,
    capacity: usize,
    distance: Duration,
    longest: Duration,
}

impl<T> Series<T> {
    /// At most `capacity` moments (at least three are taken), in the end at most `longest` apart.
    #[must_use]
    pub fn new(capacity: usize, longest: Duration) -> Self {
        Self { points: Vec::new(), capacity: capacity.max(3), distance: Duration::ZERO, longest }
    }

    /// Adds the newest moment. One that is not after the last is left out.
    pub fn push(&mut self, at: Duration, value: T) {
        if self.points.last().is_some_and(|last| last.0 >= at) {
            return;
        }
        if let [.., before, last] = self.points.as_slice()
            && last.0 - before.0 < self.distance
        {
            self.points.pop();
        }
        self.points.push((at, value));
        if self.points.len() <= self.capacity {
            return;
        }
        let count = self.points.len();
        // Without the newest, which may be nearer to the one before than the rest are to each other.
        let gap = (self.points[count - 2].0 - self.points[0].0) / (count as u32 - 2);
        if gap * 2 > self.longest {
            self.points.remove(0);
            return;
        }
        // Less than the new gaps, so that a moment which comes a little early is no reason to drop another.
        self.distance = gap * 7 / 4;
        let mut place = 0;
        // The newest stays, and with it every second one before it.
        self.points.retain(|_| {
            place += 1;
            (count - place).is_multiple_of(2)
        });
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.points.clear();
        self.distance = Duration::ZERO;
    }

    /// The moments, oldest first.
    #[must_use]
    pub fn points(&self) -> &[(Duration, T)] {
        &self.points
    }

    /// The values, oldest first, as far as they are about equally far apart: the one before the newest is left out while
    /// the newest is still near to it. Growth within a short interval would look as if it had slowed down.
    pub fn even(&self) -> impl Iterator<Item = &T> {
        let count = self.points.len();
        let near = match self.points.as_slice() {
            [_, .., before, last] => last.0 - before.0 < self.distance,
            _ => false,
        };
        let left_out = if near { count.checked_sub(2) } else { None };
        self.points
            .iter()
            .enumerate()
            .filter(move |(place, _)| Some(*place) != left_out)
            .map(|(_, point)| &point.1)
    }

    /// The newest value.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.points.last().map(|point| &point.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn after(count: u64, capacity: usize, longest: Duration) -> Vec<u64> {
        let mut series = Series::new(capacity, longest);
        for second in 0..count {
            series.push(s(second), second);
            assert!(series.points().len() <= capacity);
            assert_eq!(series.last(), Some(&second), "the newest is always there");
            assert!(series.points().is_sorted_by_key(|point| point.0));
        }
        series.points().iter().map(|point| point.1).collect()
    }

    #[test]
    fn few_moments_all_stay() {
        assert_eq!(after(6, 6, s(1000)), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn of_many_every_second_goes_again_and_again() {
        assert_eq!(after(7, 6, s(1000)), [0, 2, 4, 6]);
        assert_eq!(after(8, 6, s(1000)), [0, 2, 4, 6, 7]);
        assert_eq!(after(9, 6, s(1000)), [0, 2, 4, 6, 8]);
        assert_eq!(after(13, 6, s(1000)), [0, 4, 8, 12]);
        let long = after(1000, 6, s(1000));
        assert!(long.len() >= 3 && long[0] == 0, "{long:?}");
        let gaps: Vec<u64> = long.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let settled = &gaps[..gaps.len() - 1];
        assert!(settled.iter().max() <= settled.iter().min().map(|least| least * 2).as_ref(), "{gaps:?}");
    }

    #[test]
    fn what_is_even_has_no_short_interval_at_its_end() {
        let mut series = Series::new(6, s(1000));
        for second in 0..40 {
            series.push(s(second), second);
            let even: Vec<u64> = series.even().copied().collect();
            let gaps: Vec<u64> = even.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (last, rest) = gaps.split_last().unwrap_or((&1, &[]));
            assert!(rest.iter().all(|gap| gap * 7 <= last * 8), "{even:?}");
            assert_eq!(even.last(), Some(&second));
        }
    }

    #[test]
    fn from_the_longest_distance_on_the_oldest_goes() {
        let long = after(1000, 6, s(16));
        assert!(long[0] > 850, "{long:?}");
        assert!(long.len() >= 5, "{long:?}");
        assert_eq!(after(20, 4, s(1)), [16, 17, 18, 19]);
    }

    #[test]
    fn a_moment_that_is_not_after_the_last_is_left_out() {
        let mut series = Series::new(4, s(10));
        series.push(s(2), 'a');
        series.push(s(2), 'b');
        series.push(s(1), 'c');
        assert_eq!(series.points(), [(s(2), 'a')]);
    }
}
