//! Adds the references that the decoder finds to the heap that is being built.

use memtop_heap::{HeapBuilder, HeapError, KEYS_ARE_DATA, Label, ObjectId, StringId, push};
use rustc_hash::{FxHashMap, FxHashSet};

use super::address_index::{AddressId, AddressIndex};
use super::result::UncertainReference;
use crate::address::may_be_object;
use crate::layout::gc_head;
use crate::memory::Memory;
use crate::sink::Sink;

/// The highest reference count of an object that only a word of unknown meaning leads to: less than any
/// address.
const MAX_COUNT: u64 = 1 << 20;
/// How many such words are followed at most: each takes a system call.
const PROBES: u32 = 20_000;
const HEAD: u64 = gc_head::SIZE as u64;

/// The heap that is being built. Separate from the decoder, so that both can be borrowed at once.
pub(super) struct HeapSink<'w, M> {
    pub(super) memory: &'w M,
    pub(super) builder: HeapBuilder,
    pub(super) addresses: AddressIndex,
    pub(super) order: Vec<AddressId>,
    pub(super) namespaces: FxHashSet<u64>,
    /// Large dicts that were copied and were not known to be namespaces.
    pub(super) plain: FxHashSet<u64>,
    /// Those of them that turned out to be namespaces.
    pub(super) late: Vec<u64>,
    pub(super) variables: Vec<(AddressId, Label)>,
    pub(super) uncertain: Vec<UncertainReference>,
    /// Uncertain references that a traverse did not visit: the object, and the reference's index.
    pub(super) unvisited: Vec<(ObjectId, usize)>,
    /// Whether objects are read without a check, so that only a certain reference may lead to one.
    pub(super) is_unchecked: bool,
    /// Objects that only a word of unknown meaning leads to, and those reached through them alone: read with
    /// checks.
    pub(super) unverified: FxHashSet<u64>,
    /// Whether the object that is being copied is unverified.
    pub(super) is_unverified: bool,
    /// The known types by address, with their index: what an object must have for a type.
    pub(super) types: FxHashMap<u64, usize>,
    /// The object that is being copied.
    pub(super) current: ObjectId,
    /// How many words of unknown meaning may still be followed.
    pub(super) probes: u32,
    /// References that lead to no memory.
    pub(super) dangling: u64,
    /// Whether an object was left out since there were no address ids left.
    pub(super) crowded: bool,
    /// Whether a negative reference count means that the object is immortal (from 3.12).
    pub(super) immortal: bool,
    /// Whether the highest bits of a reference count are flags (from 3.14).
    pub(super) flags_above: bool,
    /// By type: whether the collector may know its objects.
    pub(super) is_gc: Vec<bool>,
}

impl<'w, M: Memory> HeapSink<'w, M> {
    /// A sink without objects. With `is_unchecked`, objects are read without a check, unless they are unverified.
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
            unvisited: Vec::new(),
            is_unchecked,
            unverified: FxHashSet::default(),
            is_unverified: false,
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

    /// The id of an object's address in the form of an object id, by which it is replaced later. `None` if no
    /// object can lie there.
    #[inline]
    pub(super) fn meet(&mut self, address: u64) -> Option<ObjectId> {
        let Some(id) = self.id(address) else {
            self.dangling += 1;
            return None;
        };
        if self.addresses.insert(id) {
            self.builder.check(push(&mut self.order, id));
            if self.is_unverified {
                self.unverified.insert(address);
            }
        }
        Some(ObjectId::from_index(id.0 as usize))
    }

    /// The id of an address; `None` if no object can lie there. If no address nearby was met, its memory is
    /// read first, since a number that merely looks like an address would take up a part of its own. The read
    /// is an ordinary one, as the object will be read: a probe takes permissions that not every process has
    /// inside.
    #[inline]
    pub(super) fn id(&mut self, address: u64) -> Option<AddressId> {
        match self.addresses.cached_id(address) {
            Some(id) => Some(id),
            None => self.id_in_another_part(address),
        }
    }

