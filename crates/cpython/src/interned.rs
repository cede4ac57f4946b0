//! The interned strings of CPython 3.12, which are never freed there.
//!
//! The table of interned strings is a dict that no object refers to: only the interpreter's state does
//! (`interned_strings` in `_Py_interp_cached_objects`, `pycore_global_objects.h`), and the collector does not know it,
//! since it holds nothing but strings. It is found by what it is: the only dict in the interpreter's state with many
//! entries in which each key is its own value, and an interned str. Other versions free interned strings that nothing
//! refers to.

use crate::footprint::block;
use crate::known_types::KnownTypes;
use crate::layout::{Layout, container, object};
use crate::memory::Memory;
use crate::objects::str::size;
use crate::objects::view::ObjectView;

/// The bytes of an interpreter's state that are searched: more than it has.
const STATE: u64 = 1 << 20;
/// How many entries prove the table.
const PROOF: usize = 64;
/// More interned strings than a process has.
const MOST: u64 = 1 << 28;
/// The bits of a str's state that say whether it is interned.
const INTERNED: u32 = 3;
const STR_STATE: u64 = 32;

/// The bytes of the interned strings for which `is_object` is false, and of the table of all. `interpreter` is the
/// address of the interpreter's state. `None` in other versions, or if the table is not found.
pub fn interned_bytes<M: Memory>(
    memory: &M,
    layout: &Layout,
    types: &KnownTypes,
    interpreter: u64,
    is_object: impl Fn(u64) -> bool,
) -> Option<u64> {
    if layout.minor != 12 {
        return None;
    }
    let state = Reader { memory, layout, types };
    let words = (interpreter..interpreter.checked_add(STATE)?).step_by(8);
    // The state ends where its memory does.
    let words = words.map_while(|at| memory.word(at)).filter(|word| *word != 0 && word.is_multiple_of(8));
    let table = words.filter_map(|at| state.table(at)).find(|table| state.is_interned(table))?;
    let strings = state.strings(&table).filter(|&at| !is_object(at));
    let bytes = strings.map(|at| state.block_of(at)).fold(0, u64::saturating_add);
    Some(bytes.saturating_add(table.bytes))
}

/// The table of a dict whose keys are all str.
struct Table {
    /// The address of its first entry.
    first: u64,
    entries: u64,
    bytes: u64,
}

struct Reader<'m, M> {
    memory: &'m M,
    layout: &'m Layout,
    types: &'m KnownTypes,
}

impl<M: Memory> Reader<'_, M> {
    fn is_a(&self, at: u64, of: u64) -> bool {
        at.checked_add(object::TYPE as u64).and_then(|at| self.memory.word(at)) == Some(of)
    }

    /// The table of the dict at an address (`PyDictKeysObject` in `pycore_dict.h`).
    fn table(&self, dict: u64) -> Option<Table> {
        if !self.is_a(dict, self.types.dict) {
            return None;
        }
        let keys = self.memory.word(dict.checked_add(container::DICT_KEYS as u64)?)?;
        let byte = |offset: u64| self.memory.byte(keys.checked_add(offset)?);
        let (log_size, log_index, kind) = (byte(8)?, byte(9)?, byte(10)?);
        let entries = self.memory.word(keys.checked_add(24)?)?;
        // Only str, and not a table that instances share.
        if kind != 1 || log_size > 40 || log_index > 43 || entries > MOST {
            return None;
        }
        let (index, usable) = (1_u64 << log_index, (1_u64 << log_size) * 2 / 3);
        let first = keys.checked_add(32 + index)?;
        (entries <= usable).then_some(Table { first, entries, bytes: 32 + index + usable * 16 })
    }

    /// The keys of the entries that are their own values.
    fn strings(&self, table: &Table) -> impl Iterator<Item = u64> {
        let entries = (0..table.entries).map_while(|index| {
            let at = table.first.checked_add(index * 16)?;
            Some((self.memory.word(at)?, self.memory.word(at.checked_add(8)?)?))
        });
        entries.filter(|&(key, value)| key == value && self.is_a(key, self.types.string)).map(|entry| entry.0)
    }

    fn is_interned(&self, table: &Table) -> bool {
        let is_interned = |at: u64| {
            let state = at.checked_add(STR_STATE).and_then(|at| self.memory.half(at));
            state.is_some_and(|state| state & INTERNED != 0)
        };
        let proof = self.strings(table).take_while(|&at| is_interned(at)).take(PROOF);
        table.entries >= PROOF as u64 && proof.count() == PROOF
    }

    /// The size of the block of a str.
    fn block_of(&self, at: u64) -> u64 {
        let (memory, layout, types) = (self.memory, self.layout, self.types);
        block(size(&ObjectView { memory, layout, types, at, basic_size: 0, item_size: 0 }))
    }
}
