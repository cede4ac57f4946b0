//! How large an object says it is: what `sys.getsizeof()` answers, by memory alone.
//!
//! Each type of C that has a `__sizeof__` of its own has its formula here, mirrored from the function that is named
//! beside it; all others have that of `object.__sizeof__`. A class whose `__sizeof__` is written in Python has the
//! formula of the type of C that it derives from: nothing is run.
//!
//! Invariant: O(1) an object, but for the codes of a `struct.Struct`. A damaged object has some size, never a panic;
//! sums saturate.

use rustc_hash::FxHashMap;

use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{container, gc_head, object, type_object};
use crate::memory::Memory;
use crate::type_info::TypeInfo;

/// Which formula sizes the objects of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formula {
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
pub(crate) const WORD: u64 = 8;
/// A block of a deque, and how many items it has.
const BLOCK: u64 = 528;
const BLOCK_ITEMS: u64 = 64;
const MOST_CODES: u64 = 10_000;

impl Formula {
    fn of(c_type: CType, minor: u8) -> Option<Self> {
        Some(match c_type.name() {
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
            name => Self::NumpyScalar(numpy_scalar(name.strip_prefix("numpy.")?)?),
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
                && let Some(known) = self.c_type(at).and_then(|of| Formula::of(of, self.layout.minor))
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
        let by_object = info.kind == ObjectKind::Type && info.is_gc && !matches!(self.layout.minor, 11 | 12);
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
                // An object that is too small for their number has no items, whatever its type says.
                _ if basic < 24 => 0,
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
            // While a list is being sorted the number of allocated items is -1.
            Formula::List => match word(container::LIST_ALLOCATED as u64) as i64 {
                allocated @ 0.. => (allocated as u64).saturating_mul(WORD),
                allocated => return basic.saturating_sub(allocated.unsigned_abs().saturating_mul(WORD)),
            },
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
                return self.slots(code).saturating_add(frame.in_generator + frame.locals_plus);
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
}

/// Where an object of this kind has the most items that it lets itself hold, by its C structure: `maxlen` of
/// `dequeobject` in `_collectionsmodule.c`, `maxsize` of `lru_cache_object` in `_functoolsmodule.c`. Negative where
/// there is no limit. `None` for other kinds and unknown versions.
#[must_use]
pub const fn limit_offset(kind: ObjectKind, minor: u8) -> Option<u64> {
    match (kind, minor) {
        (ObjectKind::Deque, 8..=15) => Some(64),
        (ObjectKind::LruCache, 8..=15) => Some(96),
        _ => None,
    }
}
