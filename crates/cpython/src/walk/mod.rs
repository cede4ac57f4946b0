//! The walk over a heap that stands still, from inside the process or over a copy of its memory: objects as they are
//! met, their types, their references.
//!
//! Breadth first from the roots, then what is in the collector's lists and nothing named reaches. An object is met once,
//! when the first reference to it is found or the lists give it; it is copied in the order of meeting, so that what
//! comes next is known some objects ahead and can be asked for from memory in time. What a reference leads to is kept as
//! a place of 32 bits ([`places`]); which object that is, is worked out when the process runs on ([`into_heap`]).
//!
//! What differs between inside and outside is asked of a [`HeapAccess`]. Invariants: nothing is written; keys that are no
//! names are not read, unless the decoder is told so; what has no valid type becomes one row of a type named `?`; what
//! grows with the heap is taken in a way that can fail, and a walk that finds no memory ends, so that [`WalkResult::into_heap`]
//! says so.

mod address_index;
mod finish;
mod roots;

use memtop_heap::{
    Budget, CaptureInfo, Flags, HEADROOM, HeapBuilder, HeapError, KEYS_ARE_DATA, Label, Name, Object,
    ObjectId, Origin, Root, StringId, Type, TypeId, headroom, preallocate, push,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::c_types::{CType, CTypes};
use crate::decoder::{Decoder, KnownTypes, Sink, may_be_object};
use crate::kind::ObjectKind;
use crate::layout::object as object_layout;
use crate::memory::{Checked, Memory};
use crate::type_info::{DictPlace, TypeInfo};
use crate::value_tag::TagSource;
use address_index::{AddressId, AddressIndex};

/// Whoever holds the heap still.
pub trait HeapAccess {
    /// How its memory is read.
    type Memory: Memory;
    /// How the objects of a type are sized and traversed.
    type TypePlan;

    /// Whether a traverse can be asked; else the decoder has to know all.
    const HAS_TRAVERSE: bool;

    /// Whether what the type at `of` says of its objects is true for certain: else they are read with checks.
    fn is_trusted(&self, of: u64) -> bool {
        let _ = of;
        true
    }

    /// Resolves how objects of the type at `of` are treated. If it is not trusted, only [`Self::visited`] is asked of it.
    fn plan(&mut self, of: u64, info: &TypeInfo, is_trusted: bool) -> Self::TypePlan;

    /// The shallow size of an object in bytes, as `sys.getsizeof` says it.
    fn size(
        &self,
        plan: &Self::TypePlan,
        info: &TypeInfo,
        at: u64,
        decoder: &mut Decoder<'_, Self::Memory>,
    ) -> u64;

    /// Whether the traverse of a type that is not trusted may be asked; else its objects are read as guesses are.
    fn is_asked(&self, plan: &Self::TypePlan) -> bool {
        let _ = plan;
        Self::HAS_TRAVERSE
    }

    /// Puts what the type's `tp_traverse` visits into `into`, in its order. Called only where one can be asked.
    ///
    /// # Errors
    /// If there is no memory for all of it.
    fn visited(&self, plan: &Self::TypePlan, at: u64, into: &mut Vec<u64>) -> Result<(), HeapError>;

    /// Asks for the memory of objects that come soon. `lists` are the types of dicts and lists.
    fn approach(&self, near: Option<u64>, far: Option<u64>, lists: (u64, u64));

    /// How many bytes are mapped now, where that may have changed since the walk began.
    fn mapped(&self) -> Option<u64> {
        None
    }

    /// Visits all objects in the collector's lists, in any order. `samples` are some of them, far apart. Gives what is
    /// to be said if that was not possible, or not to the end.
    fn listed(&mut self, samples: &[u64], visit: impl FnMut(u64)) -> Result<(), String>;
}

/// What is needed of the interpreter, found out before the walk.
#[derive(Debug, Clone)]
pub struct InterpreterFacts {
    /// The types that are told by their address.
    pub types: KnownTypes,
    /// What recognises the other C types.
    pub c_types: CTypes,
    /// The process's interpreters, the main one first.
    pub interpreters: Vec<InterpreterRoots>,
    /// The directory of mem_top's package, whose frames are no roots.
    pub package: Option<String>,
    /// Where the standard library is.
    pub standard: Vec<String>,
    /// The names of the standard library's modules.
    pub standard_modules: FxHashSet<String>,
    /// The namespaces of the interpreter's static types, where the type does not tell (from 3.12).
    pub static_namespaces: FxHashMap<u64, u64>,
    /// Where a bounded `lru_cache` keeps its limit.
    pub lru_limit: Option<u64>,
    /// Where a bounded deque does.
    pub deque_limit: Option<u64>,
    /// How many bytes the process has mapped that can be read: no object is larger.
    pub mapped: u64,
}

/// Where an interpreter's roots begin.
#[derive(Debug, Clone, Default)]
pub struct InterpreterRoots {
    /// `sys.modules`.
    pub modules: u64,
    /// The states of its threads.
    pub threads: Vec<u64>,
}

/// A word that may be a reference.
pub(super) struct Hidden {
    /// Where its reference stands among all.
    pub(super) place: usize,
    /// The reference count of what it leads to.
    pub(super) refcount: u32,
}

/// What the walk found; [`WalkResult::into_heap`] makes the heap of it.
pub struct WalkResult {
    pub(super) builder: HeapBuilder,
    pub(super) places: AddressIndex,
    /// The objects' places, in the order of the objects.
    pub(super) order: Vec<AddressId>,
    /// Roots, to stand-ins of objects.
    pub(super) roots: Vec<Root>,
    pub(super) types: Vec<(TypeId, AddressId)>,
    pub(super) names: Vec<(ObjectId, Name)>,
    pub(super) limits: Vec<(ObjectId, u64)>,
    /// mem_top's own modules, their namespaces, and instances of its classes.
    pub(super) own: Vec<AddressId>,
    /// What the variables are called that cells hold.
    pub(super) variables: Vec<(AddressId, Label)>,
    /// Dicts that turned out to be namespaces after they were copied, and the labels of their entries.
    pub(super) namespaces: Vec<(AddressId, Vec<Label>)>,
    pub(super) hidden: Vec<Hidden>,
    /// Buffers outside of objects that no object's size has in it: where, and how large.
    pub(super) native: Vec<(u64, u64)>,
    pub(super) dangling: u64,
    pub(super) damaged: u64,
    pub(super) notes: Vec<String>,
}

/// What is known of a type, and how its objects are copied.
struct Known<P> {
    info: TypeInfo,
    id: TypeId,
    /// None as long as no object of the type was met but by a guess.
    plan: Option<P>,
    /// Where the limit of its objects stands.
    limit: Option<u64>,
    /// Whether what it says of its objects is true.
    is_trusted: bool,
    is_own: bool,
    /// Whether its objects refer to nothing.
    is_leaf: bool,
    marked: TagSource,
    /// Where the size of the mapped memory stands that its objects stand for.
    mapped: bool,
}

/// Where references go, apart from the decoder so that both can be used at once.
pub(super) struct Copy<'w, M> {
    memory: &'w M,
    pub(super) builder: HeapBuilder,
    pub(super) places: AddressIndex,
    pub(super) order: Vec<AddressId>,
    pub(super) namespaces: FxHashSet<u64>,
    /// Large dicts that were copied before they were known to be namespaces.
    plain: FxHashSet<u64>,
    late: Vec<u64>,
    variables: Vec<(AddressId, Label)>,
    hidden: Vec<Hidden>,
    /// Whether what leads to an object has to be certain, since objects are read without a check.
    is_unchecked: bool,
    /// What only a word that may be a reference leads to, and what is reached through that alone: read with checks.
    guessed: FxHashSet<u64>,
    /// Whether the object that is being copied is one of them.
    guessing: bool,
    /// The type's addresses that are known: what a word must have to be an object.
    types: FxHashMap<u64, usize>,
    current: ObjectId,
    probes: u32,
    dangling: u64,
    /// Whether there was no place left for an object.
    crowded: bool,
    immortal: bool,
    flags_above: bool,
    /// By type: whether the collector may know its objects.
    is_gc: Vec<bool>,
}

