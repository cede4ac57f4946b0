//! Builds a heap row by row.
//!
//! Rows may come in any order. References that come grouped by the object that holds them, in the order of the objects,
//! cost nothing to finish. Others are sorted once, which keeps the order of those of one object.
//!
//! Invariant: no handle is checked while rows are added (a capture adds them while the process is paused); `finish`
//! checks every handle, so that a finished heap has only valid ones. Rows that do not fit into a table or into memory
//! are dropped, and `finish` then fails.
//!
//! The file is long because the builder has one short method for each kind of row.

mod sizes;

use crate::accounts::{Accounts, settle_accounts};
use crate::budget::{Budget, filled, push};
use crate::error::HeapError;
use crate::handles::{FrameId, NONE, ObjectId, RootId, StringId, TypeId};
use crate::heap::Heap;
use crate::info::CaptureInfo;
use crate::label::Label;
use crate::objects::{Flags, Name, Object, Objects};
use crate::references::{Reference, References};
use crate::roots::{Frame, Root, RootKind, Roots};
use crate::strings::{Interner, Strings};
use crate::types::{Type, TypeRecord, Types, shown_name};

/// References of one object that were added one after another.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: ObjectId,
    start: u32,
}

/// Builds a [`Heap`]; see the crate for an example.
#[derive(Debug, Clone)]
pub struct HeapBuilder {
    info: CaptureInfo,
    interner: Interner,
    types: Vec<TypeRecord>,
    objects: Objects,
    runs: Vec<Run>,
    targets: Vec<ObjectId>,
    labels: Vec<Label>,
    roots: Roots,
    overflow: Option<HeapError>,
    budget: Budget,
    /// The numbers of objects and references that fit into all columns.
    object_capacity: usize,
    reference_capacity: usize,
}

impl HeapBuilder {
    /// A builder with no rows.
    #[must_use]
    pub fn new(info: CaptureInfo) -> Self {
        Self {
            info,
            interner: Interner::default(),
            types: Vec::new(),
            objects: Objects::default(),
            runs: Vec::new(),
            targets: Vec::new(),
            labels: Vec::new(),
            roots: Roots::default(),
            overflow: None,
            budget: Budget::default(),
            object_capacity: 0,
            reference_capacity: 0,
        }
    }

    /// The memory that the builder may still take for the columns that grow with the heap.
    pub fn budget_mut(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// True if rows were dropped, so that [`HeapBuilder::finish`] will fail.
    #[must_use]
    #[inline]
    pub fn has_failed(&self) -> bool {
        self.overflow.is_some()
    }

    /// Makes [`HeapBuilder::finish`] fail with this error.
    #[cold]
    pub fn fail(&mut self, error: HeapError) {
        self.overflow.get_or_insert(error);
    }

    /// Reserves memory for so many rows, so that adding them moves nothing.
    pub fn reserve(&mut self, objects: usize, references: usize) {
        let done = self.grow_objects(objects).and_then(|()| self.grow_references(references));
        let done = done.and_then(|()| self.budget.grow(&mut self.runs, objects));
        self.check(done);
    }

    /// Reserves memory for so many rows and faults it in (see [`preallocate`]), so that adding them neither
    /// moves anything nor waits: for a capture that pauses a process.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn prepare(
        &mut self,
        objects: usize,
        references: usize,
        populate: &impl Fn(usize, usize) -> bool,
    ) -> Result<(), HeapError> {
        let (objects, references) = (objects.min(ObjectId::MAX_ROWS), references.min(NONE as usize));
        let budget = &mut self.budget;
        let columns = &mut self.objects;
        preallocate(&mut columns.addresses, objects, 0, budget, populate)?;
        preallocate(&mut columns.types, objects, TypeId::from_index(0), budget, populate)?;
        preallocate(&mut columns.sizes, objects, 0, budget, populate)?;
        preallocate(&mut columns.refcounts, objects, 0, budget, populate)?;
        preallocate(&mut columns.flags, objects, Flags::NONE, budget, populate)?;
        let run = Run { from: ObjectId::from_index(0), start: 0 };
        preallocate(&mut self.runs, objects / 2, run, budget, populate)?;
        preallocate(&mut self.targets, references, ObjectId::from_index(0), budget, populate)?;
        preallocate(&mut self.labels, references, Label::UNLABELLED, budget, populate)?;
        self.object_capacity = self.objects.len() + objects;
        self.reference_capacity = self.targets.len() + references;
        Ok(())
    }

