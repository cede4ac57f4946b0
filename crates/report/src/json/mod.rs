//! Answers as JSON: a schema for each command, with a version; later fields are only added.
//!
//! Sizes are in bytes, times in ISO 8601 (UTC). A number that cannot be known is `null`. Addresses are texts
//! (`"0x7f…"`): a JSON number would lose digits in many readers.

mod diff;
mod group_leaks;
mod heap;
pub(crate) mod leaks;
mod memory;
mod overview;
pub(crate) mod parts;
mod process_group;
mod process_list;
mod types;
mod why;

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter};

pub use diff::diff;
pub use group_leaks::group_leaks;
pub use heap::heap_report;
pub use leaks::{leaks, suspect};
pub use memory::memory;
pub use overview::overview;
pub use parts::SCHEMA_VERSION;
pub use process_group::process_group;
pub use process_list::{processes, saved_snapshot};
pub use types::{histogram, top};
pub use why::{object_paths, type_paths};

use crate::escape::is_unsafe;

/// An answer that does not name its process, with a field that does.
#[must_use]
pub fn of_process(info: &memtop_heap::CaptureInfo, mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("capture".to_owned(), parts::capture(info));
    }
    answer
}

/// An answer as text: indented by two spaces, ended by a line's end. Characters that could steer a terminal are
/// escaped within strings, so that it can be looked at as well as read; a reader gets the same text.
#[must_use]
pub fn to_text(answer: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Harmless(PrettyFormatter::new()));
    let written = answer.serialize(&mut serializer);
    debug_assert!(written.is_ok(), "a value is serialized into memory");
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes characters that are unsafe on a terminal as `\u` escapes, which every reader of JSON turns back.
struct Harmless(PrettyFormatter<'static>);

impl Formatter for Harmless {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::parts::rounded;
    use super::*;

    #[test]
    fn a_reader_gets_the_same_text_and_a_terminal_is_left_alone() {
        let value = serde_json::json!({"name": "a\u{9b}\u{202e}\x1b\u{e0041}\"é", "none": f64::NAN});
        let text = to_text(&value);
        assert!(!text.contains(['\u{9b}', '\u{202e}', '\x1b', '\u{e0041}']), "{text:?}");
        assert!(text.contains('é'));
        assert_eq!(serde_json::from_str::<Value>(&text).expect("it is JSON"), value);
        assert_eq!([rounded(0.123_456), rounded(f64::INFINITY)], [serde_json::json!(0.1235), Value::Null]);
    }
}
