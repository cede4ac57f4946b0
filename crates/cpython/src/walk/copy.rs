//! Copies the objects that a walk meets: their sizes, counts and references.

use std::borrow::Cow;

use memtop_heap::{Flags, Label, Name, Object, ObjectId, push};

use super::access::HeapAccess;
use super::address_index::AddressId;
use super::heap_sink::HeapSink;
use super::state::{KnownType, RECENT, Walk};
use crate::decoder::Decoder;
use crate::footprint::Blocks;
use crate::kind::ObjectKind;
use crate::layout::{container, gc_head, object as object_layout};
use crate::mapped_memory::MappedMemory;
use crate::memory::{Checked, Memory};
use crate::sink::Sink;
use crate::type_info::TypeInfo;

/// How many objects ahead memory is prefetched, in two steps.
const FAR: usize = 32;
const NEAR: usize = 16;
/// The size of an object that pymalloc may have allocated, at most.
const SMALL: u64 = 512;
/// The size up to which a trusted object is not compared with the memory that it lies in.
const UNCOMPARED: u64 = 1 << 16;
const HEAD: u64 = gc_head::SIZE as u64;

impl<'w, S: HeapAccess> Walk<'w, S> {
    /// Copies everything that was met, as long as there is memory for it.
    pub(super) fn follow(&mut self) {
        let lists = (self.facts.types.dict, self.facts.types.list);
        while self.done < self.sink.order.len() && !self.sink.builder.has_failed() {
            let at = self.done;
            let id = self.sink.order[at];
            let address = self.sink.addresses.address(id);
            if self.sink.unverified.is_empty() {
                let ahead = |distance: usize| {
                    self.sink.order.get(at + distance).map(|&id| self.sink.addresses.address(id))
                };
                self.source.prefetch(ahead(NEAR), ahead(FAR), lists);
                self.copy_trusted(id, address);
            } else {
                self.copy_verified_or_not(id, address);
            }
            self.done += 1;
        }
    }

    /// Copies an object that may be unverified.
    #[inline(never)]
    fn copy_verified_or_not(&mut self, id: AddressId, address: u64) {
        if self.sink.unverified.contains(&address) {
            return self.copy_unverified(address);
        }
        let certain = |distance: usize| {
            let id = *self.sink.order.get(self.done + distance)?;
            Some(self.sink.addresses.address(id)).filter(|address| !self.sink.unverified.contains(address))
        };
        let lists = (self.facts.types.dict, self.facts.types.list);
        self.source.prefetch(certain(NEAR), certain(FAR), lists);
        self.copy_trusted(id, address);
    }

    /// Copies an object that may not be one: every read is checked, and no function of its type is called.
    /// Objects that it refers to are unverified too, unless they were met before.
    #[cold]
    fn copy_unverified(&mut self, address: u64) {
        let Some(mut decoder) = self.take_checked_decoder() else { return };
        self.sink.is_unverified = true;
        let of = self.checked.word(address + object_layout::TYPE as u64).unwrap_or(0);
        let index = self.sink.types.get(&of).copied().or_else(|| {
            let info = decoder.is_object(address).then(|| decoder.type_info(of, &mut self.sink)).flatten();
            self.add_type(of, info)
        });
        if let Some(index) = index {
            let info = &self.known[index].info;
            let in_lists = info.is_gc && (info.kind != ObjectKind::Type || decoder.is_heap_type(address));
            let is_tracked = in_lists && self.is_in_list(address);
            let flags = if is_tracked { Flags::TRACKED } else { Flags::NONE };
            self.add_checked(&mut decoder, index, address, flags);
            decoder.references(address, &self.known[index].info, None, &mut self.sink);
        }
        self.sink.is_unverified = false;
        self.checked_decoder = Some(decoder);
    }

