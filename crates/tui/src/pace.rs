//! When the next capture may begin.
//!
//! Invariant: from the start of a capture to the start of the next one, the process stood still for at most the budget's
//! share of the time; so it did over all of them together. Pure arithmetic: it reads no clock.

use std::collections::VecDeque;
use std::time::Duration;

/// How often to capture, and what that may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// From start to start, if nothing speaks against it.
    pub interval: Duration,
    /// The share of the time for which the process may stand still, from 0 to 1.
    budget: f64,
}

/// The shortest and the longest interval that can be asked for.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3600));
/// A smaller budget would let no second capture happen in a day.
const LEAST_BUDGET: f64 = 1e-6;
/// mem_top itself works for at most this share of the time.
const OWN_SHARE: f64 = 0.5;
/// Where no pause was measured and none can be guessed, the wait is never longer.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

impl Pace {
    /// A pace; the interval and the budget are brought within what makes sense.
    #[must_use]
    pub fn new(interval: Duration, budget: f64) -> Self {
        let budget = if budget.is_finite() { budget.clamp(LEAST_BUDGET, 1.0) } else { 0.01 };
        Self { interval: interval.clamp(INTERVALS.0, INTERVALS.1), budget }
    }

    /// The same budget, with another interval.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self::new(interval, self.budget)
    }

    /// The share of the time for which the process may stand still.
    #[must_use]
    pub fn budget(&self) -> f64 {
        self.budget
    }

    /// How long after its start a capture may be followed by the next one: it stopped the process for `pause`, and
    /// took `work` with everything that was found out about it. A capture whose pause is not known may have stopped
    /// the process for all the time that it took.
    #[must_use]
    pub fn period(&self, pause: Duration, work: Duration) -> Duration {
        self.least(pause, work).max(self.interval)
    }

    /// The same, for who does not want to wait for the interval.
    #[must_use]
    pub fn least(&self, pause: Duration, work: Duration) -> Duration {
        stretched(pause, self.budget).max(stretched(work, OWN_SHARE))
    }
}

/// The time of which `part` is `share`, rounded up.
fn stretched(part: Duration, share: f64) -> Duration {
    if part.is_zero() {
        return part;
    }
    let whole = Duration::try_from_secs_f64(part.as_secs_f64() / share).unwrap_or(LONGEST).min(LONGEST);
    whole.saturating_add(Duration::from_nanos(1))
}

/// What the last captures cost. The dearest of them sets the pace: so the intervals stay about equal, and growth in one
/// can be compared with growth in the next.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    recent: VecDeque<(Duration, Duration)>,
}

/// So many captures are remembered.
const RECENT: usize = 8;

impl Costs {
    /// Adds a capture: its pause, and all the work on it.
    pub fn add(&mut self, pause: Duration, work: Duration) {
        self.recent.push_back((pause, work));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// The longest pause of the last captures, and the most work; each at least that of the last one.
    #[must_use]
    pub fn dearest(&self) -> (Duration, Duration) {
        self.recent.iter().fold(Default::default(), |most: (Duration, Duration), cost| {
            (most.0.max(cost.0), most.1.max(cost.1))
        })
    }
}

/// How long to wait after `failures` captures in a row have failed, the last of which took `took`.
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
    fn long_work_stretches_it_too() {
        let pace = Pace::new(ms(2000), 0.01);
        let period = pace.period(ms(1), ms(7000));
        assert!(period >= ms(14_000) && period < ms(14_001), "{period:?}");
    }

    #[test]
    fn nonsense_is_brought_within_bounds() {
        for (interval, budget) in
            [(Duration::ZERO, 0.0), (Duration::MAX, -1.0), (ms(5), f64::NAN), (ms(5), f64::INFINITY)]
        {
            let pace = Pace::new(interval, budget);
            assert!(pace.budget() > 0.0 && pace.budget() <= 1.0);
            assert!(pace.interval >= INTERVALS.0 && pace.interval <= INTERVALS.1);
            assert!(pace.period(Duration::MAX, Duration::MAX) <= LONGEST + ms(1));
        }
    }

    /// A clock that only the test moves: sixty captures, whose pauses vary by a factor of a hundred.
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
    fn the_dearest_of_the_last_captures_sets_the_pace() {
        let mut costs = Costs::default();
        costs.add(ms(90), ms(10));
        costs.add(ms(50), ms(20));
        assert_eq!(costs.dearest(), (ms(90), ms(20)));
        for _ in 0..RECENT {
            costs.add(ms(40), ms(5));
        }
        assert_eq!(costs.dearest(), (ms(40), ms(5)));
    }

    #[test]
    fn failures_are_tried_again_later_each_time() {
        let pace = Pace::new(ms(1000), 0.01);
        let waits = [1, 2, 3, 20].map(|failures| after_failure(&pace, failures, ms(1)));
        assert_eq!(waits, [ms(2000), ms(4000), ms(8000), ms(60_000)]);
        assert!(after_failure(&pace, 1, ms(900)) >= ms(90_000), "the failed capture may have stopped it");
    }
}