    /// Reserves memory for more objects.
    #[cold]
    fn grow_objects(&mut self, more: usize) -> Result<(), HeapError> {
        let count = self.objects.len();
        if count >= ObjectId::MAX_ROWS {
            return Err(HeapError::TooMany { table: "objects", limit: ObjectId::MAX_ROWS as u64 });
        }
        let (budget, columns) = (&mut self.budget, &mut self.objects);
        let more = more.max(count / 4).max(64);
        budget.grow(&mut columns.addresses, more)?;
        budget.grow(&mut columns.types, more)?;
        budget.grow(&mut columns.sizes, more)?;
        budget.grow(&mut columns.refcounts, more)?;
        budget.grow(&mut columns.flags, more)?;
        self.object_capacity = (count + more).min(ObjectId::MAX_ROWS);
        Ok(())
    }

    /// Reserves memory for more references.
    #[cold]
    fn grow_references(&mut self, more: usize) -> Result<(), HeapError> {
        let count = self.targets.len();
        if count >= NONE as usize {
            return Err(HeapError::TooMany { table: "references", limit: u64::from(NONE) });
        }
        let more = more.max(count / 4).max(64);
        self.budget.grow(&mut self.targets, more)?;
        self.budget.grow(&mut self.labels, more)?;
        self.reference_capacity = (count + more).min(NONE as usize);
        Ok(())
    }

    /// The information about the capture, to be completed.
    pub fn info_mut(&mut self) -> &mut CaptureInfo {
        &mut self.info
    }

    /// Makes [`HeapBuilder::finish`] fail if `done` is an error.
    #[inline]
    pub fn check(&mut self, done: Result<(), HeapError>) {
        if let Err(error) = done {
            self.fail(error);
        }
    }

