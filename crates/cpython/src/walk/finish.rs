//! Makes a heap of what a walk found: replaces addresses by object ids and resolves uncertain references. The
//! process runs on meanwhile.

use std::time::Instant;

use memtop_heap::{CaptureInfo, Flags, Heap, HeapBuilder, HeapError, LabelKind, ObjectId, TypeId, push};
use rustc_hash::FxHashMap;

use super::access::HeapAccess;
use super::address_index::AddressId;
use super::buffers::{BufferTotals, HeldBuffers, Resident};
use super::result::{UncertainReference, WalkResult};
use super::state::Walk;

impl<S: HeapAccess> Walk<'_, S> {
    /// Ends the walk.
    pub(super) fn finish(mut self) -> WalkResult {
        self.find_limits();
        let late = std::mem::take(&mut self.sink.late);
        let mut namespaces = Vec::new();
        for dict in late {
            if self.sink.builder.has_failed() {
                break;
            }
            let labels = self.decoder.namespace_labels(dict, &mut self.sink);
            if let Some(id) = self.sink.id(dict) {
                namespaces.push((id, labels));
            }
        }
        let types = self
            .known
            .iter()
            .filter_map(|known| self.sink.addresses.known_id(known.info.address).map(|id| (known.id, id)));
        let types = types.collect();
        // Types have the ids 0, 1, 2, …
        let blocks = self.known.iter().map(|known| known.info.footprint.blocks).collect();
        if self.sink.crowded {
            self.notes
                .push("the heap is spread over more than 64 GiB: objects beyond that are missing".to_owned());
        }
        if self.buffers.is_incomplete() {
            self.notes
                .push("the native memory of some objects was not read, as there are too many".to_owned());
        }
        if self.sink.probes == 0 {
            self.notes.push("not every word that may be a reference was followed".to_owned());
        }
        WalkResult {
            builder: self.sink.builder,
            addresses: self.sink.addresses,
            order: self.sink.order,
            roots: self.roots,
            types,
            blocks,
            names: self.names,
            limits: self.limits,
            own: self.own,
            variables: self.sink.variables,
            namespaces,
            uncertain: self.sink.uncertain,
            unvisited: self.sink.unvisited,
            native: self.native,
            buffers: self.buffers,
            held: Vec::new(),
            dangling: self.sink.dangling,
            damaged: self.damaged,
            notes: self.notes,
        }
    }
}

