//! The references of an object in synthetic memory: only the object's own memory is read, and only addresses
//! that can be objects are followed.

mod greenlets;
mod objects_in_arrays;

use std::cell::RefCell;
use std::collections::BTreeMap;

use memtop_cpython::{CTypes, CodeFiles, Decoder, KnownTypes, Layout, Memory, ObjectKind, Sink, TypeInfo};
use memtop_heap::{CaptureInfo, HeapBuilder, Label, StringId};

/// Words by address; other addresses cannot be read. Records the addresses that are read.
#[derive(Default)]
struct Words {
    words: BTreeMap<u64, u64>,
    read: RefCell<Vec<u64>>,
}

impl Memory for Words {
    fn word(&self, address: u64) -> Option<u64> {
        self.read.borrow_mut().push(address);
        self.words.get(&address).copied()
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.word(address & !7).map(|word| (word >> (8 * (address & 7))) as u32)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.word(address & !7).map(|word| (word >> (8 * (address & 7))) as u8)
    }

    fn bytes(&self, _: u64, _: usize, _: &mut Vec<u8>) -> Option<()> {
        None
    }
}

struct Found {
    builder: HeapBuilder,
    references: Vec<(u64, Option<String>)>,
    /// Those among them that a traverse does not visit.
    hidden: Vec<u64>,
    uncertain: Vec<u64>,
    names: Vec<String>,
}

impl Found {
    fn new() -> Self {
        Self {
            builder: HeapBuilder::new(CaptureInfo::default()),
            references: Vec::new(),
            hidden: Vec::new(),
            uncertain: Vec::new(),
            names: Vec::new(),
        }
    }
}

impl Sink for Found {
    fn reference(&mut self, to: u64, label: Label) {
        let name = label.text().and_then(|_| self.names.last().cloned());
        self.references.push((to, name));
    }

    fn maybe_reference(&mut self, to: u64, _: Label) {
        self.uncertain.push(to);
    }

    fn probable_reference(&mut self, to: u64, _: Label) {
        self.uncertain.push(to);
    }

    fn hidden_reference(&mut self, to: u64, label: Label) {
        self.hidden.push(to);
        self.reference(to, label);
    }

    fn deref(&mut self, _: u64) -> Option<u64> {
        None
    }

    fn name(&mut self, text: &str) -> StringId {
        self.names.push(text.to_owned());
        self.builder.string(text)
    }

    fn is_namespace(&mut self, _: u64) -> bool {
        false
    }

    fn variable(&mut self, _: u64, _: Label) {}
}

const AT: u64 = 0x7f00_0000_1000;
const TUPLE: u64 = 0x7f00_0000_9000;
const ZONE: u64 = 0x7f00_0000_2340;

/// The references of an object of a kind with these words after its head.
fn references_of(kind: ObjectKind, words: &[u64]) -> (Found, Vec<u64>) {
    let mut memory = Words::default();
    memory.words.insert(TUPLE + 32, 24);
    for (index, &word) in words.iter().enumerate() {
        memory.words.insert(AT + 16 + 8 * index as u64, word);
    }
    let types = KnownTypes {
        string: 1,
        integer: 2,
        dict: 3,
        list: 4,
        set: 5,
        tuple: TUPLE,
        cell: 6,
        context_variable: 7,
    };
    let info = TypeInfo {
        address: 0x7f00_0000_8000,
        kind,
        basic_size: 16 + 8 * words.len() as u64,
        ..TypeInfo::unknown()
    };
    let layout = Layout::of(12).expect("3.12 is known");
    let c_types = &CTypes::default();
    let mut decoder =
        Decoder::new(&memory, layout, types, c_types, (0, 0), false).expect("the image has a tuple type");
    let mut sink = Found::new();
    decoder.references(AT, &info, Some(&mut Vec::new()), &mut sink);
    let read = memory.read.borrow().clone();
    (sink, read)
}

#[test]
fn a_moment_refers_to_its_time_zone() {
    let moment = references_of(ObjectKind::DateTime, &[77, 1, 0, ZONE]).0;
    assert_eq!(moment.references, [(ZONE, Some("tzinfo".to_owned()))]);
    let time = references_of(ObjectKind::TimeOfDay, &[77, 1, ZONE]).0;
    assert_eq!(time.references, [(ZONE, Some("tzinfo".to_owned()))]);
}

