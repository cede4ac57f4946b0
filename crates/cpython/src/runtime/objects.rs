//! Dicts, strings and types, read when only the version of the process is known. They prove the interpreter's
//! own structures.
//!
//! Invariant: nothing is trusted for its address; a dict is recognised by its type. Every count is capped,
//! and reading ends at the first word that cannot be read.

use crate::layout::{Layout, container, object, type_object};
use crate::memory::Memory;
use crate::text::Text;

/// More modules than a process has, more names than a module has.
const MAX_ENTRIES: u64 = 1 << 20;
/// Larger than any type's instances without their items.
const LARGEST_INSTANCE: u64 = 1 << 20;
const LONGEST_NAME: u64 = 200;
/// `PyModuleObject.md_dict`, the module's namespace (`Include/internal/pycore_moduleobject.h`; in
/// `moduleobject.c` to 3.9).
const MODULE_DICT: u64 = 16;

/// Reads objects of one version.
pub(super) struct Objects<'m, M> {
    pub(super) memory: &'m M,
    pub(super) layout: Layout,
}

impl<M: Memory> Objects<'_, M> {
    pub(super) fn word(&self, base: u64, offset: u64) -> Option<u64> {
        self.memory.word(base.checked_add(offset)?)
    }

    pub(super) fn type_of(&self, at: u64) -> Option<u64> {
        if at == 0 {
            return None;
        }
        self.word(at, object::TYPE as u64).filter(|&of| of != 0 && of.is_multiple_of(8))
    }

    /// `tp_name` of a type.
    pub(super) fn type_name(&self, of: u64) -> Option<String> {
        self.c_string(self.word(of, type_object::NAME as u64)?)
    }

    pub(super) fn c_string(&self, at: u64) -> Option<String> {
        let mut name = Vec::new();
        for offset in 0..LONGEST_NAME {
            match self.memory.byte(at.checked_add(offset)?)? {
                0 => return String::from_utf8(name).ok(),
                byte => name.push(byte),
            }
        }
        None
    }

    /// Whether an object of a type of this name lies at an address.
    pub(super) fn is_a(&self, at: u64, name: &str) -> bool {
        self.type_of(at).and_then(|of| self.type_name(of)).as_deref() == Some(name)
    }

    /// Whether the object at an address has a plausible type: one with sizes that objects can have.
    pub(super) fn is_plausible(&self, at: u64) -> bool {
        let sizes = |of: u64| {
            let basic = self.word(of, type_object::BASIC_SIZE as u64)?;
            let item = self.word(of, type_object::ITEM_SIZE as u64)?;
            Some((16..LARGEST_INSTANCE).contains(&basic) && item < LARGEST_INSTANCE)
        };
        self.type_of(at).is_some_and(|of| sizes(of) == Some(true))
    }

    /// The entries of a dict whose values are its own; empty if no dict lies there.
    pub(super) fn entries(&self, dict: u64) -> Vec<(u64, u64)> {
        self.try_entries(dict).unwrap_or_default()
    }

    fn try_entries(&self, dict: u64) -> Option<Vec<(u64, u64)>> {
        if !self.is_a(dict, "dict") || self.word(dict, container::DICT_VALUES as u64)? != 0 {
            return None;
        }
        let keys = self.word(dict, container::DICT_KEYS as u64)?;
        // `PyDictKeysObject`: `dk_size` to 3.10 (`Objects/dict-common.h`), sizes as logarithms from 3.11
        // (`pycore_dict.h`).
        let (first, size, key, count) = if self.layout.minor >= 11 {
            let index_bytes = 1_u64 << self.memory.byte(keys.checked_add(9)?)?.min(40);
            let general = self.memory.byte(keys.checked_add(10)?)? == 0;
            let (size, key) = if general { (24, 8) } else { (16, 0) };
            (keys.checked_add(32 + index_bytes)?, size, key, self.word(keys, 24)?)
        } else {
            let slots = self.word(keys, 8)?;
            let index_bytes = match slots {
                0..=0xFF => 1,
                0x100..=0xFFFF => 2,
                _ => 4,
            };
            let first = keys.checked_add(40)?.checked_add(slots.checked_mul(index_bytes)?)?;
            (first, 24, 8, self.word(keys, 32)?.min(slots))
        };
        let mut entries = Vec::new();
        for index in 0..count.min(MAX_ENTRIES) {
            let at = first.checked_add(index * size + key)?;
            let (Some(key), Some(value)) = (self.memory.word(at), self.word(at, 8)) else { break };
            if key != 0 && value != 0 {
                entries.push((key, value));
            }
        }
        Some(entries)
    }

    /// The value under an ASCII key.
    pub(super) fn get(&self, dict: u64, name: &str) -> Option<u64> {
        let is_it = |key: u64| {
            key < u64::MAX / 2 && Text::is(self.memory, &self.layout, key, name) && self.is_a(key, "str")
        };
        self.entries(dict).into_iter().find(|&(key, _)| is_it(key)).map(|(_, value)| value)
    }

    /// The namespace of a module.
    pub(super) fn namespace(&self, module: u64) -> Option<u64> {
        self.word(module, MODULE_DICT).filter(|&dict| self.is_a(dict, "dict"))
    }

    /// The namespace of the module with a name.
    pub(super) fn module(&self, modules: u64, name: &str) -> Option<u64> {
        self.namespace(self.get(modules, name)?)
    }
}
