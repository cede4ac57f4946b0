//! Reads the parts of objects that everything else is built from: words, strs, ints, the entries of dicts,
//! items.
//!
//! It does not know what an object refers to: that is in `references.rs` and, by type, in `objects/`.
//! Invariant: every count is capped by what the object can hold.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use memtop_heap::{Label, StringId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::address::{ADDRESS_MASK, MAX_ITEMS, for_each_item, is_item, may_be_object};
use crate::c_types::{CType, CTypes};
use crate::known_types::KnownTypes;
use crate::layout::{Layout, container, object, type_object};
use crate::memory::Memory;
use crate::scan_plan::ScanPlans;
use crate::sink::Sink;
use crate::text::{Text, is_identifier};
use crate::validity::{Lifetime, Validity};
use crate::visited::{Visited, take};

/// Decodes the objects of one process at one moment. What it caches is not valid at another.
#[derive(Debug)]
pub struct Decoder<'m, M> {
    pub(crate) memory: &'m M,
    pub(crate) layout: Layout,
    /// `subtype_traverse` and `subtype_dealloc`, which every type that a class statement made has.
    pub(crate) class_traverse: u64,
    pub(crate) class_dealloc: u64,
    pub(crate) types: KnownTypes,
    pub(crate) c_types: &'m CTypes,
    /// The results of [`Self::c_type`].
    recognised: RefCell<FxHashMap<u64, Option<CType>>>,
    with_keys: bool,
    /// The offset of a tuple's first item.
    tuple_items: u64,
    text: Text,
    /// The texts of strs that were read lately, by some bits of their address.
    recent: Vec<KnownText>,
    /// The dicts in which `threading.local` keeps a namespace for each thread.
    thread_dicts: FxHashSet<u64>,
    /// The names of the variables of code objects, by their address.
    pub(crate) variable_names: HashMap<u64, Rc<[Label]>>,
    /// How objects are read where no traverse can be called.
    pub(crate) scan_plans: ScanPlans,
    validity: Validity,
}

/// The text of a str that was read.
#[derive(Debug, Clone, Copy, Default)]
struct KnownText {
    address: u64,
    id: Option<StringId>,
    identifier: bool,
}

const RECENT: usize = 8192;

/// A dict's key table (`Include/internal/pycore_dict.h`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyTable {
    /// The address of the first entry.
    pub(crate) first: u64,
    /// The size of an entry.
    pub(crate) entry: u64,
    /// The offset of the key in an entry; the value follows it.
    pub(crate) key: u64,
    /// The number of entries in use, deleted ones included.
    pub(crate) entries: u64,
}

impl<'m, M: Memory> Decoder<'m, M> {
    /// A decoder over `memory`, whose C types `c_types` recognises; `None` if the type of tuples cannot be
    /// read. `class` is the `tp_traverse` and the `tp_dealloc` that all types have in common that a class
    /// statement made.
    pub fn new(
        memory: &'m M,
        layout: Layout,
        types: KnownTypes,
        c_types: &'m CTypes,
        class: (u64, u64),
        with_keys: bool,
    ) -> Option<Self> {
        Some(Self {
            memory,
            layout,
            class_traverse: class.0,
            class_dealloc: class.1,
            tuple_items: memory.word(types.tuple + type_object::BASIC_SIZE as u64)?.min(MAX_ITEMS),
            types,
            c_types,
            recognised: RefCell::default(),
            with_keys,
            text: Text::default(),
            recent: vec![KnownText::default(); RECENT],
            thread_dicts: FxHashSet::default(),
            variable_names: HashMap::new(),
            scan_plans: ScanPlans::default(),
            validity: Validity::default(),
        })
    }

