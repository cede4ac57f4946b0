//! `array.array` (`arrayobject` in `Modules/arraymodule.c`).

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, SizeFormula};
use super::view::ObjectView;
use crate::kind::ObjectKind;

pub(super) const ARRAY: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Read(size)),
    ..Definition::standard("array", &["array.array"])
};

/// `array_array___sizeof___impl`: the allocated items, each as large as `ob_descr->itemsize`.
fn size(object: &ObjectView<'_>) -> u64 {
    const ALLOCATED: u64 = 32;
    const DESCRIPTION: u64 = 40;
    const ITEM_SIZE: u64 = 4;
    let item = object.memory.half(object.pointer(DESCRIPTION) + ITEM_SIZE).unwrap_or(0);
    object.basic_and(object.word(ALLOCATED).saturating_mul(u64::from(item)))
}
