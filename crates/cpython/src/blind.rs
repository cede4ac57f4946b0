//! What an object refers to where no traverse function can be asked: from outside its process.
//!
//! What the decoder knows of a kind is told as it is with a traverse. Of other objects of C every word is looked at
//! that may hold a pointer, up to the size that the type of C says, and taken for a reference if an object lies there.
//! Where the structure is not the object's own memory alone (blocks of a deque, links of a cache, the state of a
//! module) it is followed as CPython's traverse functions do; the functions are named where that is done.
//!
//! Invariant: what is known to be borrowed, weak or another's is left out by the tables below. What no table knows is
//! told as likely ([`Sink::likely`]), so that reference counts decide, but for what lives for ever, whose count
//! says nothing.

use std::rc::Rc;

use memtop_heap::Label;
use rustc_hash::FxHashMap;

use crate::decoder::{Decoder, MOST, Sink};
use crate::kind::Kind;
use crate::layout::{object, type_object};
use crate::memory::Memory;
use crate::type_info::{DictPlace, TypeInfo};
use crate::validity::{Lifetime, Validity, is_plausible};

/// What the decoder remembers of types to do without a traverse.
#[derive(Debug, Default)]
pub(crate) struct Blind {
    plans: FxHashMap<u64, Plan>,
    validity: Validity,
}

/// How the objects of a type are read.
#[derive(Debug, Clone)]
struct Plan {
    structure: Structure,
    /// Offsets of words that may hold a reference and have no name.
    words: Rc<[u64]>,
    /// Whether what looks like an object there is one that the object holds.
    certain: bool,
    /// Whether each object holds a reference to the type, which is one of C.
    holds_type: bool,
    /// Whether a member of the table of names tells the dict.
    dict_is_member: bool,
    /// Where items are scanned, each a word.
    items: Option<u64>,
}

/// Structures that are more than their words, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Structure {
    Words,
    /// Nothing of it is its own but what is named.
    Named(&'static [u64]),
    /// All of it but these words.
    Without(&'static [u64]),
    Deque,
    OrderedDict,
    LruCache,
    /// From 3.13.
    Queue,
    TeeBlock,
    Element,
    Module,
    NumpyArray,
    StructSequence {
        fields: u64,
    },
}

/// The longest chain of bases, and the most words of an object that are looked at.
const LONGEST_CHAIN: usize = 1000;
const MOST_SCANNED: u64 = 1 << 16;
/// More than any state of a module has.
const MOST_STATE: u64 = 1 << 14;
const BLOCK: u64 = 64;
const TEE_BLOCK: u64 = 57;

/// Tells when a chain leads back into itself, in constant memory (Brent 1980, "An improved Monte Carlo factorization
/// algorithm").
#[derive(Default)]
struct Chain {
    mark: u64,
    steps: u64,
    until: u64,
}

impl Chain {
    fn returns(&mut self, at: u64) -> bool {
        if at == self.mark {
            return true;
        }
        self.steps += 1;
        if self.steps > self.until {
            self.until = self.steps * 2;
            self.mark = at;
        }
        false
    }
}

impl Structure {
    /// By the name of the type of C. `_ctypes._CData`: what it points to is no object's (`b_ptr`, `b_value`;
    /// `PyCData_traverse` in `_ctypes.c`). A capsule's pointer is not its own; of a `BytesIO` the buffer is visited
    /// from 3.12 on; `ContextVar.var_cached` is borrowed (`contextvar_tp_traverse`).
    fn of_name(name: &str, minor: u8) -> Option<Self> {
        Some(match name {
            "collections.deque" => Self::Deque,
            "collections.OrderedDict" => Self::OrderedDict,
            "collections.defaultdict" => Self::Named(&[]),
            "functools._lru_cache_wrapper" => Self::LruCache,
            "functools._lru_list_elem"
            | "PyCapsule"
            | "mem_top._native.Snapshot"
            | "mem_top._native.Types" => Self::Named(&[]),
            "_queue.SimpleQueue" if minor >= 13 => Self::Queue,
            "itertools._tee_dataobject" => Self::TeeBlock,
            "xml.etree.ElementTree.Element" => Self::Element,
            "module" => Self::Module,
            "numpy.ndarray" => Self::NumpyArray,
            // `hamt_tp_iter` and its kin in `hamt.c`: their stack of nodes is borrowed.
            "items" | "keys" | "values" => Self::Named(&[16]),
            // `currgrouper` is borrowed (`groupby_traverse`).
            "itertools.groupby" => Self::Without(&[56]),
            "memoryview" => Self::Named(&[24]),
            "managedbuffer" => Self::Named(&[40]),
            "_ctypes._CData" => Self::Without(&[16, 72, 80]),
            "_contextvars.ContextVar" | "ContextVar" => Self::Without(&[32]),
            "_io.BytesIO" if minor < 12 => Self::Without(&[16]),
            "weakref"
            | "weakref.ReferenceType"
            | "weakproxy"
            | "weakref.ProxyType"
            | "weakcallableproxy"
            | "weakref.CallableProxyType" => Self::Named(&[24]),
            _ => return None,
        })
    }
}

/// Kinds of which the decoder tells all that the structure of the builtin type holds.
fn is_told(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Atom
            | Kind::DateTime
            | Kind::TimeOfDay
            | Kind::Dict
            | Kind::DictAndMore
            | Kind::List
            | Kind::Tuple
            | Kind::Set
            | Kind::Code
            | Kind::Type
            | Kind::Frame
            | Kind::Generator
            | Kind::Context
    )
}

