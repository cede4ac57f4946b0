//! When to capture a process again, and which of many captures to keep.
//!
//! All that take series (the commands `leaks` and `run`, and the live view) use these two rules, so that a series
//! costs a process no more than its budget, and memory no more than a fixed number of captures.

use std::time::Duration;

/// Returns the shortest time between the starts of two captures, the first of which paused the process for `pause`, so
/// that the process is paused for at most the share `budget` (above 0, at most 1) of the time. Rounded up; the longest
/// duration if there is none that is long enough.
///
/// ```
/// use std::time::Duration;
///
/// let period = memtop_analyze::period_within_budget(Duration::from_millis(600), 0.01);
/// assert!(period >= Duration::from_secs(60) && period < Duration::from_millis(60_001));
/// ```
#[must_use]
pub fn period_within_budget(pause: Duration, budget: f64) -> Duration {
    if pause.is_zero() {
        return pause;
    }
    let period = Duration::try_from_secs_f64(pause.as_secs_f64() / budget).unwrap_or(Duration::MAX);
    period.saturating_add(Duration::from_nanos(1))
}

/// Drops every second item, counted from the newest, which is the last one and stays. If the number of items is odd,
/// the first one stays too.
///
/// ```
/// let mut kept = vec![0, 1, 2, 3, 4];
/// memtop_analyze::drop_every_second(&mut kept);
/// assert_eq!(kept, [0, 2, 4]);
/// ```
pub fn drop_every_second<T>(items: &mut Vec<T>) {
    let mut after = items.len();
    items.retain(|_| {
        after -= 1;
        after.is_multiple_of(2)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn no_pause_needs_no_wait_and_an_endless_one_waits_for_ever() {
        assert_eq!(period_within_budget(Duration::ZERO, 0.01), Duration::ZERO);
        assert_eq!(period_within_budget(Duration::MAX, 1e-9), Duration::MAX);
        assert_eq!(period_within_budget(ms(1), 0.0), Duration::MAX);
    }

    #[test]
    fn the_process_is_paused_for_at_most_the_budget_at_any_moment() {
        for budget in [0.001, 0.01, 0.5, 1.0] {
            let (mut now, mut paused) = (Duration::ZERO, Duration::ZERO);
            for pause in [3, 250, 40, 900, 1, 0, 20, 5000, 2].map(ms) {
                paused += pause;
                now += period_within_budget(pause, budget);
                let share = paused.as_secs_f64() / now.as_secs_f64();
                assert!(share <= budget, "{share} at {now:?}");
            }
        }
    }

    #[test]
    fn what_is_kept_of_a_long_series_is_evenly_spread() {
        const MOST: usize = 8;
        let mut kept = Vec::new();
        let mut interval = 1;
        for moment in 0..1000 {
            if moment % interval != 0 {
                continue;
            }
            kept.push(moment);
            if kept.len() > MOST {
                drop_every_second(&mut kept);
                interval *= 2;
            }
            assert!(kept.len() <= MOST && kept[0] == 0, "{kept:?} at {moment}");
            assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == interval), "{kept:?} at {moment}");
        }
        assert!(kept.len() > MOST / 2, "{kept:?}");
    }

    #[test]
    fn the_newest_always_stays() {
        for count in 0..10 {
            let mut kept: Vec<usize> = (0..count).collect();
            drop_every_second(&mut kept);
            assert_eq!(kept.last().copied(), count.checked_sub(1));
            assert_eq!(kept.len(), count.div_ceil(2));
        }
    }
}
