//! Makes a heap of what a walk found: replaces addresses by object ids and resolves uncertain references. The process runs
//! on meanwhile.

use std::time::Instant;

use memtop_heap::{CaptureInfo, Flags, Heap, HeapBuilder, HeapError, LabelKind, ObjectId, push};
use rustc_hash::FxHashMap;

use super::access::HeapAccess;
use super::address_index::AddressId;
use super::result::{UncertainReference, WalkResult};
use super::state::Walk;

impl<S: HeapAccess> Walk<'_, S> {
    /// Ends the walk.
    pub(super) fn finish(mut self) -> WalkResult {
        let late = std::mem::take(&mut self.copy.late);
        let mut namespaces = Vec::new();
        for dict in late {
            if self.copy.builder.has_failed() {
                break;
            }
            let labels = self.decoder.namespace_labels(dict, &mut self.copy);
            if let Some(place) = self.copy.id(dict) {
                namespaces.push((place, labels));
            }
        }
        let types = self.known.iter().filter_map(|known| {
            self.copy.addresses.known_id(known.info.address).map(|place| (known.id, place))
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
            addresses: self.copy.addresses,
            order: self.copy.order,
            roots: self.roots,
            types,
            names: self.names,
            limits: self.limits,
            own: self.own,
            variables: self.copy.variables,
            namespaces,
            uncertain: self.copy.uncertain,
            native: self.native,
            dangling: self.copy.dangling,
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

    /// Where the pieces of 16 KiB begin in which small objects lie.
    pub fn pools(&self) -> impl Iterator<Item = u64> + '_ {
        self.addresses.pools()
    }

    /// Buffers outside of objects that no object's size has in it: where, and how many bytes.
    #[must_use]
    pub fn buffers(&self) -> &[(u64, u64)] {
        &self.native
    }

    /// Makes the heap, with what `info` says of the capture, which began at `start`. O(objects + references).
    ///
    /// # Errors
    /// If there are more objects or references than a heap can have, or the memory for it could not be had: of the
    /// walk or here.
    pub fn into_heap(self, info: CaptureInfo, start: Instant) -> Result<Heap, HeapError> {
        let Self {
            mut builder,
            addresses,
            order,
            roots,
            types,
            names,
            limits,
            own,
            variables,
            namespaces,
            uncertain,
            native: _,
            dangling,
            damaged,
            notes,
        } = self;
        if builder.has_failed() {
            return builder.finish_with_accounts().map(|(heap, _)| heap);
        }
        let finder = addresses.into_ranks(&order)?;
        drop(order);
        let object = |place: AddressId| finder.row(place).map(ObjectId::from_index);
        // Whatever is referred to was met.
        let met = |stand_in: ObjectId| object(AddressId(stand_in.raw())).unwrap_or(ObjectId::from_index(0));
        builder.map_targets(met);
        resolve_uncertain(&mut builder, &uncertain)?;
        for mut root in roots {
            root.object = met(root.object);
            builder.add_root(root);
        }
        for (ty, place) in types {
            if let Some(object) = object(place) {
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
        // A cell that no reference leads to is in no heap: memory was damaged, or changed while it was read.
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
        drop(finder);
        let taken = builder.info_mut();
        *taken = info;
        taken.dangling = dangling;
        taken.damaged = damaged;
        taken.notes.extend(notes);
        taken.duration = Some(start.elapsed().as_nanos() as u64);
        builder.finish_with_accounts().map(|(heap, _)| heap)
    }
}

/// Words that may be references are taken for some where the reference count of what they lead to is not explained
/// without them; the others are taken out.
fn resolve_uncertain(builder: &mut HeapBuilder, uncertain: &[UncertainReference]) -> Result<(), HeapError> {
    let mut open: FxHashMap<ObjectId, i64> = FxHashMap::default();
    let bytes = (uncertain.len() * size_of::<(ObjectId, i64)>()) as u64;
    open.try_reserve(uncertain.len()).map_err(|_| HeapError::OutOfMemory { bytes })?;
    for word in uncertain {
        open.insert(builder.targets()[word.place], 0);
    }
    if open.is_empty() {
        return Ok(());
    }
    for to in builder.targets() {
        if let Some(found) = open.get_mut(to) {
            *found += 1;
        }
    }
    for word in uncertain {
        if let Some(found) = open.get_mut(&builder.targets()[word.place]) {
            *found -= 1;
        }
    }
    let mut refused = Vec::new();
    for word in uncertain {
        let found = open.get_mut(&builder.targets()[word.place]).expect("it was counted above");
        if *found < i64::from(word.refcount) {
            *found += 1;
        } else {
            push(&mut refused, word.place)?;
        }
    }
    builder.remove_references(&refused);
    Ok(())
}
