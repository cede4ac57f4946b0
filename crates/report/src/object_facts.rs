//! The facts about one object beside the paths to it: its retained size and its immediate dominator.

use memtop_analyze::{Dominator, Path, Retained, ShortestPaths, path_to};
use memtop_heap::{Heap, ObjectId};

/// The retained size and the immediate dominator of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectFacts {
    /// Its retained size in bytes; none if no root reaches it or it was not computed.
    pub retained: Option<u64>,
    /// The path to its immediate dominator, without which it would be freed. None if several objects hold it.
    pub dominator: Option<Path>,
}

impl ObjectFacts {
    /// The facts about `id`.
    #[must_use]
    pub fn of(heap: &Heap, retained: &Retained, shortest: &ShortestPaths, id: ObjectId) -> Self {
        let dominator = match retained.dominators().of(id) {
            Dominator::Object(above) => path_to(heap, shortest, above),
            Dominator::Root | Dominator::Unreached => None,
        };
        Self { retained: retained.of(id), dominator }
    }
}
