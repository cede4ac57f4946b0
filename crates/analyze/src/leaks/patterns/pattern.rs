//! A leak that is known: how it is recognised, and what to do about it.

use super::super::answer::{Advice, Suspect};
use super::condition::Condition;

/// A leak that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The advice.
    pub advice: Advice,
    /// Whether it is about candidates too: a cache that fills up may be what it looks like, and needs no advice.
    pub(super) in_doubt: bool,
    /// It is this pattern if any of these holds.
    pub(super) when: Vec<Condition>,
}

impl Pattern {
    /// Whether a suspect is a case of it.
    pub(super) fn fits(&self, suspect: &Suspect) -> bool {
        (self.in_doubt || suspect.doubt.is_none())
            && self.when.iter().any(|condition| condition.holds(suspect))
    }
}
