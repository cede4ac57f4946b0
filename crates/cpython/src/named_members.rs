//! The names of the members of C types that the decoder does not know: slots of a Cython or mypyc class, of a
//! type defined in C by hand.
//!
//! A member that an object shows as an attribute has an entry in `tp_members`, with its offset, or in
//! `tp_getset`, with a function that returns it. Both tables are the type's claim, so every read is checked,
//! and a name is only used where a reference was found by other means.

use memtop_heap::Label;

use crate::c_string::c_string;
use crate::cycle_detector::CycleDetector;
use crate::decoder::Decoder;
use crate::getter_code::{LONGEST_GETTER, returned_member};
use crate::layout::type_object;
use crate::memory::Memory;
use crate::sink::Sink;

/// The most entries of a table that are read.
const MOST_ENTRIES: u64 = 1000;
/// The size of an entry of either table: `PyMemberDef` and `PyGetSetDef` (`Include/descrobject.h`). Their first
/// word is the name; the table ends with an entry that has none.
const ENTRY: u64 = 40;
/// The types of a `PyMemberDef` that holds an object (`_Py_T_OBJECT`, `Py_T_OBJECT_EX`).
const HOLDS_OBJECT: [u32; 2] = [6, 16];

impl<M: Memory> Decoder<'_, M> {
    /// The named members of the C types from `first` on, by offset, one name each.
    pub(crate) fn named_members(
        &self,
        first: u64,
        basic_size: u64,
        sink: &mut impl Sink,
    ) -> Vec<(u64, Label)> {
        let mut members: Vec<(u64, Label)> = Vec::new();
        let mut at = first;
        let mut cycle = CycleDetector::default();
        for _ in 0..type_object::LONGEST_CHAIN {
            if at == 0 || cycle.repeats(at) {
                break;
            }
            let tables = [(type_object::MEMBERS, true), (type_object::GETTERS, false)];
            for (offset, has_offsets) in tables {
                let table = self.pointer(at + offset as u64);
                for index in 0..if table == 0 { 0 } else { MOST_ENTRIES } {
                    let Some(entry) = self.entry(table + index * ENTRY) else { break };
                    let [name, second, third, ..] = entry;
                    let member = match has_offsets {
                        true => Some(third).filter(|_| HOLDS_OBJECT.contains(&(second as u32))),
                        false => self.member_of_getter(second),
                    };
                    let Some(offset) = member.filter(|&at| at >= 16 && at.saturating_add(8) <= basic_size)
                    else {
                        continue;
                    };
                    let is_known = members.iter().any(|&(known, _)| known == offset);
                    if let Some(name) = self.attribute_name(name).filter(|_| !is_known) {
                        members.push((offset, Label::attribute(sink.name(&name))));
                    }
                }
            }
            at = self.pointer(at + type_object::BASE as u64);
        }
        members
    }

    /// The words of an entry; `None` after the last one, or if it cannot be read.
    fn entry(&self, at: u64) -> Option<[u64; 5]> {
        let mut bytes = [0; ENTRY as usize];
        self.memory.checked(at, &mut bytes)?;
        let mut words = [0; 5];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        (words[0] != 0).then_some(words)
    }

    /// The offset of the member that a getter returns.
    fn member_of_getter(&self, function: u64) -> Option<u64> {
        let mut code = [0; LONGEST_GETTER];
        // Its page may be the last one.
        let most = LONGEST_GETTER.min(4096 - function as usize % 4096);
        self.memory.checked(function, &mut code[..most])?;
        returned_member(&code[..most])
    }

    /// The name of an attribute, unless it is the interpreter's own.
    fn attribute_name(&self, at: u64) -> Option<String> {
        let name = String::from_utf8(c_string(self.memory, at, false)?).ok()?;
        let is_identifier = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        let is_own =
            matches!(name.as_str(), "__dict__" | "__weakref__" | "__weaklistoffset__" | "__dictoffset__");
        (is_identifier && !is_own).then_some(name)
    }
}
