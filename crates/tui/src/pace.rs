//! The pace of the live view: when the next capture may begin.
//!
//! Invariant: from the start of a capture to the start of the next one, the process is paused for at most the budget's
//! share of the time, and therefore over all captures together. Pure arithmetic: no clock is read.

use std::collections::VecDeque;
use std::time::Duration;

use memtop_analyze::period_within_budget;

/// How often to capture, and what that may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The time from start to start, if the budget allows it.
    pub interval: Duration,
    /// The share of the time for which the process may be paused, from 0 to 1.
    budget: f64,
}

/// The shortest and the longest interval that can be set.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3600));
/// With a smaller budget there would not be a second capture within a day.
const LEAST_BUDGET: f64 = 1e-6;
/// mem_top itself works for at most this share of the time.
const OWN_SHARE: f64 = 0.5;
/// The longest wait, for pauses that are unknown or very long.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

impl Pace {
    /// A pace. The interval and the budget are clamped to sensible bounds.
    #[must_use]
    pub fn new(interval: Duration, budget: f64) -> Self {
        let budget = if budget.is_finite() { budget.clamp(LEAST_BUDGET, 1.0) } else { 0.01 };
        Self { interval: interval.clamp(INTERVALS.0, INTERVALS.1), budget }
    }

    /// Returns a pace with the same budget and another interval.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self::new(interval, self.budget)
    }

    /// Returns the share of the time for which the process may be paused.
    #[must_use]
    pub fn budget(&self) -> f64 {
        self.budget
    }

    /// Returns the time from the start of a capture to the start of the next one. The capture paused the process for
    /// `pause`, and took `work` including its analysis. If its pause is unknown, pass all the time that it took.
    #[must_use]
    pub fn period(&self, pause: Duration, work: Duration) -> Duration {
        self.least(pause, work).max(self.interval)
    }

    /// Returns the same without regard to the interval.
    #[must_use]
    pub fn least(&self, pause: Duration, work: Duration) -> Duration {
        period_within_budget(pause, self.budget).max(period_within_budget(work, OWN_SHARE)).min(LONGEST)
    }
}

/// The costs of the last captures. The most expensive one sets the pace, so that intervals stay about equal and growth
/// in one can be compared with growth in the next.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    recent: VecDeque<(Duration, Duration)>,
}

/// The number of captures that are remembered.
const RECENT: usize = 8;

impl Costs {
    /// Adds the pause of a capture, and the time for all the work on it.
    pub fn add(&mut self, pause: Duration, work: Duration) {
        self.recent.push_back((pause, work));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Returns the longest pause and the longest work of the last captures.
    #[must_use]
    pub fn highest(&self) -> (Duration, Duration) {
        self.recent.iter().fold(Default::default(), |most: (Duration, Duration), cost| {
            (most.0.max(cost.0), most.1.max(cost.1))
        })
    }
}

/// Returns the wait after `failures` failed captures in a row, the last of which took `took`.
#[must_use]
pub fn after_failure(pace: &Pace, failures: u32, took: Duration) -> Duration {
    let doubled = pace.interval.saturating_mul(1 << failures.min(6));
    pace.period(took, took).max(doubled.min(Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_short_pause_leaves_the_interval_as_it_is() {
        let pace = Pace::new(ms(2000), 0.01);
        assert_eq!(pace.period(ms(15), ms(300)), ms(2000));
    }

    #[test]
    fn a_long_pause_stretches_the_interval() {
        let pace = Pace::new(ms(2000), 0.01);
        let period = pace.period(ms(80), ms(300));
        assert!(period >= ms(8000) && period < ms(8001), "{period:?}");
    }

    #[test]
    fn long_work_stretches_the_interval_too() {
        let pace = Pace::new(ms(2000), 0.01);
        let period = pace.period(ms(1), ms(7000));
        assert!(period >= ms(14_000) && period < ms(14_001), "{period:?}");
    }

    #[test]
    fn intervals_and_budgets_are_clamped() {
        for (interval, budget) in
            [(Duration::ZERO, 0.0), (Duration::MAX, -1.0), (ms(5), f64::NAN), (ms(5), f64::INFINITY)]
        {
            let pace = Pace::new(interval, budget);
            assert!(pace.budget() > 0.0 && pace.budget() <= 1.0);
            assert!(pace.interval >= INTERVALS.0 && pace.interval <= INTERVALS.1);
            assert!(pace.period(Duration::MAX, Duration::MAX) <= LONGEST + ms(1));
        }
    }

    /// Sixty captures on a made-up clock, with pauses that vary by a factor of a thousand.
    #[test]
    fn sixty_captures_stay_within_the_budget_at_every_moment() {
        for budget in [0.001, 0.01, 0.05, 0.5] {
            let pace = Pace::new(ms(2000), budget);
            let (mut clock, mut stopped, mut seed) = (Duration::ZERO, Duration::ZERO, 7_u64);
            for capture in 0..60 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let pause = ms(1 + (seed >> 33) % 100) * if capture % 9 == 0 { 10 } else { 1 };
                let work = pause * 3;
                stopped += pause;
                clock += pace.period(pause, work);
                let share = stopped.as_secs_f64() / clock.as_secs_f64();
                assert!(share <= budget, "{share} after {capture} captures at a budget of {budget}");
            }
        }
    }

    #[test]
    fn the_most_expensive_of_the_last_captures_sets_the_pace() {
        let mut costs = Costs::default();
        costs.add(ms(90), ms(10));
        costs.add(ms(50), ms(20));
        assert_eq!(costs.highest(), (ms(90), ms(20)));
        for _ in 0..RECENT {
            costs.add(ms(40), ms(5));
        }
        assert_eq!(costs.highest(), (ms(40), ms(5)));
    }

    #[test]
    fn each_failure_doubles_the_wait() {
        let pace = Pace::new(ms(1000), 0.01);
        let waits = [1, 2, 3, 20].map(|failures| after_failure(&pace, failures, ms(1)));
        assert_eq!(waits, [ms(2000), ms(4000), ms(8000), ms(60_000)]);
        assert!(
            after_failure(&pace, 1, ms(900)) >= ms(90_000),
            "the failed capture may have paused the process"
        );
    }
}