impl<M: Memory> Decoder<'_, M> {
    /// Whether an object lies at an address.
    pub fn is_object(&mut self, address: u64) -> bool {
        self.lifetime(address).is_some()
    }

    fn lifetime(&mut self, address: u64) -> Option<Lifetime> {
        let (minor, tuple) = (self.layout.minor, self.types.tuple);
        self.blind.validity.object(self.memory, minor, tuple, address)
    }

    /// The references of an object of which nobody can say what its traverse visits.
    #[cold]
    pub(crate) fn blind_references(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let plan = match self.blind.plans.get(&info.address) {
            Some(plan) => plan.clone(),
            None => {
                let plan = self.plan(info);
                self.blind.plans.insert(info.address, plan.clone());
                plan
            }
        };
        let nothing = &mut None;
        let mut members = true;
        match info.kind {
            Kind::Tuple => match plan.structure {
                Structure::StructSequence { fields } => {
                    let visible = self.word(at + object::SIZE as u64).min(MOST);
                    let first = at + self.tuple_first();
                    self.items(first, fields.max(visible), nothing, sink);
                }
                _ => self.tuple(at, nothing, sink),
            },
            Kind::List => self.list(at, nothing, sink),
            Kind::Dict | Kind::DictAndMore => self.dict(at, nothing, sink),
            Kind::Set => self.set(at, nothing, sink),
            Kind::Code => self.code(at, sink),
            Kind::Type => {
                self.type_parts(at, nothing, sink);
                members = self.is_heap_type(at);
            }
            Kind::Frame => self.frame_parts(at, info.kind, nothing, sink),
            Kind::Generator => {
                self.frame_parts(at, info.kind, nothing, sink);
                self.frame_object(at, info, sink);
            }
            Kind::Context => self.context_parts(at, nothing, sink),
            Kind::Function => self.closure(at, sink),
            Kind::DateTime => self.time_zone(at, 40, sink),
            Kind::TimeOfDay => self.time_zone(at, 32, sink),
            _ => {}
        }
        if members {
            for &(offset, label) in &info.members {
                let to = self.word(at + offset);
                if to != 0 && plan.structure != Structure::OrderedDict {
                    sink.reference(to, label);
                }
            }
        }
        self.structure(at, info, &plan, sink);
        for &offset in plan.words.iter() {
            let to = self.word(at + offset);
            // What leads to the object itself is borrowed as a rule, so that it can die: Cython's functions.
            if to == at && plan.structure == Structure::Words {
                continue;
            }
            self.found(to, info, plan.certain, sink);
            // From 3.14 the writer of a text buffer stands apart; what it writes to is its first member.
            if info.kind == Kind::TextBuffer && self.layout.minor >= 14 && is_plausible(to) {
                let behind = self.word(to & !7);
                self.found(behind, info, false, sink);
            }
        }
        if let Some(first) = plan.items {
            let items = (self.word(at + object::SIZE as u64) as i64).unsigned_abs().min(MOST_SCANNED);
            for index in 0..items {
                let to = self.word(at + first + index * 8);
                self.found(to, info, false, sink);
            }
        }
        if !plan.dict_is_member {
            self.attributes(at, info, nothing, sink);
        }
        if info.holds_type || plan.holds_type {
            sink.reference(info.address, Label::TYPE);
        }
    }

    /// A word that is a reference if an object lies there.
    fn found(&mut self, to: u64, info: &TypeInfo, certain: bool, sink: &mut impl Sink) {
        let Some(lifetime) = self.lifetime(to) else { return };
        if certain || lifetime == Lifetime::Immortal {
            let folds = self.folds(info);
            self.labelled(info, folds, std::iter::once(to), sink);
        } else {
            let is_text = info.kind == Kind::TextBuffer;
            sink.likely(to, if is_text { Label::STORAGE } else { Label::UNLABELLED });
        }
    }

    fn plan(&self, info: &TypeInfo) -> Plan {
        let minor = self.layout.minor;
        // From the type of C that its objects have most of, to the one whose kind is known.
        let (mut of_c, mut base, mut structure) = (0, 0, None::<Structure>);
        let (mut at, mut structure_of) = (info.address, 0);
        for _ in 0..LONGEST_CHAIN {
            if at == 0 {
                break;
            }
            if self.is_class(at) == Some(false) {
                of_c = if of_c == 0 { at } else { of_c };
                let name = self.c_name(at).unwrap_or_default();
                if structure.is_none() {
                    structure = Structure::of_name(&name, minor);
                    structure_of = at;
                }
                if self.known_name(&name, at) {
                    base = at;
                    break;
                }
            }
            at = self.pointer(at + type_object::BASE as u64);
        }
        let basic = |of: u64| if of == 0 { 16 } else { self.word(of + type_object::BASIC_SIZE as u64) };
        let mut structure = structure.unwrap_or(Structure::Words);
        if info.kind == Kind::Tuple && structure == Structure::Words && of_c != base {
            structure = self.struct_sequence(of_c).unwrap_or(structure);
        }
        let (from, to) = match structure {
            Structure::Words | Structure::Without(_) if is_told(info.kind) => (basic(base), basic(of_c)),
            Structure::Words | Structure::Without(_) => (16, basic(of_c)),
            _ => (basic(structure_of), basic(of_c)),
        };
        let is_member = |offset: u64| info.members.iter().any(|&(known, _)| known == offset);
        let mut words: Vec<u64> = match structure {
            _ if info.kind == Kind::Plain => Vec::new(),
            _ => (from..to.min(MOST_SCANNED) & !7).step_by(8).collect(),
        };
        match structure {
            Structure::Named(offsets) => words.extend(offsets),
            Structure::Without(offsets) => words.retain(|offset| !offsets.contains(offset)),
            _ => {}
        }
        self.known_words(info, &mut words);
        let not_its_own = |offset: u64| {
            is_member(offset)
                || offset as i64 == info.weak_list
                || matches!(info.dict, DictPlace::Offset(dict) if dict == offset as i64)
        };
        words.retain(|&offset| !not_its_own(offset));
        let dict_is_member =
            matches!(info.dict, DictPlace::Offset(dict) if dict > 0 && is_member(dict as u64));
        let items = (info.kind == Kind::Opaque && info.item_size == 8).then_some(basic(of_c));
        Plan {
            structure,
            words: words.into(),
            certain: !matches!(info.kind, Kind::Opaque | Kind::TextBuffer)
                || matches!(structure, Structure::Named(_)),
            holds_type: info.is_gc && !info.is_class && self.is_heap_type(info.address),
            dict_is_member,
            items,
        }
    }

    fn known_name(&self, name: &str, at: u64) -> bool {
        (name.contains('.') || !self.is_heap_type(at)) && Kind::of_name(name).0 != Kind::Opaque
    }

    /// Members without a name, of kinds of which the decoder tells the rest: `f_extra_locals`, `f_locals_cache` and
    /// `f_overwritten_fast_locals` (`pycore_frame.h`); the exception that a generator handles, and what a coroutine
    /// or an asynchronous generator was made by (`gi_exc_state`, `gi_origin_or_finalizer` in `genobject.h`), and the
    /// code of one in 3.11.
    fn known_words(&self, info: &TypeInfo, words: &mut Vec<u64>) {
        let minor = self.layout.minor;
        let frame = self.layout.frame;
        match (info.kind, minor) {
            (Kind::Context, _) if info.qualname == "Context" => words.push(16),
            (Kind::Frame, 13) => words.extend([48, 56]),
            (Kind::Frame, 14..) => words.extend([48, 56, 64]),
            (Kind::Generator, 11..) => {
                words.push(frame.in_generator - 32);
                if minor == 11 {
                    words.push(16);
                }
                // A plain generator leaves the member as it is.
                if info.qualname != "generator" {
                    words.push(frame.in_generator - 16);
                }
            }
            (Kind::Generator, 10) => words.extend([56, 64, 72]),
            (Kind::Generator, _) => words.extend([64, 72, 80]),
            _ => {}
        }
    }

    /// The frame object that was made of a generator's frame (`_PyFrame_Traverse` in `frame.c`, from 3.11).
    fn frame_object(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let frame = self.layout.frame;
        let Some(state) = frame.generator_state.and_then(|offset| self.memory.byte(at + offset)) else {
            return;
        };
        if (state as i8) < frame.cleared {
            let to = self.word(at + frame.in_generator + frame.locals + if frame.code == 0 { 8 } else { 16 });
            self.found(to, info, true, sink);
        }
    }

    /// How many fields a named tuple of C has, those included that are no items (`structseq_traverse`).
    fn struct_sequence(&self, of_c: u64) -> Option<Structure> {
        let fields = self.value_of(self.pointer(of_c + type_object::DICT as u64), "n_fields")?;
        let fields = u64::try_from(self.small_int(fields)?).ok().filter(|&fields| fields < MOST_SCANNED)?;
        Some(Structure::StructSequence { fields })
    }

    fn structure(&mut self, at: u64, info: &TypeInfo, plan: &Plan, sink: &mut impl Sink) {
        match plan.structure {
            Structure::Deque => self.deque(at, sink),
            Structure::LruCache => self.lru_cache(at, info, sink),
            Structure::Queue => self.ring(at, sink),
            Structure::TeeBlock => self.tee_block(at, info, sink),
            Structure::Element => self.element(at, sink),
            Structure::Module => self.module(at, info, sink),
            Structure::NumpyArray => self.numpy_array(at, info, sink),
            _ => {}
        }
    }

    /// `deque_traverse` in `_collectionsmodule.c`: blocks of 64 items, each with the one after it behind them.
    fn deque(&self, at: u64, sink: &mut impl Sink) {
        let count = self.word(at + object::SIZE as u64).min(MOST);
        let (mut block, mut index) = (self.pointer(at + 24), self.word(at + 40));
        let mut chain = Chain::default();
        for place in 0..count {
            if index >= BLOCK {
                block = self.pointer(block + 8 + BLOCK * 8);
                index = 0;
                if chain.returns(block) {
                    break;
                }
            }
            let Some(to) = self.memory.word(block + 8 + index * 8).filter(|_| block != 0) else {
                break;
            };
            if to != 0 {
                sink.reference(to, Label::at(place as usize));
            }
            index += 1;
        }
    }

    /// `lru_cache_tp_traverse` in `_functoolsmodule.c`: the key and the result of each link of a ring that begins in
    /// the cache itself; from 3.10 the link's type.
    fn lru_cache(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let mut link = self.pointer(at + 24);
        let mut chain = Chain::default();
        while link != 0 && link != at && !chain.returns(link) {
            let Some(of) = self.memory.word(link + object::TYPE as u64) else { break };
            for (offset, label) in [(40, Label::KEY_OBJECT), (48, Label::ANY_KEY)] {
                let to = self.word(link + offset);
                if to != 0 {
                    sink.reference(to, label);
                }
            }
            if self.layout.minor >= 10 {
                sink.reference(of, Label::UNLABELLED);
            }
            link = self.pointer(link + 24);
        }
        let size = info.basic_size.min(152);
        for offset in (72..size & !7).step_by(8) {
            let not_its_own = offset as i64 == info.weak_list
                || matches!(info.dict, DictPlace::Offset(dict) if dict == offset as i64)
                || info.members.iter().any(|&(known, _)| known == offset);
            if !not_its_own {
                let to = self.word(at + offset);
                self.found(to, info, true, sink);
            }
        }
    }

    /// `simplequeue_traverse` and `RingBuf` in `_queuemodule.c`, from 3.13.
    fn ring(&self, at: u64, sink: &mut impl Sink) {
        let (first, items, capacity) =
            (self.word(at + 32), self.pointer(at + 40), self.word(at + 48).min(MOST));
        let count = self.word(at + 56).min(capacity);
        for index in 0..count {
            let place = first.wrapping_add(index) % capacity;
            let Some(to) = self.memory.word(items + place * 8) else { break };
            if to != 0 {
                sink.reference(to, Label::at(index as usize));
            }
        }
    }

    /// `teedataobject_traverse` in `itertoolsmodule.c`: items that were read stand in the object.
    fn tee_block(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        for offset in [16, 32] {
            let to = self.word(at + offset);
            self.found(to, info, true, sink);
        }
        let read = u64::from(self.memory.half(at + 24).unwrap_or(0)).min(TEE_BLOCK);
        self.items(at + 40, read, &mut None, sink);
    }

    /// `element_gc_traverse` in `_elementtree.c`: the low bit of text and tail marks a list that is to be joined.
    fn element(&mut self, at: u64, sink: &mut impl Sink) {
        for (offset, name) in [(16, "tag"), (24, "text"), (32, "tail")] {
            let to = self.word(at + offset) & !1;
            if to != 0 {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        let extra = self.pointer(at + 40);
        if extra == 0 {
            return;
        }
        let attributes = self.word(extra);
        if attributes != 0 {
            let name = sink.name("attrib");
            sink.reference(attributes, Label::attribute(name));
        }
        let (count, children) = (self.word(extra + 8).min(MOST), self.pointer(extra + 24));
        self.items(children, count, &mut None, sink);
    }

    /// `module_traverse` in `moduleobject.c`: beside the dict, what the module's own traverse visits in its state.
    fn module(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let (state, size, name) = if self.layout.minor >= 15 {
            (self.pointer(at + 24), self.word(at + 56), 40)
        } else {
            let definition = self.pointer(at + 24);
            let size = if definition == 0 { 0 } else { self.word(definition + 56) };
            (self.pointer(at + 32), size, 48)
        };
        let name = self.word(at + name);
        self.found(name, info, true, sink);
        if state == 0 || (size as i64) < 0 {
            return;
        }
        for offset in (0..size.min(MOST_STATE) & !7).step_by(8) {
            let to = self.word(state + offset);
            self.found(to, info, false, sink);
        }
    }

    /// `PyArrayObject_fields` and `PyArray_Descr` in numpy's `ndarraytypes.h`; the items of an array of objects.
    fn numpy_array(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        const OWNS_DATA: u32 = 4;
        const MOST_DIMENSIONS: u32 = 64;
        for (offset, name) in [(48, "base"), (56, "dtype")] {
            let to = self.word(at + offset);
            if to != 0 {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        if info.basic_size >= 96 {
            let to = self.word(at + 88);
            self.found(to, info, false, sink);
        }
        let owns = self.memory.half(at + 64).is_some_and(|flags| flags & OWNS_DATA != 0);
        if owns && self.memory.byte(self.pointer(at + 56) + 24) == Some(b'O') {
            let dimensions = self.memory.half(at + 24).unwrap_or(0).min(MOST_DIMENSIONS);
            let lengths = self.pointer(at + 32);
            let count = (0..u64::from(dimensions))
                .map(|index| self.word(lengths + index * 8))
                .fold(1_u64, u64::saturating_mul)
                .min(MOST);
            self.items(self.pointer(at + 16), count, &mut None, sink);
        }
    }
}
