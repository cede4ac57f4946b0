//! `str` (`PyASCIIObject`, `PyCompactUnicodeObject` and `PyUnicodeObject` in
//! `Include/cpython/unicodeobject.h`).
//!
//! Its text is read in `text.rs`.

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, SizeFormula, TagSource};
use super::view::{ObjectView, WORD};
use crate::kind::ObjectKind;
use crate::memory::Memory;

pub(super) const STR: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Str),
    tag: TagSource::Text,
    ..Definition::interpreter(&["str"])
};

/// `unicode_sizeof_impl` in `unicodeobject.c`.
#[inline]
pub(crate) fn size<M: Memory + ?Sized>(object: &ObjectView<'_, M>) -> u64 {
    const LENGTH: u64 = 16;
    const STATE: u64 = 32;
    let state = object.half(STATE);
    let length = object.word(LENGTH);
    let (width, compact, ascii) = (u64::from(state >> 2 & 7), state >> 5 & 1 == 1, state >> 6 & 1 == 1);
    let (ascii_text, compact_text) = (object.layout.ascii_text, object.layout.compact_text);
    let data = match (compact, ascii) {
        (true, true) => object.at + ascii_text,
        (true, false) => object.at + compact_text,
        _ => object.pointer(compact_text),
    };
    let characters = length.saturating_add(1);
    let mut size = match (compact, ascii) {
        (true, true) => ascii_text.saturating_add(characters),
        (true, false) => compact_text.saturating_add(characters.saturating_mul(width)),
        _ if data == 0 => compact_text + WORD,
        _ => (compact_text + WORD).saturating_add(characters.saturating_mul(width)),
    };
    if object.minor() < 12 {
        // `wstr`, the form of wide characters, where it is not the text itself.
        const WIDE: u64 = 40;
        let wide = object.word(WIDE);
        let is_ready = state >> 7 & 1 == 1;
        if wide != 0 && (!is_ready || wide != data) {
            let length = if compact && ascii { length } else { object.word(ascii_text + 16) };
            size = size.saturating_add(length.saturating_add(1).saturating_mul(4));
        }
    }
    if !(compact && ascii) {
        let (encoded, text) = (object.word(ascii_text), object.word(ascii_text + 8));
        if text != 0 && text != data {
            size = size.saturating_add(encoded).saturating_add(1);
        }
    }
    size
}
