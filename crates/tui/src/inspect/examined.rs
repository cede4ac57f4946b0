//! A heap with its retained sizes, and the parts that details are made of.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use memtop_analyze::{Costs, Retained, ShortestPaths, path_to};
use memtop_heap::{Flags, Heap, ObjectId, TypeId};

use super::details::{DetailRow, Section, Subject};

/// The most types that are listed by what is retained.
pub(super) const MOST_TYPES: usize = 10;
/// The most examples that are listed.
pub(super) const MOST_EXAMPLES: usize = 8;

/// A heap with results that several questions need.
#[derive(Debug)]
pub struct Examined {
    /// The heap.
    pub heap: Arc<Heap>,
    /// Its retained sizes.
    pub retained: Retained,
    /// The number of the capture.
    pub number: u64,
    shortest: OnceCell<ShortestPaths>,
}

impl Examined {
    /// Computes the retained sizes of a heap, in linear time.
    #[must_use]
    pub fn new(heap: Arc<Heap>, number: u64) -> Self {
        let retained = Retained::new(&heap);
        Self { heap, retained, number, shortest: OnceCell::new() }
    }

    /// Returns the shortest paths, computed when first used.
    pub(super) fn shortest(&self) -> &ShortestPaths {
        self.shortest.get_or_init(|| ShortestPaths::new(&self.heap, &Costs::default()))
    }

    /// Returns all objects except garbage and mem_top's own.
    pub(super) fn counted(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let objects = self.heap.objects();
        objects.ids().filter(|&id| !objects.flags(id).intersects(Flags::OWN | Flags::GARBAGE))
    }

    /// Returns the type of an object, followed by its own name if it has one.
    pub(super) fn describe(&self, id: ObjectId) -> String {
        let type_name = self.heap.type_name(id);
        match self.heap.objects().name(id) {
            Some(name) => format!("{type_name} {}", self.heap.text(name.qualname)),
            None => type_name.to_owned(),
        }
    }

    /// Returns the link to an object.
    pub(super) fn link(&self, id: ObjectId) -> Subject {
        Subject::Object(self.heap.objects().address(id))
    }

    /// Returns a section that adds objects up by type, the largest first.
    pub(super) fn by_type(&self, heading: &str, ids: impl Iterator<Item = ObjectId>) -> Section {
        let mut sums: HashMap<TypeId, (u64, u64)> = HashMap::new();
        for id in ids {
            let sum = sums.entry(self.heap.objects().type_of(id)).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(self.retained.of(id).unwrap_or(0)));
        }
        let mut sums: Vec<(TypeId, (u64, u64))> = sums.into_iter().collect();
        sums.sort_by_key(|&(ty, (count, bytes))| (Reverse(bytes), Reverse(count), ty));
        let more = sums.len().saturating_sub(MOST_TYPES);
        let nothing = sums.is_empty();
        let rows = sums.into_iter().take(MOST_TYPES).map(|(ty, (count, bytes))| DetailRow {
            objects: Some(count),
            bytes: Some(bytes),
            text: self.heap.types().name(ty).to_owned(),
            link: Some(Subject::Type(self.key_of(ty))),
        });
        let note = match (nothing, more) {
            (true, _) => Some("nothing else would be freed".to_owned()),
            (_, 0) => None,
            (_, more) => Some(format!("{} more types", memtop_report::grouped(more as u64))),
        };
        Section { heading: heading.to_owned(), unit: "retained", rows: rows.collect(), note }
    }

    /// Returns the key of a type, equal to that of the table of types.
    pub(super) fn key_of(&self, ty: TypeId) -> Arc<str> {
        let name = self.heap.types().name(ty);
        let nth = self
            .heap
            .types()
            .iter()
            .filter(|&(other, _)| other < ty && self.heap.types().name(other) == name);
        match nth.count() {
            0 => name.into(),
            nth => format!("{name}\0{nth}").into(),
        }
    }

    /// Returns a section of the objects that retain most, with their paths.
    pub(super) fn examples(&self, heading: &str, mut ids: Vec<ObjectId>) -> Section {
        let value = |&id: &ObjectId| (Reverse(self.retained.of(id).unwrap_or(0)), id);
        let more = ids.len().saturating_sub(MOST_EXAMPLES);
        if more > 0 {
            ids.select_nth_unstable_by_key(MOST_EXAMPLES - 1, value);
            ids.truncate(MOST_EXAMPLES);
        }
        ids.sort_by_key(value);
        let rows = ids.into_iter().map(|id| {
            let path = path_to(&self.heap, self.shortest(), id);
            let path = path.map_or_else(|| "not reachable from a root".to_owned(), |path| path.to_string());
            DetailRow {
                objects: None,
                bytes: self.retained.of(id),
                text: format!("{path}  {} at {:#x}", self.describe(id), self.heap.objects().address(id)),
                link: Some(self.link(id)),
            }
        });
        let rows: Vec<DetailRow> = rows.collect();
        Section { heading: heading.to_owned(), unit: "retained", rows, note: None }
    }

    /// Returns the link to the type called `name`.
    pub(super) fn type_named(&self, name: &str) -> Option<Subject> {
        let ty = self.heap.types().find(name).into_iter().next()?;
        Some(Subject::Type(self.key_of(ty)))
    }
}
