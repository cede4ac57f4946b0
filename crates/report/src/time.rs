//! Times of day as ISO 8601 in UTC, and spans of time. A time zone is never guessed.

use memtop_analyze::{LEAST_MINUTES, SnapshotRow};

/// The time in microseconds since 1970 (UTC) as `2026-11-23T07:50:13.123456Z`; none if it is beyond the calendar
/// (years -9999 to 9999).
///
/// ```
/// assert_eq!(memtop_report::iso8601(0).as_deref(), Some("1970-01-01T00:00:00Z"));
/// ```
#[must_use]
pub fn iso8601(microseconds: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(microseconds).ok().map(|time| time.to_string())
}

/// The same to a second, for a person: `2026-11-23 07:50:13 UTC`.
pub(crate) fn readable(microseconds: i64) -> String {
    let time = jiff::Timestamp::from_second(microseconds.div_euclid(1_000_000));
    time.map_or_else(
        |_| "at an unknown time".to_owned(),
        |time| time.to_string().replace('T', " ").replace('Z', " UTC"),
    )
}

/// Nanoseconds from one time to another, both in microseconds since 1970; none if the clock went back.
pub(crate) fn span(first: i64, last: i64) -> Option<u64> {
    u64::try_from((i128::from(last) - i128::from(first)) * 1000).ok()
}

/// How many minutes a series of snapshots took, if enough for a rate per minute.
pub(crate) fn minutes(snapshots: &[SnapshotRow]) -> Option<f64> {
    let nanoseconds = span(snapshots.first()?.taken_at, snapshots.last()?.taken_at)?;
    Some(nanoseconds as f64 / 60e9).filter(|&minutes| minutes >= LEAST_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        assert_eq!(iso8601(1_795_420_213_123_456).as_deref(), Some("2026-11-23T07:50:13.123456Z"));
        assert_eq!(iso8601(-1).as_deref(), Some("1969-12-31T23:59:59.999999Z"));
        assert_eq!(iso8601(i64::MAX), None);
        assert_eq!(readable(1_795_420_213_999_999), "2026-11-23 07:50:13 UTC");
        assert_eq!(readable(i64::MIN), "at an unknown time");
    }
}
