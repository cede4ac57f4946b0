//! `object` (`PyObject` in `Include/object.h`).

use super::definition::{Coverage, Definition, SizeFormula};
use super::view::ObjectView;
use crate::kind::ObjectKind;
use crate::memory::Memory;

pub(super) const PLAIN: Definition = Definition {
    kind: ObjectKind::Plain,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Object),
    ..Definition::interpreter(&["object"])
};

/// `object___sizeof___impl` in `typeobject.c`.
pub(crate) fn size<M: Memory + ?Sized>(object: &ObjectView<'_, M>) -> u64 {
    /// The size of a `PyVarObject`. An object that is smaller has no items, whatever its type says.
    const WITH_ITEMS: u64 = 24;
    match object.item_size {
        0 => object.basic_size,
        _ if object.basic_size < WITH_ITEMS => object.basic_size,
        item => object.basic_and((object.items() as i64).unsigned_abs().saturating_mul(item)),
    }
}