/// See the module's header.
pub struct Walk<'w, S: HeapAccess> {
    source: &'w mut S,
    pub(super) memory: &'w S::Memory,
    checked: &'w Checked<'w, S::Memory>,
    /// What reads objects that are guessed; made for the first of them.
    checked_decoder: Option<Decoder<'w, Checked<'w, S::Memory>>>,
    /// How far the order is copied.
    done: usize,
    /// How many bytes are mapped, at least.
    mapped: u64,
    pub(super) decoder: Decoder<'w, S::Memory>,
    pub(super) copy: Copy<'w, S::Memory>,
    pub(super) surroundings: &'w InterpreterFacts,
    /// What marks are keyed with.
    secret: u64,
    known: Vec<Known<S::TypePlan>>,
    /// Where in `known` the type stands of what has none.
    no_type: Option<usize>,
    recent: Vec<(u64, usize)>,
    visited: Vec<u64>,
    pub(super) roots: Vec<Root>,
    names: Vec<(ObjectId, Name)>,
    limits: Vec<(ObjectId, u64)>,
    pub(super) own: Vec<AddressId>,
    pub(super) native: Vec<(u64, u64)>,
    pub(super) origins: FxHashMap<String, Origin>,
    damaged: u64,
    pub(super) notes: Vec<String>,
}