impl WalkResult {
    /// How many objects were found.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.order.len()
    }

    /// Whether an object was found at an address.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        self.addresses.known_id(address).is_some_and(|id| self.addresses.contains(id))
    }

    /// Memory of the interpreter that no object holds, each part with its address and length in bytes.
    #[must_use]
    pub fn native(&self) -> &[(u64, u64)] {
        &self.native
    }

    /// The ranges that [`count_buffers`](Self::count_buffers) added to the sizes of objects, ascending and apart.
    #[must_use]
    pub fn held(&self) -> &[(u64, u64)] {
        &self.held
    }

    /// Adds the padding of the objects' blocks to their sizes, unless that is done.
    fn add_padding(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        if !blocks.is_empty() {
            let occupied = |ty: TypeId, size| blocks.get(ty.index()).map_or(size, |of| of.occupied(size));
            self.builder.map_sizes(occupied);
        }
    }

    /// Adds the buffers that objects hold to the sizes of the objects: each byte once, as far as `resident`
    /// says that it is. To be called once. O(objects + buffers × log buffers).
    pub fn count_buffers(&mut self, resident: impl FnMut(u64, u64) -> Resident) -> BufferTotals {
        let buffers = std::mem::replace(&mut self.buffers, HeldBuffers::new(false));
        if self.builder.has_failed() {
            return BufferTotals::default();
        }
        // A size is padded as the allocator does it, before the parts that are not resident are taken from it.
        self.add_padding();
        match buffers.count(&mut self.builder, resident) {
            Ok((totals, held)) => {
                self.notes.extend(totals.note());
                self.held = held;
                totals
            }
            Err(error) => {
                self.builder.fail(error);
                BufferTotals::default()
            }
        }
    }

    /// Makes the heap. `info` describes the capture, which began at `start`. O(objects + references).
    ///
    /// # Errors
    /// If there are more objects or references than a heap can have, or if memory could not be allocated,
    /// during the walk or here.
    pub fn into_heap(mut self, info: CaptureInfo, start: Instant) -> Result<Heap, HeapError> {
        self.add_padding();
        let Self {
            mut builder,
            addresses,
            order,
            roots,
            types,
            blocks: _,
            names,
            limits,
            own,
            variables,
            namespaces,
            uncertain,
            unvisited,
            native: _,
            buffers: _,
            held: _,
            dangling,
            damaged,
            notes,
        } = self;
        if builder.has_failed() {
            return builder.finish_with_accounts().map(|(heap, _)| heap);
        }
        let ranks = addresses.into_ranks(&order)?;
        drop(order);
        let object = |id: AddressId| ranks.row(id).map(ObjectId::from_index);
        // Every target was met.
        let met = |target: ObjectId| object(AddressId(target.raw())).unwrap_or(ObjectId::from_index(0));
        builder.map_targets(met);
        let unvisited = resolve_uncertain(&mut builder, &uncertain, &unvisited)?;
        for mut root in roots {
            root.object = met(root.object);
            builder.add_root(root);
        }
        for (ty, id) in types {
            if let Some(object) = object(id) {
                builder.set_type_object(ty, object);
            }
        }
        for (id, name) in names {
            builder.set_name(id, name);
        }
        for (id, limit) in limits {
            builder.set_limit(id, limit);
        }
        for object in own.into_iter().filter_map(object) {
            builder.add_flags(object, Flags::OWN);
        }
        // A cell without a referrer is not in the heap: memory was damaged, or changed while it was read.
        for (cell, label) in variables {
            if let Some(cell) = object(cell) {
                builder.relabel(cell, |_, _| label);
            }
        }
        for (dict, labels) in namespaces {
            let Some(dict) = object(dict) else { continue };
            let mut labels = labels.into_iter();
            builder.relabel(dict, |_, known| match known.kind() {
                LabelKind::KeyObject => known,
                _ => labels.next().unwrap_or(known),
            });
        }
        drop(ranks);
        let taken = builder.info_mut();
        *taken = info;
        taken.dangling = dangling;
        taken.damaged = damaged;
        taken.notes.extend(notes);
        taken.duration = Some(start.elapsed().as_nanos() as u64);
        builder.finish_as_collected(unvisited).map(|(heap, _)| heap)
    }
}

/// Keeps uncertain references as long as their target's reference count is not explained without them, and
/// removes the others. Returns the objects and targets of the `unvisited` ones that it keeps.
fn resolve_uncertain(
    builder: &mut HeapBuilder,
    uncertain: &[UncertainReference],
    unvisited: &[(ObjectId, usize)],
) -> Result<Vec<(ObjectId, ObjectId)>, HeapError> {
    let mut open: FxHashMap<ObjectId, i64> = FxHashMap::default();
    let bytes = (uncertain.len() * size_of::<(ObjectId, i64)>()) as u64;
    open.try_reserve(uncertain.len()).map_err(|_| HeapError::OutOfMemory { bytes })?;
    for word in uncertain {
        open.insert(builder.targets()[word.index], 0);
    }
    if !open.is_empty() {
        for to in builder.targets() {
            if let Some(found) = open.get_mut(to) {
                *found += 1;
            }
        }
    }
    for word in uncertain {
        if let Some(found) = open.get_mut(&builder.targets()[word.index]) {
            *found -= 1;
        }
    }
    let mut refused = Vec::new();
    for word in uncertain {
        let found = open.get_mut(&builder.targets()[word.index]).expect("counted above");
        if *found < i64::from(word.refcount) {
            *found += 1;
        } else {
            push(&mut refused, word.index)?;
        }
    }
    // Both are in the order in which they were found.
    let mut pairs = Vec::new();
    let mut gone = refused.iter().peekable();
    for &(from, index) in unvisited {
        while gone.next_if(|&&refused| refused < index).is_some() {}
        if gone.peek() != Some(&&index) {
            push(&mut pairs, (from, builder.targets()[index]))?;
        }
    }
    builder.remove_references(&refused);
    Ok(pairs)
}
