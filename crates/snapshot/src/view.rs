//! The part of a heap that is written to a file: without texts that nothing refers to, and without keys that
//! may be data.
//!
//! Invariant: without `with_keys`, the only keys that leave this module are those of namespaces, and string
//! keys that are identifiers in containers of fewer than [`KEYS_ARE_DATA`] keys. The only texts are those
//! that a row refers to.
//!
//! Texts keep their order, so that a heap that needs no change is read back equal.

use memtop_heap::{Heap, KEYS_ARE_DATA, Label, LabelKind, ObjectId, Reference, Root, StringId};

pub(crate) struct View<'a> {
    pub(crate) heap: &'a Heap,
    pub(crate) with_keys: bool,
    namespaces: Vec<bool>,
    /// For each text of the heap its number in the file; `u32::MAX` for a text that is left out.
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
        // A namespace that no module holds (of `exec`) is recognised by the label of a reference to it.
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
        let mut mark_used = |text: StringId| used[text.index()] = true;
        for (_, ty) in heap.types().iter() {
            mark_used(ty.module);
            mark_used(ty.qualname);
            mark_used(ty.name());
        }
        for (_, name) in heap.objects().names() {
            mark_used(name.module);
            mark_used(name.qualname);
        }
        for frame in heap.roots().frames() {
            mark_used(frame.thread);
            mark_used(frame.function);
            mark_used(frame.file);
        }
        for (_, root) in heap.roots().iter() {
            mark_used(root.name);
            self.root_label(root).text().map(&mut mark_used);
        }
        for id in heap.objects().ids() {
            for reference in self.references(id) {
                reference.label.text().map(&mut mark_used);
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

    /// The references of an object, with the labels that may be written.
    pub(crate) fn references(&self, id: ObjectId) -> impl ExactSizeIterator<Item = Reference> + '_ {
        let references = self.heap.references().of(id);
        let show_all = self.with_keys || self.namespaces[id.index()];
        let few =
            show_all || references.clone().filter(|one| is_key(one.label)).count() < KEYS_ARE_DATA as usize;
        references.map(move |one| match show_all {
            true => one,
            false => Reference { to: one.to, label: self.without_keys(one.label, few) },
        })
    }

    /// The label of a root, as it may be written.
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

/// True as for Python's `str.isidentifier`.
fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first))
        && characters.all(unicode_ident::is_xid_continue)
}
