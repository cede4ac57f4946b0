//! Reads arguments: sizes (`500kB`, `2GiB`), durations (`30s`, `1h 30min`) and shares (`1%`).
//!
//! Nothing is guessed: kB is a power of ten and KiB a power of two, and a share needs its percent sign, since `1` could
//! mean all of it. Each function is a clap value parser, so an error is a text that completes clap's own message.

use std::time::Duration;

/// Why a text is not a size, a duration or a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// It does not begin with a number.
    #[error("{0:?} does not begin with a number")]
    NoNumber(String),
    /// Its unit of size is not known.
    #[error(
        "unknown unit of size {0:?}: use B, kB, MB, GB, TB (powers of ten) or KiB, MiB, GiB, TiB (powers of two)"
    )]
    SizeUnit(String),
    /// Its unit of time is not known.
    #[error("unknown unit of time {0:?}: use ms, s, min (or m), h or d")]
    TimeUnit(String),
    /// It is not a percentage within bounds.
    #[error("{0:?} is not a share: write a percentage above 0 % and at most 100 %, such as 1% or 0.5%")]
    Share(String),
    /// It does not fit into 64 bits, or is longer than a thousand years.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// No duration is longer: a thousand years, in nanoseconds.
const LONGEST: u128 = 1000 * 366 * 86_400 * 1_000_000_000;

/// Reads a number of bytes: `512`, `10kB`, `1.5 MB`, `64 MiB`. Case does not matter; `k`, `M`, `G` and `T` alone are
/// powers of ten, `Ki`, `Mi`, `Gi` and `Ti` powers of two.
///
/// # Errors
/// If the text is not a size.
pub(crate) fn size(text: &str) -> Result<u64, ParseError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_' | ',')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: String = number.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let scale: u128 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ if !is_decimal(&number) => return Err(ParseError::NoNumber(text.to_owned())),
        _ => return Err(ParseError::SizeUnit(unit.trim().to_owned())),
    };
    let bytes = scaled(&number, scale, text)?;
    u64::try_from(bytes).map_err(|_| ParseError::TooLarge(text.to_owned()))
}

/// Reads a duration: `30s`, `5m`, `1.5h`, `250 ms`, `1h 30min`. A number alone is in seconds; case does not matter.
///
/// # Errors
/// If the text is not a duration.
pub(crate) fn duration(text: &str) -> Result<Duration, ParseError> {
    let text = text.trim();
    let mut rest = text;
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
            _ if number.is_empty() => return Err(ParseError::NoNumber(text.to_owned())),
            "" => return Err(ParseError::TimeUnit(if after.is_empty() { number } else { after }.to_owned())),
            _ => return Err(ParseError::TimeUnit(unit.to_owned())),
        };
        sum = scaled(number, scale, text)?.saturating_add(sum);
        if sum > LONGEST {
            return Err(ParseError::TooLarge(text.to_owned()));
        }
        rest = after.trim_start();
        parts += 1;
    }
    let (seconds, nanoseconds) = (sum / 1_000_000_000, sum % 1_000_000_000);
    // Both fit: see LONGEST.
    Ok(Duration::new(seconds as u64, nanoseconds as u32))
}

/// Reads a percentage as a share above 0 and at most 1: `1%`, `0.5 %`.
///
/// # Errors
/// If the text is not a percentage, or is outside of these bounds.
pub(crate) fn share(text: &str) -> Result<f64, ParseError> {
    let text = text.trim();
    let invalid = || ParseError::Share(text.to_owned());
    let number = text.strip_suffix('%').ok_or_else(invalid)?.trim_end();
    // Millionths of a percent are exact.
    let millionths = scaled(number, 1_000_000, text).map_err(|_| invalid())?;
    if millionths == 0 || millionths > 100_000_000 {
        return Err(invalid());
    }
    Ok(millionths as f64 / 100_000_000.0)
}

/// Whether a text is digits with at most one point.
fn is_decimal(number: &str) -> bool {
    number.bytes().any(|c| c.is_ascii_digit())
        && number.bytes().all(|c| c.is_ascii_digit() || c == b'.')
        && number.matches('.').count() < 2
}