    /// Copies an object whose type is not trusted: every read is checked, and its traverse is called only if
    /// the collector tracks the object.
    #[inline(never)]
    fn copy_untrusted(&mut self, index: usize, address: u64) {
        let Some(mut decoder) = self.take_checked_decoder() else { return };
        let info = &self.known[index].info;
        let in_lists = info.is_gc && (info.kind != ObjectKind::Type || decoder.is_heap_type(address));
        let is_tracked = in_lists && self.is_in_list(address);
        let flags = if is_tracked { Flags::TRACKED } else { Flags::NONE };
        let id = self.add_checked(&mut decoder, index, address, flags);
        self.visited.clear();
        let KnownType { info, plan, .. } = &self.known[index];
        if plan.as_ref().is_some_and(|plan| self.source.may_traverse(plan)) {
            if is_tracked
                && let Some(plan) = plan
                && let Err(error) = self.source.traverse(plan, address, &mut self.visited)
            {
                self.sink.builder.fail(error);
            }
            decoder.references(address, info, Some(&mut self.visited), &mut self.sink);
        } else {
            self.sink.is_unverified = true;
            decoder.references(address, info, None, &mut self.sink);
            self.sink.is_unverified = false;
        }
        if let Some(name) = own_name(&mut decoder, self.checked, &mut self.sink, info.kind, address) {
            self.sink.builder.check(push(&mut self.names, (id, name)));
        }
        self.checked_decoder = Some(decoder);
    }

    /// Whether an object is in a list of the collector: the next head leads back to its own.
    fn is_in_list(&self, address: u64) -> bool {
        let head = address - HEAD;
        let next = self.checked.word(head).unwrap_or(0) & !3;
        next != 0 && self.checked.word(next + 8).is_some_and(|previous| previous & !3 == head)
    }

    /// Adds an object, reading with checks.
    fn add_checked(
        &mut self,
        decoder: &mut Decoder<'w, Checked<'w, S::Memory>>,
        index: usize,
        address: u64,
        flags: Flags,
    ) -> ObjectId {
        let info = &self.known[index].info;
        let size = decoder.with_uncounted(address, info, decoder.size(address, info));
        let storage = storage_of(self.checked, info, address);
        let size = if size <= SMALL { size } else { self.checked_size(size, index, address, storage) };
        let (refcount, immortal) = self.sink.counted(self.checked.word(address).unwrap_or(0));
        let mut flags = if immortal { flags | Flags::IMMORTAL } else { flags };
        let known = &self.known[index];
        if known.is_leaf {
            flags = flags.with_tag(decoder.tag(address, known.tag, self.secret));
        }
        let id = self.sink.builder.add_object(Object { address, ty: known.id, size, refcount, flags });
        self.sink.current = id;
        if size >= known.buffers_from {
            self.buffers.read(decoder, &known.info, id, address, &mut self.sink.builder);
        }
        id
    }

    /// The size of a large object. One that is larger than the memory that it lies in, or than that of its `storage`, is
    /// damaged: it is counted as such, and gets the size of its own struct.
    #[inline(never)]
    fn checked_size(&mut self, size: u64, index: usize, address: u64, storage: Option<u64>) -> u64 {
        let info = &self.known[index].info;
        let mut fits = fits(&self.mapped, info, size, address, storage);
        if !fits && !self.is_mapped_current {
            self.is_mapped_current = true;
            if let Some(now) = self.source.mapped() {
                fits = self::fits(&now, info, size, address, storage);
                self.mapped = Cow::Owned(now);
            }
        }
        if fits {
            return size;
        }
        self.damaged += 1;
        let basic = info.basic_size;
        if basic <= self.mapped.bytes_from(address) { basic } else { 0 }
    }