const RECENT: usize = 256;
/// How many objects ahead memory is asked for, in two steps.
const FAR: usize = 32;
const NEAR: usize = 16;
/// The highest reference count of an object that is only told by a hidden word: less than any address.
const MOST_COUNTED: u64 = 1 << 20;
/// How many words that may be references to unknown objects are looked at, a system call each.
const PROBES: u32 = 20_000;
const SMALL: u64 = 512;
/// What making a heap of what was found takes for each object, at most, beside the heap.
const SETTLING_BYTES: u64 = 16;
const HEAD: u64 = crate::layout::gc_head::SIZE as u64;

impl<M: Memory> Copy<'_, M> {
    /// The stand-in of an object: its place, which becomes its handle later.
    #[inline]
    pub(super) fn meet(&mut self, address: u64) -> Option<ObjectId> {
        let Some(place) = self.place(address) else {
            self.dangling += 1;
            return None;
        };
        if self.places.mark(place) {
            self.builder.check(push(&mut self.order, place));
            if self.guessing {
                self.guessed.insert(address);
            }
        }
        Some(ObjectId::from_index(place.0 as usize))
    }

    /// The place of an address; none where no object can be. Where none was met nearby, memory must be there: what
    /// looks like an address and is none would take room. It is read as the object there will be, not probed, which from
    /// inside takes more than every process has.
    #[inline]
    pub(super) fn place(&mut self, address: u64) -> Option<AddressId> {
        match self.places.cached_id(address) {
            Some(place) => Some(place),
            None => self.place_of_another_part(address),
        }
    }

    #[inline(never)]
    fn place_of_another_part(&mut self, address: u64) -> Option<AddressId> {
        if self.places.place_if_known(address).is_none() {
            may_be_object(address).then(|| self.first_word(address))??;
        }
        let place = self.places.place(address);
        if self.places.starved {
            self.builder.fail(HeapError::OutOfMemory { bytes: 0 });
        }
        self.crowded |= place.is_none();
        place
    }

    #[inline]
    #[cold]
    fn first_word(&self, address: u64) -> Option<u64> {
        match self.guessing {
            false => self.memory.word(address),
            true => self.checked_words(address).map(|[first, _]| first),
        }
    }

    #[inline]
    fn refcount(&self, address: u64) -> (u32, bool) {
        self.counted(self.memory.word(address).unwrap_or(0))
    }

    /// The same of an object that may be guessed.
    fn checked_refcount(&self, address: u64) -> (u32, bool) {
        self.counted(self.checked_words(address).map_or(0, |[first, _]| first))
    }

    #[inline]
    fn counted(&self, word: u64) -> (u32, bool) {
        if self.immortal {
            let count = word as u32;
            return (count, (count as i32) < 0);
        }
        (u32::try_from(word).unwrap_or(u32::MAX), false)
    }

    /// What lies at an address that may be no object: its first two words.
    fn head(&mut self, address: u64) -> Option<[u64; 2]> {
        if self.probes == 0 {
            return None;
        }
        self.probes -= 1;
        self.checked_words(address)
    }

    fn checked_words(&self, address: u64) -> Option<[u64; 2]> {
        let mut bytes = [0; 16];
        self.memory.checked(address, &mut bytes)?;
        let both = u128::from_le_bytes(bytes);
        Some([both as u64, (both >> 64) as u64])
    }
}

impl<M: Memory> Sink for Copy<'_, M> {
    #[inline]
    fn reference(&mut self, to: u64, label: Label) {
        if let Some(stand_in) = self.meet(to) {
            self.builder.add_reference(self.current, stand_in, label);
            if label == Label::DICT
                && !self.guessing
                && self.memory.word(to + 16).is_some_and(|used| used >= KEYS_ARE_DATA)
            {
                self.namespace(to);
            }
        }
    }

    fn hidden(&mut self, to: u64, label: Label) {
        let Some(place) = self.places.place_if_known(to) else { return self.hidden_unknown(to, label) };
        if !self.places.is_marked(place) {
            return self.hidden_unknown(to, label);
        }
        let (refcount, immortal) = self.checked_refcount(to);
        if !immortal {
            self.hide(Hidden { place: self.builder.reference_count(), refcount });
            self.reference(to, label);
        }
    }

    fn likely(&mut self, to: u64, label: Label) {
        let place = self.builder.reference_count();
        self.reference(to, label);
        if self.builder.reference_count() > place {
            let (refcount, _) = if self.guessing { self.checked_refcount(to) } else { self.refcount(to) };
            self.hide(Hidden { place, refcount });
        }
    }

    fn behind(&mut self, pointer: u64) -> Option<u64> {
        self.head(pointer).map(|[first, _]| first)
    }

    fn name(&mut self, text: &str) -> StringId {
        self.builder.string(text)
    }

    fn is_namespace(&mut self, dict: u64) -> bool {
        let is_namespace = self.namespaces.contains(&dict);
        if !is_namespace {
            self.plain.insert(dict);
        }
        is_namespace
    }

    fn variable(&mut self, cell: u64, label: Label) {
        if let Some(place) = self.place(cell) {
            self.builder.check(push(&mut self.variables, (place, label)));
        }
    }
}

