//! Who keeps a thing alive, what it keeps, and examples of it: what Enter shows.
//!
//! The answers are those of the `analyze` crate, put into rows that can be followed further.
//!
//! Invariant: pure, and without a heap in the answer. Texts are as they are in the heap: drawing makes them harmless.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use memtop_analyze::{
    Costs, Dominator, DominatorTree, PathOptions, Retained, ShortestPaths, Suspect, path_to, paths_to_object,
    paths_to_types,
};
use memtop_heap::{Flags, Heap, ObjectId, TypeId};
use memtop_report::wording;

use crate::observe::of_key;

/// What can be looked into.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A type, by its key.
    Type(Arc<str>),
    /// An object, by its address.
    Object(u64),
    /// A place that grows, by its fingerprint.
    Holder(Arc<str>),
}

/// A row of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DetailRow {
    /// How many objects it stands for; none for one.
    pub objects: Option<u64>,
    /// How much memory.
    pub bytes: Option<u64>,
    /// What it is: a path, a type, a sentence.
    pub text: String,
    /// What Enter shows of it.
    pub link: Option<Subject>,
}

/// Rows under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// What the rows are.
    pub heading: String,
    /// What the bytes of the rows are: `shallow`, `retained`; empty if they have none.
    pub unit: &'static str,
    /// The rows.
    pub rows: Vec<DetailRow>,
    /// What is left out, or what else is to be said.
    pub note: Option<String>,
}

/// What is known of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What it is about.
    pub subject: Subject,
    /// Its name.
    pub title: String,
    /// The capture that it was found in.
    pub capture: u64,
    /// What is known in a word or two each: what, and how much.
    pub facts: Vec<(&'static str, String)>,
    /// Sentences: the summary of a suspect, and its doubt.
    pub sentences: Vec<String>,
    /// The rest.
    pub sections: Vec<Section>,
}

/// A heap with what is found out about it once.
#[derive(Debug)]
pub struct Examined {
    /// The heap.
    pub heap: Arc<Heap>,
    /// Its retained sizes.
    pub retained: Retained,
    /// Which capture it is.
    pub number: u64,
    shortest: OnceCell<ShortestPaths>,
}

/// So many ways, types and examples are shown.
const WAYS: usize = 12;
const KEPT: usize = 10;
const EXAMPLES: usize = 8;

impl Examined {
    /// A heap, and its retained sizes. Linear.
    #[must_use]
    pub fn new(heap: Arc<Heap>, number: u64) -> Self {
        let retained = Retained::new(&heap);
        Self { heap, retained, number, shortest: OnceCell::new() }
    }

    fn shortest(&self) -> &ShortestPaths {
        self.shortest.get_or_init(|| ShortestPaths::new(&self.heap, &Costs::default()))
    }

    /// What is known of `subject`; `suspects` are those of the capture's answer. None if it is not in the heap.
    /// Linear.
    #[must_use]
    pub fn details(&self, subject: &Subject, suspects: &[Suspect]) -> Option<Details> {
        match subject {
            Subject::Type(key) => self.of_type(key),
            Subject::Object(address) => self.of_object(*address),
            Subject::Holder(fingerprint) => suspects
                .iter()
                .find(|suspect| *suspect.fingerprint == **fingerprint)
                .map(|one| self.of_holder(one)),
        }
    }

    /// The types that a key means: one, or what is left of several.
    fn types(&self, key: &str) -> Vec<TypeId> {
        let (name, nth) = of_key(key);
        let types = self.heap.types();
        let named: Vec<TypeId> =
            types.iter().map(|(ty, _)| ty).filter(|&ty| types.name(ty) == name).collect();
        // The histogram has only the types that have objects.
        let with_objects: Vec<TypeId> = match named.len() {
            0 | 1 => named,
            _ => named
                .into_iter()
                .filter(|&ty| self.counted().any(|id| self.heap.objects().type_of(id) == ty))
                .collect(),
        };
        with_objects.get(nth).map_or_else(Vec::new, |&ty| vec![ty])
    }

