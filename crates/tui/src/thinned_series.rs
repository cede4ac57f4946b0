//! A series of values over time with a bounded length, spread evenly over the past.
//!
//! When there are too many points, every second one is dropped and the distance doubles, up to a maximum; from then on
//! the oldest point is dropped. The newest point is always kept, and is replaced by the next one while it is too close
//! to its predecessor.
//!
//! Invariant: points are in the order of time, and never more than the capacity.

use std::time::Duration;

use memtop_analyze::drop_every_second;

/// Values, each with its time.
#[derive(Debug, Clone)]
pub struct ThinnedSeries<T> {
    points: Vec<(Duration, T)>,
    capacity: usize,
    distance: Duration,
    longest: Duration,
}

impl<T> ThinnedSeries<T> {
    /// A series of at most `capacity` points (at least three), which are in the end at most `longest` apart.
    #[must_use]
    pub fn new(capacity: usize, longest: Duration) -> Self {
        Self { points: Vec::new(), capacity: capacity.max(3), distance: Duration::ZERO, longest }
    }

    /// Adds the newest point. It is ignored unless it is later than the last one.
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
        // Leaves the newest out, which may be closer to its predecessor than the others are to each other.
        let gap = (self.points[count - 2].0 - self.points[0].0) / (count as u32 - 2);
        if gap * 2 > self.longest {
            self.points.remove(0);
            return;
        }
        // Slightly less than the new gaps, so that a point which comes a little early does not replace another.
        self.distance = gap * 7 / 4;
        drop_every_second(&mut self.points);
    }

    /// Removes all points.
    pub fn clear(&mut self) {
        self.points.clear();
        self.distance = Duration::ZERO;
    }

    /// Returns the points, oldest first.
    #[must_use]
    pub fn points(&self) -> &[(Duration, T)] {
        &self.points
    }

    /// Returns the values that are about equally far apart, oldest first: the value before the newest one is left out
    /// while the two are still close. Growth within such a short interval would look as if it had slowed down.
    pub fn even(&self) -> impl Iterator<Item = &T> {
        let count = self.points.len();
        let is_close = match self.points.as_slice() {
            [_, .., before, last] => last.0 - before.0 < self.distance,
            _ => false,
        };
        let left_out = if is_close { count.checked_sub(2) } else { None };
        self.points
            .iter()
            .enumerate()
            .filter(move |(place, _)| Some(*place) != left_out)
            .map(|(_, point)| &point.1)
    }

    /// Returns the newest value.
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
        let mut series = ThinnedSeries::new(capacity, longest);
        for second in 0..count {
            series.push(s(second), second);
            assert!(series.points().len() <= capacity);
            assert_eq!(series.last(), Some(&second), "the newest is always kept");
            assert!(series.points().is_sorted_by_key(|point| point.0));
        }
        series.points().iter().map(|point| point.1).collect()
    }

    #[test]
    fn few_points_are_all_kept() {
        assert_eq!(after(6, 6, s(1000)), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn every_second_of_many_points_is_dropped_repeatedly() {
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
    fn even_values_do_not_end_with_a_short_interval() {
        let mut series = ThinnedSeries::new(6, s(1000));
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
    fn at_the_longest_distance_the_oldest_is_dropped() {
        let long = after(1000, 6, s(16));
        assert!(long[0] > 850, "{long:?}");
        assert!(long.len() >= 5, "{long:?}");
        assert_eq!(after(20, 4, s(1)), [16, 17, 18, 19]);
    }

    #[test]
    fn a_point_that_is_not_later_than_the_last_is_ignored() {
        let mut series = ThinnedSeries::new(4, s(10));
        series.push(s(2), 'a');
        series.push(s(2), 'b');
        series.push(s(1), 'c');
        assert_eq!(series.points(), [(s(2), 'a')]);
    }
}
