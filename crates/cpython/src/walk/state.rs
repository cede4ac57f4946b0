//! The state of a walk.

use std::borrow::Cow;

use memtop_heap::{Name, ObjectId, Origin, Root, TypeId};
use rustc_hash::FxHashMap;

use super::access::{HeapAccess, InterpreterFacts};
use super::address_index::AddressId;
use super::buffers::HeldBuffers;
use super::heap_sink::HeapSink;
use super::preallocated::Preallocated;
use crate::decoder::Decoder;
use crate::mapped_memory::MappedMemory;
use crate::memory::Checked;
use crate::objects::definition::TagSource;
use crate::type_info::TypeInfo;

/// The number of types that are found without a hash table.
pub(super) const RECENT: usize = 256;

/// A type that was met, and how its objects are copied.
pub(super) struct KnownType<P> {
    pub(super) info: TypeInfo,
    pub(super) id: TypeId,
    /// `None` as long as only unverified objects of the type were met.
    pub(super) plan: Option<P>,
    /// The offset of the limit of its objects.
    pub(super) limit: Option<u64>,
    /// Whether its sizes and slots are right for certain.
    pub(super) is_trusted: bool,
    /// Whether it is one of mem_top's.
    pub(super) is_own: bool,
    /// Whether its objects refer to nothing.
    pub(super) is_leaf: bool,
    pub(super) tag: TagSource,
    /// Whether an object must be read to know what it occupies.
    pub(super) has_uncounted: bool,
    /// The smallest size of its objects whose buffers are read; the highest number if none are.
    pub(super) buffers_from: u64,
}

/// A walk over a heap that is held still.
pub struct Walk<'w, S: HeapAccess> {
    pub(super) source: &'w mut S,
    pub(super) memory: &'w S::Memory,
    pub(super) checked: &'w Checked<'w, S::Memory>,
    /// Reads unverified objects; made for the first of them.
    pub(super) checked_decoder: Option<Decoder<'w, Checked<'w, S::Memory>>>,
    /// How many of the objects that were met are copied.
    pub(super) done: usize,
    /// The readable memory, as far as it is known.
    pub(super) mapped: Cow<'w, MappedMemory>,
    /// Whether it was read since the heap is held still.
    pub(super) is_mapped_current: bool,
    pub(super) decoder: Decoder<'w, S::Memory>,
    pub(super) sink: HeapSink<'w, S::Memory>,
    pub(super) facts: &'w InterpreterFacts,
    /// The key of value tags.
    pub(super) secret: u64,
    pub(super) known: Vec<KnownType<S::TypePlan>>,
    /// The index in `known` of the type for objects without one.
    pub(super) no_type: Option<usize>,
    pub(super) recent: Vec<(u64, usize)>,
    pub(super) visited: Vec<u64>,
    pub(super) roots: Vec<Root>,
    pub(super) names: Vec<(ObjectId, Name)>,
    pub(super) limits: Vec<(ObjectId, u64)>,
    pub(super) own: Vec<AddressId>,
    pub(super) native: Vec<(u64, u64)>,
    pub(super) buffers: HeldBuffers,
    pub(super) origins: FxHashMap<String, Origin>,
    pub(super) damaged: u64,
    pub(super) notes: Vec<String>,
}

impl<'w, S: HeapAccess> Walk<'w, S> {
    /// A walk over the heap that `source` gives access to. `checked` is the same `memory`, for unverified
    /// objects.
    pub fn new(
        source: &'w mut S,
        memory: &'w S::Memory,
        checked: &'w Checked<'w, S::Memory>,
        decoder: Decoder<'w, S::Memory>,
        preallocated: Preallocated,
        facts: &'w InterpreterFacts,
    ) -> Self {
        let sink = HeapSink::new(
            memory,
            preallocated.builder,
            preallocated.order,
            decoder.layout().minor,
            S::HAS_TRAVERSE,
        );
        let modules = facts.interpreters.first().map_or(0, |interpreter| interpreter.modules);
        let secret = decoder.secret(modules);
        Self {
            secret,
            source,
            memory,
            checked,
            checked_decoder: None,
            done: 0,
            mapped: Cow::Borrowed(&facts.mapped),
            is_mapped_current: false,
            decoder,
            sink,
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
            buffers: HeldBuffers::new(S::HAS_TRAVERSE),
            origins: FxHashMap::default(),
            damaged: 0,
            notes: Vec::new(),
        }
    }

    /// Takes the decoder that reads with checks. The caller puts it back.
    pub(super) fn take_checked_decoder(&mut self) -> Option<Decoder<'w, Checked<'w, S::Memory>>> {
        match self.checked_decoder.take() {
            Some(decoder) => Some(decoder),
            None => self.decoder.over(self.checked),
        }
    }
}
