//! How large an object says it is: what `sys.getsizeof()` answers, by memory alone.
//!
//! Each type of C that has a `__sizeof__` of its own has its formula here, mirrored from the function that is named
//! beside it; all others have that of `object.__sizeof__`. A class whose `__sizeof__` is written in Python has the
//! formula of the type of C that it derives from: nothing is run.
//!
//! Invariant: O(1) an object, but for the codes of a `struct.Struct`. A damaged object has some size, never a panic;
//! sums saturate.

use rustc_hash::FxHashMap;

use crate::decoder::Decoder;
use crate::kind::Kind;
use crate::layout::{container, gc_head, object, type_object};
use crate::memory::Memory;
use crate::type_info::TypeInfo;

/// Which formula sizes the objects of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Formula {
    /// `object___sizeof___impl` in `typeobject.c`.
    Object,
    /// `int___sizeof___impl` in `longobject.c`.
    Int,
    /// `unicode_sizeof_impl` in `unicodeobject.c`.
    Str,
    /// `bytearray_sizeof_impl` in `bytearrayobject.c`.
    ByteArray,
    /// `list___sizeof___impl` in `listobject.c`.
    List,
    /// `_PyDict_SizeOf` in `dictobject.c`.
    Dict,
    /// `odict_sizeof` in `odictobject.c`.
    OrderedDict,
    /// `set_sizeof` in `setobject.c`.
    Set,
    /// `deque_sizeof` in `_collectionsmodule.c`.
    Deque,
    /// `array_array___sizeof___impl` in `arraymodule.c`.
    Array,
    /// `type___sizeof___impl` in `typeobject.c`.
    Type,
    /// `ctype_type___sizeof___impl` in `_ctypes.c`, from 3.13.
    CType,
    /// `PyCStgDict_sizeof` in `stgdict.c`, to 3.12.
    CTypeDict,
    /// `code_sizeof` in `codeobject.c`.
    Code,
    /// `frame_sizeof` in `frameobject.c`.
    Frame,
    /// `gen_sizeof` in `genobject.c`, from 3.11.
    Generator,
    /// `bytesio_sizeof` in `bytesio.c`.
    BytesIo,
    /// `buffered_sizeof` in `bufferedio.c`.
    Buffered,
    /// `dec_sizeof` in `_decimal.c`.
    Decimal,
    /// `product_sizeof` in `itertoolsmodule.c`.
    Product,
    /// `combinations_sizeof` and `cwr_sizeof` there.
    Combinations,
    /// `permutations_sizeof` there.
    Permutations,
    /// `element_sizeof` in `_elementtree.c`.
    Element,
    /// `s_sizeof` in `_struct.c`.
    Struct,
    /// `simplequeue_sizeof` in `_queuemodule.c`, from 3.15.
    Queue,
    /// `array_sizeof` in numpy's `methods.c`.
    NumpyArray,
    /// `gentype_sizeof` in numpy's `scalartypes.c.src`: the item's size beside the object's.
    NumpyScalar(u64),
}

/// What sizes the objects of a type.
#[derive(Debug, Clone, Copy)]
struct Sizing {
    formula: Formula,
    /// The words before each object, as `sys.getsizeof()` counts them.
    header: u64,
    /// For a type of types: static types have no head, though the type of all says that they have.
    by_object: bool,
}

/// What the decoder remembers of types to size their objects.
#[derive(Debug, Default)]
pub(crate) struct Sizings(FxHashMap<u64, Sizing>);

const LONGEST_CHAIN: usize = 1000;
const HEAD: u64 = gc_head::SIZE as u64;
const WORD: u64 = 8;
/// A block of a deque, and how many items it has.
const BLOCK: u64 = 528;
const BLOCK_ITEMS: u64 = 64;
const MOST_CODES: u64 = 10_000;