    /// The number of objects added so far.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.objects.len()
    }

    /// The handle of a text, for names and labels.
    pub fn string(&mut self, text: &str) -> StringId {
        self.interner.intern(text)
    }

    /// The text of a handle that this builder returned.
    #[must_use]
    pub fn text(&self, id: StringId) -> &str {
        self.interner.strings().get(id)
    }

    /// Adds a type. Types of the same name remain different types.
    pub fn add_type(&mut self, ty: Type<'_>) -> TypeId {
        let name = self.interner.intern(&shown_name(&ty.module, &ty.qualname));
        let module = self.interner.intern(&ty.module);
        let qualname = self.interner.intern(&ty.qualname);
        self.types.push(TypeRecord::new(&ty, module, qualname, name));
        TypeId::from_index(self.types.len() - 1)
    }

    /// The texts of all handles that this builder returned.
    #[must_use]
    pub fn strings(&self) -> &Strings {
        self.interner.strings()
    }

    /// The type of an object that was added.
    ///
    /// # Panics
    /// If the object is not one of this builder's.
    #[must_use]
    pub fn type_of(&self, id: ObjectId) -> TypeId {
        self.objects.types[id.index()]
    }

    /// Sets the object that a type is.
    ///
    /// # Panics
    /// If the type is not one of this builder's.
    pub fn set_type_object(&mut self, ty: TypeId, object: ObjectId) {
        self.types[ty.index()].set_object(object);
    }

    /// Adds an object. Objects beyond 2^32 - 1 are dropped, and `finish` then fails.
    #[inline]
    pub fn add_object(&mut self, object: Object) -> ObjectId {
        let index = self.objects.len();
        if index >= self.object_capacity
            && let Err(error) = self.grow_objects(1)
        {
            self.fail(error);
            return ObjectId::from_index(0);
        }
        let id = ObjectId::from_index(index);
        self.objects.addresses.push(object.address);
        self.objects.types.push(object.ty);
        if object.size >= u64::from(u32::MAX) {
            self.objects.large.push((id, object.size));
        }
        self.objects.sizes.push(u32::try_from(object.size).unwrap_or(u32::MAX));
        self.objects.refcounts.push(object.refcount);
        self.objects.flags.push(object.flags);
        id
    }

    /// Sets the reference count of an object that was added.
    ///
    /// # Panics
    /// If the object is not one of this builder's.
    pub fn set_refcount(&mut self, id: ObjectId, refcount: u32) {
        self.objects.refcounts[id.index()] = refcount;
    }

    /// The flags of an object that was added.
    ///
    /// # Panics
    /// If the object is not one of this builder's.
    #[must_use]
    pub fn flags(&self, id: ObjectId) -> Flags {
        self.objects.flags[id.index()]
    }

    /// Adds flags to those of an object.
    ///
    /// # Panics
    /// If the object is not one of this builder's.
    pub fn add_flags(&mut self, id: ObjectId, flags: Flags) {
        let known = &mut self.objects.flags[id.index()];
        *known = known.with(flags);
    }

    /// Sets the name of a module, class, function or code object; the last name counts.
    pub fn set_name(&mut self, id: ObjectId, name: Name) {
        let done = push(&mut self.objects.names, (id, name));
        self.check(done);
    }

    /// Sets the most items that an object allows itself to hold; the last limit counts.
    pub fn set_limit(&mut self, id: ObjectId, limit: u64) {
        let done = push(&mut self.objects.limits, (id, limit));
        self.check(done);
    }

    /// Adds a reference. References beyond 2^32 - 1 are dropped, and `finish` then fails.
    #[inline]
    pub fn add_reference(&mut self, from: ObjectId, to: ObjectId, label: Label) {
        let start = self.targets.len();
        if start >= self.reference_capacity
            && let Err(error) = self.grow_references(1)
        {
            return self.fail(error);
        }
        if self.runs.last().is_none_or(|run| run.from != from)
            && let Err(error) = push(&mut self.runs, Run { from, start: start as u32 })
        {
            return self.fail(error);
        }
        self.targets.push(to);
        self.labels.push(label);
    }

    /// Adds the references of one object.
    pub fn add_references(&mut self, from: ObjectId, references: impl IntoIterator<Item = Reference>) {
        for reference in references {
            self.add_reference(from, reference.to, reference.label);
        }
    }

    /// The number of references added so far, and so the index of the next one.
    #[must_use]
    pub fn reference_count(&self) -> usize {
        self.targets.len()
    }

    /// Replaces the target of every reference. A capture that does not yet know which object an address will be adds
    /// references to placeholders, and replaces them by objects when all are known.
    pub fn map_targets(&mut self, mut target: impl FnMut(ObjectId) -> ObjectId) {
        for to in &mut self.targets {
            *to = target(*to);
        }
    }

    /// The targets of all references, in the order in which they were added.
    #[must_use]
    pub fn targets(&self) -> &[ObjectId] {
        &self.targets
    }

    /// The references that were added, in that order: each run of references of one object, with its targets and
    /// labels. Unless they were added in the order of the objects, an object may have several runs.
    pub fn runs(&self) -> impl Iterator<Item = (ObjectId, &[ObjectId], &[Label])> {
        let ends = self.runs.iter().skip(1).map(|run| run.start as usize);
        let ends = ends.chain([self.targets.len()]);
        self.runs.iter().zip(ends).map(|(run, end)| {
            let start = run.start as usize;
            (run.from, &self.targets[start..end], &self.labels[start..end])
        })
    }

    /// Replaces the labels of an object's references. The references must have been added in the order of the objects;
    /// otherwise, nothing may be changed. Logarithmic in the objects.
    pub fn relabel(&mut self, from: ObjectId, mut label: impl FnMut(usize, Label) -> Label) {
        if let Ok(place) = self.runs.binary_search_by_key(&from, |run| run.from) {
            let end = self.runs.get(place + 1).map_or(self.targets.len(), |run| run.start as usize);
            let labels = &mut self.labels[self.runs[place].start as usize..end];
            for (index, known) in labels.iter_mut().enumerate() {
                *known = label(index, *known);
            }
        }
    }

    /// Removes the references at these indexes, which ascend. Linear in the references.
    pub fn remove_references(&mut self, indexes: &[usize]) {
        let Some(&first) = indexes.first() else { return };
        let mut kept = first;
        let mut gone = indexes.iter().copied().peekable();
        let mut runs = self.runs.iter_mut().skip_while(|run| (run.start as usize) <= first).peekable();
        for place in first..self.targets.len() {
            while let Some(run) = runs.next_if(|run| run.start as usize == place) {
                run.start = kept as u32;
            }
            if gone.next_if_eq(&place).is_none() {
                self.targets[kept] = self.targets[place];
                self.labels[kept] = self.labels[place];
                kept += 1;
            }
        }
        self.targets.truncate(kept);
        self.labels.truncate(kept);
    }

    /// Adds a running frame that roots can belong to.
    pub fn add_frame(&mut self, frame: Frame) -> FrameId {
        let done = push(&mut self.roots.frames, frame);
        if done.is_err() {
            self.check(done);
            return FrameId::from_index(0);
        }
        FrameId::from_index(self.roots.frames.len() - 1)
    }

    /// Adds a root.
    pub fn add_root(&mut self, root: Root) -> RootId {
        let done = push(&mut self.roots.rows, root);
        if done.is_err() {
            self.check(done);
            return RootId::from_index(0);
        }
        RootId::from_index(self.roots.rows.len() - 1)
    }

    /// Returns the heap.
    ///
    /// Linear; sorts the references if those of one object were not added together.
    ///
    /// # Errors
    /// If a table is full, a row points to a row that does not exist, or there is not enough memory.
    pub fn finish(mut self) -> Result<Heap, HeapError> {
        if let Some(overflow) = self.overflow {
            return Err(overflow);
        }
        if self.interner.overflowed() {
            return Err(HeapError::TooMany { table: "bytes of names", limit: u64::from(u32::MAX) });
        }
        if self.interner.is_starved() {
            return Err(HeapError::OutOfMemory { bytes: self.interner.strings().memory_bytes() });
        }
        let count = self.objects.len();
        let strings = self.interner.finish();
        self.objects.shrink();
        keep_last(&mut self.objects.names);
        keep_last(&mut self.objects.limits);
        let references = compress(count, &self.runs, self.targets, self.labels)?;
        let heap = Heap {
            info: self.info,
            types: Types::new(self.types, &strings),
            strings,
            objects: self.objects,
            references,
            roots: self.roots,
        };
        check_handles(&heap)?;
        Ok(heap)
    }

    /// Returns the heap after comparing reference counts with references. Objects that only mem_top's own
    /// objects hold are flagged as own; objects with references from outside of Python get a root of the kind
    /// [`RootKind::Native`]; objects that no root reaches after that are flagged as garbage.
    ///
    /// The references must be complete, and none may be in twice, or the result is wrong: see [`accounts`].
    ///
    /// # Errors
    /// As [`HeapBuilder::finish`].
    pub fn finish_with_accounts(self) -> Result<(Heap, Accounts), HeapError> {
        self.settled(None)
    }

    /// As [`HeapBuilder::finish_with_accounts`], but counts as the collector does, which sees only references of
    /// tracked objects, and of those not the ones that are `unvisited`, each with its object and its target. An
    /// uncollectable cycle gets a root of the kind [`RootKind::Native`] for each hidden reference in it; its name is the
    /// name of the type that hides the reference.
    ///
    /// # Errors
    /// As [`HeapBuilder::finish`].
    pub fn finish_as_collected(
        self,
        mut unvisited: Vec<(ObjectId, ObjectId)>,
    ) -> Result<(Heap, Accounts), HeapError> {
        unvisited.sort_unstable();
        self.settled(Some(&unvisited))
    }

    fn settled(self, unvisited: Option<&[(ObjectId, ObjectId)]>) -> Result<(Heap, Accounts), HeapError> {
        let mut heap = self.finish()?;
        let accounts = settle_accounts(&heap, unvisited)?;
        for &object in &accounts.own {
            let flags = &mut heap.objects.flags[object.index()];
            *flags = flags.with(Flags::OWN);
        }
        let nameless = Interner::empty();
        let roots = accounts.native.len() + accounts.uncollectable.len();
        Budget::default().grow(&mut heap.roots.rows, roots)?;
        for hold in &accounts.native {
            heap.roots.rows.push(Root::new(RootKind::Native, nameless, hold.object));
        }
        for cycle in &accounts.uncollectable {
            let name = heap.types.get(heap.objects.type_of(cycle.hidden_by)).name();
            heap.roots.rows.push(Root::new(RootKind::Native, name, cycle.object));
        }
        for &object in &accounts.garbage {
            let flags = &mut heap.objects.flags[object.index()];
            *flags = flags.with(Flags::GARBAGE);
        }
        Ok((heap, accounts))
    }
}