impl<M: Memory> Copy<'_, M> {
    fn hide(&mut self, word: Hidden) {
        self.builder.check(push(&mut self.hidden, word));
    }

    #[cold]
    fn namespace(&mut self, dict: u64) {
        if self.namespaces.insert(dict) && self.plain.contains(&dict) {
            self.late.push(dict);
        }
    }

    /// A word that leads to something that was not met yet: an object, if it looks like one in every way. What was freed
    /// does not: its reference count is 0, or the allocator's link stands there, an address.
    #[cold]
    fn hidden_unknown(&mut self, to: u64, label: Label) {
        let Some([first, of]) = self.head(to) else { return };
        // From 3.14 flags stand above the count.
        let count = if self.flags_above { first & 0x0000_FFFF_FFFF_FFFF } else { first };
        let Some(&known) = self.types.get(&of) else { return };
        let linked = match self.is_gc[known] {
            true => self.linked(to),
            false => Linked::Not,
        };
        if !(1..=MOST_COUNTED).contains(&count) || linked == Linked::Broken {
            return;
        }
        self.hide(Hidden { place: self.builder.reference_count(), refcount: count as u32 });
        // What is in a list of the collector is an object; anything else may be memory that was one.
        let was_guessing = std::mem::replace(&mut self.guessing, self.is_unchecked && linked == Linked::Not);
        self.reference(to, label);
        self.guessing = was_guessing;
    }

    /// How the collector's head before an object stands.
    fn linked(&mut self, object: u64) -> Linked {
        let head = object - HEAD;
        match self.head(head) {
            Some([0, _]) => Linked::Not,
            Some([next, _]) if self.head(next & !3).is_some_and(|[_, previous]| previous & !3 == head) => {
                Linked::InList
            }
            _ => Linked::Broken,
        }
    }
}

/// How the collector's head before an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Linked {
    /// It is empty, or there is none.
    Not,
    /// It is in a list: its next leads back to it.
    InList,
    /// Neither.
    Broken,
}

impl<'w, S: HeapAccess> Walk<'w, S> {
    /// A walk over what `source` holds still. `expected` is about how many objects there are: room is made for them.
    /// `checked` is the same memory, for objects that are guessed.
    pub fn new(
        source: &'w mut S,
        memory: &'w S::Memory,
        checked: &'w Checked<'w, S::Memory>,
        decoder: Decoder<'w, S::Memory>,
        room: Preallocated,
        surroundings: &'w InterpreterFacts,
    ) -> Self {
        let minor = decoder.layout().minor;
        let copy = Copy {
            memory,
            builder: room.builder,
            places: AddressIndex::new(),
            order: room.order,
            namespaces: FxHashSet::default(),
            plain: FxHashSet::default(),
            late: Vec::new(),
            variables: Vec::new(),
            hidden: Vec::new(),
            is_unchecked: S::HAS_TRAVERSE,
            guessed: FxHashSet::default(),
            guessing: false,
            types: FxHashMap::default(),
            current: ObjectId::from_index(0),
            probes: PROBES,
            dangling: 0,
            crowded: false,
            immortal: minor >= 12,
            flags_above: minor >= 14,
            is_gc: Vec::new(),
        };
        let modules = surroundings.interpreters.first().map_or(0, |interpreter| interpreter.modules);
        let secret = decoder.secret(modules);
        Self {
            secret,
            source,
            memory,
            checked,
            checked_decoder: None,
            done: 0,
            mapped: surroundings.mapped,
            decoder,
            copy,
            surroundings,
            known: Vec::new(),
            no_type: None,
            recent: vec![(0, 0); RECENT],
            visited: Vec::new(),
            roots: Vec::new(),
            names: Vec::new(),
            limits: Vec::new(),
            own: Vec::new(),
            native: Vec::new(),
            origins: FxHashMap::default(),
            damaged: 0,
            notes: Vec::new(),
        }
    }

    /// Walks: the roots, what they reach, then what the collector's lists have beside it. O(objects + references).
    pub fn run(mut self) -> WalkResult {
        self.roots();
        self.follow();
        if !self.copy.builder.has_failed() {
            self.follow_unreached();
        }
        self.finish()
    }