#[test]
fn a_moment_without_a_time_zone_ends_before_it() {
    for (kind, words, end) in [
        (ObjectKind::DateTime, vec![77, 0, 0, ZONE], AT + 40),
        (ObjectKind::TimeOfDay, vec![77, 0, ZONE], AT + 32),
    ] {
        let (found, read) = references_of(kind, &words);
        assert!(found.references.is_empty() && found.uncertain.is_empty());
        assert!(!read.contains(&end), "the memory behind it belongs to another object");
    }
}

#[test]
fn an_address_that_no_allocator_returns_is_not_an_object() {
    let found = references_of(ObjectKind::Opaque, &[ZONE, ZONE + 8, ZONE + 1, 0x20, 1 << 48]).0;
    assert_eq!(found.uncertain, [ZONE]);
}

/// `PyTypeObject` is 408 bytes long; the further members of a `PyHeapTypeObject` do not exist in a static
/// type.
#[test]
fn a_static_type_ends_before_the_members_of_a_class() {
    const STATIC_SIZE: u64 = 408;
    const CLASS_SIZE: u64 = 920;
    const METATYPE: u64 = 0x7f00_0000_5000;
    const NAME: u64 = 0x7f00_0000_6000;
    let mut memory = Words::default();
    memory.words.insert(TUPLE + 32, 24);
    memory.words.extend((0..CLASS_SIZE / 8).map(|index| (METATYPE + 8 * index, 0)));
    memory.words.extend((0..STATIC_SIZE / 8).map(|index| (AT + 8 * index, 0)));
    memory.words.insert(METATYPE + 24, NAME);
    memory.words.insert(METATYPE + 32, CLASS_SIZE);
    memory.words.extend((0..8).map(|index| (NAME + 8 * index, 0)));
    memory.words.insert(NAME, u64::from_le_bytes(*b"type\0\0\0\0"));
    let types = KnownTypes {
        string: 1,
        integer: 2,
        dict: 3,
        list: 4,
        set: 5,
        tuple: TUPLE,
        cell: 6,
        context_variable: 7,
    };
    let c_types = &CTypes::new(CodeFiles::new([(METATYPE, NAME, "/python")], METATYPE, &[]), []);
    for minor in 10..=15 {
        let layout = Layout::of(minor).expect("the version is known");
        let mut decoder =
            Decoder::new(&memory, layout, types, c_types, (0, 0), false).expect("the image has a tuple type");
        let mut sink = Found::new();
        let info = decoder.type_info(METATYPE, &mut sink).expect("the image has a metatype");
        assert_eq!(info.kind, ObjectKind::Type);
        memory.read.borrow_mut().clear();
        decoder.references(AT, &info, Some(&mut Vec::new()), &mut sink);
        let end = memory.read.borrow().iter().copied().max().expect("something was read");
        assert!(end < AT + STATIC_SIZE, "3.{minor}: read at {}", end - AT);
    }
}

/// The type of the objects below.
const TYPE: u64 = 0x7f00_0000_8000;
const TYPE_OF_TYPES: u64 = 0x7f00_0000_a000;
/// `Py_TPFLAGS_READY`.
const READY: u64 = 1 << 12;

/// The references of an object of a static C type with this name, by memory alone.
fn alone(minor: u8, name: &str, kind: ObjectKind, memory: Words, basic_size: u64) -> Found {
    alone_with_slots(minor, name, kind, memory, basic_size, &[])
}

