//! How often a process may be stopped.

use std::time::Duration;

/// After how long, from the beginning of a capture that stopped the process for `pause`, the next may begin: after
/// `interval`, or later, so that the process is stopped for at most the share `budget` (above 0, at most 1) of the time.
pub(crate) fn period(interval: Duration, pause: Duration, budget: f64) -> Duration {
    let least = pause.as_secs_f64() / budget;
    // What is beyond any clock never comes; nor is it an error.
    interval.max(Duration::try_from_secs_f64(least).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_short_pause_leaves_the_interval_and_a_long_one_stretches_it() {
        assert_eq!(period(ms(30_000), ms(12), 0.01), ms(30_000));
        assert_eq!(period(ms(1000), ms(600), 0.01), ms(60_000));
        assert_eq!(period(ms(1000), ms(600), 1.0), ms(1000));
        assert_eq!(period(ms(1000), ms(0), 0.01), ms(1000));
        assert_eq!(period(ms(1), Duration::MAX, 1e-9), Duration::MAX);
    }

    #[test]
    fn the_process_is_stopped_for_no_more_than_the_budget_at_any_moment() {
        let (interval, budget) = (ms(2000), 0.01);
        let (mut now, mut stopped) = (Duration::ZERO, Duration::ZERO);
        for pause in [3, 250, 40, 900, 1, 0, 20, 5000, 2].map(ms) {
            if !now.is_zero() {
                let share = stopped.as_secs_f64() / now.as_secs_f64();
                assert!(share <= budget + 1e-9, "{share} at {now:?}");
            }
            stopped += pause;
            now += period(interval, pause, budget);
        }
    }
}
