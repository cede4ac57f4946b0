//! `struct.Struct` (`PyStructObject` in `Modules/_struct.c`).

use super::definition::{Definition, SizeFormula};
use super::view::ObjectView;

pub(super) const STRUCT: Definition = Definition {
    size: |_| Some(SizeFormula::Read(size)),
    ..Definition::standard("_struct", &["Struct", "_struct.Struct"])
};

/// `s_sizeof`: a `formatcode` for each code of the format, and one without a definition at the end.
fn size(object: &ObjectView<'_>) -> u64 {
    const CODES: u64 = 32;
    const CODE: u64 = 32;
    const MAX_CODES: u64 = 10_000;
    let codes = object.pointer(CODES);
    let count = (0..MAX_CODES).take_while(|index| codes != 0 && object.word_at(codes + index * CODE) != 0);
    object.basic_and(CODE * (count.count() as u64 + 1))
}