/// Reserves memory for `count` rows and faults it in: `populate` gets the address and the bytes, and returns whether it
/// did that. If not, the memory is written once, with `row`.
///
/// # Errors
/// If there is not enough memory, or it is more than `budget` has.
pub fn preallocate<T: Clone>(
    rows: &mut Vec<T>,
    count: usize,
    row: T,
    budget: &mut Budget,
    populate: &impl Fn(usize, usize) -> bool,
) -> Result<(), HeapError> {
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    budget.take(bytes)?;
    rows.try_reserve_exact(count).map_err(|_| HeapError::OutOfMemory { bytes })?;
    let spare = rows.spare_capacity_mut();
    if !populate(spare.as_ptr().addr(), size_of_val(spare)) {
        rows.resize(count, row);
        rows.clear();
    }
    Ok(())
}

/// Sorts by object; of several rows for one object, keeps the last.
fn keep_last<T>(rows: &mut Vec<(ObjectId, T)>) {
    rows.reverse();
    rows.sort_by_key(|row| row.0);
    rows.dedup_by_key(|row| row.0);
}

/// Turns runs into compressed rows, by a counting sort that is skipped if the runs are in order.
fn compress(
    objects: usize,
    runs: &[Run],
    targets: Vec<ObjectId>,
    labels: Vec<Label>,
) -> Result<References, HeapError> {
    let end_of = |index: usize| runs.get(index + 1).map_or(targets.len(), |next| next.start as usize);
    let mut offsets = filled(objects + 1, 0_u32)?;
    let mut in_order = true;
    let mut previous = None;
    for (index, run) in runs.iter().enumerate() {
        if run.from.index() >= objects {
            return Err(dangling("a reference", "object", run.from.index(), objects));
        }
        in_order &= previous <= Some(run.from);
        previous = Some(run.from);
        offsets[run.from.index() + 1] += (end_of(index) - run.start as usize) as u32;
    }
    for index in 0..objects {
        offsets[index + 1] += offsets[index];
    }
    if in_order {
        let (mut targets, mut labels) = (targets, labels);
        targets.shrink_to_fit();
        labels.shrink_to_fit();
        return Ok(References { offsets, targets, labels });
    }
    let mut next = filled(offsets.len(), 0_u32)?;
    next.copy_from_slice(&offsets);
    let mut sorted_targets = filled(targets.len(), ObjectId::from_index(0))?;
    let mut sorted_labels = filled(labels.len(), Label::UNLABELLED)?;
    for (index, run) in runs.iter().enumerate() {
        let source = run.start as usize..end_of(index);
        let place = next[run.from.index()] as usize;
        let place = place..place + source.len();
        next[run.from.index()] += source.len() as u32;
        sorted_targets[place.clone()].copy_from_slice(&targets[source.clone()]);
        sorted_labels[place].copy_from_slice(&labels[source]);
    }
    Ok(References { offsets, targets: sorted_targets, labels: sorted_labels })
}

