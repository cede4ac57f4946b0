//! Numbers as a person reads them: sizes in powers of ten, thousands grouped, durations in the unit that fits.
//!
//! The same number gives the same text everywhere; nothing depends on a locale.

const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];

/// Bytes in powers of ten, one digit after the point: `999 B`, `61.4 MB`.
///
/// ```
/// assert_eq!(memtop_report::bytes(61_400_000), "61.4 MB");
/// ```
#[must_use]
pub fn bytes(value: u64) -> String {
    if value < 1000 {
        return format!("{value} B");
    }
    let mut scaled = value as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to 1000.0 is 1.0 of the next unit.
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

/// A change in bytes, with its sign: `+126.0 kB`, `-3 B`; `0 B` has none.
#[must_use]
pub fn signed_bytes(value: i64) -> String {
    format!("{}{}", sign(value), bytes(value.unsigned_abs()))
}

/// A whole number with its thousands grouped: `144,997`.
///
/// ```
/// assert_eq!(memtop_report::grouped(144_997), "144,997");
/// ```
#[must_use]
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A change of a number, with its sign: `+1,204`; `0` has none.
#[must_use]
pub fn signed(value: i64) -> String {
    format!("{}{}", sign(value), grouped(value.unsigned_abs()))
}

fn sign(value: i64) -> &'static str {
    match value {
        0 => "",
        1.. => "+",
        _ => "-",
    }
}

/// A rate that is not negative: whole from ten on, else with one digit after the point where that is not zero. `300`,
/// `2.5`.
pub(crate) fn rate(value: f64) -> String {
    if !(0.05..9.95).contains(&value) {
        // A rate beyond u64 is shown as the largest; there is none.
        return grouped(value.round() as u64);
    }
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A rate with its sign: `+300`, `-2.5`; `0` has none.
pub(crate) fn signed_rate(value: f64) -> String {
    match rate(value.abs()) {
        zero if zero == "0" => zero,
        text => format!("{}{text}", if value < 0.0 { "-" } else { "+" }),
    }
}

/// Bytes that may be fewer than none: `3.0 MB`, `-3.0 MB`.
pub(crate) fn net_bytes(value: i64) -> String {
    if value < 0 { signed_bytes(value) } else { bytes(value.unsigned_abs()) }
}

/// Bytes, or `?` where they are not known.
pub(crate) fn known_bytes(value: Option<u64>) -> String {
    value.map_or_else(unknown, bytes)
}

/// A number that is not known.
pub(crate) fn unknown() -> String {
    "?".to_owned()
}

/// A share of 1 in per cent: `93 %`, below one with a digit after the point, and `< 0.1 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0 %".to_owned(),
        0.0..0.05 => "< 0.1 %".to_owned(),
        0.05..0.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// A duration in nanoseconds: `850 µs`, `12.3 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
///
/// ```
/// assert_eq!(memtop_report::duration(12_345_678), "12.3 ms");
/// ```
#[must_use]
pub fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let fine = |divisor: f64, unit: &str| {
        let value = nanoseconds as f64 / divisor;
        let text = if value >= 99.95 { format!("{value:.0}") } else { format!("{value:.1}") };
        format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
    };
    let coarse = |large: u64, unit: &str, small: u64, rest: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {rest}"),
    };
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => fine(1e3, "µs"),
        1_000_000..1_000_000_000 => fine(1e6, "ms"),
        _ => match seconds {
            0..60 => fine(1e9, "s"),
            60..3600 => coarse(seconds / 60, "min", seconds % 60, "s"),
            3600..86_400 => coarse(seconds / 3600, "h", seconds % 3600 / 60, "min"),
            _ => coarse(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
        },
    }
}

/// `1 object`, `2 objects`: the number grouped, with the word that fits.
pub(crate) fn count(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(value), if value == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_ten() {
        let texts = [0, 999, 1000, 999_949, 999_950, 61_400_000, 5_000_000_000, u64::MAX].map(bytes);
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "61.4 MB", "5.0 GB", "18.4 EB"]);
        assert_eq!([0, 126_000, -3].map(signed_bytes), ["0 B", "+126.0 kB", "-3 B"]);
        assert_eq!(signed_bytes(i64::MIN), "-9.2 EB");
    }

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 12, 999, 1000, 144_997, 1_000_000, u64::MAX].map(grouped);
        let expected = ["0", "12", "999", "1,000", "144,997", "1,000,000", "18,446,744,073,709,551,615"];
        assert_eq!(texts, expected);
        assert_eq!([1204, -7, 0].map(signed), ["+1,204", "-7", "0"]);
        assert_eq!(
            [300.2, 2.5, 1.0, -0.31, 0.01, 12_345.6].map(signed_rate),
            ["+300", "+2.5", "+1", "-0.3", "0", "+12,346"]
        );
        let rates = [0.0, 0.25, 1.0, 3.2, 9.99, 299.7, 4200.0, 12_345.6].map(rate);
        assert_eq!(rates, ["0", "0.2", "1", "3.2", "10", "300", "4,200", "12,346"]);
        assert_eq!([3_000_000, 0, -3].map(net_bytes), ["3.0 MB", "0 B", "-3 B"]);
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let texts =
            [0, 999, 1500, 850_000, 12_345_678, 123_000_000, 1_200_000_000, 59_900_000_000].map(duration);
        assert_eq!(texts, ["0 ns", "999 ns", "1.5 µs", "850 µs", "12.3 ms", "123 ms", "1.2 s", "59.9 s"]);
        let texts = [60, 200, 7500, 273_600].map(|seconds: u64| duration(seconds * 1_000_000_000));
        assert_eq!(texts, ["1 min", "3 min 20 s", "2 h 5 min", "3 d 4 h"]);
    }

    #[test]
    fn shares_are_per_cent() {
        assert_eq!([0.0, 1e-6, 0.004, 0.93, 1.0].map(percent), ["0 %", "< 0.1 %", "0.4 %", "93 %", "100 %"]);
    }
}