impl Formula {
    fn of_name(name: &str, minor: u8) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "int" => Self::Int,
            "str" => Self::Str,
            "bytearray" => Self::ByteArray,
            "list" => Self::List,
            "dict" | "frozendict" => Self::Dict,
            "collections.OrderedDict" => Self::OrderedDict,
            "set" | "frozenset" => Self::Set,
            "collections.deque" => Self::Deque,
            "array.array" => Self::Array,
            "type" => Self::Type,
            "_ctypes.CType_Type" if minor >= 13 => Self::CType,
            "StgDict" => Self::CTypeDict,
            "code" => Self::Code,
            "frame" => Self::Frame,
            "generator" | "coroutine" | "async_generator" if minor >= 11 => Self::Generator,
            "_io.BytesIO" => Self::BytesIo,
            "_io.BufferedReader" | "_io.BufferedWriter" | "_io.BufferedRandom" => Self::Buffered,
            "decimal.Decimal" => Self::Decimal,
            "itertools.product" => Self::Product,
            "itertools.combinations" | "itertools.combinations_with_replacement" => Self::Combinations,
            "itertools.permutations" => Self::Permutations,
            "xml.etree.ElementTree.Element" => Self::Element,
            "Struct" | "_struct.Struct" => Self::Struct,
            "_queue.SimpleQueue" if minor >= 15 => Self::Queue,
            "numpy.ndarray" => Self::NumpyArray,
            _ => Self::NumpyScalar(numpy_scalar(name.strip_prefix("numpy.")?)?),
        })
    }
}

/// The size of an item of numpy's, by the name of the type of one.
fn numpy_scalar(name: &str) -> Option<u64> {
    Some(match name {
        "bool" | "bool_" | "byte" | "ubyte" => 1,
        "short" | "ushort" => 2,
        "intc" | "uintc" => 4,
        "longlong" | "ulonglong" | "datetime64" | "timedelta64" => 8,
        "longdouble" | "float128" => 16,
        "clongdouble" | "complex256" => 32,
        _ => {
            let bits = name.trim_start_matches(|c: char| c.is_ascii_lowercase());
            let of = &name[..name.len() - bits.len()];
            let bits: u64 =
                bits.parse().ok().filter(|_| ["int", "uint", "float", "complex"].contains(&of))?;
            bits / 8
        }
    })
}

