//! The state of a walk.

use memtop_heap::{Name, ObjectId, Origin, Root, TypeId};
use rustc_hash::FxHashMap;

use super::access::{HeapAccess, InterpreterFacts};
use super::address_index::AddressId;
use super::heap_sink::HeapSink;
use super::preallocated::Preallocated;
use crate::decoder::Decoder;
use crate::memory::Checked;
use crate::objects::definition::TagSource;
use crate::type_info::TypeInfo;

/// The number of types that are found without a hash table.
pub(super) const RECENT: usize = 256;

/// What is known of a type, and how its objects are copied.
pub(super) struct KnownType<P> {
    pub(super) info: TypeInfo,
    pub(super) id: TypeId,
    /// None as long as no object of the type was met but by a guess.
    pub(super) plan: Option<P>,
    /// Where the limit of its objects stands.
    pub(super) limit: Option<u64>,
    /// Whether what it says of its objects is true.
    pub(super) is_trusted: bool,
    pub(super) is_own: bool,
    /// Whether its objects refer to nothing.
    pub(super) is_leaf: bool,
    pub(super) tag: TagSource,
    /// Where the address and the length of memory stand that its objects map.
    pub(super) mapping: Option<(u64, u64)>,
}

/// See the module's header.
pub struct Walk<'w, S: HeapAccess> {
    pub(super) source: &'w mut S,
    pub(super) memory: &'w S::Memory,
    pub(super) checked: &'w Checked<'w, S::Memory>,
    /// What reads objects that are guessed; made for the first of them.
    pub(super) checked_decoder: Option<Decoder<'w, Checked<'w, S::Memory>>>,
    /// How far the order is copied.
    pub(super) done: usize,
    /// How many bytes are mapped, at least.
    pub(super) mapped: u64,
    pub(super) decoder: Decoder<'w, S::Memory>,
    pub(super) copy: HeapSink<'w, S::Memory>,
    pub(super) facts: &'w InterpreterFacts,
    /// What marks are keyed with.
    pub(super) secret: u64,
    pub(super) known: Vec<KnownType<S::TypePlan>>,
    /// Where in `known` the type stands of what has none.
    pub(super) no_type: Option<usize>,
    pub(super) recent: Vec<(u64, usize)>,
    pub(super) visited: Vec<u64>,
    pub(super) roots: Vec<Root>,
    pub(super) names: Vec<(ObjectId, Name)>,
    pub(super) limits: Vec<(ObjectId, u64)>,
    pub(super) own: Vec<AddressId>,
    pub(super) native: Vec<(u64, u64)>,
    pub(super) origins: FxHashMap<String, Origin>,
    pub(super) damaged: u64,
    pub(super) notes: Vec<String>,
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
        facts: &'w InterpreterFacts,
    ) -> Self {
        let copy = HeapSink::new(memory, room.builder, room.order, decoder.layout().minor, S::HAS_TRAVERSE);
        let modules = facts.interpreters.first().map_or(0, |interpreter| interpreter.modules);
        let secret = decoder.secret(modules);
        Self {
            secret,
            source,
            memory,
            checked,
            checked_decoder: None,
            done: 0,
            mapped: facts.mapped,
            decoder,
            copy,
            facts,
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

    /// What reads with checks, made when it is first needed.
    pub(super) fn take_checked_decoder(&mut self) -> Option<Decoder<'w, Checked<'w, S::Memory>>> {
        match self.checked_decoder.take() {
            Some(decoder) => Some(decoder),
            None => self.decoder.over(self.checked),
        }
    }
}