    /// A decoder of the same process over another view of its memory, with empty caches.
    pub(crate) fn over<'c, C: Memory>(&self, memory: &'c C) -> Option<Decoder<'c, C>>
    where
        'm: 'c,
    {
        let class = (self.class_traverse, self.class_dealloc);
        Decoder::new(memory, self.layout, self.types, self.c_types, class, self.with_keys)
    }

    /// The layout in use.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The offset of a tuple's first item.
    pub(crate) fn tuple_first(&self) -> u64 {
        self.tuple_items
    }

    /// The word at an address; 0 if it cannot be read.
    #[inline]
    pub(crate) fn word(&self, at: u64) -> u64 {
        self.memory.word(at).unwrap_or(0)
    }

    /// The pointer at an address, masked to what a process can have, so that an offset can be added to it.
    #[inline]
    pub(crate) fn pointer(&self, at: u64) -> u64 {
        self.word(at) & ADDRESS_MASK
    }

    /// The C type at an address; `None` if nothing is known of it.
    pub(crate) fn c_type(&self, at: u64) -> Option<CType> {
        let at = at & ADDRESS_MASK;
        *self.recognised.borrow_mut().entry(at).or_insert_with(|| self.c_types.recognise(self.memory, at))
    }

    /// Whether mem_top's own extension module defines the type at an address.
    pub(crate) fn is_mem_tops(&self, at: u64) -> bool {
        self.c_types.is_mem_tops(self.memory, at & ADDRESS_MASK)
    }

    /// Whether a str lies at an address.
    #[inline]
    pub fn is_string(&self, at: u64) -> bool {
        at != 0 && self.memory.word(at.wrapping_add(object::TYPE as u64)) == Some(self.types.string)
    }

    /// The text of the str at an address; `None` if no str lies there.
    pub fn string_at(&mut self, at: u64) -> Option<String> {
        if !self.is_string(at) {
            return None;
        }
        self.text.read(self.memory, &self.layout, at).map(str::to_owned)
    }

    /// Whether an object lies at an address, judged by what it must look like.
    pub fn is_object(&mut self, address: u64) -> bool {
        self.lifetime(address).is_some()
    }

    /// How long the object at an address lives; `None` if no object lies there.
    pub(crate) fn lifetime(&mut self, address: u64) -> Option<Lifetime> {
        let (minor, tuple) = (self.layout.minor, self.types.tuple);
        self.validity.object(self.memory, minor, tuple, address)
    }

    /// The labels of a namespace's values, in the order in which `references` reports them.
    pub fn namespace_labels(&mut self, dict: u64, sink: &mut impl Sink) -> Vec<Label> {
        let entries: Vec<(u64, u64)> = self.entries(dict).collect();
        entries.into_iter().map(|(key, _)| self.key_label(key, true, true, sink)).collect()
    }

    /// The text of the str at an address, as a handle of the sink's.
    pub fn text(&mut self, string: u64, sink: &mut impl Sink) -> Option<StringId> {
        self.known_text(string, true, sink).id
    }

    #[inline]
    fn known_text(&mut self, string: u64, wanted: bool, sink: &mut impl Sink) -> KnownText {
        let slot = (string >> 4) as usize % RECENT;
        let known = self.recent[slot];
        if known.address == string && (known.id.is_some() || !wanted) {
            return known;
        }
        let Some(text) = self.text.read(self.memory, &self.layout, string) else {
            return KnownText::default();
        };
        let identifier = is_identifier(text);
        let id = (identifier || wanted).then(|| sink.name(text));
        let known = KnownText { address: string, id, identifier };
        self.recent[slot] = known;
        known
    }

    /// The label of the value under `key`. Keys are read only in a namespace, in a dict with few entries, or
    /// if keys were asked for.
    #[inline]
    pub(crate) fn key_label(&mut self, key: u64, namespace: bool, few: bool, sink: &mut impl Sink) -> Label {
        if !(namespace || few || self.with_keys) {
            return Label::ANY_KEY;
        }
        if self.is_string(key) {
            let wanted = namespace || self.with_keys;
            let known = self.known_text(key, wanted, sink);
            return match known.id {
                Some(id) if known.identifier || wanted => Label::key(id),
                _ => Label::ANY_KEY,
            };
        }
        if self.with_keys
            && self.memory.word(key.wrapping_add(object::TYPE as u64)) == Some(self.types.integer)
            && let Some(number) = self.small_int(key)
        {
            return Label::key_text(sink.name(&number.to_string()));
        }
        Label::ANY_KEY
    }

    /// The value of an int of at most two digits (`Include/cpython/longintrepr.h`).
    pub(crate) fn small_int(&self, at: u64) -> Option<i64> {
        let (digits, negative) = if self.layout.minor >= 12 {
            let tag = self.memory.word(at + 16)?;
            (tag >> 3, tag & 3 == 2)
        } else {
            let size = self.memory.word(at + 16)? as i64;
            (size.unsigned_abs(), size < 0)
        };
        let value = match digits {
            0 => 0,
            1 => i64::from(self.memory.half(at + 24)?),
            2 => i64::from(self.memory.half(at + 24)?) | i64::from(self.memory.half(at + 28)?) << 30,
            _ => return None,
        };
        Some(if negative { -value } else { value })
    }

    /// The key table at an address (`PyDictKeysObject` in `Objects/dict-common.h`, from 3.11 in
    /// `pycore_dict.h`).
    #[inline]
    pub(crate) fn key_table(&self, keys: u64) -> Option<KeyTable> {
        let keys = keys & ADDRESS_MASK;
        if self.layout.minor >= 11 {
            let index_bytes = 1_u64 << self.memory.byte(keys + 9)?.min(47);
            let general = self.memory.byte(keys + 10)? == 0;
            let (entry, key) = if general { (24, 8) } else { (16, 0) };
            let slots = 1_u64 << self.memory.byte(keys + 8)?.min(44);
            let entries = self.memory.word(keys + 24)?.min(slots);
            return Some(KeyTable { first: keys + 32 + index_bytes, entry, key, entries });
        }
        let slots = self.memory.word(keys + 8)?.min(MAX_ITEMS);
        let index_bytes = match slots {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            0x1_0000..=0xFFFF_FFFF => 4,
            _ => 8,
        };
        let entries = self.memory.word(keys + 32)?.min(slots).min(MAX_ITEMS);
        Some(KeyTable { first: keys + 40 + slots * index_bytes, entry: 24, key: 8, entries })
    }

    /// The value under an ASCII key of a dict; looks at every entry.
    pub fn value_of(&self, dict: u64, expected: &str) -> Option<u64> {
        self.entry_called(dict, expected).map(|(_, value)| value)
    }

    /// The str that is an ASCII key of a dict.
    pub(crate) fn key_called(&self, dict: u64, expected: &str) -> Option<u64> {
        self.entry_called(dict, expected).map(|(key, _)| key)
    }

    fn entry_called(&self, dict: u64, expected: &str) -> Option<(u64, u64)> {
        if dict == 0 {
            return None;
        }
        let dict = dict & ADDRESS_MASK;
        let table = self.key_table(self.memory.word(dict + container::DICT_KEYS as u64)?)?;
        for index in 0..table.entries {
            let at = table.first + index * table.entry + table.key;
            let key = self.memory.word(at)?;
            if self.is_string(key) && Text::is(self.memory, &self.layout, key, expected) {
                return self.memory.word(at + 8).filter(|&value| value != 0).map(|value| (key, value));
            }
        }
        None
    }

    /// The entries of a dict whose values are not shared, as keys and values.
    pub fn entries(&self, dict: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let keys = self.word((dict & ADDRESS_MASK) + container::DICT_KEYS as u64);
        let table = if keys == 0 { None } else { self.key_table(keys) };
        let table = table.unwrap_or(KeyTable { first: 0, entry: 0, key: 0, entries: 0 });
        // A damaged count may be any: reading ends where memory does.
        let entries = (0..table.entries).map_while(move |index| {
            let at = table.first + index * table.entry + table.key;
            Some((self.memory.word(at)?, self.memory.word(at + 8)?))
        });
        let whole = entries.take_while(|&(key, value)| is_item(key) && is_item(value));
        whole.filter(|&(key, value)| key != 0 && value != 0)
    }

    /// Whether a type lies at an address: the flags of its own type say that it is a metatype.
    pub(crate) fn is_type(&self, at: u64) -> bool {
        if !may_be_object(at) {
            return false;
        }
        let metatype = self.word(at + object::TYPE as u64);
        may_be_object(metatype)
            && self.word(metatype + type_object::FLAGS as u64) & type_object::IS_METATYPE != 0
    }

    /// Whether the type at an address was made at run time, by a class statement or `PyType_FromSpec`.
    pub(crate) fn is_heap_type(&self, at: u64) -> bool {
        self.word(at + type_object::FLAGS as u64) & type_object::HEAP_TYPE != 0
    }

    /// Whether a dict, list or set lies at an address.
    pub(crate) fn is_plain_container(&self, at: u64) -> bool {
        let of = self.word(at.wrapping_add(object::TYPE as u64));
        [self.types.dict, self.types.list, self.types.set].contains(&of)
    }

    /// Remembers a dict in which a `threading.local` keeps the namespaces of threads.
    pub(crate) fn add_thread_dict(&mut self, dict: u64) {
        self.thread_dicts.insert(dict);
    }

    /// Whether a dict is one of those.
    #[inline]
    pub(crate) fn is_thread_dict(&self, dict: u64) -> bool {
        !self.thread_dicts.is_empty() && self.thread_dicts.contains(&dict)
    }

    /// The references to the items of an array.
    #[inline]
    pub(crate) fn items(
        &self,
        first: u64,
        count: u64,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        for_each_item(self.memory, first, count, |index, to| {
            if take(visited, to) {
                sink.reference(to, Label::at(index));
            }
        });
    }
}