    #[inline(always)]
    fn copy_trusted(&mut self, id: AddressId, address: u64) {
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
            return self.copy_untrusted(index, address);
        }
        let mut size = match &known.plan {
            Some(plan) => self.source.size(plan, &known.info, address, &mut self.decoder),
            None => known.info.basic_size,
        };
        if known.has_uncounted {
            size = self.decoder.with_uncounted(address, &known.info, size);
        }
        if size > UNCOMPARED {
            let storage = storage_of(self.memory, &known.info, address);
            size = self.checked_size(size, index, address, storage);
        }
        let known = &self.known[index];
        let (refcount, immortal) = self.sink.refcount(address);
        let mut flags = if immortal { Flags::IMMORTAL } else { Flags::NONE };
        if known.is_leaf {
            let flags = flags.with_tag(self.decoder.tag(address, known.tag, self.secret));
            let object = Object { address, ty: known.id, size, refcount, flags };
            let object = self.sink.builder.add_object(object);
            if size >= known.buffers_from {
                self.buffers.read(&self.decoder, &known.info, object, address, &mut self.sink.builder);
            }
            return;
        }
        let in_lists =
            known.info.is_gc && (known.info.kind != ObjectKind::Type || self.decoder.is_heap_type(address));
        if in_lists && self.memory.word(address - HEAD).is_some_and(|next| next != 0) {
            flags = flags | Flags::TRACKED;
        }
        let object = self.sink.builder.add_object(Object { address, ty: known.id, size, refcount, flags });
        self.sink.current = object;
        if size >= known.buffers_from {
            self.buffers.read(&self.decoder, &known.info, object, address, &mut self.sink.builder);
        }
        if known.info.complete {
            self.decoder.references(address, &known.info, None, &mut self.sink);
        } else {
            self.visited.clear();
            if S::HAS_TRAVERSE
                && in_lists
                && let Some(plan) = &known.plan
                && let Err(error) = self.source.traverse(plan, address, &mut self.visited)
            {
                return self.sink.builder.fail(error);
            }
            let visited = S::HAS_TRAVERSE.then_some(&mut self.visited);
            self.decoder.references(address, &known.info, visited, &mut self.sink);
            self.details(index, object, address);
        }
        if self.known[index].is_own {
            self.sink.builder.check(push(&mut self.own, id));
        }
    }

    /// Records what objects of some types have beside references: limits, names, namespaces.
    #[inline]
    fn details(&mut self, index: usize, id: ObjectId, address: u64) {
        let memory = self.memory;
        let known = &self.known[index];
        if let Some(offset) = known.limit
            && let Some(limit) = memory.word(address + offset)
            && (limit as i64) >= 0
        {
            self.sink.builder.check(push(&mut self.limits, (id, limit)));
        }
        let kind = known.info.kind;
        if let Some(name) = own_name(&mut self.decoder, memory, &mut self.sink, kind, address) {
            self.sink.builder.check(push(&mut self.names, (id, name)));
        }
        if kind == ObjectKind::Type
            && !self.decoder.is_heap_type(address)
            && let Some(&dict) = self.facts.static_namespaces.get(&address)
        {
            self.sink.reference(dict, Label::DICT);
        }
    }
}

/// The address of the storage of an object, if it is one block and its place is known.
fn storage_of(memory: &impl Memory, info: &TypeInfo, address: u64) -> Option<u64> {
    let offset = match info.kind {
        ObjectKind::List => container::LIST_ITEMS,
        ObjectKind::Dict | ObjectKind::DictAndMore => container::DICT_KEYS,
        ObjectKind::Set => container::SET_TABLE,
        _ => return None,
    };
    memory.word(address + offset as u64)
}

/// Whether an object may have this size, by the memory that is mapped where it lies.
fn fits(mapped: &MappedMemory, info: &TypeInfo, size: u64, address: u64, storage: Option<u64>) -> bool {
    /// More than all blocks of an object take beside its own and the largest.
    const OTHERS: u64 = 4096;
    let head = info.sizing.header;
    match (info.footprint.blocks, storage) {
        (Blocks::One { .. }, _) => size.saturating_sub(head) <= mapped.bytes_from(address),
        (Blocks::Two { own, .. }, Some(storage)) => {
            let rest = size.saturating_sub(own);
            rest <= OTHERS || rest - OTHERS <= mapped.bytes_from(storage)
        }
        _ => size <= mapped.bytes(),
    }
}

/// The name of a function, module or type; `None` for other kinds.
fn own_name<M: Memory, N: Memory>(
    decoder: &mut Decoder<'_, M>,
    memory: &M,
    sink: &mut HeapSink<'_, N>,
    kind: ObjectKind,
    address: u64,
) -> Option<Name> {
    let (module, qualname) = match kind {
        ObjectKind::Function => decoder.names_of_function(address),
        ObjectKind::Module => (0, decoder.value_of(memory.word(address + 16).unwrap_or(0), "__name__")?),
        ObjectKind::Type => {
            let (module, qualname) = decoder.name_of_type(address)?;
            return Some(Name {
                module: sink.builder.string(&module),
                qualname: sink.builder.string(&qualname),
            });
        }
        _ => return None,
    };
    let mut text = |at: u64| {
        let known = decoder.is_string(at).then(|| decoder.text(at, sink)).flatten();
        known.unwrap_or_else(|| sink.builder.string(""))
    };
    Some(Name { module: text(module), qualname: text(qualname) })
}
