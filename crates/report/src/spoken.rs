//! Durations and shares as a person writes them, read: `30s`, `1.5h`, `1h 30min`, `1%`. Nothing is guessed: a share
//! without its per-cent sign is refused, since 1 could be all of it.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Where a number should stand, there is none.
    #[error("{0:?} does not begin with a number")]
    NoNumber(String),
    /// Its unit is not known.
    #[error("{0:?} is no unit of time: ms, s, min (or m), h, d")]
    Unit(String),
    /// It is beyond what can be counted.
    #[error("{0:?} is too long")]
    TooLong(String),
}

/// A text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no share: write it in per cent, above 0 % and at most 100 %, such as 1% or 0.5%")]
pub struct ShareError(String);

/// No duration is longer: a thousand years, in nanoseconds.
const LONGEST: u128 = 1000 * 366 * 86_400 * 1_000_000_000;

/// The duration that `text` says: `30s`, `5m`, `1.5h`, `250 ms`, `1h 30min`. A number alone is of seconds; capitals do
/// not matter.
///
/// # Errors
/// If it is no duration, with what is.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(memtop_report::parse_duration("1.5h"), Ok(Duration::from_secs(5400)));
/// assert_eq!(memtop_report::parse_duration("30"), Ok(Duration::from_secs(30)));
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let too_long = || DurationError::TooLong(text.trim().to_owned());
    let mut rest = text.trim();
    let mut sum: u128 = 0;
    let mut parts = 0;
    while parts == 0 || !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic() && c != 'µ').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let scale: u128 = match unit.to_lowercase().as_str() {
            "" if parts == 0 && after.is_empty() => 1_000_000_000,
            "ms" => 1_000_000,
            "s" | "sec" | "second" | "seconds" => 1_000_000_000,
            "m" | "min" | "minute" | "minutes" => 60 * 1_000_000_000,
            "h" | "hour" | "hours" => 3600 * 1_000_000_000,
            "d" | "day" | "days" => 86_400 * 1_000_000_000,
            _ if number.is_empty() => return Err(DurationError::NoNumber(text.trim().to_owned())),
            "" => return Err(DurationError::Unit(if after.is_empty() { number } else { after }.to_owned())),
            _ => return Err(DurationError::Unit(unit.to_owned())),
        };
        let value =
            decimal(number, scale).ok_or_else(|| match number.bytes().any(|c| c.is_ascii_digit()) {
                true if number.matches('.').count() < 2 => too_long(),
                _ => DurationError::NoNumber(text.trim().to_owned()),
            })?;
        sum = sum.checked_add(value).filter(|&sum| sum <= LONGEST).ok_or_else(too_long)?;
        rest = after.trim_start();
        parts += 1;
    }
    let (seconds, nanoseconds) = (sum / 1_000_000_000, sum % 1_000_000_000);
    // Both fit: see LONGEST.
    Ok(Duration::new(seconds as u64, nanoseconds as u32))
}

/// The share that `text` says in per cent, above 0 and at most 1: `1%`, `0.5 %`.
///
/// # Errors
/// If it is none, with what is.
///
/// ```
/// assert_eq!(memtop_report::parse_share("1%"), Ok(0.01));
/// ```
pub fn parse_share(text: &str) -> Result<f64, ShareError> {
    let wrong = || ShareError(text.trim().to_owned());
    let number = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim_end();
    // Millionths of a per cent are exact.
    let millionths = decimal(number, 1_000_000).filter(|&value| value > 0).ok_or_else(wrong)?;
    if millionths > 100_000_000 {
        return Err(wrong());
    }
    Ok(millionths as f64 / 100_000_000.0)
}

/// A number with a point or without, times `scale`, rounded down; none if it is no number or is too large.
fn decimal(number: &str, scale: u128) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Digits that are less than a nanosecond of the largest unit say nothing.
    let part = &part[..part.len().min(15)];
    let fraction = match part {
        "" => 0,
        part => part.parse::<u128>().ok()? * scale / 10_u128.pow(part.len() as u32),
    };
    whole.checked_mul(scale)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        let read =
            ["30s", "30", "5m", "5 min", "1.5h", "250ms", "0.25 S", "1h 30min", "1h30m", "2d", "0s", ".5m"];
        let millis = [
            30_000,
            30_000,
            300_000,
            300_000,
            5_400_000,
            250,
            250,
            5_400_000,
            5_400_000,
            172_800_000,
            0,
            30_000,
        ];
        assert_eq!(read.map(parse_duration), millis.map(|ms| Ok(Duration::from_millis(ms))));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "\"\" does not begin with a number"),
            ("soon", "\"soon\" does not begin with a number"),
            ("-3s", "\"-3s\" does not begin with a number"),
            ("1.2.3s", "\"1.2.3s\" does not begin with a number"),
            (".s", "\".s\" does not begin with a number"),
            ("1h30", "\"30\" is no unit of time: ms, s, min (or m), h, d"),
            ("3 apples", "\"apples\" is no unit of time: ms, s, min (or m), h, d"),
            ("5MB", "\"MB\" is no unit of time: ms, s, min (or m), h, d"),
            ("3 %", "\"%\" is no unit of time: ms, s, min (or m), h, d"),
            ("9999999d", "\"9999999d\" is too long"),
            (
                "99999999999999999999999999999999999999999s",
                "\"99999999999999999999999999999999999999999s\" is too long",
            ),
        ] {
            assert_eq!(parse_duration(text).expect_err(text).to_string(), reason, "{text:?}");
        }
    }

    #[test]
    fn shares_are_in_per_cent() {
        assert_eq!(
            ["1%", "0.5 %", "100%", ".1%"].map(parse_share),
            [Ok(0.01), Ok(0.005), Ok(1.0), Ok(0.001)]
        );
        for text in ["", "%", "1", "0.01", "0%", "101%", "-1%", "1%%", "one%"] {
            assert!(parse_share(text).is_err(), "{text:?}");
        }
    }
}
