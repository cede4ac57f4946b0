//! `cell` (`PyCellObject` in `Include/cellobject.h`): a variable that functions close over.

use memtop_heap::{Label, Shape};

use super::definition::{Definition, Member};
use crate::address::ADDRESS_MASK;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::object;
use crate::memory::Memory;

pub(super) const CELL: Definition = Definition {
    kind: ObjectKind::Cell,
    shape: Shape::Cell,
    members: |_| vec![Member::Labelled(CONTENT, Label::STORAGE)],
    ..Definition::interpreter(&["cell"])
};

/// `ob_ref`.
const CONTENT: u64 = 16;

impl<M: Memory> Decoder<'_, M> {
    /// The object that a cell holds; 0 if it is empty, `None` if `at` is not a cell.
    pub fn in_cell(&self, at: u64) -> Option<u64> {
        let at = at & ADDRESS_MASK;
        let is_cell = self.memory.word(at + object::TYPE as u64) == Some(self.types.cell);
        is_cell.then(|| self.memory.word(at + CONTENT).unwrap_or(0))
    }
}
