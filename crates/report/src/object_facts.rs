//! What is known of one object beside the paths to it: what it retains, and what alone keeps it alive.

use memtop_analyze::{Dominator, Path, Retained, ShortestPaths, path_to};
use memtop_heap::{Heap, ObjectId};

/// What one object retains, and what alone keeps it alive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectFacts {
    /// What it retains, in bytes; none if no root reaches it or it was not asked.
    pub retained: Option<u64>,
    /// The path to its immediate dominator: without that one, it would be freed. None if several keep it.
    pub dominator: Option<Path>,
}

impl ObjectFacts {
    /// What is known of `id`.
    #[must_use]
    pub fn of(heap: &Heap, retained: &Retained, shortest: &ShortestPaths, id: ObjectId) -> Self {
        let dominator = match retained.dominators().of(id) {
            Dominator::Object(above) => path_to(heap, shortest, above),
            Dominator::Root | Dominator::Unreached => None,
        };
        Self { retained: retained.of(id), dominator }
    }
}
