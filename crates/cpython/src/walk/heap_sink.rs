//! Where the references that the decoder finds go: into a heap that is being built.

use memtop_heap::{HeapBuilder, HeapError, KEYS_ARE_DATA, Label, ObjectId, StringId, push};
use rustc_hash::{FxHashMap, FxHashSet};

use super::address_index::{AddressId, AddressIndex};
use super::result::UncertainReference;
use crate::address::may_be_object;
use crate::layout::gc_head;
use crate::memory::Memory;
use crate::sink::Sink;

/// The highest reference count of an object that only a word of unknown meaning leads to: less than any address.
const MAX_COUNT: u64 = 1 << 20;
/// How many such words are followed, a system call each.
const PROBES: u32 = 20_000;
const HEAD: u64 = gc_head::SIZE as u64;

/// Where references go, apart from the decoder so that both can be used at once.
pub(super) struct HeapSink<'w, M> {
    pub(super) memory: &'w M,
    pub(super) builder: HeapBuilder,
    pub(super) addresses: AddressIndex,
    pub(super) order: Vec<AddressId>,
    pub(super) namespaces: FxHashSet<u64>,
    /// Large dicts that were copied before they were known to be namespaces.
    pub(super) plain: FxHashSet<u64>,
    pub(super) late: Vec<u64>,
    pub(super) variables: Vec<(AddressId, Label)>,
    pub(super) uncertain: Vec<UncertainReference>,
    /// Whether what leads to an object has to be certain, since objects are read without a check.
    pub(super) is_unchecked: bool,
    /// What only a word that may be a reference leads to, and what is reached through that alone: read with checks.
    pub(super) guessed: FxHashSet<u64>,
    /// Whether the object that is being copied is one of them.
    pub(super) guessing: bool,
    /// The type's addresses that are known: what a word must have to be an object.
    pub(super) types: FxHashMap<u64, usize>,
    pub(super) current: ObjectId,
    pub(super) probes: u32,
    pub(super) dangling: u64,
    /// Whether there was no place left for an object.
    pub(super) crowded: bool,
    pub(super) immortal: bool,
    pub(super) flags_above: bool,
    /// By type: whether the collector may know its objects.
    pub(super) is_gc: Vec<bool>,
}

impl<'w, M: Memory> HeapSink<'w, M> {
    /// A sink without objects. With `is_unchecked`, objects are read without a check, so that a word that may be a
    /// reference must not lead to one for certain.
    pub(super) fn new(
        memory: &'w M,
        builder: HeapBuilder,
        order: Vec<AddressId>,
        minor: u8,
        is_unchecked: bool,
    ) -> Self {
        Self {
            memory,
            builder,
            addresses: AddressIndex::new(),
            order,
            namespaces: FxHashSet::default(),
            plain: FxHashSet::default(),
            late: Vec::new(),
            variables: Vec::new(),
            uncertain: Vec::new(),
            is_unchecked,
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
        }
    }

    /// The stand-in of an object: its place, which becomes its handle later.
    #[inline]
    pub(super) fn meet(&mut self, address: u64) -> Option<ObjectId> {
        let Some(place) = self.id(address) else {
            self.dangling += 1;
            return None;
        };
        if self.addresses.insert(place) {
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
    pub(super) fn id(&mut self, address: u64) -> Option<AddressId> {
        match self.addresses.cached_id(address) {
            Some(place) => Some(place),
            None => self.id_in_another_part(address),
        }
    }

    #[inline(never)]
    fn id_in_another_part(&mut self, address: u64) -> Option<AddressId> {
        if self.addresses.known_id(address).is_none() {
            may_be_object(address).then(|| self.first_word(address))??;
        }
        let place = self.addresses.id(address);
        if self.addresses.out_of_memory {
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
    pub(super) fn refcount(&self, address: u64) -> (u32, bool) {
        self.counted(self.memory.word(address).unwrap_or(0))
    }

    /// The same of an object that may be guessed.
    pub(super) fn checked_refcount(&self, address: u64) -> (u32, bool) {
        self.counted(self.checked_words(address).map_or(0, |[first, _]| first))
    }

    #[inline]
    pub(super) fn counted(&self, word: u64) -> (u32, bool) {
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

impl<M: Memory> Sink for HeapSink<'_, M> {
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

    fn maybe_reference(&mut self, to: u64, label: Label) {
        let Some(place) = self.addresses.known_id(to) else { return self.maybe_unknown(to, label) };
        if !self.addresses.contains(place) {
            return self.maybe_unknown(to, label);
        }
        let (refcount, immortal) = self.checked_refcount(to);
        if !immortal {
            self.hide(UncertainReference { place: self.builder.reference_count(), refcount });
            self.reference(to, label);
        }
    }

    fn probable_reference(&mut self, to: u64, label: Label) {
        let place = self.builder.reference_count();
        self.reference(to, label);
        if self.builder.reference_count() > place {
            let (refcount, _) = if self.guessing { self.checked_refcount(to) } else { self.refcount(to) };
            self.hide(UncertainReference { place, refcount });
        }
    }

    fn deref(&mut self, pointer: u64) -> Option<u64> {
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
        if let Some(place) = self.id(cell) {
            self.builder.check(push(&mut self.variables, (place, label)));
        }
    }
}

impl<M: Memory> HeapSink<'_, M> {
    fn hide(&mut self, word: UncertainReference) {
        self.builder.check(push(&mut self.uncertain, word));
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
    fn maybe_unknown(&mut self, to: u64, label: Label) {
        let Some([first, of]) = self.head(to) else { return };
        // From 3.14 flags stand above the count.
        let count = if self.flags_above { first & 0x0000_FFFF_FFFF_FFFF } else { first };
        let Some(&known) = self.types.get(&of) else { return };
        let linked = match self.is_gc[known] {
            true => self.linked(to),
            false => Linked::Not,
        };
        if !(1..=MAX_COUNT).contains(&count) || linked == Linked::Broken {
            return;
        }
        self.hide(UncertainReference { place: self.builder.reference_count(), refcount: count as u32 });
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
