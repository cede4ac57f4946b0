//! The parts of a size that take more than a line: texts, dicts, types, code, frames, arrays.
//!
//! As in [`crate::sizes`], each formula is that of a function of CPython's or numpy's; a damaged object has some size.

use crate::decoder::Decoder;
use crate::layout::{container, object, type_object};
use crate::memory::Memory;
use crate::sizes::{Formula, WORD};
use crate::type_info::TypeInfo;

impl<M: Memory> Decoder<'_, M> {
    /// The low half of a reference count.
    pub(crate) fn counted(&self, at: u64) -> u64 {
        match self.layout.minor {
            12.. => self.word(at) & 0xFFFF_FFFF,
            _ => self.word(at),
        }
    }

    pub(crate) fn str_size(&self, at: u64) -> u64 {
        let state = self.memory.half(at + 32).unwrap_or(0);
        let length = self.word(at + 16);
        let (width, compact, ascii) = (u64::from(state >> 2 & 7), state >> 5 & 1 == 1, state >> 6 & 1 == 1);
        let (ascii_text, compact_text) = (self.layout.ascii_text, self.layout.compact_text);
        let data = match (compact, ascii) {
            (true, true) => at + ascii_text,
            (true, false) => at + compact_text,
            _ => self.pointer(at + compact_text),
        };
        let characters = length.saturating_add(1);
        let mut size = match (compact, ascii) {
            (true, true) => ascii_text.saturating_add(characters),
            (true, false) => compact_text.saturating_add(characters.saturating_mul(width)),
            _ if data == 0 => compact_text + WORD,
            _ => (compact_text + WORD).saturating_add(characters.saturating_mul(width)),
        };
        if self.layout.minor < 12 {
            // The form of wide characters, where it is not the text itself.
            const WIDE: u64 = 40;
            let wide = self.word(at + WIDE);
            let is_ready = state >> 7 & 1 == 1;
            if wide != 0 && (!is_ready || wide != data) {
                let length = if compact && ascii { length } else { self.word(at + ascii_text + 16) };
                size = size.saturating_add(length.saturating_add(1).saturating_mul(4));
            }
        }
        if !(compact && ascii) {
            let (encoded, text) = (self.word(at + ascii_text), self.word(at + ascii_text + 8));
            if text != 0 && text != data {
                size = size.saturating_add(encoded).saturating_add(1);
            }
        }
        size
    }

    /// What a dict has beside its own structure: values of its own, and a key table that it shares with nobody.
    pub(crate) fn dict_more(&self, at: u64) -> u64 {
        let keys = self.pointer(at + container::DICT_KEYS as u64);
        if keys == 0 {
            return 0;
        }
        let values = match self.word(at + container::DICT_VALUES as u64) {
            0 => 0,
            _ if self.layout.minor >= 11 => self.values_of(keys).saturating_mul(WORD),
            _ => (self.word(keys + 8).saturating_mul(2) / 3).saturating_mul(WORD),
        };
        let own = if self.counted(keys) == 1 { self.key_table_size(keys) } else { 0 };
        values.saturating_add(own)
    }

    /// How many values there can be for a shared key table (`shared_keys_usable_size` in `pycore_dict.h`).
    fn values_of(&self, keys: u64) -> u64 {
        self.word(keys + 16).saturating_add(self.word(keys + 24))
    }

    /// `_PyDict_KeysSize` in `dictobject.c`.
    fn key_table_size(&self, keys: u64) -> u64 {
        if self.layout.minor >= 11 {
            let byte = |offset: u64| self.memory.byte(keys + offset).unwrap_or(0);
            let slots = 1_u64 << byte(8).min(47);
            let indices = 1_u64 << byte(9).min(47);
            let entry = if byte(10) == 0 { 24 } else { 16 };
            return (slots * 2 / 3).saturating_mul(entry).saturating_add(32 + indices);
        }
        let slots = self.word(keys + 8);
        let index = match slots {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            0x1_0000..=0xFFFF_FFFF => 4,
            _ => 8,
        };
        let entries = slots.saturating_mul(2) / 3;
        slots.saturating_mul(index).saturating_add(entries.saturating_mul(24)).saturating_add(40)
    }

    pub(crate) fn type_size(&self, at: u64, info: &TypeInfo, formula: Formula) -> u64 {
        let minor = self.layout.minor;
        if !self.is_heap_type(at) {
            // `PyTypeObject`, which has grown and shrunk.
            return match minor {
                8 | 12..=14 => 416,
                15.. => 424,
                _ => 408,
            };
        }
        let basic = self.word(self.type_of_types() + type_object::BASIC_SIZE as u64);
        if formula == Formula::CType {
            // Behind the structure of a type, aligned as for any type (`PyObject_GetTypeData`).
            let first = at + basic.next_multiple_of(16);
            let format = if minor == 13 { 136 } else { 144 };
            return info.basic_size.saturating_add(self.ctype_more(first, format));
        }
        let keys = self.pointer(at + self.layout.heap_type.cached_keys());
        let keys = if keys == 0 { 0 } else { self.key_table_size(keys) };
        basic.saturating_add(keys)
    }

    /// What is known of a type of ctypes (`StgInfo` in `ctypes.h`) and stands elsewhere: its format, its dimensions, its
    /// elements. `first` is its `size`, or what stands there; `format` is how far behind the format is.
    pub(crate) fn ctype_more(&self, first: u64, format: u64) -> u64 {
        const MOST: u64 = 4096;
        let count = |at: u64, step: u64, end: &dyn Fn(u64) -> bool| -> u64 {
            (0..MOST).take_while(|index| at != 0 && !end(at + index * step)).count() as u64
        };
        let text = self.pointer(first + format);
        let text = match text {
            0 => 0,
            _ => 1 + count(text, 1, &|at| self.memory.byte(at).is_none_or(|byte| byte == 0)),
        };
        let dimensions = u64::from(self.memory.half(first + format + 8).unwrap_or(0).min(64));
        let elements = self.pointer(first + if format == 120 { 40 } else { 48 });
        let elements = match elements {
            0 => 0,
            _ => 1 + count(elements, WORD, &|at| self.word(at) == 0),
        };
        text + (dimensions + elements) * WORD
    }

    /// `type`.
    pub(crate) fn type_of_types(&self) -> u64 {
        self.pointer(self.types.tuple + object::TYPE as u64)
    }

    pub(crate) fn code_size(&self, at: u64, info: &TypeInfo) -> u64 {
        if self.layout.minor >= 11 {
            let instructions = self.word(at + object::SIZE as u64).saturating_mul(info.item_size);
            return info.basic_size.saturating_add(instructions).checked_next_multiple_of(8).unwrap_or(0);
        }
        // What stands behind `co_freevars`: which cells are arguments; counts of a cache of looked up globals
        // (`_PyOpcache`), an entry of 32 bytes each.
        const CELLS: u64 = 88;
        const CELLS_TO_ARGUMENTS: u64 = 96;
        const EXTRA: u64 = 144;
        const CACHE: u64 = 160;
        const CACHE_SIZE: u64 = 172;
        let word = |offset: u64| self.word(at + offset);
        let length = |tuple: u64| self.word(self.pointer(at + tuple) + object::SIZE as u64);
        let mut size = info.basic_size;
        if word(CELLS_TO_ARGUMENTS) != 0 {
            size = size.saturating_add(length(CELLS).saturating_mul(WORD));
        }
        if word(EXTRA) != 0 {
            size = size
                .saturating_add(self.word(self.pointer(at + EXTRA)).saturating_mul(WORD))
                .saturating_add(WORD);
        }
        if word(CACHE) != 0 {
            let entries = u64::from(self.memory.byte(at + CACHE_SIZE).unwrap_or(0));
            let instructions = length(self.layout.code.instructions) / 2;
            size = size.saturating_add(instructions).saturating_add(entries * 32);
        }
        size
    }

    /// The bytes of all slots of a frame of this code: variables and stack.
    pub(crate) fn slots(&self, code: u64) -> u64 {
        let layout = self.layout.code;
        let half = |offset: u64| u64::from(self.memory.half(code + offset).unwrap_or(0));
        let mut slots = half(layout.local_count) + half(layout.stack_size);
        if let Some((cells, free)) = layout.cells_and_free {
            for offset in [cells, free] {
                slots = slots.saturating_add(self.word(self.pointer(code + offset) + object::SIZE as u64));
            }
        }
        slots.saturating_mul(WORD)
    }

    pub(crate) fn frame_size(&self, at: u64, info: &TypeInfo) -> u64 {
        let frame = self.layout.frame;
        let Some(in_object) = frame.in_frame_object else {
            let slots = self.slots(self.pointer(at + frame.code));
            // The structure has the first slot in it.
            return info.basic_size.saturating_add(slots).saturating_sub(WORD);
        };
        let code = self.pointer(self.pointer(at + in_object) + frame.code) & !3;
        let data = match self.layout.minor {
            ..13 => 48,
            13 => 64,
            _ => 72,
        };
        self.slots(code).saturating_add(data + frame.locals_plus)
    }

    /// The data of an array that owns them, and its dimensions and strides.
    pub(crate) fn numpy_data(&self, at: u64) -> u64 {
        const OWNS_DATA: u32 = 4;
        const MOST_DIMENSIONS: u32 = 64;
        let dimensions = u64::from(self.memory.half(at + 24).unwrap_or(0).min(MOST_DIMENSIONS));
        let places = dimensions * 2 * WORD;
        if self.memory.half(at + 64).is_none_or(|flags| flags & OWNS_DATA == 0) {
            return places;
        }
        let (lengths, of) = (self.pointer(at + 32), self.pointer(at + 56));
        let item = match self.numpy_item_size(of) {
            Some(item) => item,
            None => return places,
        };
        let count =
            (0..dimensions).map(|index| self.word(lengths + index * WORD)).fold(1_u64, u64::saturating_mul);
        count.saturating_mul(item).saturating_add(places)
    }

    /// `PyArray_Descr.elsize`: an int to numpy 1; from 2 on a word behind longer flags, and before the alignment, where
    /// numpy 1 has a pointer or nothing.
    fn numpy_item_size(&self, of: u64) -> Option<u64> {
        const MOST_ALIGNED: u64 = 64;
        match self.memory.word(of + 48)? {
            1..=MOST_ALIGNED => self.memory.word(of + 40),
            _ => self.memory.half(of + 32).map(u64::from),
        }
    }
}
