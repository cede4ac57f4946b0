//! Escapes text so that it can be logged and encoded: characters that could control a terminal or break an encoding.
//!
//! Python strings are read by code point, since a lone surrogate is not a Rust `char`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice, PyString};

/// Builds a text up to a number of characters, escaping as it goes.
#[derive(Debug)]
pub(crate) struct Text {
    out: String,
    length: usize,
    limit: usize,
}

impl Text {
    pub(crate) fn new(width: Option<usize>) -> Self {
        Self { out: String::new(), length: 0, limit: width.unwrap_or(usize::MAX) }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.length >= self.limit
    }

    /// The number of characters that still fit.
    pub(crate) fn remaining(&self) -> usize {
        self.limit - self.length
    }

    pub(crate) fn push_char(&mut self, c: char) {
        if !self.is_full() {
            self.out.push(c);
            self.length += 1;
        }
    }

    pub(crate) fn push_str(&mut self, text: &str) {
        for c in text.chars() {
            if self.is_full() {
                break;
            }
            self.push_code(c as u32);
        }
    }

    /// Appends a code point, escaped if necessary.
    pub(crate) fn push_code(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(c) if !is_unsafe(c) => self.push_char(c),
            _ => self.push_escape(code),
        }
    }

    /// Appends a code point as an escape sequence, like `repr()`.
    pub(crate) fn push_escape(&mut self, code: u32) {
        let escape = match code {
            0x09 => "\\t".to_owned(),
            0x0a => "\\n".to_owned(),
            0x0d => "\\r".to_owned(),
            0..=0xff => format!("\\x{code:02x}"),
            0x100..=0xffff => format!("\\u{code:04x}"),
            _ => format!("\\U{code:08x}"),
        };
        for c in escape.chars() {
            self.push_char(c);
        }
    }

    /// Appends a Python string, read only as far as it fits.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn push_python(&mut self, text: &Bound<'_, PyString>) -> PyResult<()> {
        for code in code_points(text, self.remaining())? {
            if self.is_full() {
                break;
            }
            self.push_code(code);
        }
        Ok(())
    }

    pub(crate) fn into_python(self, py: Python<'_>) -> Bound<'_, PyString> {
        PyString::new(py, &self.out)
    }
}

/// The first `most` characters of a string, by `str`'s own slicing.
///
/// # Errors
/// Out of memory.
pub(crate) fn head<'py>(text: &Bound<'py, PyString>, most: usize) -> PyResult<Bound<'py, PyString>> {
    let py = text.py();
    let str_type = py.get_type::<PyString>();
    // Also if the whole text fits: the result is an exact str, whatever a subclass overrides.
    let slice = PySlice::new(py, 0, isize::try_from(most).unwrap_or(isize::MAX), 1);
    Ok(str_type.call_method1("__getitem__", (text, slice))?.cast_into()?)
}

/// The first `most` code points of a string, lone surrogates as they are.
///
/// # Errors
/// Out of memory.
pub(crate) fn code_points(text: &Bound<'_, PyString>, most: usize) -> PyResult<Vec<u32>> {
    let head = head(text, most)?;
    if let Ok(head) = head.to_str() {
        return Ok(head.chars().map(u32::from).collect());
    }
    // In the byte order of the machine, which CPython encodes itself: for "utf-32-le" it would import a module first,
    // and the program would hold objects that it did not hold before.
    let encoded = head.call_method1("encode", ("utf-32", "surrogatepass"))?.cast_into::<PyBytes>()?;
    let code_points = encoded.as_bytes().chunks_exact(4).skip(1);
    Ok(code_points.map(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]])).collect())
}

/// Whether it is a control character, a line separator, or changes the direction of text.
fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with every unsafe character escaped, then cut to `width` characters.
///
/// # Errors
/// Out of memory.
pub fn escape<'py>(text: &Bound<'py, PyString>, width: Option<usize>) -> PyResult<Bound<'py, PyString>> {
    let mut out = Text::new(width);
    out.push_python(text)?;
    Ok(out.into_python(text.py()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(width: usize, input: &str) -> String {
        let mut text = Text::new(Some(width));
        text.push_str(input);
        text.out
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(text(100, "a\x1b[31m\nb\u{85}\u{202e}c"), "a\\x1b[31m\\nb\\x85\\u202ec");
    }

    #[test]
    fn the_escaped_text_is_cut() {
        assert_eq!(text(3, "a\x1bb"), "a\\x");
        assert_eq!(text(0, "abc"), "");
    }

    #[test]
    fn other_letters_are_kept() {
        assert_eq!(text(100, "naïve \u{a0}日本 👩\u{200d}🚀"), "naïve \u{a0}日本 👩\u{200d}🚀");
    }

    #[test]
    fn a_lone_surrogate_is_escaped() {
        let mut text = Text::new(None);
        text.push_code(0xdc80);
        assert_eq!(text.out, "\\udc80");
    }
}
