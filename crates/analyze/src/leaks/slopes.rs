//! The rate of growth, estimated robustly: the Theil–Sen estimate.
//!
//! The slope is the median of the slopes of all pairs of points (H. Theil 1950; P. K. Sen: "Estimates of the
//! Regression Coefficient Based on Kendall's Tau", JASA 63, 1968); its lower bound is Sen's, from the variance of
//! Kendall's statistic. With few points the bound is the smallest slope of all, so that it is above zero only if every
//! point is above the one before.

/// A slope and its lower bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slope {
    /// The median of the slopes of all pairs.
    pub(super) median: f64,
    /// The lower end of the interval that holds the slope in 95 of 100 cases.
    pub(super) lower: f64,
}

/// The two-sided quantile of the normal distribution for 95 %.
const QUANTILE: f64 = 1.96;

/// The slope of points `(x, y)`; none if no two differ in `x`. Quadratic in the number of points.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    let mut slopes = Vec::new();
    for (index, a) in points.iter().enumerate() {
        for b in &points[index + 1..] {
            if b.0 > a.0 {
                slopes.push((b.1 - a.1) / (b.0 - a.0));
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    let median = match slopes.len() {
        0 => return None,
        count if count % 2 == 1 => slopes[middle],
        _ => f64::midpoint(slopes[middle - 1], slopes[middle]),
    };
    let n = points.len() as f64;
    let spread = QUANTILE * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let index = ((slopes.len() as f64 - spread) / 2.0).floor().max(0.0) as usize;
    Some(Slope { median, lower: slopes[index.min(slopes.len() - 1)] })
}

/// The median of some numbers; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Whether numbers fall: each below the one before, or, of four or more, too many of them below an earlier one to have
/// come in that order by chance (H. B. Mann: "Nonparametric Tests Against Trend", Econometrica 13, 1945; one-sided,
/// 95 %).
pub(super) fn is_falling(values: &[f64]) -> bool {
    const QUANTILE: f64 = 1.645;
    if values.len() < 2 {
        return false;
    }
    if values.windows(2).all(|pair| pair[1] < pair[0]) {
        return true;
    }
    let sign = |(index, earlier): (usize, &f64)| -> i64 {
        values[index + 1..].iter().map(|later| i64::from(later > earlier) - i64::from(later < earlier)).sum()
    };
    let score = values.iter().enumerate().map(sign).sum::<i64>() as f64;
    let n = values.len() as f64;
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    values.len() > 3 && (score + 1.0) / deviation < -QUANTILE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_point_does_not_turn_the_slope() {
        let mut points: Vec<(f64, f64)> = (0..12).map(|x| (f64::from(x), 3.0 * f64::from(x))).collect();
        points[5].1 = 400.0;
        let slope = theil_sen(&points).unwrap();
        assert_eq!(slope.median, 3.0);
        assert!(slope.lower > 2.0 && slope.lower <= 3.0, "{slope:?}");
    }

    #[test]
    fn a_trend_falls_though_not_in_every_step() {
        assert!(is_falling(&[877.0, 431.0, 266.0]));
        assert!(!is_falling(&[877.0, 431.0, 466.0]));
        assert!(is_falling(&[900.0, 700.0, 720.0, 500.0, 300.0, 310.0, 120.0]));
        assert!(!is_falling(&[300.0, 280.0, 310.0, 290.0, 305.0, 285.0, 300.0]));
        assert!(!is_falling(&[5.0; 50]) && !is_falling(&[5.0]) && !is_falling(&[]));
    }

    #[test]
    fn with_few_points_every_one_must_be_above_the_one_before() {
        let lower = |ys: [f64; 4]| {
            let points: Vec<(f64, f64)> = ys.iter().enumerate().map(|(x, &y)| (x as f64, y)).collect();
            theil_sen(&points).unwrap().lower
        };
        assert!(lower([1.0, 2.0, 3.0, 9.0]) > 0.0);
        assert!(lower([1.0, 2.0, 2.0, 9.0]) <= 0.0);
        assert_eq!(theil_sen(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(theil_sen(&[]), None);
    }
}
