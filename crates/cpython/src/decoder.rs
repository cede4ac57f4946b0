//! What an object refers to, and what each reference is called.
//!
//! Containers and plain instances are read whole, as CPython's own traverse functions do; of other objects the
//! members that are known give names to what a traverse visits, or, where no traverse can be asked, are all that is
//! told. What CPython's traverse leaves out and yet holds is added: string keys, the parts of code and of types.
//!
//! Invariant: a reference is told once for each time that the object counts it; what is borrowed or weak is left out.
//! The key of an entry comes right before its value. Every count is capped by what the object can hold.

use std::cell::RefCell;
use std::collections::HashMap;

use memtop_heap::{KEYS_ARE_DATA, Label, StringId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::c_types::{CType, CTypes};
use crate::kind::ObjectKind;
use crate::layout::{Layout, container, object, type_object};
use crate::memory::Memory;
use crate::sizes::Sizings;
use crate::text::{Text, is_identifier};
use crate::type_info::{DictPlace, TypeInfo};
use crate::untraced::{LARGEST_SCANNED, Untraced};
use crate::visited::{Visited, take, take_if_near};

/// Where what was decoded goes.
pub trait Sink {
    /// A reference of the object that is being decoded.
    fn reference(&mut self, to: u64, label: Label);
    /// A word of the object that may be a reference: it is one if the reference count of what it leads to says so.
    fn hidden(&mut self, to: u64, label: Label);
    /// The same of a word that leads to an object for certain, as far as memory can say. Told only where no traverse can
    /// be asked.
    fn likely(&mut self, to: u64, label: Label);
    /// The first word behind a pointer that may lead to no object, or to no memory at all.
    fn behind(&mut self, pointer: u64) -> Option<u64>;
    /// The handle of a text.
    fn name(&mut self, text: &str) -> StringId;
    /// Whether a dict is known to be the namespace of a module, class or instance, so that its keys are names.
    fn is_namespace(&mut self, dict: u64) -> bool;
    /// What a cell holds is called so.
    fn variable(&mut self, cell: u64, label: Label);
}

/// The types that the decoder tells apart by address.
#[derive(Debug, Clone, Copy)]
pub struct KnownTypes {
    /// `str`.
    pub string: u64,
    /// `int`.
    pub integer: u64,
    /// `dict`.
    pub dict: u64,
    /// `list`.
    pub list: u64,
    /// `set`.
    pub set: u64,
    /// `tuple`.
    pub tuple: u64,
    /// `cell`.
    pub cell: u64,
    /// `contextvars.ContextVar`.
    pub context_variable: u64,
}

/// Decodes the objects of one moment; what it remembers is not valid in another.
#[derive(Debug)]
pub struct Decoder<'m, M> {
    pub(crate) memory: &'m M,
    pub(crate) layout: Layout,
    /// `subtype_traverse` and `subtype_dealloc`, which every type that a class statement made has.
    pub(crate) class_traverse: u64,
    pub(crate) class_dealloc: u64,
    pub(crate) types: KnownTypes,
    pub(crate) c_types: &'m CTypes,
    /// Which of the types that were asked for are C types that are known.
    recognised: RefCell<FxHashMap<u64, Option<CType>>>,
    with_keys: bool,
    /// Where a tuple's items begin.
    tuple_items: u64,
    text: Text,
    /// What str objects say that were met lately, by some bits of their address.
    recent: Vec<KnownText>,
    /// The dicts in which `threading.local` keeps a namespace for each thread.
    local_dicts: FxHashSet<u64>,
    pub(crate) variable_names: HashMap<u64, std::rc::Rc<[Label]>>,
    /// What is remembered to do without a traverse.
    pub(crate) blind: Untraced,
    pub(crate) sizings: Sizings,
}

#[derive(Debug, Clone, Copy, Default)]
struct KnownText {
    address: u64,
    id: Option<StringId>,
    identifier: bool,
}

