//! Makes texts out of a heap harmless: characters that could steer a terminal or change the direction of text are
//! escaped as `repr()` does, and very long texts are cut in their middle.
//!
//! The captured program chooses the names of types and keys, and sometimes those who send it requests do.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a character is a control character, a line separator, changes the direction of text, or is invisible by
/// design (tags, annotations, byte order marks).
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every unsafe character escaped: `\n`, `\x1b`, `\u202e`.
///
/// ```
/// assert_eq!(memtop_report::escape("a\x1b[31m"), "a\\x1b[31m");
/// ```
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => push_code(&mut out, c),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Appends a character as an escape sequence, as `repr()` does.
pub(crate) fn push_code(out: &mut String, c: char) {
    let code = c as u32;
    let written = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    debug_assert!(written.is_ok(), "a String takes any text");
}

/// How many columns a text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Cuts a text in its middle to at most `width` columns, since both ends of a path matter most. `…` replaces the
/// middle. Marks without a width count too, from four per column on: a name could consist of millions.
///
/// ```
/// assert_eq!(memtop_report::cut("shop.sessions.by_token", 11), "shop.…token");
/// ```
#[must_use]
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    let most = MARKS * width;
    if text.chars().nth(most).is_none() && columns(text) <= width {
        return Cow::Borrowed(text);
    }
    // A text can be wider than the sum of its characters; then less is taken.
    for room in (0..width).rev() {
        let head = take(text.chars(), room.div_ceil(2));
        let tail = take(text.chars().rev(), room / 2);
        let out: String = head.chain(['…']).chain(tail.collect::<Vec<char>>().into_iter().rev()).collect();
        if columns(&out) <= width {
            return Cow::Owned(out);
        }
    }
    Cow::Borrowed("")
}

/// The largest number of characters in a column.
const MARKS: usize = 4;

fn take(chars: impl Iterator<Item = char>, room: usize) -> impl Iterator<Item = char> {
    let mut used = 0;
    let fits = move |c: &char| {
        used += c.width().unwrap_or(1);
        used <= room
    };
    chars.take(MARKS * room).take_while(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_turns_text_is_escaped() {
        let nasty = "a\x1b]0;t\x07\nb\u{9b}2J\u{85}\u{202e}c\u{2066}\u{feff}\u{e0041}\x7f";
        assert_eq!(escape(nasty), "a\\x1b]0;t\\x07\\nb\\x9b2J\\x85\\u202ec\\u2066\\ufeff\\U000e0041\\x7f");
    }

    #[test]
    fn letters_of_any_script_stay() {
        let text = "naïve 日本 👩\u{200d}🚀 שלום";
        assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn the_middle_is_cut_by_columns() {
        assert_eq!(cut("abcdefgh", 8), "abcdefgh");
        assert_eq!(cut("abcdefgh", 7), "abc…fgh");
        assert_eq!(cut("abcdefgh", 6), "abc…gh");
        assert_eq!(cut("日本日本日本", 6), "日…本");
        assert_eq!([0, 1, 2].map(|width| cut("abc", width)), ["", "…", "a…"]);
        let marks = "a".to_owned() + &"\u{301}".repeat(1_000_000);
        assert!(cut(&marks, 10).chars().count() <= 41);
        let wide = "\u{263a}\u{fe0f}".repeat(20);
        assert!(columns(&cut(&wide, 10)) <= 10);
    }
}
