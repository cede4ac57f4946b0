//! `tuple` (`PyTupleObject` in `Include/cpython/tupleobject.h`), and the named tuples that are defined in C
//! (`Objects/structseq.c`), which may have more fields than items.

use memtop_heap::{Label, Shape};

use super::definition::{Coverage, Definition};
use crate::address::{MAX_ITEMS, for_each_item};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{object, type_object};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::Visited;

pub(super) const TUPLE: Definition = Definition {
    kind: ObjectKind::Tuple,
    shape: Shape::Tuple,
    coverage: Coverage::All,
    ..Definition::interpreter(&["tuple"])
};

/// More fields than any named tuple has.
const MAX_FIELDS: u64 = 1 << 16;

impl<M: Memory> Decoder<'_, M> {
    #[inline]
    pub(super) fn tuple(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let count = self.word(at + object::SIZE as u64).min(MAX_ITEMS);
        self.items(at + self.tuple_first(), count, visited, sink);
    }

    /// How many fields the objects of a named tuple defined in C have, those included that are not items
    /// (`structseq_traverse`).
    pub(crate) fn struct_sequence_fields(&self, of: u64) -> Option<u64> {
        let fields = self.value_of(self.pointer(of + type_object::DICT as u64), "n_fields")?;
        u64::try_from(self.small_int(fields)?).ok().filter(|&fields| fields < MAX_FIELDS)
    }

    /// The fields of a named tuple that are not items.
    pub(crate) fn hidden_fields(&self, at: u64, fields: u64, sink: &mut impl Sink) {
        let items = self.word(at + object::SIZE as u64).min(MAX_ITEMS);
        let first = at + self.tuple_first() + items * 8;
        for_each_item(self.memory, first, fields.saturating_sub(items), |_, to| {
            sink.reference(to, Label::UNLABELLED);
        });
    }
}
