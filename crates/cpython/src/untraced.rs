//! What an object refers to where no traverse function can be asked: from outside its process.
//!
//! What the decoder knows of a kind is told as it is with a traverse. Of other objects of C every word is looked at
//! that may hold a pointer, up to the size that the type of C says, and taken for a reference if an object lies there.
//! Structures that are more or less than their words are in [`crate::structures`].
//!
//! Invariant: what is known to be borrowed, weak or another's is left out by tables, here and there. What no table knows is
//! told as likely ([`Sink::likely`]), so that reference counts decide, but for what lives for ever, whose count
//! says nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use memtop_heap::Label;
use rustc_hash::FxHashMap;

use crate::c_types::CType;
use crate::decoder::{Decoder, MOST, Sink, is_item};
use crate::kind::ObjectKind;
use crate::layout::{object, type_object};
use crate::memory::Memory;
use crate::structures::Structure;
use crate::type_info::{DictPlace, TypeInfo};
use crate::validity::{Lifetime, Validity, is_plausible};

/// What the decoder remembers of types to do without a traverse.
#[derive(Debug, Default)]
pub(crate) struct Untraced {
    plans: FxHashMap<u64, ScanPlan>,
    /// The large objects that were met, and where what was scanned of them ends.
    large: BTreeMap<u64, u64>,
    validity: Validity,
}