const RECENT: usize = 8192;
/// The bits of an address that a process can have: 47 on x86-64, 48 on aarch64.
pub(crate) const ADDRESS: u64 = (1 << 48) - 1;
/// Below this nothing is mapped.
const LOWEST: u64 = 1 << 12;
/// So many empty items in a row are no container's: an end of memory that was never touched.
const MOST_EMPTY: u64 = 1 << 12;
/// More items than any container of a process with 48 bits of addresses can have.
pub(crate) const MOST: u64 = 1 << 44;

/// Whether an object may stand at an address: aligned to a word, within what a process can have. What stands behind a
/// container's items, a reference count or an allocator's size, is no such address.
#[inline]
pub(crate) fn may_be_object(address: u64) -> bool {
    address & 7 == 0 && (LOWEST..=ADDRESS).contains(&address)
}

/// What may stand in the place of an item.
#[inline]
pub(crate) fn is_item(word: u64) -> bool {
    word == 0 || may_be_object(word)
}

/// A dict's key table (`Include/internal/pycore_dict.h`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyTable {
    /// Where the entries begin.
    pub(crate) first: u64,
    /// How large one is.
    pub(crate) entry: u64,
    /// Where in an entry its key is; its value comes after it.
    pub(crate) key: u64,
    /// How many are in use, deleted ones included.
    pub(crate) entries: u64,
}

