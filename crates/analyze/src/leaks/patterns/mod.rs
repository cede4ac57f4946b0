//! Advice on leaks: known patterns, and the first of them that a suspect fits.
//!
//! A pattern is data: a condition on what a suspect says of itself (its path, its types, its cause), and the advice of
//! someone who knows it. `patterns.toml` beside the sources of this crate has those that everyone can use; a user's own
//! are read from a file of the same form. Advice that is wrong is worse than none, so a pattern names what only its leak
//! has, such as a library's attribute, and a suspect that fits no pattern gets no advice.
//!
//! Matching takes one step for each pattern, and asks nothing but the suspect: no heap is needed.

mod condition;
mod file;
mod pattern;

use std::sync::OnceLock;

pub use file::PatternsError;
pub use pattern::Pattern;

use super::answer::{Advice, Leaks, Suspect};

const KNOWN: &str = include_str!("../../../patterns.toml");

/// Patterns, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// The patterns that everyone can use.
    ///
    /// # Panics
    /// Never: a test reads the file, which is part of the program.
    #[must_use]
    pub fn known() -> &'static Self {
        static PATTERNS: OnceLock<Patterns> = OnceLock::new();
        PATTERNS.get_or_init(|| Self::parse(KNOWN).expect("the patterns of the program are valid"))
    }

    /// Reads patterns from the text of a file. `docs/patterns.md` describes its form.
    ///
    /// # Errors
    /// If the text is not TOML, has keys that are not known, or a pattern is incomplete.
    pub fn parse(text: &str) -> Result<Self, PatternsError> {
        file::parse(text).map(Self)
    }

    /// The patterns, in the order in which they are tried.
    #[must_use]
    pub fn all(&self) -> &[Pattern] {
        &self.0
    }

    /// The advice of the first pattern that a suspect fits.
    #[must_use]
    pub fn advice(&self, suspect: &Suspect) -> Option<&Advice> {
        self.0.iter().find(|pattern| pattern.fits(suspect)).map(|pattern| &pattern.advice)
    }
}

impl Leaks {
    /// Gives each suspect and candidate the advice of these patterns; those that fit none keep the advice they have.
    pub fn advise(&mut self, patterns: &Patterns) {
        for suspect in self.suspects.iter_mut().chain(&mut self.candidates) {
            if let Some(advice) = patterns.advice(suspect) {
                suspect.advice = Some(advice.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_patterns_are_valid_and_many() {
        let known = Patterns::known();
        assert!(known.all().len() >= 50, "{}", known.all().len());
        for Pattern { advice, .. } in known.all() {
            assert!(advice.link.is_some(), "{} has no link", advice.pattern);
            assert!(!advice.title.ends_with('.'), "{}", advice.pattern);
            assert!(advice.text.ends_with('.'), "{}", advice.pattern);
            assert!(advice.text.len() <= 400, "{} is long: {}", advice.pattern, advice.text.len());
        }
    }
}