/// How the objects of a type are read.
#[derive(Debug, Clone)]
struct ScanPlan {
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

impl Untraced {
    /// Objects do not overlap: a type whose objects reach into others is damaged, and no more of them is scanned than
    /// there can be. So all that is scanned is little more than there is memory.
    #[cold]
    fn fit(&mut self, of: u64, at: u64, plan: &mut ScanPlan) {
        let Some(&last) = plan.words.last() else { return };
        let within = self.large.range(..at).next_back().is_some_and(|(_, &end)| end > at);
        let next = self.large.range(at + 1..).next().map_or(u64::MAX, |(&next, _)| next - at);
        let room = if within { LARGE.min(next) } else { next };
        if last >= room {
            plan.words = plan.words.iter().copied().filter(|&offset| offset < room).collect();
            self.plans.insert(of, plan.clone());
        }
        self.large.insert(at, at + room.min(last + 8));
    }
}

/// Objects that are smaller are scanned whole, whatever is around them.
const LARGE: u64 = 256;
/// The longest chain of bases, and the most words of an object that are looked at.
const LONGEST_CHAIN: usize = 1000;
pub(crate) const MOST_SCANNED: u64 = 1 << 16;
/// How much of an object of unknown layout is scanned, in bytes, without its items.
pub(crate) const LARGEST_SCANNED: u64 = 1 << 12;

/// Kinds of which the decoder tells all that the structure of the builtin type holds.
fn is_told(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Atom
            | ObjectKind::DateTime
            | ObjectKind::TimeOfDay
            | ObjectKind::Dict
            | ObjectKind::DictAndMore
            | ObjectKind::List
            | ObjectKind::Tuple
            | ObjectKind::Set
            | ObjectKind::Code
            | ObjectKind::Type
            | ObjectKind::Frame
            | ObjectKind::Generator
            | ObjectKind::Context
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
        let mut plan = match self.blind.plans.get(&info.address) {
            Some(plan) => plan.clone(),
            None => {
                let plan = self.plan(info);
                self.blind.plans.insert(info.address, plan.clone());
                plan
            }
        };
        if plan.words.last().is_some_and(|&offset| offset >= LARGE) {
            self.blind.fit(info.address, at, &mut plan);
        }
        let nothing = &mut None;
        let mut members = true;
        match info.kind {
            ObjectKind::Tuple => match plan.structure {
                Structure::StructSequence { fields } => {
                    let visible = self.word(at + object::SIZE as u64).min(MOST);
                    self.tuple(at, nothing, sink);
                    let more = fields.saturating_sub(visible);
                    self.unlabelled(at + self.tuple_first() + visible * 8, more, sink);
                }
                _ => self.tuple(at, nothing, sink),
            },
            ObjectKind::List => self.list(at, nothing, sink),
            ObjectKind::Dict | ObjectKind::DictAndMore => self.dict(at, nothing, sink),
            ObjectKind::Set => self.set(at, nothing, sink),
            ObjectKind::Code => self.code(at, sink),
            ObjectKind::Type => {
                self.type_parts(at, nothing, sink);
                members = self.is_heap_type(at);
            }
            ObjectKind::Frame => self.frame_parts(at, info.kind, nothing, sink),
            ObjectKind::Generator => {
                self.frame_parts(at, info.kind, nothing, sink);
                self.frame_object(at, info, sink);
            }
            ObjectKind::Context => self.context_parts(at, nothing, sink),
            ObjectKind::Function => self.closure(at, sink),
            ObjectKind::DateTime => self.time_zone(at, 40, sink),
            ObjectKind::TimeOfDay => self.time_zone(at, 32, sink),
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
        self.structure(at, info, plan.structure, sink);
        for &offset in plan.words.iter() {
            let to = self.word(at + offset);
            // What leads to the object itself is borrowed as a rule, so that it can die: Cython's functions.
            if to == at && plan.structure == Structure::Words {
                continue;
            }
            self.found(to, info, plan.certain, sink);
            // From 3.14 the writer of a text buffer stands apart; what it writes to is its first member.
            if info.kind == ObjectKind::TextBuffer && self.layout.minor >= 14 && is_plausible(to) {
                let behind = self.word(to & !7);
                self.found(behind, info, false, sink);
            }
        }
        if let Some(first) = plan.items {
            let items = (self.word(at + object::SIZE as u64) as i64).unsigned_abs().min(MOST_SCANNED);
            for index in 0..items {
                // What is no item is behind the end of them, whatever their number is said to be.
                let Some(to) = self.memory.word(at + first + index * 8).filter(|&to| is_item(to)) else {
                    break;
                };
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
    pub(crate) fn found(&mut self, to: u64, info: &TypeInfo, certain: bool, sink: &mut impl Sink) {
        let Some(lifetime) = self.lifetime(to) else { return };
        if certain || lifetime == Lifetime::Immortal {
            let folds = self.folds(info);
            self.labelled(info, folds, std::iter::once(to), sink);
        } else {
            let is_text = info.kind == ObjectKind::TextBuffer;
            sink.likely(to, if is_text { Label::STORAGE } else { Label::UNLABELLED });
        }
    }

    fn plan(&self, info: &TypeInfo) -> ScanPlan {
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
                let c_type = self.c_type(at);
                if structure.is_none() {
                    structure = c_type.and_then(|of| Structure::of(of, minor));
                    structure_of = at;
                }
                if c_type.is_some_and(|of| ObjectKind::of(of).0 != ObjectKind::Opaque) {
                    base = at;
                    break;
                }
            }
            at = self.pointer(at + type_object::BASE as u64);
        }
        let basic = |of: u64| match of {
            0 => 16,
            _ => self.word(of + type_object::BASIC_SIZE as u64).min(MOST),
        };
        let mut structure = structure.unwrap_or(Structure::Words);
        if info.kind == ObjectKind::Tuple && structure == Structure::Words && of_c != base {
            structure = self.struct_sequence(of_c).unwrap_or(structure);
        }
        let (from, to) = match structure {
            Structure::Words | Structure::Without(_) if is_told(info.kind) => (basic(base), basic(of_c)),
            Structure::Words | Structure::Without(_) => (16, basic(of_c)),
            Structure::StructSequence { .. } => (0, 0),
            _ => (basic(structure_of), basic(of_c)),
        };
        let is_member = |offset: u64| info.members.iter().any(|&(known, _)| known == offset);
        let mut words: Vec<u64> = match structure {
            _ if info.kind == ObjectKind::Plain => Vec::new(),
            _ => (from..to.min(LARGEST_SCANNED) & !7).step_by(8).collect(),
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
        words.sort_unstable();
        let dict_is_member =
            matches!(info.dict, DictPlace::Offset(dict) if dict > 0 && is_member(dict as u64));
        let has_items =
            info.kind == ObjectKind::Opaque && info.item_size == 8 && structure == Structure::Words;
        let items = has_items.then_some(basic(of_c));
        ScanPlan {
            structure,
            words: words.into(),
            certain: !matches!(info.kind, ObjectKind::Opaque | ObjectKind::TextBuffer)
                || matches!(structure, Structure::Named(_)),
            holds_type: info.is_gc && !info.is_class && self.is_heap_type(info.address),
            dict_is_member,
            items,
        }
    }

    /// Members without a name, of kinds of which the decoder tells the rest: `f_extra_locals`, `f_locals_cache` and
    /// `f_overwritten_fast_locals` (`pycore_frame.h`); the exception that a generator handles, and what a coroutine
    /// or an asynchronous generator was made by (`gi_exc_state`, `gi_origin_or_finalizer` in `genobject.h`), and the
    /// code of one in 3.11.
    fn known_words(&self, info: &TypeInfo, words: &mut Vec<u64>) {
        let minor = self.layout.minor;
        let frame = self.layout.frame;
        match (info.kind, minor) {
            (ObjectKind::Context, _) if self.is_context(info.address) => words.push(16),
            (ObjectKind::Frame, 13) => words.extend([48, 56]),
            (ObjectKind::Frame, 14..) => words.extend([48, 56, 64]),
            (ObjectKind::Generator, 11..) => {
                words.push(frame.in_generator - 32);
                if minor == 11 {
                    words.push(16);
                }
                // A plain generator leaves the member as it is.
                if self.c_type(info.address).map(CType::name) != Some("generator") {
                    words.push(frame.in_generator - 16);
                }
            }
            (ObjectKind::Generator, 10) => words.extend([56, 64, 72]),
            (ObjectKind::Generator, _) => words.extend([64, 72, 80]),
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
}