    /// Copies what the collector's lists have that was not met, and all that it reaches.
    fn follow_unreached(&mut self) {
        let mut unreached = Vec::new();
        let samples = self.samples();
        let copy = &mut self.copy;
        let listed = self.source.listed(&samples, |object| {
            if let Some(place) = copy.place(object)
                && !copy.places.is_marked(place)
            {
                copy.builder.check(push(&mut unreached, object));
            }
        });
        if let Err(problem) = listed {
            self.notes.push(problem);
        }
        // One after the other, with all that it reaches: what belongs together stays together.
        for address in unreached {
            self.copy.meet(address);
            self.follow();
        }
    }

    /// Some objects that the collector tracks, far apart.
    fn samples(&self) -> Vec<u64> {
        const SAMPLES: usize = 32;
        let tracked = |id: usize| self.copy.builder.flags(ObjectId::from_index(id)).contains(Flags::TRACKED);
        let step = (self.done / SAMPLES).max(1);
        let from = (0..self.done).step_by(step);
        let near = from.filter_map(|first| (first..self.done.min(first + step)).find(|&id| tracked(id)));
        near.map(|id| self.copy.places.address(self.copy.order[id])).collect()
    }

    /// Copies everything that was met, as long as there is memory for it.
    fn follow(&mut self) {
        let lists = (self.surroundings.types.dict, self.surroundings.types.list);
        while self.done < self.copy.order.len() && !self.copy.builder.has_failed() {
            let at = self.done;
            let place = self.copy.order[at];
            let address = self.copy.places.address(place);
            if self.copy.guessed.is_empty() {
                let ahead = |distance: usize| {
                    self.copy.order.get(at + distance).map(|&place| self.copy.places.address(place))
                };
                self.source.approach(ahead(NEAR), ahead(FAR), lists);
                self.object(place, address);
            } else {
                self.object_or_guess(place, address);
            }
            self.done += 1;
        }
    }

    /// Copies what was met, some of which is guessed.
    #[inline(never)]
    fn object_or_guess(&mut self, place: AddressId, address: u64) {
        if self.copy.guessed.contains(&address) {
            return self.guess(place, address);
        }
        let certain = |distance: usize| {
            let place = *self.copy.order.get(self.done + distance)?;
            Some(self.copy.places.address(place)).filter(|address| !self.copy.guessed.contains(address))
        };
        let lists = (self.surroundings.types.dict, self.surroundings.types.list);
        self.source.approach(certain(NEAR), certain(FAR), lists);
        self.object(place, address);
    }

    /// What reads with checks, made when it is first needed.
    fn take_checked_decoder(&mut self) -> Option<Decoder<'w, Checked<'w, S::Memory>>> {
        match self.checked_decoder.take() {
            Some(decoder) => Some(decoder),
            None => self.decoder.over(self.checked),
        }
    }

    /// Copies an object that may not be one: every read of it is checked, and no function of its type is called. What it
    /// refers to is as uncertain, unless it was met before.
    #[cold]
    fn guess(&mut self, place: AddressId, address: u64) {
        let Some(mut decoder) = self.take_checked_decoder() else { return };
        self.copy.guessing = true;
        let of = self.checked.word(address + object_layout::TYPE as u64).unwrap_or(0);
        let index = self.copy.types.get(&of).copied().or_else(|| {
            let info = decoder.is_object(address).then(|| decoder.type_info(of, &mut self.copy)).flatten();
            self.add_type(of, info)
        });
        if let Some(index) = index {
            let info = &self.known[index].info;
            let in_lists = info.is_gc && (info.kind != ObjectKind::Type || decoder.is_heap_type(address));
            let is_tracked = in_lists && self.is_in_list(address);
            let flags = if is_tracked { Flags::TRACKED } else { Flags::NONE };
            self.add_checked(&mut decoder, index, place, address, flags);
            decoder.references(address, &self.known[index].info, None, &mut self.copy);
        }
        self.copy.guessing = false;
        self.checked_decoder = Some(decoder);
    }

