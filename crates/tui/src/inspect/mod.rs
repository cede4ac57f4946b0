//! The details that Enter shows: what keeps a type, an object or a holder alive, what it retains, and examples.
//!
//! The answers are those of the `analyze` crate, as rows that lead to further details.
//!
//! Invariant: pure, and the details do not refer to the heap. Texts are as they are in the heap; drawing escapes them.

mod details;
mod examined;
mod holder;

use std::sync::Arc;

use memtop_analyze::{
    Costs, Dominator, DominatorTree, PathOptions, Suspect, path_to, paths_to_object, paths_to_types,
};
use memtop_heap::{Flags, ObjectId, TypeId};
use memtop_report::{bytes, grouped};

use crate::observe::split_key;

pub use details::{DetailRow, Details, Section, Subject};
pub use examined::Examined;

/// The most paths that are listed.
const MOST_PATHS: usize = 12;

impl Examined {
    /// Returns the details of `subject`, in linear time; none if it is not in the heap. `suspects` are those of the
    /// capture.
    #[must_use]
    pub fn details(&self, subject: &Subject, suspects: &[Suspect]) -> Option<Details> {
        match subject {
            Subject::Type(key) => self.of_type(key),
            Subject::Object(address) => self.of_object(*address),
            Subject::Holder(fingerprint) => suspects
                .iter()
                .find(|suspect| *suspect.fingerprint == **fingerprint)
                .map(|suspect| holder::details(self, suspect)),
        }
    }

    /// Returns the type with a key, if there is one.
    fn types(&self, key: &str) -> Vec<TypeId> {
        let (name, nth) = split_key(key);
        let types = self.heap.types();
        let named: Vec<TypeId> =
            types.iter().map(|(ty, _)| ty).filter(|&ty| types.name(ty) == name).collect();
        // Keys count only the types that have objects.
        let with_objects: Vec<TypeId> = match named.len() {
            0 | 1 => named,
            _ => named
                .into_iter()
                .filter(|&ty| self.counted().any(|id| self.heap.objects().type_of(id) == ty))
                .collect(),
        };
        with_objects.get(nth).map_or_else(Vec::new, |&ty| vec![ty])
    }

    fn of_type(&self, key: &Arc<str>) -> Option<Details> {
        let (heap, objects) = (&*self.heap, self.heap.objects());
        let types = self.types(key);
        let ty = *types.first()?;
        let all: Vec<ObjectId> = self.counted().filter(|&id| objects.type_of(id) == ty).collect();
        let shallow: u64 = all.iter().fold(0, |sum: u64, &id| sum.saturating_add(objects.size(id)));
        let paths = paths_to_types(heap, self.shortest(), &types, &PathOptions { limit: MOST_PATHS });
        let ways = paths.clusters.iter().map(|cluster| DetailRow {
            objects: Some(cluster.objects),
            bytes: Some(cluster.bytes),
            text: cluster.path.to_string(),
            link: Some(Subject::Object(objects.address(cluster.example))),
        });
        let mut notes = Vec::new();
        for (count, what) in [
            (paths.omitted as u64, "more paths"),
            (paths.unreached, "not reachable from a root"),
            (paths.garbage, "more await the collector: garbage, not a leak"),
        ] {
            if count > 0 {
                notes.push(format!("{} {what}", grouped(count)));
            }
        }
        let ways = Section {
            heading: "What keeps them alive".to_owned(),
            unit: "shallow",
            rows: ways.collect(),
            note: (!notes.is_empty()).then(|| notes.join(" · ")),
        };
        let tree = DominatorTree::new(self.retained.dominators());
        let below = all.iter().flat_map(|&id| tree.children(id)).filter(|&id| objects.type_of(id) != ty);
        let kept = self.by_type("What they retain", below);
        Some(Details {
            subject: Subject::Type(Arc::clone(key)),
            title: heap.types().name(ty).to_owned(),
            capture: self.number,
            facts: vec![
                ("objects", grouped(all.len() as u64)),
                ("shallow", bytes(shallow)),
                ("retained", bytes(self.retained.by_type(heap)[ty.index()])),
            ],
            sentences: Vec::new(),
            sections: vec![ways, kept, self.examples("Largest examples", all)],
        })
    }

    fn of_object(&self, address: u64) -> Option<Details> {
        let (heap, objects) = (&*self.heap, self.heap.objects());
        let id = objects.at_address(address)?;
        let paths =
            paths_to_object(heap, self.shortest(), &Costs::default(), id, &PathOptions { limit: MOST_PATHS });
        let ways = paths.paths.iter().map(|path| DetailRow {
            text: path.to_string(),
            link: path.steps.iter().rev().nth(1).and_then(|step| step.object).map(|id| self.link(id)),
            ..DetailRow::default()
        });
        let note = match (paths.garbage, paths.paths.is_empty(), paths.omitted) {
            (true, ..) => {
                Some("nothing holds it: it is garbage that awaits the collector, not a leak".to_owned())
            }
            (_, true, _) => Some("not reachable from any known root".to_owned()),
            (.., 0) => None,
            (.., more) => Some(format!("{} more paths", grouped(more as u64))),
        };
        let mut sections = vec![Section {
            heading: "Each of these keeps it alive".to_owned(),
            unit: "",
            rows: ways.collect(),
            note,
        }];
        if let Dominator::Object(above) = self.retained.dominators().of(id)
            && let Some(path) = path_to(heap, self.shortest(), above)
        {
            sections.push(Section {
                heading: "Without this object it would be freed".to_owned(),
                unit: "retained",
                rows: vec![DetailRow {
                    objects: None,
                    bytes: self.retained.of(above),
                    text: format!("{path} ({})", heap.type_name(above)),
                    link: Some(self.link(above)),
                }],
                note: None,
            });
        }
        let tree = DominatorTree::new(self.retained.dominators());
        sections.push(self.by_type("What it retains, by type", tree.children(id)));
        sections.push(self.examples("What it retains, largest first", tree.children(id).collect()));
        let mut facts = vec![
            ("address", format!("{address:#x}")),
            ("shallow", bytes(objects.size(id))),
            ("retained", self.retained.of(id).map_or_else(|| "unknown".to_owned(), bytes)),
            ("references", grouped(heap.references().count_of(id) as u64)),
        ];
        if !objects.flags(id).contains(Flags::IMMORTAL) {
            facts.push(("refcount", grouped(u64::from(objects.refcount(id)))));
        }
        Some(Details {
            subject: Subject::Object(address),
            title: self.describe(id),
            capture: self.number,
            facts,
            sentences: Vec::new(),
            sections,
        })
    }
}
