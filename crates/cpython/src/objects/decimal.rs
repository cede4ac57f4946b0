//! `decimal.Decimal` (`PyDecObject` in `Modules/_decimal/_decimal.c`, which has an `mpd_t` in it).

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, SizeFormula};
use super::view::{ObjectView, WORD};
use crate::kind::ObjectKind;

pub(super) const DECIMAL: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Read(size)),
    ..Definition::standard("_decimal", &["decimal.Decimal"])
};

/// `dec_sizeof`.
fn size(object: &ObjectView<'_>) -> u64 {
    const FLAGS: u64 = 24;
    const ALLOCATED: u64 = 56;
    /// Digits that are not the object's own: static, shared or constant (`mpd_isdynamic_data`).
    const NOT_OWN: u8 = 0xE0;
    match object.byte(FLAGS).is_some_and(|flags| flags & NOT_OWN == 0) {
        true => object.basic_and(object.word(ALLOCATED).saturating_mul(WORD)),
        false => object.basic_size,
    }
}
