//! `dict` and `frozendict` (`PyDictObject` in `Include/cpython/dictobject.h`; `PyDictKeysObject` in
//! `Objects/dict-common.h`, from 3.11 in `Include/internal/pycore_dict.h`).

use memtop_heap::{KEYS_ARE_DATA, Label, Shape};

use super::definition::{Coverage, Definition, ReadBuffers, SizeFormula};
use super::view::{ObjectView, WORD};
use crate::address::is_item;
use crate::buffer::{BufferSink, Claim};
use crate::decoder::{Decoder, KeyTable};
use crate::footprint::Storage;
use crate::kind::ObjectKind;
use crate::layout::container;
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::{Visited, take, take_if_near};

pub(super) const DICT: Definition = Definition {
    kind: ObjectKind::Dict,
    shape: Shape::Dict,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Dict),
    storage: Storage::Dict,
    buffers: ReadBuffers::large_in_size(buffers),
    ..Definition::interpreter(&["dict", "frozendict"])
};

impl<M: Memory> Decoder<'_, M> {
    #[inline]
    pub(super) fn dict(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let keys = self.pointer(at + container::DICT_KEYS as u64);
        let Some(table) = self.key_table(keys) else { return };
        let values = self.pointer(at + container::DICT_VALUES as u64);
        let few = self.word(at + container::DICT_USED as u64) < KEYS_ARE_DATA;
        let namespace = !few && sink.is_namespace(at);
        let of_threads = self.is_thread_dict(at);
        if values != 0 {
            return self.shared_dict(table, values, visited, sink);
        }
        for index in 0..table.entries {
            let entry = table.first + index * table.entry + table.key;
            let (Some(key), Some(value)) = (self.memory.word(entry), self.memory.word(entry + 8)) else {
                break;
            };
            if !is_item(key) || !is_item(value) {
                break;
            }
            if value == 0 || key == 0 {
                continue;
            }
            let label = match of_threads {
                true => Label::DICT,
                false => self.key_label(key, namespace, few, sink),
            };
            // The traverse of a dict skips keys if all of them are strings.
            take_if_near(visited, key);
            sink.reference(key, Label::KEY_OBJECT);
            take(visited, value);
            sink.reference(value, label);
        }
    }

    /// A dict whose keys belong to the class: an instance's.
    fn shared_dict(
        &mut self,
        table: KeyTable,
        values: u64,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let mut first = values;
        if self.layout.minor >= 13 {
            // Values within the object (`embedded`) are the object's, though the dict shows them.
            if self.memory.byte(values + 2).is_some_and(|embedded| embedded != 0) {
                return;
            }
            first += 8;
        }
        for index in 0..table.entries {
            let Some(to) = self.memory.word(first + index * 8).filter(|&to| is_item(to)) else { break };
            if to == 0 || !take(visited, to) {
                continue;
            }
            let key = self.word(table.first + index * table.entry + table.key);
            let label = self.key_label(key, true, true, sink);
            sink.reference(to, label);
        }
    }
}

/// `_PyDict_SizeOf` in `dictobject.c`.
#[inline]
pub(crate) fn size<M: Memory + ?Sized>(dict: &ObjectView<'_, M>) -> u64 {
    dict.basic_and(tables_size(dict))
}

/// The memory of a dict beside its own struct: values of its own, and a key table that it shares with no
/// other dict.
pub(super) fn tables_size<M: Memory + ?Sized>(dict: &ObjectView<'_, M>) -> u64 {
    let keys = dict.pointer(container::DICT_KEYS as u64);
    if keys == 0 {
        return 0;
    }
    let values = match dict.word(container::DICT_VALUES as u64) {
        0 => 0,
        // `shared_keys_usable_size` in `pycore_dict.h`.
        _ if dict.minor() >= 11 => dict.word_at(keys + 16).saturating_add(dict.word_at(keys + 24)),
        _ => dict.word_at(keys + 8).saturating_mul(2) / 3,
    };
    let own = if dict.counted(keys) == 1 { key_table_size(dict, keys) } else { 0 };
    values.saturating_mul(WORD).saturating_add(own)
}

/// The key table, of which the entries that were never used are not resident.
fn buffers(dict: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let keys = dict.pointer(container::DICT_KEYS as u64);
    if keys != 0 && dict.counted(keys) == 1 {
        sink.add(Claim::InSize, keys, key_table_size(dict, keys));
    }
}

/// `_PyDict_KeysSize` in `dictobject.c`.
pub(super) fn key_table_size<M: Memory + ?Sized>(object: &ObjectView<'_, M>, keys: u64) -> u64 {
    if object.minor() >= 11 {
        let byte = |offset: u64| object.memory.byte(keys + offset).unwrap_or(0);
        let slots = 1_u64 << byte(8).min(47);
        let indices = 1_u64 << byte(9).min(47);
        let entry = if byte(10) == 0 { 24 } else { 16 };
        return (slots * 2 / 3).saturating_mul(entry).saturating_add(32 + indices);
    }
    let slots = object.word_at(keys + 8);
    let index = match slots {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFFFF_FFFF => 4,
        _ => 8,
    };
    let entries = slots.saturating_mul(2) / 3;
    slots.saturating_mul(index).saturating_add(entries.saturating_mul(24)).saturating_add(40)
}