    /// Copies an object whose type may say of it what is not true: every read of it is checked, and its traverse is asked
    /// only if the collector tracks it.
    #[inline(never)]
    fn doubtful_object(&mut self, index: usize, place: AddressId, address: u64) {
        let Some(mut decoder) = self.take_checked_decoder() else { return };
        let info = &self.known[index].info;
        let in_lists = info.is_gc && (info.kind != ObjectKind::Type || decoder.is_heap_type(address));
        let is_tracked = in_lists && self.is_in_list(address);
        let flags = if is_tracked { Flags::TRACKED } else { Flags::NONE };
        let id = self.add_checked(&mut decoder, index, place, address, flags);
        self.visited.clear();
        let Known { info, plan, .. } = &self.known[index];
        if plan.as_ref().is_some_and(|plan| self.source.is_asked(plan)) {
            if is_tracked
                && let Some(plan) = plan
                && let Err(error) = self.source.visited(plan, address, &mut self.visited)
            {
                self.copy.builder.fail(error);
            }
            decoder.references(address, info, Some(&mut self.visited), &mut self.copy);
        } else {
            self.copy.guessing = true;
            decoder.references(address, info, None, &mut self.copy);
            self.copy.guessing = false;
        }
        if let Some(name) = own_name(&mut decoder, self.checked, &mut self.copy, info.kind, address) {
            self.copy.builder.check(push(&mut self.names, (id, name)));
        }
        self.checked_decoder = Some(decoder);
    }

    /// Whether an object is in a list of the collector: the next in it leads back to its head.
    fn is_in_list(&self, address: u64) -> bool {
        let head = address - HEAD;
        let next = self.checked.word(head).unwrap_or(0) & !3;
        next != 0 && self.checked.word(next + 8).is_some_and(|previous| previous & !3 == head)
    }

    /// Adds an object, with what can be read of it with checks.
    fn add_checked(
        &mut self,
        decoder: &mut Decoder<'w, Checked<'w, S::Memory>>,
        index: usize,
        place: AddressId,
        address: u64,
        flags: Flags,
    ) -> ObjectId {
        let size = decoder.size(address, &self.known[index].info);
        let size = if size <= self.mapped { size } else { self.too_large(size, index) };
        if size <= SMALL {
            self.copy.places.mark_small(place);
        }
        let (refcount, immortal) = self.copy.counted(self.checked.word(address).unwrap_or(0));
        let mut flags = if immortal { flags | Flags::IMMORTAL } else { flags };
        let known = &self.known[index];
        if known.is_leaf {
            flags = flags.with_tag(decoder.mark(address, known.marked, self.secret));
        }
        let id = self.copy.builder.add_object(Object { address, ty: known.id, size, refcount, flags });
        self.copy.current = id;
        id
    }

    /// The size of an object that says it is larger than all that is mapped: unless more is mapped by now that is damage,
    /// and is counted as that.
    #[cold]
    #[inline(never)]
    fn too_large(&mut self, size: u64, type_index: usize) -> u64 {
        self.mapped = self.mapped.max(self.source.mapped().unwrap_or(0));
        if size <= self.mapped {
            return size;
        }
        self.damaged += 1;
        let basic = self.known[type_index].info.basic_size;
        if basic <= self.mapped { basic } else { 0 }
    }

    #[inline(always)]
    fn object(&mut self, place: AddressId, address: u64) {
        let of = self.memory.word(address + object_layout::TYPE as u64).unwrap_or(0);
        let slot = (of >> 4) as usize % RECENT;
        let index = match self.recent[slot] {
            (recent, index) if recent == of => index,
            _ => {
                let Some(index) = self.type_index(of) else { return };
                self.recent[slot] = (of, index);
                index
            }
        };
        let known = &self.known[index];
        if !known.is_trusted {
            return self.doubtful_object(index, place, address);
        }
        let mut size = match &known.plan {
            Some(plan) => self.source.size(plan, &known.info, address, &mut self.decoder),
            None => known.info.basic_size,
        };
        if size > self.mapped {
            size = self.too_large(size, index);
        }
        let known = &self.known[index];
        if size <= SMALL {
            self.copy.places.mark_small(place);
        }
        let (refcount, immortal) = self.copy.refcount(address);
        let mut flags = if immortal { Flags::IMMORTAL } else { Flags::NONE };
        if known.is_leaf {
            let flags = flags.with_tag(self.decoder.mark(address, known.marked, self.secret));
            self.copy.builder.add_object(Object { address, ty: known.id, size, refcount, flags });
            return;
        }
        let in_lists =
            known.info.is_gc && (known.info.kind != ObjectKind::Type || self.decoder.is_heap_type(address));
        if in_lists && self.memory.word(address - HEAD).is_some_and(|next| next != 0) {
            flags = flags | Flags::TRACKED;
        }
        let id = self.copy.builder.add_object(Object { address, ty: known.id, size, refcount, flags });
        self.copy.current = id;
        if known.info.complete {
            self.decoder.references(address, &known.info, None, &mut self.copy);
        } else {
            self.visited.clear();
            if S::HAS_TRAVERSE
                && in_lists
                && let Some(plan) = &known.plan
                && let Err(error) = self.source.visited(plan, address, &mut self.visited)
            {
                return self.copy.builder.fail(error);
            }
            let visited = S::HAS_TRAVERSE.then_some(&mut self.visited);
            self.decoder.references(address, &known.info, visited, &mut self.copy);
            self.details(index, id, address);
        }
        if self.known[index].is_own {
            self.copy.builder.check(push(&mut self.own, place));
        }
    }