/// The same of a type with slots at these offsets.
fn alone_with_slots(
    minor: u8,
    name: &str,
    kind: ObjectKind,
    mut memory: Words,
    basic_size: u64,
    slots: &[u64],
) -> Found {
    const NAME: u64 = 0x7f00_0000_b000;
    memory.words.extend([(TUPLE + 8, TYPE_OF_TYPES), (TUPLE + 32, 24)]);
    for (offset, word) in [(8, TYPE_OF_TYPES), (24, NAME), (32, basic_size), (168, READY), (256, 0)] {
        memory.words.entry(TYPE + offset).or_insert(word);
    }
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(64, 0);
    for (index, word) in bytes.chunks(8).enumerate() {
        memory.words.insert(NAME + 8 * index as u64, u64::from_le_bytes(word.try_into().expect("eight")));
    }
    memory.words.insert(AT + 8, TYPE);
    let types = KnownTypes {
        string: 1,
        integer: 2,
        dict: 3,
        list: 4,
        set: 5,
        tuple: TUPLE,
        cell: 6,
        context_variable: 7,
    };
    let info = TypeInfo {
        address: TYPE,
        kind,
        basic_size,
        members: slots.iter().map(|&offset| (offset, Label::STORAGE)).collect(),
        ..TypeInfo::unknown()
    };
    let layout = Layout::of(minor).expect("the version is known");
    let file = match name.split_once('.') {
        Some(("numpy", _)) => "/numpy/core.so",
        Some(("greenlet", _)) => "/greenlet/_greenlet.so",
        _ => "/python",
    };
    let mappings = [(TUPLE, TUPLE + 0x1000, "/python"), (TYPE, TYPE + 0x1000, file)];
    let c_types = &CTypes::new(CodeFiles::new(mappings, TUPLE, &[]), []);
    let mut decoder =
        Decoder::new(&memory, layout, types, c_types, (0, 0), false).expect("the image has a tuple type");
    let mut sink = Found::new();
    decoder.references(AT, &info, None, &mut sink);
    sink
}

/// The references of an object of an unknown C type with these words after its head, with an object of the
/// same type at `ZONE` whose first word is `count`.
fn scanned(minor: u8, words: &[u64], count: u64) -> Found {
    let mut memory = Words::default();
    for (index, &word) in words.iter().enumerate() {
        memory.words.insert(AT + 16 + 8 * index as u64, word);
    }
    memory.words.extend([(ZONE, count), (ZONE + 8, 0x7f00_0000_8000)]);
    alone(minor, "some.Thing", ObjectKind::Opaque, memory, 16 + 8 * words.len() as u64)
}

#[test]
fn a_word_that_leads_to_an_object_is_a_probable_reference() {
    for minor in 8..=15 {
        let found = scanned(minor, &[7, ZONE, ZONE + 8, 0], 3);
        assert_eq!(found.uncertain, [ZONE], "3.{minor}");
        assert!(found.references.is_empty(), "counts decide");
    }
}

#[test]
fn a_reference_to_an_immortal_object_is_certain_since_its_count_means_nothing() {
    for (minor, immortal) in
        [(12, 0xFFFF_FFFF), (13, 0xFFFF_FFFF), (14, 0xC000_0000), (15, 3 << 48 | 0xC000_0000)]
    {
        let found = scanned(minor, &[ZONE], immortal);
        assert_eq!(found.references, [(ZONE, None)], "3.{minor}");
    }
}

/// Where an interpreter is linked to a low address, the state of a module looks like an object: its first word
/// is the address of a type, small enough for a reference count, and its second the address of another type.
#[test]
fn the_state_of_the_module_of_a_type_is_not_an_object() {
    const MODULE: u64 = 0x7f00_0000_c000;
    const HEAP_TYPE_AND_READY: u64 = 1 << 9 | 1 << 12;
    const TRAVERSE: u64 = 184;
    const DEALLOC: u64 = 48;
    for minor in 9..=15 {
        let module_of_type = TYPE + Layout::of(minor).expect("the version is known").heap_type.module();
        let state = MODULE + if minor == 15 { 24 } else { 32 };
        for (module, references) in [(MODULE, vec![ZONE + 64]), (0, vec![ZONE, ZONE + 64])] {
            let mut memory = Words::default();
            memory.words.extend([
                (AT + 16, ZONE),
                (AT + 24, ZONE + 64),
                (ZONE, 0x0123_4560),
                (ZONE + 8, TYPE),
                (ZONE + 64, 1),
                (ZONE + 72, TYPE),
                (TYPE + 168, HEAP_TYPE_AND_READY),
                (TYPE + TRAVERSE, 0x7f00_0000_f000),
                (TYPE + DEALLOC, 0x7f00_0000_f100),
                (module_of_type, module),
                (state, ZONE),
            ]);
            let found = alone(minor, "some.Thing", ObjectKind::Opaque, memory, 32);
            assert_eq!(found.uncertain, references, "3.{minor}");
        }
    }
}

