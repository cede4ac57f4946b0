//! The extent of the intervals of a series: the work that was done in them, else their time.
//!
//! People and budgets make intervals unequal. Growth is compared by its pace, the growth in an interval of the mean
//! extent, so that neither a longer interval nor a slower program changes the result.

use memtop_heap::CaptureInfo;

use super::snapshot;

/// So many minutes between snapshots are too few to measure the growth by them.
const SHORT: f64 = 1.0 / 60.0;

/// The time and the work of each heap of a series.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans {
    /// When each heap was captured, in minutes; none if the clock did not advance.
    pub(super) minutes: Option<Vec<f64>>,
    /// The units of work done at each heap; none if they were not counted.
    pub(super) work: Option<Vec<f64>>,
}

/// The growth in one interval, as if it had the mean extent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// How much.
    pub(super) amount: f64,
    /// Its variance, if single items come by chance (Poisson).
    pub(super) variance: f64,
}

impl Spans {
    pub(super) fn new(captures: &[&CaptureInfo]) -> Self {
        Self { minutes: snapshot::minutes(captures), work: snapshot::work(captures) }
    }

    /// Whether nothing was to be done in an interval, as far as work was counted.
    pub(super) fn is_idle(&self, interval: usize) -> bool {
        self.work.as_ref().is_some_and(|work| work[interval + 1] <= work[interval])
    }

    /// Whether all intervals have about the same extent.
    pub(super) fn are_even(&self) -> bool {
        const EVEN: f64 = 0.05;
        let levels = self.work.as_ref().or(self.minutes.as_ref());
        levels.is_none_or(|levels| shares(levels).iter().all(|share| (share - 1.0).abs() <= EVEN))
    }

    /// The pace of some growth in each interval that was not idle, in each way in which it may be measured: per unit of
    /// work if that was counted; else per time, and per interval, since a program may do its work between snapshots
    /// whatever time that takes. Less than a second each says how long the snapshots took, not how much was done.
    pub(super) fn paces(&self, changes: &[i64]) -> Vec<Vec<Pace>> {
        let even = vec![1.0; changes.len()];
        let shares = match (&self.work, &self.minutes) {
            (Some(work), _) => vec![shares(work)],
            (None, Some(minutes)) if mean(minutes) >= SHORT => vec![shares(minutes), even],
            _ => vec![even],
        };
        let pace = |(&share, &change): (&f64, &i64)| {
            let change = change as f64;
            (share > 0.0)
                .then(|| Pace { amount: change / share, variance: change.max(0.0) / (share * share) })
        };
        shares.iter().map(|shares| shares.iter().zip(changes).filter_map(pace).collect()).collect()
    }

    /// The same, as numbers.
    pub(super) fn paced(&self, changes: &[i64]) -> Vec<Vec<f64>> {
        let amounts = |paces: Vec<Pace>| paces.into_iter().map(|pace| pace.amount).collect();
        self.paces(changes).into_iter().map(amounts).collect()
    }
}

/// By interval: its extent, as a share of the mean extent.
fn shares(levels: &[f64]) -> Vec<f64> {
    let mean = mean(levels);
    levels.windows(2).map(|pair| (pair[1] - pair[0]) / mean).collect()
}

/// The mean extent.
fn mean(levels: &[f64]) -> f64 {
    (levels[levels.len() - 1] - levels[0]) / (levels.len() - 1).max(1) as f64
}

/// The least of some numbers.
pub(super) fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(minutes: &[f64], work: Option<&[f64]>) -> Spans {
        Spans { minutes: Some(minutes.to_vec()), work: work.map(<[f64]>::to_vec) }
    }

    #[test]
    fn growth_at_one_rate_has_one_pace() {
        let paced = spans(&[0.0, 8.0, 12.0, 14.0], None).paced(&[800, 400, 200]);
        assert!(paced[0].windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-9), "{paced:?}");
        assert_eq!(paced[1], [800.0, 400.0, 200.0]);
        assert!(!spans(&[0.0, 8.0, 12.0, 14.0], None).are_even());
        assert!(spans(&[0.0, 4.0, 8.0], None).are_even());
    }

    #[test]
    fn time_says_nothing_where_it_is_that_of_the_snapshots() {
        assert_eq!(
            spans(&[0.0, 0.001, 0.002, 0.0023], None).paced(&[300, 300, 100]),
            [[300.0, 300.0, 100.0]]
        );
        assert_eq!(spans(&[0.0, 1.0, 2.0, 2.3], None).paced(&[300, 300, 100]).len(), 2);
    }

    #[test]
    fn work_counts_before_time_and_an_idle_interval_is_left_out() {
        let spans = spans(&[0.0, 1.0, 2.0, 3.0], Some(&[0.0, 10.0, 10.0, 15.0]));
        assert_eq!(spans.paced(&[100, 0, 50]), [[50.0, 50.0]]);
        assert!(spans.is_idle(1) && !spans.is_idle(2));
    }

    #[test]
    fn without_a_clock_intervals_are_equal() {
        assert_eq!(Spans::default().paced(&[3, 2]), [[3.0, 2.0]]);
        assert!(Spans::default().are_even());
    }
}
