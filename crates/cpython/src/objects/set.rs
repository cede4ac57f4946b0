//! `set` and `frozenset` (`PySetObject` in `Include/cpython/setobject.h`).

use memtop_heap::{Label, Shape};

use super::definition::{Coverage, Definition, ReadBuffers, SizeFormula};
use super::view::ObjectView;
use crate::address::{MAX_ITEMS, is_item};
use crate::buffer::{BufferSink, Claim};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::container;
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::{Visited, take};

pub(super) const SET: Definition = Definition {
    kind: ObjectKind::Set,
    shape: Shape::Set,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Set),
    buffers: ReadBuffers::large_in_size(buffers),
    ..Definition::interpreter(&["set", "frozenset"])
};

/// The hash of an entry that was removed (`dummy` in `setobject.c`).
const REMOVED: u64 = u64::MAX;

impl<M: Memory> Decoder<'_, M> {
    #[inline]
    pub(super) fn set(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let table = self.pointer(at + container::SET_TABLE as u64);
        let entries = self.word(at + container::SET_MASK as u64).min(MAX_ITEMS) + 1;
        if !entries.is_power_of_two() {
            return;
        }
        for index in 0..entries {
            let entry = table + index * container::SET_ENTRY as u64;
            let Some(to) = self.memory.word(entry).filter(|&to| is_item(to)) else { break };
            if to != 0 && self.word(entry + 8) != REMOVED && take(visited, to) {
                sink.reference(to, Label::MEMBER);
            }
        }
    }
}

/// `set_sizeof` in `setobject.c`.
#[inline]
pub(crate) fn size<M: Memory + ?Sized>(set: &ObjectView<'_, M>) -> u64 {
    /// `smalltable`, the entries that a set has within itself.
    const SMALL_TABLE: u64 = 64;
    match set.word(container::SET_TABLE as u64) == set.at + SMALL_TABLE {
        true => set.basic_size,
        false => {
            let entries = set.word(container::SET_MASK as u64).saturating_add(1);
            set.basic_and(entries.saturating_mul(container::SET_ENTRY as u64))
        }
    }
}

/// The table of entries.
fn buffers(set: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let length = size(set).saturating_sub(set.basic_size);
    sink.add(Claim::InSize, set.word(container::SET_TABLE as u64), length);
}