impl<'m, M: Memory> Decoder<'m, M> {
    /// A decoder over `memory`. `c_types` recognises its C types. `class` gives the `tp_traverse` and the `tp_dealloc` of a type that a class statement
    /// made: all of them have the same.
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
            tuple_items: memory.word(types.tuple + type_object::BASIC_SIZE as u64)?.min(MOST),
            types,
            c_types,
            recognised: RefCell::default(),
            with_keys,
            text: Text::default(),
            recent: vec![KnownText::default(); RECENT],
            local_dicts: FxHashSet::default(),
            variable_names: HashMap::new(),
            blind: Untraced::default(),
            sizings: Sizings::default(),
        })
    }

    /// A decoder of the same process over another view of its memory, which remembers nothing yet.
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

    /// Where a tuple's items begin.
    pub(crate) fn tuple_first(&self) -> u64 {
        self.tuple_items
    }

    #[inline]
    pub(crate) fn word(&self, at: u64) -> u64 {
        self.memory.word(at).unwrap_or(0)
    }

    /// A word that may not be there at all: the layout that leads to it is a type's claim.
    #[cold]
    #[inline(never)]
    fn claimed(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.memory.checked(at, &mut bytes).map_or(0, |()| u64::from_le_bytes(bytes))
    }

    /// A pointer, within the addresses that a process can have: what is added to it does not overflow.
    #[inline]
    pub(crate) fn pointer(&self, at: u64) -> u64 {
        self.word(at) & ADDRESS
    }

    /// The C type at an address, if it is one that is known.
    pub(crate) fn c_type(&self, at: u64) -> Option<CType> {
        let at = at & ADDRESS;
        *self.recognised.borrow_mut().entry(at).or_insert_with(|| self.c_types.recognise(self.memory, at))
    }

    /// Whether mem_top's own extension module defines the type at an address.
    pub(crate) fn is_mem_tops(&self, at: u64) -> bool {
        self.c_types.is_mem_tops(self.memory, at & ADDRESS)
    }

    #[inline]
    pub(crate) fn is_str(&self, at: u64) -> bool {
        at != 0 && self.memory.word(at.wrapping_add(object::TYPE as u64)) == Some(self.types.string)
    }

    pub(crate) fn read_text(&mut self, string: u64) -> Option<String> {
        self.text.read(self.memory, &self.layout, string).map(str::to_owned)
    }

    /// Whether a str lies at an address.
    pub fn is_string(&self, at: u64) -> bool {
        self.is_str(at)
    }

    /// The text of the str at an address; `None` if none lies there.
    pub fn string_at(&mut self, at: u64) -> Option<String> {
        if self.is_str(at) { self.read_text(at) } else { None }
    }

    /// The namespace of the module at an address; `None` if it is none.
    pub fn namespace_of_module(&self, at: u64) -> Option<u64> {
        let at = at & ADDRESS;
        let (kind, ..) = self.kind_of(self.memory.word(at + object::TYPE as u64)?)?;
        let dict = self.memory.word(at + 16)?;
        (kind == ObjectKind::Module && dict != 0).then_some(dict)
    }

    /// Whether code lies at an address.
    pub fn is_code(&self, at: u64) -> bool {
        let of = self.memory.word((at & ADDRESS) + object::TYPE as u64);
        of.and_then(|of| self.kind_of(of)).is_some_and(|(kind, ..)| kind == ObjectKind::Code)
    }

    /// The labels of a namespace's values, in the order in which [`Decoder::references`] tells them.
    pub fn namespace_labels(&mut self, dict: u64, sink: &mut impl Sink) -> Vec<Label> {
        let entries: Vec<(u64, u64)> = self.entries(dict).collect();
        entries.into_iter().map(|(key, _)| self.key_label(key, true, true, sink)).collect()
    }

    /// The module and the qualified name of the type at an address.
    pub fn name_of_type(&mut self, at: u64) -> Option<(String, String)> {
        let flags = self.memory.word(at + type_object::FLAGS as u64)?;
        self.type_name(at, flags & type_object::HEAP_TYPE != 0)
    }

    /// The text of a str object, as a text of the sink's.
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

    /// The label of what stands under `key`.
    #[inline]
    fn key_label(&mut self, key: u64, namespace: bool, few: bool, sink: &mut impl Sink) -> Label {
        if !(namespace || few || self.with_keys) {
            return Label::ANY_KEY;
        }
        if self.is_str(key) {
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

    pub(crate) fn key_table(&self, keys: u64) -> Option<KeyTable> {
        let keys = keys & ADDRESS;
        if self.layout.minor >= 11 {
            let index_bytes = 1_u64 << self.memory.byte(keys + 9)?.min(47);
            let general = self.memory.byte(keys + 10)? == 0;
            let (entry, key) = if general { (24, 8) } else { (16, 0) };
            let slots = 1_u64 << self.memory.byte(keys + 8)?.min(44);
            let entries = self.memory.word(keys + 24)?.min(slots);
            return Some(KeyTable { first: keys + 32 + index_bytes, entry, key, entries });
        }
        let slots = self.memory.word(keys + 8)?.min(MOST);
        let index_bytes = match slots {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            0x1_0000..=0xFFFF_FFFF => 4,
            _ => 8,
        };
        let entries = self.memory.word(keys + 32)?.min(slots).min(MOST);
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
        let dict = dict & ADDRESS;
        let table = self.key_table(self.memory.word(dict + container::DICT_KEYS as u64)?)?;
        for index in 0..table.entries {
            let at = table.first + index * table.entry + table.key;
            let key = self.memory.word(at)?;
            if self.is_str(key) && Text::is(self.memory, &self.layout, key, expected) {
                return self.memory.word(at + 8).filter(|&value| value != 0).map(|value| (key, value));
            }
        }
        None
    }

    /// The entries of a dict whose values are not shared, as keys and values.
    pub fn entries(&self, dict: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let keys = self.word((dict & ADDRESS) + container::DICT_KEYS as u64);
        let table = if keys == 0 { None } else { self.key_table(keys) };
        let table = table.unwrap_or(KeyTable { first: 0, entry: 0, key: 0, entries: 0 });
        // What is beyond the memory that is there is not looked at: a damaged count may be any.
        let entries = (0..table.entries).map_while(move |index| {
            let at = table.first + index * table.entry + table.key;
            Some((self.memory.word(at)?, self.memory.word(at + 8)?))
        });
        let whole = entries.take_while(|&(key, value)| is_item(key) && is_item(value));
        whole.filter(|&(key, value)| key != 0 && value != 0)
    }

    /// The references of an object. `visited` is what its traverse function visited, in that order; without, memory alone
    /// tells them. Nothing stays in `visited`.
    #[inline]
    pub fn references(
        &mut self,
        at: u64,
        info: &TypeInfo,
        visited: Option<&mut Vec<u64>>,
        sink: &mut impl Sink,
    ) {
        if visited.is_none() && !info.complete {
            return self.blind_references(at, info, sink);
        }
        let mut visited = visited.map(Visited::new);
        match info.kind {
            ObjectKind::Opaque | ObjectKind::TextBuffer => {
                if let Some(visited) = &visited {
                    self.hidden_words(at, info, visited.all(), sink);
                }
            }
            ObjectKind::Plain | ObjectKind::Atom => {}
            ObjectKind::Tuple => self.tuple(at, &mut visited, sink),
            ObjectKind::List => self.list(at, &mut visited, sink),
            ObjectKind::Dict | ObjectKind::DictAndMore => self.dict(at, &mut visited, sink),
            ObjectKind::Set => self.set(at, &mut visited, sink),
            ObjectKind::Code => self.code(at, sink),
            ObjectKind::Type => self.type_parts(at, &mut visited, sink),
            ObjectKind::Frame | ObjectKind::Generator => self.frame_parts(at, info.kind, &mut visited, sink),
            ObjectKind::Context => self.context_parts(at, &mut visited, sink),
            ObjectKind::Function => self.closure(at, sink),
            ObjectKind::DateTime => self.time_zone(at, 40, sink),
            ObjectKind::TimeOfDay => self.time_zone(at, 32, sink),
            _ => {}
        }
        for &(offset, label) in &info.members {
            let to = self.word(at + offset);
            if to != 0 && take(&mut visited, to) {
                sink.reference(to, label);
            }
        }
        self.attributes(at, info, &mut visited, sink);
        if info.holds_type && take(&mut visited, info.address) {
            sink.reference(info.address, Label::TYPE);
        }
        if let Some(visited) = visited {
            self.rest(info, visited, sink);
        }
    }

    /// What was visited and has no label yet.
    fn rest(&mut self, info: &TypeInfo, mut visited: Visited<'_>, sink: &mut impl Sink) {
        let keeps_items = matches!(info.kind, ObjectKind::Deque | ObjectKind::Queue | ObjectKind::LruCache);
        // Where it stands among the items differs by version.
        if keeps_items && !info.holds_type && self.is_heap_type(info.address) && visited.take(info.address) {
            sink.reference(info.address, Label::TYPE);
        }
        let in_list = info.kind == ObjectKind::Queue && self.layout.minor < 13;
        let folds = self.folds(info);
        if info.kind == ObjectKind::LruCache {
            let rest: Vec<u64> = visited.rest().collect();
            let cached = self.cached(info, &rest, sink);
            return self.labelled(info, folds, rest[cached..].iter().copied(), sink);
        }
        if !in_list && matches!(info.kind, ObjectKind::Deque | ObjectKind::Queue) {
            return visited.rest().enumerate().for_each(|(index, to)| sink.reference(to, Label::at(index)));
        }
        self.labelled(info, folds, visited.rest(), sink);
    }

    /// Whether a builtin container that an object of this kind holds is a part of it.
    pub(crate) fn folds(&self, info: &TypeInfo) -> bool {
        matches!(info.kind, ObjectKind::LruCache | ObjectKind::Wrapper | ObjectKind::ThreadLocal)
            || (info.kind == ObjectKind::Queue && self.layout.minor < 13)
    }

    pub(crate) fn labelled(
        &mut self,
        info: &TypeInfo,
        folds: bool,
        rest: impl Iterator<Item = u64>,
        sink: &mut impl Sink,
    ) {
        for to in rest {
            let label = match info.kind {
                _ if to == info.address => Label::TYPE,
                _ if folds && self.is_plain_container(to) => {
                    if info.kind == ObjectKind::ThreadLocal {
                        self.local_dicts.insert(to);
                    }
                    Label::STORAGE
                }
                _ => Label::UNLABELLED,
            };
            sink.reference(to, label);
        }
    }

    /// Whether a type lies at an address: its own type says of itself that it makes types.
    pub(crate) fn is_type(&self, at: u64) -> bool {
        if !may_be_object(at) {
            return false;
        }
        let metatype = self.word(at + object::TYPE as u64);
        may_be_object(metatype)
            && self.word(metatype + type_object::FLAGS as u64) & type_object::IS_METATYPE != 0
    }

    pub(crate) fn is_heap_type(&self, at: u64) -> bool {
        self.word(at + type_object::FLAGS as u64) & type_object::HEAP_TYPE != 0
    }

    /// What a bounded `lru_cache` visits first: the key, the result and the type of each link of its chain
    /// (`lru_cache_tp_traverse` in `_functoolsmodule.c`). Gives how many of the visited were that.
    fn cached(&mut self, info: &TypeInfo, visited: &[u64], sink: &mut impl Sink) -> usize {
        let type_of = |at: u64| self.word(at + object::TYPE as u64);
        let Some(&[_, _, link]) = visited.first_chunk::<3>() else { return 0 };
        if type_of(link) != type_of(info.address)
            || self.c_type(link).map(CType::name) != Some("functools._lru_list_elem")
        {
            return 0;
        }
        let mut taken = 0;
        for triple in visited.chunks_exact(3).take_while(|triple| triple[2] == link) {
            sink.reference(triple[0], Label::KEY_OBJECT);
            sink.reference(triple[1], Label::ANY_KEY);
            sink.reference(link, Label::UNLABELLED);
            taken += 3;
        }
        taken
    }

    /// The time zone of a `datetime` or `time` (`Include/datetime.h`): one without is allocated without the member, so
    /// that what lies there is another's memory.
    pub(crate) fn time_zone(&self, at: u64, offset: u64, sink: &mut impl Sink) {
        const HAS_ZONE: u64 = 24;
        if self.memory.byte(at + HAS_ZONE).is_none_or(|has| has == 0) {
            return;
        }
        let to = self.word(at + offset);
        if to != 0 {
            let name = sink.name("tzinfo");
            sink.reference(to, Label::attribute(name));
        }
    }

    fn is_plain_container(&self, at: u64) -> bool {
        let of = self.word(at.wrapping_add(object::TYPE as u64));
        [self.types.dict, self.types.list, self.types.set].contains(&of)
    }

    /// Attributes, where an instance has them beside its slots.
    #[inline]
    pub(crate) fn attributes(
        &mut self,
        at: u64,
        info: &TypeInfo,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        if info.dict == DictPlace::None {
            return;
        }
        // What a class statement made is laid out by the interpreter. A type written in C may say anything of its objects.
        let is_certain = info.is_class || info.kind != ObjectKind::Opaque;
        let word = |at: u64| if is_certain { self.word(at) } else { self.claimed(at) };
        let (values, dict) = match info.dict {
            DictPlace::None => return,
            DictPlace::Offset(offset) if offset > 0 => (0, self.word(at.wrapping_add_signed(offset))),
            DictPlace::Offset(offset) => {
                let items = (self.word(at + object::SIZE as u64) as i64).unsigned_abs().min(MOST);
                let size =
                    (info.basic_size + items.saturating_mul(info.item_size).min(MOST)).next_multiple_of(8);
                let place = (at + size).wrapping_add_signed(offset);
                // How many items an object has is known of what CPython defines.
                (0, if info.kind == ObjectKind::Opaque { self.claimed(place) } else { self.word(place) })
            }
            DictPlace::Managed311 => match word(at - 32) {
                0 => (0, word(at - 24)),
                values => (values & ADDRESS, 0),
            },
            DictPlace::Managed312 => match word(at - 24) {
                tagged if tagged & 1 == 1 => ((tagged & ADDRESS) + 1, 0),
                dict => (0, dict),
            },
            DictPlace::Managed313 { values } => {
                // `valid` is the fourth byte of what stands before the values.
                let is_valid = |values: u64| match is_certain {
                    true => self.memory.byte(values + 3).is_some_and(|valid| valid != 0),
                    false => self.claimed(values) >> 24 & 0xFF != 0,
                };
                let values = values.map(|offset| at + offset).filter(|&values| is_valid(values));
                (values.map_or(0, |values| values + 8), word(at - 24))
            }
        };
        if values != 0 {
            for (index, &label) in info.attributes.iter().enumerate() {
                let place = values + index as u64 * 8;
                let to = if is_certain { self.word(place) } else { self.claimed(place) };
                if to != 0 && take(visited, to) {
                    sink.reference(to, label);
                }
            }
        }
        if dict != 0 && take(visited, dict) {
            sink.reference(dict, Label::DICT);
        }
    }

    pub(crate) fn items(
        &mut self,
        first: u64,
        count: u64,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let mut empty = 0;
        for index in 0..count {
            let Some(to) = self.memory.word(first + index * 8).filter(|&to| is_item(to)) else { break };
            empty = if to == 0 { empty + 1 } else { 0 };
            if empty == MOST_EMPTY {
                break;
            }
            if to != 0 && take(visited, to) {
                sink.reference(to, Label::at(index as usize));
            }
        }
    }

    pub(crate) fn list(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let items = self.pointer(at + container::LIST_ITEMS as u64);
        let room = self.word(at + container::LIST_ALLOCATED as u64).min(MOST);
        let count = self.word(at + object::SIZE as u64).min(room);
        self.items(items, count, visited, sink);
    }

    pub(crate) fn tuple(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let count = self.word(at + object::SIZE as u64).min(MOST);
        self.items(at + self.tuple_items, count, visited, sink);
    }

    pub(crate) fn set(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let table = self.pointer(at + container::SET_TABLE as u64);
        let entries = self.word(at + container::SET_MASK as u64).min(MOST) + 1;
        if !entries.is_power_of_two() {
            return;
        }
        let dummy = u64::MAX;
        for index in 0..entries {
            let entry = table + index * container::SET_ENTRY as u64;
            let Some(to) = self.memory.word(entry).filter(|&to| is_item(to)) else { break };
            if to != 0 && self.word(entry + 8) != dummy && take(visited, to) {
                sink.reference(to, Label::MEMBER);
            }
        }
    }

    pub(crate) fn dict(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let keys = self.pointer(at + container::DICT_KEYS as u64);
        let Some(table) = self.key_table(keys) else { return };
        let values = self.pointer(at + container::DICT_VALUES as u64);
        let few = self.word(at + container::DICT_USED as u64) < KEYS_ARE_DATA;
        let namespace = !few && sink.is_namespace(at);
        let of_threads = !self.local_dicts.is_empty() && self.local_dicts.contains(&at);
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
            // The traverse of dicts leaves out keys where all of them are strings.
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
            // Values within the object are the object's, though the dict shows them.
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

    /// What no traverse visits: code is unknown to the collector.
    pub(crate) fn code(&mut self, at: u64, sink: &mut impl Sink) {
        let code = self.layout.code;
        let parts = [
            (code.consts, "co_consts"),
            (code.names, "co_names"),
            (code.filename, "co_filename"),
            (code.name, "co_name"),
            (code.line_table, "co_linetable"),
            (code.local_names, "co_varnames"),
            (code.other, if self.layout.minor <= 10 { "co_code" } else { "co_exceptiontable" }),
        ];
        for (offset, name) in parts {
            let to = self.word(at + offset);
            if to != 0 {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        let more = match code.cells_and_free {
            Some((cells, free)) => [cells, free],
            None => [code.qualname, 0],
        };
        for offset in more.into_iter().filter(|&offset| offset != 0) {
            let to = self.word(at + offset);
            if to != 0 {
                sink.reference(to, Label::UNLABELLED);
            }
        }
    }

    /// What the traverse of types leaves out: the names of a class, and, for a type that the collector does not know,
    /// all of it.
    pub(crate) fn type_parts(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        // A type that is not made at run time ends where the parts of one begin.
        if self.is_heap_type(at) {
            let heap_type = self.layout.heap_type;
            let names = [
                (heap_type.name, "__name__"),
                (heap_type.qualname(), "__qualname__"),
                (heap_type.slots(), "__slots__"),
            ];
            for (offset, name) in names {
                let to = self.word(at + offset);
                if to != 0 {
                    let name = sink.name(name);
                    sink.reference(to, Label::attribute(name));
                }
            }
            // 3.8 has none.
            let module = if self.layout.minor < 9 { 0 } else { self.word(at + heap_type.module()) };
            if module != 0 && take(visited, module) {
                let name = sink.name("ht_module");
                sink.reference(module, Label::attribute(name));
            }
            return self.subclasses(at, sink);
        }
        let parts = [(type_object::DICT as u64, Label::DICT), (type_object::BASE as u64, Label::BASE)];
        for (offset, label) in parts {
            let to = self.word(at + offset);
            // A static type of the interpreter's own has no reference to its dict from 3.12 on, but an index.
            if to > 1 << 16 {
                sink.reference(to, label);
            }
        }
        for (offset, name) in [(type_object::BASES, "__bases__"), (type_object::MRO as u64, "__mro__")] {
            let to = self.word(at + offset);
            if to > 1 << 16 {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        self.subclasses(at, sink);
    }

    /// `tp_subclasses`, a dict of weak references; an index where the interpreter keeps it elsewhere.
    fn subclasses(&self, at: u64, sink: &mut impl Sink) {
        let to = self.word(at + type_object::SUBCLASSES);
        if to > 1 << 16 && self.word(to.wrapping_add(object::TYPE as u64)) == self.types.dict {
            let name = sink.name("__subclasses__");
            sink.reference(to, Label::attribute(name));
        }
    }

    /// Names the variables that a function closes over: their cells are told by the tuple that holds them.
    pub(crate) fn closure(&mut self, at: u64, sink: &mut impl Sink) {
        let (cells, code) = match self.layout.minor {
            ..10 => (self.pointer(at + 48), self.pointer(at + 16)),
            _ => (self.pointer(at + 72), self.pointer(at + 48)),
        };
        if cells == 0 || code == 0 {
            return;
        }
        let names = self.free_names(code, sink);
        // The tuple and the cells are no steps of a path: what a cell holds is the variable.
        sink.variable(cells, Label::STORAGE);
        for (index, &name) in names.iter().enumerate() {
            let cell = self.word(cells + self.tuple_items + index as u64 * 8);
            if cell != 0 {
                sink.variable(cell, name);
            }
        }
    }

    /// Words of an object of an unknown layout that may be references beside those that were visited.
    pub(crate) fn hidden_words(&self, at: u64, info: &TypeInfo, visited: &[u64], sink: &mut impl Sink) {
        const FEW_VISITED: usize = 64;
        let label = if info.kind == ObjectKind::TextBuffer { Label::STORAGE } else { Label::UNLABELLED };
        const PAGE: u64 = 4096;
        let size = info.basic_size.min(LARGEST_SCANNED);
        // The object's first page is there; how far it goes on is the type's claim.
        let certain = PAGE - at % PAGE;
        let mut claimed = Vec::new();
        if size > certain {
            claimed.resize((size - certain) as usize, 0);
            if self.memory.checked(at + certain, &mut claimed).is_none() {
                claimed.clear();
            }
        }
        for offset in (16..size & !7).step_by(8) {
            if info.weak_list > 0 && offset == info.weak_list as u64 {
                continue;
            }
            let to = match offset.checked_sub(certain) {
                None => self.word(at + offset),
                Some(beyond) => match claimed.get(beyond as usize..).and_then(|rest| rest.first_chunk()) {
                    Some(bytes) => u64::from_le_bytes(*bytes),
                    None => break,
                },
            };
            // Both allocators give out multiples of 16.
            let plausible = |to: u64| (1 << 16..=ADDRESS).contains(&to) && to.is_multiple_of(16);
            let inside = (at..at + size).contains(&to);
            if plausible(to) && !inside && (visited.len() > FEW_VISITED || !visited.contains(&to)) {
                sink.hidden(to, label);
                // From 3.14 the writer of a text buffer stands apart; what it writes to is its first member.
                if info.kind == ObjectKind::TextBuffer
                    && let Some(behind) = sink.behind(to).filter(|&behind| plausible(behind))
                {
                    sink.hidden(behind, label);
                }
            }
        }
    }
}