    #[inline(never)]
    fn id_in_another_part(&mut self, address: u64) -> Option<AddressId> {
        if self.addresses.known_id(address).is_none() {
            may_be_object(address).then(|| self.first_word(address))??;
        }
        let id = self.addresses.id(address);
        if self.addresses.out_of_memory {
            self.builder.fail(HeapError::OutOfMemory { bytes: 0 });
        }
        self.crowded |= id.is_none();
        id
    }

    #[inline]
    #[cold]
    fn first_word(&self, address: u64) -> Option<u64> {
        match self.is_unverified {
            false => self.memory.word(address),
            true => self.checked_words(address).map(|[first, _]| first),
        }
    }

    #[inline]
    pub(super) fn refcount(&self, address: u64) -> (u32, bool) {
        self.counted(self.memory.word(address).unwrap_or(0))
    }

    /// The same of an object that may be unverified.
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

    /// The first two words at an address where no object may lie.
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
        if let Some(target) = self.meet(to) {
            self.builder.add_reference(self.current, target, label);
            if label == Label::DICT
                && !self.is_unverified
                && self.memory.word(to + 16).is_some_and(|used| used >= KEYS_ARE_DATA)
            {
                self.namespace(to);
            }
        }
    }

    fn maybe_reference(&mut self, to: u64, label: Label) {
        let index = self.builder.reference_count();
        match self.addresses.known_id(to).filter(|&id| self.addresses.contains(id)) {
            Some(_) => self.maybe_met(to, label),
            None => self.maybe_unmet(to, label),
        }
        if self.builder.reference_count() > index {
            self.builder.check(push(&mut self.unvisited, (self.current, index)));
        }
    }

    fn probable_reference(&mut self, to: u64, label: Label) {
        let index = self.builder.reference_count();
        self.reference(to, label);
        if self.builder.reference_count() > index {
            let (refcount, _) =
                if self.is_unverified { self.checked_refcount(to) } else { self.refcount(to) };
            self.add_uncertain(UncertainReference { index, refcount });
        }
    }

    fn hidden_reference(&mut self, to: u64, label: Label) {
        let index = self.builder.reference_count();
        self.reference(to, label);
        if self.builder.reference_count() > index {
            self.builder.check(push(&mut self.unvisited, (self.current, index)));
        }
    }

    fn unproved_reference(&mut self, to: u64, label: Label) {
        let is_met = self.addresses.known_id(to).is_some_and(|id| self.addresses.contains(id));
        // In a list of the collector there are only objects. All else is read with checks.
        let is_proved = !self.is_unchecked || is_met || to >= HEAD && self.linked(to) == Linked::InList;
        let was_unverified = self.is_unverified;
        self.is_unverified |= !is_proved;
        self.hidden_reference(to, label);
        self.is_unverified = was_unverified;
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
        if let Some(id) = self.id(cell) {
            self.builder.check(push(&mut self.variables, (id, label)));
        }
    }
}

impl<M: Memory> HeapSink<'_, M> {
    fn add_uncertain(&mut self, reference: UncertainReference) {
        self.builder.check(push(&mut self.uncertain, reference));
    }

    #[cold]
    fn namespace(&mut self, dict: u64) {
        if self.namespaces.insert(dict) && self.plain.contains(&dict) {
            self.late.push(dict);
        }
    }

    /// A word that leads to an object that was met.
    fn maybe_met(&mut self, to: u64, label: Label) {
        let (refcount, immortal) = self.checked_refcount(to);
        if !immortal {
            self.add_uncertain(UncertainReference { index: self.builder.reference_count(), refcount });
            self.reference(to, label);
        }
    }

    /// A word that leads to an address that was not met yet: a reference, if an object lies there as far as
    /// can be seen. Freed memory is recognised by its first word: 0, or the allocator's link, an address.
    #[cold]
    fn maybe_unmet(&mut self, to: u64, label: Label) {
        let Some([first, of]) = self.head(to) else { return };
        let count = if self.flags_above { first & 0x0000_FFFF_FFFF_FFFF } else { first };
        let Some(&known) = self.types.get(&of) else { return };
        let linked = match self.is_gc[known] {
            true => self.linked(to),
            false => Linked::Not,
        };
        if !(1..=MAX_COUNT).contains(&count) || linked == Linked::Broken {
            return;
        }
        self.add_uncertain(UncertainReference {
            index: self.builder.reference_count(),
            refcount: count as u32,
        });
        // In a list of the collector there are only objects. Elsewhere it may be memory that was freed.
        let was_unverified =
            std::mem::replace(&mut self.is_unverified, self.is_unchecked && linked == Linked::Not);
        self.reference(to, label);
        self.is_unverified = was_unverified;
    }

    /// The state of the collector's head before an object.
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