    /// What is told of some kinds of objects beyond their references.
    #[inline]
    fn details(&mut self, index: usize, id: ObjectId, address: u64) {
        let memory = self.memory;
        let known = &self.known[index];
        if let Some(offset) = known.limit
            && let Some(limit) = memory.word(address + offset)
            && (limit as i64) >= 0
        {
            self.copy.builder.check(push(&mut self.limits, (id, limit)));
        }
        if known.mapped {
            let (data, size) = (memory.word(address + 16), memory.word(address + 24));
            if let (Some(data), Some(size)) = (data, size)
                && data != 0
            {
                self.copy.builder.check(push(&mut self.native, (data, size)));
            }
        }
        let kind = known.info.kind;
        if let Some(name) = own_name(&mut self.decoder, memory, &mut self.copy, kind, address) {
            self.copy.builder.check(push(&mut self.names, (id, name)));
        }
        if kind == ObjectKind::Type
            && !self.decoder.is_heap_type(address)
            && let Some(&dict) = self.surroundings.static_namespaces.get(&address)
        {
            self.copy.reference(dict, Label::DICT);
        }
    }

    /// Where the type of an object stands in `known`; none if there is no memory for another one.
    #[cold]
    fn type_index(&mut self, of: u64) -> Option<usize> {
        let index = match self.copy.types.get(&of) {
            Some(&index) => index,
            None => {
                let is_type = self.decoder.is_type(of);
                let found = is_type.then(|| self.type_info(of)).flatten();
                self.add_type(of, found)?
            }
        };
        let known = &self.known[index];
        if known.plan.is_none() && of != 0 && known.info.address == of {
            self.known[index].plan = Some(self.source.plan(of, &known.info, known.is_trusted));
        }
        Some(index)
    }

    fn type_info(&mut self, of: u64) -> Option<TypeInfo> {
        if self.source.is_trusted(of) {
            return self.decoder.type_info(of, &mut self.copy);
        }
        let mut decoder = self.take_checked_decoder()?;
        let info = decoder.type_info(of, &mut self.copy);
        self.checked_decoder = Some(decoder);
        info
    }

    /// Adds a type, or what stands for all that have none; none if there is no memory for it.
    fn add_type(&mut self, of: u64, found: Option<TypeInfo>) -> Option<usize> {
        if let Err(error) = self.make_room_for_a_type() {
            self.copy.builder.fail(error);
            return None;
        }
        let is_known = found.is_some();
        if !is_known {
            self.damaged += 1;
            if self.no_type.is_some() {
                return self.no_type;
            }
            self.no_type = Some(self.known.len());
        }
        let mut info = found.unwrap_or_else(unknown_type);
        let is_own = match info.is_class {
            // A C type without a function to free its objects looks like a class.
            true => info.module.split('.').next() == Some("mem_top") && info.module != "mem_top._native",
            false => info.is_mem_tops,
        };
        let origin = match info.is_class {
            true => self.origin_of(&info.module),
            false if self.is_standard(&info.module) || info.module == "builtins" => Origin::Standard,
            false => self.origin_of(&info.module),
        };
        let ty = Type {
            module: info.module.as_str().into(),
            qualname: info.qualname.as_str().into(),
            origin,
            shape: shape(&info),
            object: None,
        };
        let id = self.copy.builder.add_type(ty);
        let limit = match info.kind {
            ObjectKind::LruCache => self.surroundings.lru_limit,
            ObjectKind::Deque => self.surroundings.deque_limit,
            _ => None,
        };
        let mapped = info.c_type.map(CType::name) == Some("mmap.mmap");
        // What it keeps is no object of Python's.
        if is_own && !info.is_class {
            info.kind = ObjectKind::Internal;
        }
        let index = self.known.len();
        self.copy.is_gc.push(info.is_gc);
        let is_leaf = info.kind == ObjectKind::Atom
            && info.complete
            && !info.is_gc
            && info.members.is_empty()
            && info.dict == DictPlace::None;
        let marked = TagSource::of(info.c_type);
        let is_trusted = !is_known || self.source.is_trusted(of);
        self.known.push(Known { info, id, plan: None, limit, is_trusted, is_own, is_leaf, marked, mapped });
        if !is_known {
            return Some(index);
        }
        self.copy.types.insert(of, index);
        // A static type is in no object's references: it is met through its objects.
        self.copy.meet(of);
        Some(index)
    }

