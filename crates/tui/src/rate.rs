//! Growth rates, and forecasts of when a limit is reached.
//!
//! A rate is the median of the slopes of all pairs of points (H. Theil 1950, P. K. Sen: "Estimates of the Regression
//! Coefficient Based on Kendall's Tau", JASA 63, 1968): a few outliers, for example from a cache that was emptied, do
//! not change it.

use std::time::Duration;

/// Of more points than this, evenly chosen ones are used, because there is a slope for each pair.
const POINTS: usize = 32;

/// Returns the growth per minute; none from fewer than three points, or if they cover less than `span`. Quadratic in
/// the number of points that are used, at most 32.
#[must_use]
pub fn per_minute(points: &[(Duration, f64)], span: Duration) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 3 || last.0.checked_sub(first.0)? < span {
        return None;
    }
    let chosen = points.len().min(POINTS);
    let at = |place: usize| points[place * (points.len() - 1) / (chosen - 1)];
    let mut slopes = Vec::with_capacity(chosen * (chosen - 1) / 2);
    for later in 1..chosen {
        for earlier in 0..later {
            let (from, to) = (at(earlier), at(later));
            let minutes = to.0.checked_sub(from.0)?.as_secs_f64() / 60.0;
            if minutes > 0.0 {
                slopes.push((to.1 - from.1) / minutes);
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    match slopes.len() {
        0 => None,
        even if even.is_multiple_of(2) => Some(f64::midpoint(slopes[middle - 1], slopes[middle])),
        _ => Some(slopes[middle]),
    }
}

/// The time until a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forecast {
    /// It is reached already.
    Now,
    /// The time at the present rate.
    In(Duration),
    /// More than a year at the present rate, or not at all.
    Never,
}

/// Returns when `bytes` reaches `limit`, at a growth of `per_minute`.
#[must_use]
pub fn forecast(bytes: u64, per_minute: f64, limit: u64) -> Forecast {
    const YEAR: f64 = 365.0 * 86_400.0;
    let Some(room) = limit.checked_sub(bytes).filter(|&room| room > 0) else { return Forecast::Now };
    let seconds = room as f64 / per_minute * 60.0;
    if per_minute > 0.0 && seconds < YEAR {
        Forecast::In(Duration::from_secs_f64(seconds))
    } else {
        Forecast::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(slope: f64, count: u64) -> Vec<(Duration, f64)> {
        (0..count).map(|second| (Duration::from_secs(second), 100.0 + slope * second as f64)).collect()
    }

    #[test]
    fn a_line_has_its_slope() {
        for count in [3, 4, 31, 32, 33, 500] {
            let rate = per_minute(&line(2.0, count), Duration::ZERO).expect("enough points");
            assert!((rate - 120.0).abs() < 1e-6, "{rate} of {count}");
        }
    }

    #[test]
    fn an_outlier_does_not_change_the_rate() {
        let mut points = line(2.0, 20);
        points[7].1 = 1e9;
        let rate = per_minute(&points, Duration::ZERO).expect("enough points");
        assert!((rate - 120.0).abs() < 1e-6, "{rate}");
    }

    #[test]
    fn too_few_points_have_no_rate() {
        assert_eq!(per_minute(&line(2.0, 2), Duration::ZERO), None);
        assert_eq!(per_minute(&line(2.0, 4), Duration::from_secs(5)), None);
        assert_eq!(per_minute(&[(Duration::ZERO, 1.0); 5], Duration::ZERO), None);
    }

    #[test]
    fn a_limit_is_forecast_only_during_growth() {
        assert_eq!(forecast(100, 60.0, 400), Forecast::In(Duration::from_secs(300)));
        assert_eq!(forecast(100, 0.0, 400), Forecast::Never);
        assert_eq!(forecast(100, -5.0, 400), Forecast::Never);
        assert_eq!(forecast(100, f64::NAN, 400), Forecast::Never);
        assert_eq!(forecast(100, 1e-9, u64::MAX), Forecast::Never);
        assert_eq!(forecast(400, -5.0, 400), Forecast::Now);
    }
}