/// Behind an object lies the memory of others, and what was freed: what is read there says another thing each time.
#[test]
fn nothing_is_scanned_where_a_type_lies_about_its_size() {
    const OTHER: u64 = TYPE + 0x400;
    const LIES: [u64; 4] = [1 << 20, 1 << 40, 1 << 62, -8_i64 as u64];
    for minor in 8..=15 {
        for (basic_size, references) in [(32, 1), (1 << 19, 1)].into_iter().chain(LIES.map(|lie| (lie, 0))) {
            let mut memory = Words::default();
            memory.words.extend([(AT + 16, ZONE), (ZONE, 1), (ZONE + 8, OTHER)]);
            memory.words.extend([(OTHER + 8, TYPE_OF_TYPES), (OTHER + 32, 32), (OTHER + 168, READY)]);
            let found = alone(minor, "some.Thing", ObjectKind::Opaque, memory, basic_size);
            assert_eq!(found.uncertain.len(), references, "3.{minor}: {basic_size:x}");
        }
    }
}

#[test]
fn freed_memory_is_not_an_object() {
    for minor in 8..=15 {
        for link in [0, ZONE + 64] {
            let found = scanned(minor, &[ZONE], link);
            assert!(found.references.is_empty() && found.uncertain.is_empty(), "3.{minor}: {link:x}");
        }
    }
}

#[test]
fn a_cycle_of_blocks_ends() {
    const BLOCK: u64 = 0x7f00_0000_c000;
    let mut memory = Words::default();
    memory.words.extend((0..64).map(|index| (BLOCK + 8 + 8 * index, ZONE)));
    memory.words.insert(BLOCK + 520, BLOCK);
    memory.words.extend([(AT + 16, 1 << 40), (AT + 24, BLOCK), (AT + 32, BLOCK), (AT + 40, 60)]);
    let found = alone(12, "collections.deque", ObjectKind::Deque, memory, 232);
    assert!((4..=4 * 64).contains(&found.references.len()), "{}", found.references.len());
}

/// The members of an OrderedDict itself are not objects; a class that derives from it may have slots.
#[test]
fn the_slots_of_an_ordered_dict_are_reported() {
    let mut memory = Words::default();
    memory.words.extend([(AT + 48, ZONE), (AT + 96, ZONE + 64)]);
    let kind = ObjectKind::DictAndMore;
    let found = alone_with_slots(12, "collections.OrderedDict", kind, memory, 104, &[96]);
    assert_eq!(found.references, [(ZONE + 64, None)]);
    assert!(found.uncertain.is_empty());
}

/// `lru_cache_object`: the ring begins in the cache; its links hold a key and a result.
#[test]
fn the_links_of_a_bounded_cache_are_reported_once() {
    const LINKS: [u64; 2] = [0x7f00_0000_c000, 0x7f00_0000_d000];
    const KEYS: [u64; 2] = [0x7f00_0000_e000, 0x7f00_0000_e100];
    const RESULTS: [u64; 2] = [0x7f00_0000_f000, 0x7f00_0000_f100];
    let mut memory = Words::default();
    memory.words.insert(AT + 24, LINKS[0]);
    for (index, next) in [(0, LINKS[1]), (1, AT)] {
        let link = LINKS[index];
        let words = [(8, ZONE), (24, next), (40, KEYS[index]), (48, RESULTS[index])];
        memory.words.extend(words.map(|(offset, word)| (link + offset, word)));
    }
    let found = alone(9, "functools._lru_cache_wrapper", ObjectKind::LruCache, memory, 136);
    let found: Vec<u64> = found.references.iter().map(|&(to, _)| to).collect();
    assert_eq!(found, [KEYS[0], RESULTS[0], KEYS[1], RESULTS[1]]);
}