fn dangling(from: &'static str, table: &'static str, row: usize, rows: usize) -> HeapError {
    HeapError::Dangling { from, table, row: row as u64, rows: rows as u64 }
}

/// Checks that every handle in the heap points to a row.
fn check_handles(heap: &Heap) -> Result<(), HeapError> {
    let (objects, types, texts) = (heap.objects.len(), heap.types.len(), heap.strings.len());
    let object = |from, id: ObjectId| match id.index() < objects {
        true => Ok(()),
        false => Err(dangling(from, "object", id.index(), objects)),
    };
    let text = |from, id: StringId| match id.index() < texts {
        true => Ok(()),
        false => Err(dangling(from, "name", id.index(), texts)),
    };
    let label_of = |from, label: Label| label.text().map_or(Ok(()), |id| text(from, id));
    for row in &heap.types.rows {
        row.object().map_or(Ok(()), |id| object("a type", id))?;
    }
    for &ty in &heap.objects.types {
        if ty.index() >= types {
            return Err(dangling("an object", "type", ty.index(), types));
        }
    }
    for &(id, name) in &heap.objects.names {
        object("a name", id)?;
        text("an object", name.module)?;
        text("an object", name.qualname)?;
    }
    for &(id, _) in &heap.objects.limits {
        object("a limit", id)?;
    }
    for &to in &heap.references.targets {
        object("a reference", to)?;
    }
    for &label in &heap.references.labels {
        label_of("a label", label)?;
    }
    for frame in &heap.roots.frames {
        text("a frame", frame.thread)?;
        text("a frame", frame.function)?;
        text("a frame", frame.file)?;
    }
    for root in &heap.roots.rows {
        object("a root", root.object)?;
        text("a root", root.name)?;
        label_of("a root", root.label)?;
        if let Some(frame) = root.frame().filter(|frame| frame.index() >= heap.roots.frames.len()) {
            return Err(dangling("a root", "frame", frame.index(), heap.roots.frames.len()));
        }
    }
    Ok(())
}