/// The state of the collector's head before an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Linked {
    /// It is empty, or there is no head.
    Not,
    /// It is in a list: the next head leads back to it.
    InList,
    /// Neither.
    Broken,
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use memtop_heap::{CaptureInfo, Object, Type};

    use super::*;

    const AT: u64 = 0x7f00_0000_1000;

    /// Words by address, and the addresses of the reads that were not checked.
    #[derive(Default)]
    struct Words {
        words: BTreeMap<u64, u64>,
        bare: RefCell<Vec<u64>>,
    }

    impl Memory for Words {
        fn word(&self, address: u64) -> Option<u64> {
            self.bare.borrow_mut().push(address);
            self.words.get(&address).copied()
        }

        fn half(&self, address: u64) -> Option<u32> {
            self.word(address).map(|word| word as u32)
        }

        fn byte(&self, address: u64) -> Option<u8> {
            self.word(address).map(|word| word as u8)
        }

        fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
            for (offset, bytes) in (0..).step_by(8).zip(into.chunks_mut(8)) {
                bytes.copy_from_slice(&self.words.get(&(address + offset))?.to_le_bytes()[..bytes.len()]);
            }
            Some(())
        }

        fn bytes(&self, _: u64, _: usize, _: &mut Vec<u8>) -> Option<()> {
            None
        }
    }

    /// The sink after an unproved reference to `AT`, and whether a read of it was not checked.
    fn after_unproved(words: &[(u64, u64)], is_met: bool) -> (bool, bool) {
        let memory = Words { words: words.iter().copied().collect(), ..Words::default() };
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let ty = builder.add_type(Type::new("greenlet", "greenlet"));
        builder.add_object(Object { address: 8, ty, size: 16, refcount: 1, flags: memtop_heap::Flags::NONE });
        let mut sink = HeapSink::new(&memory, builder, Vec::new(), 12, true);
        if is_met {
            sink.meet(AT);
            memory.bare.borrow_mut().clear();
        }
        sink.unproved_reference(AT, Label::UNLABELLED);
        assert!(!sink.is_unverified, "what follows is as certain as before");
        let is_bare = memory.bare.borrow().contains(&AT);
        (sink.unverified.contains(&AT), is_bare)
    }

    #[test]
    fn what_is_reached_without_proof_is_read_with_checks() {
        let object = [(AT, 1), (AT + 8, 0x7f00_0000_9000), (AT - 16, 0), (AT - 8, 0)];
        assert_eq!(after_unproved(&object, false), (true, false));
        assert_eq!(after_unproved(&object, true), (false, false), "it was met by a certain reference");
        let head = AT + 0x100;
        let listed = [(AT - 16, head), (AT - 8, head), (head, AT - 16), (head + 8, AT - 16)];
        let listed = [&object[..2], &listed].concat();
        assert!(!after_unproved(&listed, false).0, "only objects are in a list of the collector");
        let broken = [&listed[..4], &[(head, AT - 16), (head + 8, AT)]].concat();
        assert!(after_unproved(&broken, false).0);
    }
}