    /// All objects but garbage and mem_top's own.
    fn counted(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let objects = self.heap.objects();
        objects.ids().filter(|&id| !objects.flags(id).intersects(Flags::OWN | Flags::GARBAGE))
    }

    fn of_type(&self, key: &Arc<str>) -> Option<Details> {
        let (heap, objects) = (&*self.heap, self.heap.objects());
        let types = self.types(key);
        let ty = *types.first()?;
        let all: Vec<ObjectId> = self.counted().filter(|&id| objects.type_of(id) == ty).collect();
        let bytes: u64 = all.iter().fold(0, |sum: u64, &id| sum.saturating_add(objects.size(id)));
        let paths = paths_to_types(heap, self.shortest(), &types, &PathOptions { limit: WAYS });
        let ways = paths.clusters.iter().map(|cluster| DetailRow {
            objects: Some(cluster.objects),
            bytes: Some(cluster.bytes),
            text: cluster.path.to_string(),
            link: Some(Subject::Object(objects.address(cluster.example))),
        });
        let mut notes = Vec::new();
        for (count, what) in [
            (paths.omitted as u64, "more ways"),
            (paths.unreached, "of them no root reaches"),
            (paths.garbage, "more await the collector: no leak"),
        ] {
            if count > 0 {
                notes.push(format!("{} {what}", memtop_report::grouped(count)));
            }
        }
        let ways = Section {
            heading: "Who keeps them alive".to_owned(),
            unit: "shallow",
            rows: ways.collect(),
            note: (!notes.is_empty()).then(|| notes.join(" · ")),
        };
        let tree = DominatorTree::new(self.retained.dominators());
        let below = all.iter().flat_map(|&id| tree.children(id)).filter(|&id| objects.type_of(id) != ty);
        let kept = self.by_type("What they keep", below);
        Some(Details {
            subject: Subject::Type(Arc::clone(key)),
            title: heap.types().name(ty).to_owned(),
            capture: self.number,
            facts: vec![
                ("objects", memtop_report::grouped(all.len() as u64)),
                ("shallow", memtop_report::bytes(bytes)),
                ("retained", memtop_report::bytes(self.retained.by_type(heap)[ty.index()])),
            ],
            sentences: Vec::new(),
            sections: vec![ways, kept, self.examples("Examples, the largest", all)],
        })
    }