impl<M: Memory> Decoder<'_, M> {
    /// What `sys.getsizeof()` says of an object: bytes, with the collector's head before it.
    pub fn size(&mut self, at: u64, info: &TypeInfo) -> u64 {
        let sizing = match self.sizings.0.get(&info.address) {
            Some(&sizing) => sizing,
            None => {
                let sizing = self.sizing(info);
                self.sizings.0.insert(info.address, sizing);
                sizing
            }
        };
        let header = match sizing.by_object && !self.is_heap_type(at) {
            true => sizing.header.saturating_sub(HEAD),
            false => sizing.header,
        };
        header.saturating_add(self.own_size(at, info, sizing.formula))
    }

    fn sizing(&self, info: &TypeInfo) -> Sizing {
        let mut formula = Formula::Object;
        let mut at = info.address;
        for _ in 0..LONGEST_CHAIN {
            if at == 0 {
                break;
            }
            if self.is_class(at) == Some(false)
                && let Some(name) = self.c_name(at)
                && let Some(known) = Formula::of_name(&name, self.layout.minor)
            {
                formula = known;
                break;
            }
            at = self.pointer(at + type_object::BASE as u64);
        }
        let flags = self.word(info.address + type_object::FLAGS as u64);
        // Two words for a dict and weak references (`_PyType_PreHeaderSize` in `pycore_object.h`).
        let has_more = self.layout.minor >= 11 && flags & type_object::PRE_HEADER != 0;
        let header = HEAD * u64::from(info.is_gc) + type_object::PRE_HEADER_SIZE as u64 * u64::from(has_more);
        // 3.11 and 3.12 ask the type whether there is a head, the others the object (`_PySys_GetSizeOf`).
        let by_object = info.kind == Kind::Type && info.is_gc && !matches!(self.layout.minor, 11 | 12);
        Sizing { formula, header, by_object }
    }

    fn own_size(&self, at: u64, info: &TypeInfo, formula: Formula) -> u64 {
        let word = |offset: u64| self.word(at + offset);
        let pointer = |offset: u64| self.pointer(at + offset);
        let basic = info.basic_size;
        let minor = self.layout.minor;
        let items = || word(object::SIZE as u64) as i64;
        let more = match formula {
            Formula::Object => match info.item_size {
                0 => 0,
                item => items().unsigned_abs().saturating_mul(item),
            },
            Formula::Int => {
                let digits = match minor {
                    12.. => (word(object::SIZE as u64) >> 3).max(1),
                    11 => items().unsigned_abs().max(1),
                    _ => items().unsigned_abs(),
                };
                return 24_u64.saturating_add(digits.saturating_mul(4));
            }
            Formula::Str => return self.str_size(at),
            Formula::ByteArray if minor >= 15 => word(24).saturating_add(match word(24) {
                0 => 0,
                _ => 33,
            }),
            Formula::ByteArray => word(24),
            Formula::List => word(container::LIST_ALLOCATED as u64).saturating_mul(WORD),
            Formula::Dict => self.dict_more(at),
            Formula::OrderedDict => {
                let nodes = if word(48) == 0 { 0 } else { word(container::DICT_USED as u64) };
                self.dict_more(at)
                    .saturating_add(word(72).saturating_mul(WORD))
                    .saturating_add(nodes.saturating_mul(32))
            }
            Formula::Set => {
                const SMALL_TABLE: u64 = 64;
                let entry = container::SET_ENTRY as u64;
                match word(container::SET_TABLE as u64) == at + SMALL_TABLE {
                    true => 0,
                    false => word(container::SET_MASK as u64).saturating_add(1).saturating_mul(entry),
                }
            }
            Formula::Deque => {
                let end = word(40).saturating_add(word(object::SIZE as u64));
                end.div_ceil(BLOCK_ITEMS).saturating_mul(BLOCK)
            }
            Formula::Array => {
                let item = self.memory.half(pointer(40) + 4).unwrap_or(0);
                word(32).saturating_mul(u64::from(item))
            }
            Formula::Type | Formula::CType => return self.type_size(at, info, formula),
            // Counts what it has more than a dict twice.
            Formula::CTypeDict => self
                .dict_more(at)
                .saturating_add(basic.saturating_sub(48))
                .saturating_add(self.ctype_more(at + 48, 120)),
            Formula::Code => return self.code_size(at, info),
            Formula::Frame => return self.frame_size(at, info),
            Formula::Generator => {
                let frame = self.layout.frame;
                let code = self.pointer(at + frame.in_generator + frame.code) & !3;
                return frame.in_generator + frame.locals_plus + self.slots(code);
            }
            Formula::BytesIo => match pointer(16) {
                0 => 0,
                buffer if self.counted(buffer) > 1 => 0,
                buffer => 33_u64.saturating_add(self.word(buffer + object::SIZE as u64)),
            },
            Formula::Buffered => match word(56) {
                0 => 0,
                _ => word(120),
            },
            Formula::Decimal => {
                // Data that are not the object's own: static, shared or constant (`mpd_isdynamic_data`).
                const NOT_OWN: u8 = 0xE0;
                match self.memory.byte(at + 24).is_some_and(|flags| flags & NOT_OWN == 0) {
                    true => word(56).saturating_mul(WORD),
                    false => 0,
                }
            }
            Formula::Product => self.word(pointer(16) + object::SIZE as u64).saturating_mul(WORD),
            Formula::Combinations => word(40).saturating_mul(WORD),
            Formula::Permutations => {
                let pool = self.word(pointer(16) + object::SIZE as u64);
                pool.saturating_add(word(48)).saturating_mul(WORD)
            }
            Formula::Element => {
                const EXTRA: u64 = 64;
                const CHILDREN: u64 = 24;
                let extra = pointer(40);
                match extra {
                    0 => 0,
                    _ if self.word(extra + CHILDREN) == extra + 32 => EXTRA,
                    _ => EXTRA.saturating_add(self.word(extra + 16).saturating_mul(WORD)),
                }
            }
            Formula::Struct => {
                // A code: its definition, offset, size and number; the last has none.
                const CODE: u64 = 32;
                let codes = pointer(32);
                let count = (0..MOST_CODES)
                    .take_while(|index| codes != 0 && self.word(codes + index * CODE) != 0)
                    .count();
                CODE * (count as u64 + 1)
            }
            Formula::Queue => word(48).saturating_mul(WORD),
            Formula::NumpyArray => self.numpy_data(at),
            Formula::NumpyScalar(item) => item,
        };
        basic.saturating_add(more)
    }

    /// The low half of a reference count.
    fn counted(&self, at: u64) -> u64 {
        match self.layout.minor {
            12.. => self.word(at) & 0xFFFF_FFFF,
            _ => self.word(at),
        }
    }

    fn str_size(&self, at: u64) -> u64 {
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
    fn dict_more(&self, at: u64) -> u64 {
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

    fn type_size(&self, at: u64, info: &TypeInfo, formula: Formula) -> u64 {
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
    fn ctype_more(&self, first: u64, format: u64) -> u64 {
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

    fn code_size(&self, at: u64, info: &TypeInfo) -> u64 {
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
    fn slots(&self, code: u64) -> u64 {
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

    fn frame_size(&self, at: u64, info: &TypeInfo) -> u64 {
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
        (data + frame.locals_plus).saturating_add(self.slots(code))
    }

    /// The data of an array that owns them, and its dimensions and strides.
    fn numpy_data(&self, at: u64) -> u64 {
        const OWNS_DATA: u32 = 4;
        const MOST_DIMENSIONS: u32 = 64;
        let dimensions = u64::from(self.memory.half(at + 24).unwrap_or(0).min(MOST_DIMENSIONS));
        let places = dimensions * 2 * WORD;
        if self.memory.half(at + 64).is_none_or(|flags| flags & OWNS_DATA == 0) {
            return places;
        }
        let (lengths, of) = (self.pointer(at + 32), self.pointer(at + 56));
        // `PyArray_Descr` has its item size as an int to numpy 1, as a word behind longer flags from 2 on: there the
        // int is the low half of the flags, which no kind of items sets.
        let item = match self.numpy_item_size(of) {
            Some(item) => item,
            None => return places,
        };
        let count =
            (0..dimensions).map(|index| self.word(lengths + index * WORD)).fold(1_u64, u64::saturating_mul);
        count.saturating_mul(item).saturating_add(places)
    }

    fn numpy_item_size(&self, of: u64) -> Option<u64> {
        // The structure of numpy 2 is 24 bytes longer.
        let old = self.memory.word(of + 40)? != 0 && self.memory.word(of + 40)? > 1 << 32;
        if old { Some(u64::from(self.memory.half(of + 32)?)) } else { self.memory.word(of + 40) }
    }
}

/// Where an object of this kind has the most items that it lets itself hold, by its C structure: `maxlen` of
/// `dequeobject` in `_collectionsmodule.c`, `maxsize` of `lru_cache_object` in `_functoolsmodule.c`. Negative where
/// there is no limit. `None` for other kinds and unknown versions.
#[must_use]
pub const fn limit_offset(kind: Kind, minor: u8) -> Option<u64> {
    match (kind, minor) {
        (Kind::Deque, 8..=15) => Some(64),
        (Kind::LruCache, 8..=15) => Some(96),
        _ => None,
    }
}
