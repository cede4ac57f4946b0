//! Sizes as a person writes them, read. Powers of ten (`10 MB`) and of two (`10 MiB`) are told apart, as their names
//! say; nothing else is guessed.

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// It does not begin with a number.
    #[error("{0:?} does not begin with a number")]
    NoNumber(String),
    /// Its unit is not known.
    #[error(
        "{0:?} is no unit of size: B, kB, MB, GB, TB (powers of ten), KiB, MiB, GiB, TiB (powers of two)"
    )]
    Unit(String),
    /// It is beyond what can be counted.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// The bytes that `text` says: `512`, `10kB`, `1.5 MB`, `64 MiB`. Capitals do not matter; `k`, `M`, `G` and `T` alone
/// are powers of ten, `Ki`, `Mi`, `Gi` and `Ti` of two.
///
/// # Errors
/// If it is no size, with what is.
///
/// ```
/// assert_eq!(memtop_report::parse_size("1.5 kB"), Ok(1500));
/// assert_eq!(memtop_report::parse_size("1 MiB"), Ok(1_048_576));
/// ```
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_' | ',')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let no_number = || SizeError::NoNumber(text.to_owned());
    let too_large = || SizeError::TooLarge(text.to_owned());
    let digits: String = number.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return Err(no_number());
    }
    let unit = unit.trim().to_ascii_lowercase();
    let scale: u128 = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => return Err(SizeError::Unit(text[end..].trim().to_owned())),
    };
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
    // Digits that are less than a byte of the largest unit say nothing.
    let part = &part[..part.len().min(15)];
    let fraction = match part {
        "" => 0,
        part => part.parse::<u128>().map_err(|_| no_number())? * scale / 10_u128.pow(part.len() as u32),
    };
    let bytes =
        whole.checked_mul(scale).and_then(|bytes| bytes.checked_add(fraction)).ok_or_else(too_large)?;
    u64::try_from(bytes).map_err(|_| too_large())
}

/// Bytes in powers of two, named as such: `1.5 MiB`. For who wrote a size so.
#[must_use]
pub fn binary_size(value: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if value < 1024 {
        return format!("{value} B");
    }
    let mut scaled = value as f64 / 1024.0;
    let mut unit = 0;
    while scaled >= 1023.95 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_mean_what_their_names_say() {
        let read = ["0", "512", "512 B", "10k", "10 kB", "1.5MB", "2 GiB", "1_000", "1,000 KiB", ".5 kb"];
        let bytes = [0, 512, 512, 10_000, 10_000, 1_500_000, 2 << 30, 1000, 1_024_000, 500];
        assert_eq!(read.map(parse_size), bytes.map(Ok));
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_reason() {
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
            assert_eq!(parse_size(text).expect_err(text).to_string(), reason);
        }
        assert!(parse_size("10 bits").expect_err("no unit").to_string().contains("KiB"));
    }

    #[test]
    fn powers_of_two_are_named() {
        assert_eq!(
            [1023, 1024, 1_572_864, 5 << 30].map(binary_size),
            ["1023 B", "1.0 KiB", "1.5 MiB", "5.0 GiB"]
        );
    }
}
