//! The history of each type over the captures: its number of objects and its bytes.
//!
//! Invariant: memory is bounded, however many types and captures there are. Only a few thousand types have a history,
//! the largest and the most numerous, and each history has a fixed length.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::observe::TypeNumbers;
use crate::rate::per_minute;

/// The number of captures in a history.
const LENGTH: usize = 40;
/// The number of types that have a history: of the largest, and of the most numerous others.
const TYPES: (usize, usize) = (3000, 1000);
/// A rate needs captures over this time.
const SPAN: Duration = Duration::from_secs(1);
/// The number of the newest captures that a rate is computed from.
const NEWEST: usize = 16;

/// The history of one type, up to the newest capture.
#[derive(Debug, Clone, Default)]
pub struct Trend {
    points: VecDeque<(u64, u64)>,
    objects_per_minute: Option<f64>,
    bytes_per_minute: Option<f64>,
}

impl Trend {
    /// Returns the growth of the number of objects per minute.
    #[must_use]
    pub fn objects_per_minute(&self) -> Option<f64> {
        self.objects_per_minute
    }

    /// Returns the growth of their bytes per minute.
    #[must_use]
    pub fn bytes_per_minute(&self) -> Option<f64> {
        self.bytes_per_minute
    }

    /// Returns the numbers of objects, oldest first.
    pub fn objects(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().map(|point| point.0 as f64)
    }
}

/// The histories of all types that have one.
#[derive(Debug, Clone, Default)]
pub struct Trends {
    times: VecDeque<Duration>,
    by_type: HashMap<Arc<str>, Trend>,
}

impl Trends {
    /// Adds the numbers of a capture. A new type starts a history, and the history of a type without objects is
    /// dropped.
    pub fn add(&mut self, at: Duration, types: &[TypeNumbers]) {
        self.times.push_back(at);
        if self.times.len() > LENGTH {
            self.times.pop_front();
        }
        let mut before = std::mem::take(&mut self.by_type);
        for row in chosen(types) {
            let mut trend = before.remove(&row.key).unwrap_or_default();
            trend.points.push_back((row.objects, row.bytes));
            // Captures in which the type did not exist, or was small, have no point.
            while trend.points.len() > self.times.len() {
                trend.points.pop_front();
            }
            trend.measure(&self.times);
            self.by_type.insert(Arc::clone(&row.key), trend);
        }
    }

    /// Returns the history of a type, by its key.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&Trend> {
        self.by_type.get(key)
    }
}

impl Trend {
    fn measure(&mut self, times: &VecDeque<Duration>) {
        let count = self.points.len().min(NEWEST);
        let newest = times.iter().skip(times.len() - count);
        let points = self.points.iter().skip(self.points.len() - count);
        let timed: Vec<(Duration, (u64, u64))> = newest.copied().zip(points.copied()).collect();
        let slope = |value: fn((u64, u64)) -> u64| {
            let steady = timed.iter().all(|point| value(point.1) == value(timed[0].1));
            let values: Vec<(Duration, f64)> =
                timed.iter().map(|point| (point.0, value(point.1) as f64)).collect();
            // Most types never change, which saves the slopes of all pairs.
            if steady && values.len() >= 3 { Some(0.0) } else { per_minute(&values, SPAN) }
        };
        self.objects_per_minute = slope(|point| point.0);
        self.bytes_per_minute = slope(|point| point.1);
    }
}

/// Returns the types that get a history.
fn chosen(types: &[TypeNumbers]) -> Vec<&TypeNumbers> {
    let mut rows: Vec<&TypeNumbers> = types.iter().collect();
    let (by_bytes, by_objects) = TYPES;
    if rows.len() <= by_bytes + by_objects {
        return rows;
    }
    rows.select_nth_unstable_by_key(by_bytes, |row| Reverse((row.bytes, Arc::clone(&row.key))));
    let rest = &mut rows[by_bytes..];
    rest.select_nth_unstable_by_key(by_objects - 1, |row| Reverse((row.objects, Arc::clone(&row.key))));
    rows.truncate(by_bytes + by_objects);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, objects: u64) -> TypeNumbers {
        TypeNumbers {
            key: name.into(),
            name: name.into(),
            own: true,
            objects,
            bytes: objects * 10,
            retained: objects * 10,
        }
    }

    #[test]
    fn growth_is_per_minute() {
        let mut trends = Trends::default();
        for second in 0..100 {
            trends.add(Duration::from_secs(second), &[row("a", 5 + second), row("b", 7)]);
        }
        let a = trends.of("a").expect("it was added");
        assert_eq!((a.objects_per_minute(), a.bytes_per_minute()), (Some(60.0), Some(600.0)));
        assert_eq!(a.objects().count(), LENGTH);
        assert_eq!(trends.of("b").and_then(Trend::objects_per_minute), Some(0.0));
        assert_eq!(trends.times.len(), LENGTH);
    }

    #[test]
    fn the_history_of_a_type_ends_with_its_objects() {
        let mut trends = Trends::default();
        for second in 0..5 {
            trends.add(Duration::from_secs(second), &[row("a", 1)]);
        }
        trends.add(Duration::from_secs(5), &[row("b", 3)]);
        assert!(trends.of("a").is_none());
        let b = trends.of("b").expect("it was added");
        assert_eq!((b.objects().count(), b.objects_per_minute()), (1, None));
    }

    #[test]
    fn not_all_of_a_hundred_thousand_types_have_a_history() {
        let types: Vec<TypeNumbers> = (0..100_000).map(|nth| row(&format!("t{nth}"), nth)).collect();
        let mut trends = Trends::default();
        for second in 0..3 {
            trends.add(Duration::from_secs(second), &types);
        }
        assert_eq!(trends.by_type.len(), TYPES.0 + TYPES.1);
        assert!(trends.of("t99999").is_some() && trends.of("t1").is_none());
    }
}
