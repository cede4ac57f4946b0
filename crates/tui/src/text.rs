//! Texts that fit a terminal: escaped, and cut and padded by columns instead of characters.
//!
//! Widths are those of whole strings, as [`unicode_width`] computes them: a sequence of characters that forms one emoji
//! is as wide as the terminal draws it, which is not the sum of its characters.

use std::borrow::Cow;

use memtop_report::{bytes, cut, escape, grouped, signed, signed_bytes};
use unicode_width::UnicodeWidthStr;

/// The longest name, in columns.
const LONGEST_NAME: usize = 400;

/// Returns a text of a heap, escaped, and cut in the middle if it is very long.
pub(crate) fn shown(text: &str) -> String {
    // Cuts roughly first, because a name can have a hundred thousand characters to escape.
    let roughly = cut(text, 2 * LONGEST_NAME);
    cut(&escape(&roughly), LONGEST_NAME).into_owned()
}

/// Returns the width of a text in columns.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Returns the text in exactly `width` columns, aligned left; cut in the middle if it is wider.
pub(crate) fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let room = width.saturating_sub(columns(&text));
    format!("{text}{:room$}", "")
}

/// Returns the text in exactly `width` columns, aligned right; cut in the middle if it is wider.
pub(crate) fn right(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let room = width.saturating_sub(columns(&text));
    format!("{:room$}{text}", "")
}

/// Returns the text, cut at its end if it is wider than `width` columns.
pub(crate) fn start(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if columns(&out) + 1 > width {
            out.pop();
            break;
        }
    }
    if width > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// Breaks a text into lines of at most `width` columns, between words where possible. There are at most `most` lines;
/// the last one ends with `…` if there would be more.
pub(crate) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let mut rest = word;
        loop {
            let line = lines.last_mut().expect("lines is never empty");
            let gap = usize::from(!line.is_empty());
            let room = width.saturating_sub(columns(line) + gap);
            if columns(rest) <= room {
                line.push_str(&" ".repeat(gap));
                line.push_str(rest);
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            // A word that is wider than a line is broken within.
            let mut end = 0;
            for (place, c) in rest.char_indices() {
                let next = place + c.len_utf8();
                if end > 0 && columns(&rest[..next]) > width {
                    break;
                }
                end = next;
            }
            line.push_str(&rest[..end]);
            rest = &rest[end..];
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
        }
        if lines.len() > most {
            break;
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = format!("{}…", start(last, width.saturating_sub(1)).trim_end_matches('…'));
        }
    }
    lines
}

/// Returns a number of objects in few columns: exact below ten million.
pub(crate) fn count(value: u64) -> String {
    if value < 10_000_000 {
        grouped(value)
    } else {
        bytes(value).trim_end_matches('B').trim().replace('k', "K")
    }
}

/// Returns a change of a number of objects; `·` if it is unknown.
pub(crate) fn count_change(value: Option<f64>) -> String {
    match value {
        None => "·".to_owned(),
        Some(value) if value.abs() < 0.05 => "0".to_owned(),
        Some(value) if value.abs() < 9.95 => format!("{value:+.1}"),
        Some(value) if value.abs() < 1e7 => signed(value.round() as i64),
        Some(value) => {
            let sign = if value < 0.0 { '-' } else { '+' };
            format!("{sign}{}", count(value.abs() as u64))
        }
    }
}

/// Returns a change in bytes; `·` if it is unknown.
pub(crate) fn bytes_change(value: Option<f64>) -> String {
    match value {
        None => "·".to_owned(),
        Some(value) if value.abs() < 0.5 => "0".to_owned(),
        Some(value) => signed_bytes(value.round() as i64),
    }
}

/// The levels of a sparkline, lowest first.
pub(crate) const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns numbers as a line of bars, the newest at the right. If there are more numbers than columns, it shows the
/// newest. The scale goes from the lowest to the highest number, so only constant numbers look flat.
pub(crate) fn sparkline(values: &[f64], width: usize) -> String {
    let values = &values[values.len().saturating_sub(width)..];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bars = values.iter().map(|value| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        LEVELS[((share * 7.0).round() as usize).min(7)]
    });
    let pad = width - values.len();
    " ".repeat(pad) + &bars.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_filled_exactly() {
        for text in ["", "a", "abcdefghij", "日本語のクラス", "naïve", "👩\u{200d}🚀 class"] {
            for width in 0..12 {
                assert_eq!(columns(&left(text, width)), width, "{text:?} in {width}");
                assert_eq!(columns(&right(text, width)), width, "{text:?} in {width}");
                assert!(columns(&start(text, width)) <= width, "{text:?} in {width}");
            }
        }
    }

    #[test]
    fn lines_are_broken_between_words_where_possible() {
        assert_eq!(wrapped("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij k", 4, 9), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("one two three four", 5, 2), ["one", "two…"]);
        assert_eq!(wrapped("", 5, 2), [""]);
        for width in 0..4 {
            assert!(wrapped("日本語 の クラス", width, 3).len() <= 3);
        }
        // Wide characters, and sequences whose width is not the sum of their characters.
        for text in
            ["日本語 の クラス", "❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", "👩\u{200d}🚀 class"]
        {
            for width in 2..12 {
                let lines = wrapped(text, width, 99);
                assert!(lines.iter().all(|line| columns(line) <= width), "{lines:?} in {width}");
                assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""), "nothing is lost");
            }
        }
    }

    #[test]
    fn hostile_names_are_escaped_and_cut() {
        assert_eq!(shown("a\x1b[2Jb"), "a\\x1b[2Jb");
        assert!(columns(&shown(&"\u{202e}".repeat(100_000))) <= LONGEST_NAME);
        assert!(shown(&"x".repeat(100_000)).len() < 1000);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0, 9_999_999, 12_345_678].map(count), ["0", "9,999,999", "12.3 M"]);
        let changes = [None, Some(0.01), Some(2.5), Some(-300.4), Some(2.5e7)].map(count_change);
        assert_eq!(changes, ["·", "0", "+2.5", "-300", "+25.0 M"]);
        assert_eq!([None, Some(0.2), Some(-1500.0)].map(bytes_change), ["·", "0", "-1.5 kB"]);
    }

    #[test]
    fn a_sparkline_goes_from_its_lowest_to_its_highest() {
        assert_eq!(sparkline(&[1.0, 2.0, 3.0], 3), "▁▅█");
        assert_eq!(sparkline(&[5.0, 5.0], 4), "  ▁▁");
        assert_eq!(sparkline(&[1.0, 2.0, 3.0], 2), "▁█");
        assert_eq!(sparkline(&[], 2), "  ");
    }
}
