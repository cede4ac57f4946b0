//! The answer to "what keeps this alive?": facts, sentences and rows that lead further.

use std::sync::Arc;

/// A thing whose details can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A type, by its key.
    Type(Arc<str>),
    /// An object, by its address.
    Object(u64),
    /// A place that grows, by its fingerprint.
    Holder(Arc<str>),
}

/// A row of a section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DetailRow {
    /// The number of objects, if the row is about several.
    pub objects: Option<u64>,
    /// Their memory, in bytes.
    pub bytes: Option<u64>,
    /// A path, a type or a sentence.
    pub text: String,
    /// The subject that Enter leads to.
    pub link: Option<Subject>,
}

/// Rows under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// The kind of bytes in the rows: `shallow`, `retained`, `grown`; empty if they have none.
    pub unit: &'static str,
    /// The rows.
    pub rows: Vec<DetailRow>,
    /// A note below the rows, for example on omitted ones.
    pub note: Option<String>,
}

/// The details of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// The subject.
    pub subject: Subject,
    /// Its name.
    pub title: String,
    /// The number of the capture.
    pub capture: u64,
    /// Short facts, each with its name and value.
    pub facts: Vec<(&'static str, String)>,
    /// Sentences: the summary of a suspect, and its doubts.
    pub sentences: Vec<String>,
    /// The sections.
    pub sections: Vec<Section>,
}

/// A section without bytes and without a note.
pub(super) fn section(heading: &str, rows: Vec<DetailRow>) -> Section {
    Section { heading: heading.to_owned(), rows, ..Section::default() }
}

/// A row that is a sentence.
pub(super) fn sentence(text: &str) -> DetailRow {
    DetailRow { text: text.to_owned(), ..DetailRow::default() }
}
