//! A heap as it is to stand in a file: without the texts that nothing in it needs, and without the keys that are no
//! names.
//!
//! Invariant: without `with_keys`, no key leaves this module but string keys that are identifiers, in containers of
//! fewer than [`KEYS_ARE_DATA`] keys, and keys of namespaces; and no text leaves it that no row refers to.
//!
//! The order of the texts stays, so a heap that needs no change comes back equal.

use memtop_heap::{Heap, KEYS_ARE_DATA, Label, LabelKind, ObjectId, Reference, Root, StringId};

pub(crate) struct View<'a> {
    pub(crate) heap: &'a Heap,
    pub(crate) with_keys: bool,
    namespaces: Vec<bool>,
    /// For each text of the heap its number in the file; `u32::MAX` for those that stay behind.
    numbers: Vec<u32>,
    /// The texts of the file, by number.
    pub(crate) texts: Vec<StringId>,
}

impl<'a> View<'a> {
    /// Linear in objects, references and texts.
    pub(crate) fn new(heap: &'a Heap, with_keys: bool) -> Self {
        let mut view =
            Self { heap, with_keys, namespaces: Vec::new(), numbers: Vec::new(), texts: Vec::new() };
        if !with_keys {
            view.find_namespaces();
        }
        view.number_texts();
        view
    }

    fn find_namespaces(&mut self) {
        let heap = self.heap;
        self.namespaces = vec![false; heap.objects().len()];
        // A namespace that no module holds (of `exec`) is still one, by what its function calls it.
        let held_as: Vec<Label> = ["__globals__", "__builtins__", "f_globals", "f_locals", "f_builtins"]
            .into_iter()
            .filter_map(|name| heap.strings().find(name).map(Label::attribute))
            .collect();
        let references = heap.references();
        for (to, label) in references.targets().iter().zip(references.labels()) {
            if *label == Label::DICT || held_as.contains(label) {
                self.namespaces[to.index()] = true;
            }
        }
        for (_, root) in heap.roots().iter() {
            if root.label == Label::DICT {
                self.namespaces[root.object.index()] = true;
            }
        }
    }

    fn number_texts(&mut self) {
        let heap = self.heap;
        let mut used = vec![false; heap.strings().len()];
        // The empty text is in every table, and first.
        if let Some(empty) = used.first_mut() {
            *empty = true;
        }
        let mut mark = |text: StringId| used[text.index()] = true;
        for (_, ty) in heap.types().iter() {
            mark(ty.module);
            mark(ty.qualname);
            mark(ty.name());
        }
        for (_, name) in heap.objects().names() {
            mark(name.module);
            mark(name.qualname);
        }
        for frame in heap.roots().frames() {
            mark(frame.thread);
            mark(frame.function);
            mark(frame.file);
        }
        for (_, root) in heap.roots().iter() {
            mark(root.name);
            self.root_label(root).text().map(&mut mark);
        }
        for id in heap.objects().ids() {
            for reference in self.references(id) {
                reference.label.text().map(&mut mark);
            }
        }
        self.numbers = vec![u32::MAX; used.len()];
        for (id, _) in heap.strings().iter().filter(|(id, _)| used[id.index()]) {
            self.numbers[id.index()] = self.texts.len() as u32;
            self.texts.push(id);
        }
    }

    /// The number of a text in the file.
    pub(crate) fn number(&self, text: StringId) -> u32 {
        self.numbers[text.index()]
    }

    /// The references of an object, with the labels that may be told.
    pub(crate) fn references(&self, id: ObjectId) -> impl ExactSizeIterator<Item = Reference> + '_ {
        let references = self.heap.references().of(id);
        let tell = self.with_keys || self.namespaces[id.index()];
        let few = tell || references.clone().filter(|one| is_key(one.label)).count() < KEYS_ARE_DATA as usize;
        references.map(move |one| match tell {
            true => one,
            false => Reference { to: one.to, label: self.without_keys(one.label, few) },
        })
    }

    /// The label of a root, as it may be told.
    pub(crate) fn root_label(&self, root: &Root) -> Label {
        if self.with_keys || root.kind.is_namespace() {
            root.label
        } else {
            self.without_keys(root.label, true)
        }
    }

    fn without_keys(&self, label: Label, few: bool) -> Label {
        match label.kind() {
            LabelKind::KeyText => Label::ANY_KEY,
            LabelKind::Key if !few => Label::ANY_KEY,
            LabelKind::Key => match label.text() {
                Some(text) if is_identifier(self.heap.text(text)) => label,
                _ => Label::ANY_KEY,
            },
            _ => label,
        }
    }
}

fn is_key(label: Label) -> bool {
    matches!(label.kind(), LabelKind::Key | LabelKind::KeyText | LabelKind::AnyKey)
}

/// As Python's `str.isidentifier`.
fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first))
        && characters.all(unicode_ident::is_xid_continue)
}