/// A decimal number times `scale`, rounded down; `text` is what an error quotes.
fn scaled(number: &str, scale: u128, text: &str) -> Result<u128, ParseError> {
    if !is_decimal(number) {
        return Err(ParseError::NoNumber(text.to_owned()));
    }
    let too_large = || ParseError::TooLarge(text.to_owned());
    let digits = |digits: &str| match digits {
        "" => Ok(0),
        digits => digits.parse::<u128>().map_err(|_| too_large()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    // More digits than these are less than a byte or a nanosecond of the largest unit.
    let part = &part[..part.len().min(15)];
    let fraction = digits(part)? * scale / 10_u128.pow(part.len() as u32);
    digits(whole)?.checked_mul(scale).and_then(|whole| whole.checked_add(fraction)).ok_or_else(too_large)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error<T: std::fmt::Debug>(result: Result<T, ParseError>) -> String {
        result.expect_err("an error").to_string()
    }

    #[test]
    fn units_of_size_are_powers_of_ten_or_of_two() {
        let read = ["0", "512", "512 B", "10k", "10 kB", "1.5MB", "2 GiB", "1_000", "1,000 KiB", ".5 kb"];
        let bytes = [0, 512, 512, 10_000, 10_000, 1_500_000, 2 << 30, 1000, 1_024_000, 500];
        assert_eq!(read.map(size), bytes.map(Ok));
    }

    #[test]
    fn an_invalid_size_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "\"\" does not begin with a number"),
            ("MB", "\"MB\" does not begin with a number"),
            ("-1", "\"-1\" does not begin with a number"),
            ("1.2.3", "\"1.2.3\" does not begin with a number"),
            ("99999999999999999999 TB", "\"99999999999999999999 TB\" is too large"),
            (
                "99999999999999999999999999999999999999999999",
                "\"99999999999999999999999999999999999999999999\" is too large",
            ),
        ] {
            assert_eq!(error(size(text)), reason);
        }
        let unit = error(size("10 bits"));
        assert!(
            unit.starts_with("unknown unit of size \"bits\": use B, kB") && unit.contains("KiB"),
            "{unit}"
        );
    }

    #[test]
    fn durations_take_several_units() {
        let read =
            ["30s", "30", "5m", "5 min", "1.5h", "250ms", "0.25 S", "1h 30min", "1h30m", "2d", "0s", ".5m"];
        let ms = [30_000, 30_000, 300_000, 300_000, 5_400_000, 250, 250, 5_400_000, 5_400_000, 172_800_000];
        let expected = ms.into_iter().chain([0, 30_000]).map(|ms| Ok(Duration::from_millis(ms)));
        assert!(read.into_iter().map(duration).eq(expected));
    }

    #[test]
    fn an_invalid_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "\"\" does not begin with a number"),
            ("soon", "\"soon\" does not begin with a number"),
            ("-3s", "\"-3s\" does not begin with a number"),
            ("1.2.3s", "\"1.2.3s\" does not begin with a number"),
            (".s", "\".s\" does not begin with a number"),
            ("1h30", "unknown unit of time \"30\": use ms, s, min (or m), h or d"),
            ("3 apples", "unknown unit of time \"apples\": use ms, s, min (or m), h or d"),
            ("5MB", "unknown unit of time \"MB\": use ms, s, min (or m), h or d"),
            ("3 %", "unknown unit of time \"%\": use ms, s, min (or m), h or d"),
            ("9999999d", "\"9999999d\" is too large"),
            (
                "99999999999999999999999999999999999999999s",
                "\"99999999999999999999999999999999999999999s\" is too large",
            ),
        ] {
            assert_eq!(error(duration(text)), reason, "{text:?}");
        }
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!(["1%", "0.5 %", "100%", ".1%"].map(share), [Ok(0.01), Ok(0.005), Ok(1.0), Ok(0.001)]);
        for text in ["", "%", "1", "0.01", "0%", "101%", "-1%", "1%%", "one%"] {
            assert!(share(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_written_sizes_are_read_back(text in any::<String>(), bytes in any::<u64>()) {
            let _ = (size(&text), duration(&text), share(&text));
            prop_assert_eq!(size(&format!("{bytes} B")), Ok(bytes));
            let kibi = bytes >> 10;
            prop_assert_eq!(size(&format!("{kibi}KiB")), Ok(kibi << 10));
        }
    }
}