    fn of_object(&self, address: u64) -> Option<Details> {
        let (heap, objects) = (&*self.heap, self.heap.objects());
        let id = objects.at_address(address)?;
        let paths =
            paths_to_object(heap, self.shortest(), &Costs::default(), id, &PathOptions { limit: WAYS });
        let ways = paths.paths.iter().map(|path| DetailRow {
            text: path.to_string(),
            link: path.steps.iter().rev().nth(1).and_then(|step| step.object).map(|id| self.link(id)),
            ..DetailRow::default()
        });
        let note = match (paths.garbage, paths.paths.is_empty(), paths.omitted) {
            (true, ..) => Some("nothing holds it: it awaits the collector, and is no leak".to_owned()),
            (_, true, _) => Some("no root that was found reaches it".to_owned()),
            (.., 0) => None,
            (.., more) => Some(format!("{} more ways", memtop_report::grouped(more as u64))),
        };
        let mut sections = vec![Section {
            heading: "Who keeps it alive: any of these".to_owned(),
            unit: "",
            rows: ways.collect(),
            note,
        }];
        if let Dominator::Object(above) = self.retained.dominators().of(id)
            && let Some(path) = path_to(heap, self.shortest(), above)
        {
            sections.push(Section {
                heading: "Without this one it would be freed".to_owned(),
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
        sections.push(self.by_type("What it alone keeps, by type", tree.children(id)));
        sections.push(self.examples("What it alone keeps, the largest", tree.children(id).collect()));
        let mut facts = vec![
            ("at", format!("{address:#x}")),
            ("shallow", memtop_report::bytes(objects.size(id))),
            ("retained", self.retained.of(id).map_or_else(|| "unknown".to_owned(), memtop_report::bytes)),
            ("refers to", memtop_report::grouped(heap.references().count_of(id) as u64)),
        ];
        if !objects.flags(id).contains(Flags::IMMORTAL) {
            facts.push(("refcount", memtop_report::grouped(u64::from(objects.refcount(id)))));
        }
        Some(Details {
            subject: Subject::Object(address),
            title: self.called(id),
            capture: self.number,
            facts,
            sentences: Vec::new(),
            sections,
        })
    }

    /// The type of an object, and its own name where it has one.
    fn called(&self, id: ObjectId) -> String {
        let type_name = self.heap.type_name(id);
        match self.heap.objects().name(id) {
            Some(name) => format!("{type_name} {}", self.heap.text(name.qualname)),
            None => type_name.to_owned(),
        }
    }

    fn link(&self, id: ObjectId) -> Subject {
        Subject::Object(self.heap.objects().address(id))
    }

    /// Objects put together by type, those that retain most first.
    fn by_type(&self, heading: &str, ids: impl Iterator<Item = ObjectId>) -> Section {
        let mut sums: HashMap<TypeId, (u64, u64)> = HashMap::new();
        for id in ids {
            let sum = sums.entry(self.heap.objects().type_of(id)).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(self.retained.of(id).unwrap_or(0)));
        }
        let mut sums: Vec<(TypeId, (u64, u64))> = sums.into_iter().collect();
        sums.sort_by_key(|&(ty, (count, bytes))| (Reverse(bytes), Reverse(count), ty));
        let more = sums.len().saturating_sub(KEPT);
        let nothing = sums.is_empty();
        let rows = sums.into_iter().take(KEPT).map(|(ty, (count, bytes))| DetailRow {
            objects: Some(count),
            bytes: Some(bytes),
            text: self.heap.types().name(ty).to_owned(),
            link: Some(Subject::Type(self.key_of(ty))),
        });
        let note = match (nothing, more) {
            (true, _) => Some("nothing that would be freed with it".to_owned()),
            (_, 0) => None,
            (_, more) => Some(format!("{} more types", memtop_report::grouped(more as u64))),
        };
        Section { heading: heading.to_owned(), unit: "retained", rows: rows.collect(), note }
    }

    /// The key of a type, as the histogram gives it.
    fn key_of(&self, ty: TypeId) -> Arc<str> {
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

    /// The objects that retain most, with their paths.
    fn examples(&self, heading: &str, mut ids: Vec<ObjectId>) -> Section {
        let value = |&id: &ObjectId| (Reverse(self.retained.of(id).unwrap_or(0)), id);
        let more = ids.len().saturating_sub(EXAMPLES);
        if more > 0 {
            ids.select_nth_unstable_by_key(EXAMPLES - 1, value);
            ids.truncate(EXAMPLES);
        }
        ids.sort_by_key(value);
        let rows = ids.into_iter().map(|id| {
            let path = path_to(&self.heap, self.shortest(), id);
            let path = path.map_or_else(|| "no root reaches it".to_owned(), |path| path.to_string());
            DetailRow {
                objects: None,
                bytes: self.retained.of(id),
                text: format!("{path}  {} at {:#x}", self.called(id), self.heap.objects().address(id)),
                link: Some(self.link(id)),
            }
        });
        let rows: Vec<DetailRow> = rows.collect();
        Section { heading: heading.to_owned(), unit: "retained", rows, note: None }
    }

    fn of_holder(&self, one: &Suspect) -> Details {
        let mut sections = Vec::new();
        let steps = one.path.iter().enumerate().map(|(depth, step)| DetailRow {
            text: match depth {
                0 if step.label.starts_with(&step.type_name) => step.label.clone(),
                0 => format!("{} {}", step.type_name, step.label),
                _ if step.label.is_empty() => format!("{}╰ {}", "  ".repeat(depth.min(20)), step.type_name),
                _ => format!("{}╰ {} → {}", "  ".repeat(depth.min(20)), step.label, step.type_name),
            },
            ..DetailRow::default()
        });
        sections.push(section("Who keeps it alive", steps.collect()));
        let leaked = one.leaked.iter().take(KEPT).map(|leaked| {
            let grown: i64 = leaked.growth.iter().fold(0, |sum: i64, &change| sum.saturating_add(change));
            let growth = match leaked.growth.is_empty() {
                true => String::new(),
                false => format!("  {}", memtop_report::signed(grown)),
            };
            DetailRow {
                objects: Some(leaked.count),
                bytes: Some(leaked.bytes),
                text: format!("{}{growth}", leaked.type_name),
                link: self.type_named(&leaked.type_name),
            }
        });
        let unit = if one.growth.is_empty() { "shallow" } else { "grown" };
        sections.push(Section { unit, ..section("What it keeps more and more of", leaked.collect()) });
        let evidence = one.evidence.iter().map(|fact| sentence(&wording::evidence(fact)));
        sections.push(section("Why it is suspected", evidence.collect()));
        sections.push(self.examples_under(one));
        let co_holders = one.co_holders.iter().map(|text| sentence(text));
        sections.push(section("What else holds the same items", co_holders.collect()));
        sections.retain(|section| !section.rows.is_empty());
        let mut facts = vec![("cause", one.cause.word().to_owned())];
        if one.confidence > 0.0 {
            facts.push(("confidence", memtop_report::percent(one.confidence)));
        }
        if let Some(count) = one.count {
            facts.push(("items", memtop_report::grouped(count)));
        }
        if let Some(retained) = one.retained {
            facts.push(("retained", memtop_report::bytes(retained)));
        }
        if !one.growth.is_empty() {
            facts.push(("of all growth", memtop_report::percent(one.share_of_growth)));
            let changes: Vec<String> =
                one.growth.iter().map(|&change| memtop_report::signed(change)).collect();
            facts.push(("items by interval", changes.join(" ")));
        }
        facts.push(("fingerprint", one.fingerprint.clone()));
        let doubt = one.doubt.iter().map(|doubt| format!("In doubt: {}", wording::doubt(doubt)));
        Details {
            subject: Subject::Holder(one.fingerprint.as_str().into()),
            title: one.holder.clone().unwrap_or_else(|| one.cause.word().to_owned()),
            capture: self.number,
            facts,
            sentences: std::iter::once(wording::summary(one)).chain(doubt).collect(),
            sections,
        }
    }

    /// One of the items of each way in which the leaked objects are held under the holder.
    fn examples_under(&self, one: &Suspect) -> Section {
        let (Some(holder), Some(leaked)) = (&one.holder, one.leaked.first()) else {
            return Section::default();
        };
        let types: Vec<TypeId> = self.heap.types().find(&leaked.type_name);
        let options = PathOptions { limit: 200 };
        let paths = paths_to_types(&self.heap, self.shortest(), &types, &options);
        let rows = paths.clusters.iter().filter_map(|cluster| {
            let text = cluster.path.to_string();
            // The path goes on where the holder's ends.
            let under = text.strip_prefix(holder.as_str())?;
            under.starts_with(['.', '[', ' ']).then(|| DetailRow {
                objects: Some(cluster.objects),
                bytes: Some(cluster.bytes),
                link: Some(self.link(cluster.example)),
                text,
            })
        });
        Section { unit: "shallow", ..section("Examples", rows.take(EXAMPLES).collect()) }
    }

    fn type_named(&self, name: &str) -> Option<Subject> {
        let ty = self.heap.types().find(name).into_iter().next()?;
        Some(Subject::Type(self.key_of(ty)))
    }
}

fn section(heading: &str, rows: Vec<DetailRow>) -> Section {
    Section { heading: heading.to_owned(), rows, ..Section::default() }
}

fn sentence(text: &str) -> DetailRow {
    DetailRow { text: text.to_owned(), ..DetailRow::default() }
}
