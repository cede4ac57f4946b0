//! The details that are shown, and the position of the cursor in them.

use crate::inspect::{DetailRow, Details, Subject};

/// Details with a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailsView {
    /// The subject.
    pub subject: Subject,
    /// The answer to the request for them.
    pub answer: Answer,
    /// The row of the cursor, counted over all sections.
    pub row: usize,
    /// The first line in view.
    pub offset: usize,
}

/// The answer to a request for details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has not arrived yet.
    Awaited,
    /// The subject no longer exists.
    Nothing,
    /// The details.
    Found(Box<Details>),
}

impl DetailsView {
    /// A view of details that were just requested.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, answer: Answer::Awaited, row: 0, offset: 0 }
    }

    /// Returns the rows of all sections.
    pub fn rows(&self) -> impl Iterator<Item = &DetailRow> {
        let details = match &self.answer {
            Answer::Found(details) => Some(details),
            _ => None,
        };
        details.into_iter().flat_map(|details| &details.sections).flat_map(|section| &section.rows)
    }

    /// Moves the cursor by a number of rows, not beyond the ends.
    pub fn step(&mut self, by: isize) {
        self.go(self.row.saturating_add_signed(by));
    }

    /// Moves the cursor to a row, or to the last one if there are fewer.
    pub fn go(&mut self, row: usize) {
        self.row = row.min(self.rows().count().saturating_sub(1));
    }

    /// Returns the subject that Enter leads to.
    #[must_use]
    pub fn link(&self) -> Option<&Subject> {
        self.rows().nth(self.row)?.link.as_ref()
    }
}
