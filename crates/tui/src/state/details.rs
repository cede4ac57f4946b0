//! What is being looked into, and where in it the reader is.

use crate::inspect::{DetailRow, Details, Subject};

/// An answer that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailsView {
    /// What was asked.
    pub subject: Subject,
    /// What is known: nothing yet, nothing any more, or this.
    pub answer: Answer,
    /// The row under the cursor, counted over all sections.
    pub row: usize,
    /// The first line in view.
    pub offset: usize,
}

/// What is known of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is being found out.
    Awaited,
    /// It is not there any more.
    Nothing,
    /// This.
    Found(Box<Details>),
}

impl DetailsView {
    /// A question that was just asked.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, answer: Answer::Awaited, row: 0, offset: 0 }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &DetailRow> {
        let details = match &self.answer {
            Answer::Found(details) => Some(details),
            _ => None,
        };
        details.into_iter().flat_map(|details| &details.sections).flat_map(|section| &section.rows)
    }

    /// Moves by so many rows, not beyond the ends.
    pub fn step(&mut self, by: isize) {
        self.go(self.row.saturating_add_signed(by));
    }

    /// Moves to a row, or to the last.
    pub fn go(&mut self, row: usize) {
        self.row = row.min(self.rows().count().saturating_sub(1));
    }

    /// What Enter shows of the row under the cursor.
    #[must_use]
    pub fn link(&self) -> Option<&Subject> {
        self.rows().nth(self.row)?.link.as_ref()
    }
}