    fn make_room_for_a_type(&mut self) -> Result<(), HeapError> {
        let mut budget = Budget::default();
        budget.grow(&mut self.known, 1)?;
        budget.grow(&mut self.copy.is_gc, 1)?;
        self.copy.types.try_reserve(1).map_err(|_| HeapError::OutOfMemory { bytes: 0 })
    }

    fn finish(mut self) -> WalkResult {
        let late = std::mem::take(&mut self.copy.late);
        let mut namespaces = Vec::new();
        for dict in late {
            if self.copy.builder.has_failed() {
                break;
            }
            let labels = self.decoder.namespace_labels(dict, &mut self.copy);
            if let Some(place) = self.copy.place(dict) {
                namespaces.push((place, labels));
            }
        }
        let types = self.known.iter().filter_map(|known| {
            self.copy.places.place_if_known(known.info.address).map(|place| (known.id, place))
        });
        let types = types.collect();
        if self.copy.crowded {
            self.notes
                .push("the heap is spread over more than 64 GiB: what lies beyond is not in it".to_owned());
        }
        if self.copy.probes == 0 {
            self.notes.push("not every word that could hide a reference was looked at".to_owned());
        }
        WalkResult {
            builder: self.copy.builder,
            places: self.copy.places,
            order: self.copy.order,
            roots: self.roots,
            types,
            names: self.names,
            limits: self.limits,
            own: self.own,
            variables: self.copy.variables,
            namespaces,
            hidden: self.copy.hidden,
            native: self.native,
            dangling: self.copy.dangling,
            damaged: self.damaged,
            notes: self.notes,
        }
    }
}

/// Preallocated for what a walk finds, made before anything stands still.
pub struct Preallocated {
    builder: HeapBuilder,
    order: Vec<AddressId>,
}

impl Preallocated {
    /// Preallocated for about so many objects; more are taken too, at the cost of a longer walk, as far as `budget` goes.
    /// `populate` has memory put behind an address and so many bytes, and says whether it did: see
    /// [`memtop_heap::preallocate`].
    ///
    /// # Errors
    /// If the memory cannot be had.
    pub fn for_objects(
        expected: usize,
        budget: Budget,
        populate: impl Fn(usize, usize) -> bool,
    ) -> Result<Self, HeapError> {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        *builder.budget_mut() = budget;
        builder.budget_mut().take(SETTLING_BYTES.saturating_mul(expected as u64))?;
        builder.prepare(expected, expected.saturating_mul(3) / 2, &populate)?;
        let mut order = Vec::new();
        preallocate(&mut order, expected, AddressId(0), builder.budget_mut(), &populate)?;
        headroom(HEADROOM)?;
        Ok(Self { builder, order })
    }
}

/// What a function, module or type calls itself. None for other kinds.
fn own_name<M: Memory, N: Memory>(
    decoder: &mut Decoder<'_, M>,
    memory: &M,
    copy: &mut Copy<'_, N>,
    kind: ObjectKind,
    address: u64,
) -> Option<Name> {
    let (module, qualname) = match kind {
        ObjectKind::Function => {
            // `func_qualname` and `func_module` (`Include/cpython/funcobject.h`).
            let (name, module) = if decoder.layout().minor < 10 { (104, 88) } else { (40, 104) };
            let word = |offset: u64| memory.word(address + offset).unwrap_or(0);
            (word(module), word(name))
        }
        ObjectKind::Module => (0, decoder.value_of(memory.word(address + 16).unwrap_or(0), "__name__")?),
        ObjectKind::Type => {
            let (module, qualname) = decoder.name_of_type(address)?;
            return Some(Name {
                module: copy.builder.string(&module),
                qualname: copy.builder.string(&qualname),
            });
        }
        _ => return None,
    };
    let mut text = |at: u64| {
        let known = decoder.is_string(at).then(|| decoder.text(at, copy)).flatten();
        known.unwrap_or_else(|| copy.builder.string(""))
    };
    Some(Name { module: text(module), qualname: text(qualname) })
}

/// What a class derives from says what it is; so does its name, for classes of the standard library that hold weakly.
fn shape(info: &TypeInfo) -> memtop_heap::Shape {
    match info.shape {
        memtop_heap::Shape::Other => memtop_heap::Shape::of_name(&info.module, &info.qualname),
        shape => shape,
    }
}

fn unknown_type() -> TypeInfo {
    TypeInfo {
        address: 0,
        c_type: None,
        is_mem_tops: false,
        is_numpys: false,
        module: String::new(),
        qualname: "?".to_owned(),
        kind: ObjectKind::Internal,
        shape: memtop_heap::Shape::Other,
        complete: false,
        is_class: false,
        holds_type: false,
        is_gc: false,
        basic_size: 16,
        item_size: 0,
        weak_list: 0,
        members: Vec::new(),
        dict: DictPlace::None,
        attributes: Vec::new(),
    }
}
