//! A condition on a suspect: what its path, its types and its cause must be like.

use serde::Deserialize;
use wildmatch::WildMatch;

use super::super::answer::Suspect;

/// Of so many types that accumulate, the first ones, one must fit: those that a person would name.
const ITEM_TYPES: usize = 4;

/// Every part that is given must fit: one of its alternatives must, and none of those with a `!` before it may. Texts
/// may have `*` for any characters, and `?` for one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Condition {
    /// The path of the holder, from its root: `shop.sessions.by_token`.
    path: Vec<Text>,
    /// The type of the holder: `collections.deque`.
    holder: Vec<Text>,
    /// The type of any step of the path, the holder's too.
    through: Vec<Text>,
    /// The type of the step that holds the holder: `queue.Queue` for the deque in it.
    within: Vec<Text>,
    /// The type of what accumulates: the one that is named first.
    item: Vec<Text>,
    /// The type of what accumulates: any of the first four.
    items: Vec<Text>,
    /// The path of another holder of the same items.
    also_held: Vec<Text>,
    /// The cause: `container`, `frames`, `native reference` or `uncollectable cycle`.
    cause: Vec<Text>,
}

impl Condition {
    /// Whether it asks for nothing, and would fit every suspect.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn holds(&self, suspect: &Suspect) -> bool {
        any(&self.path, suspect.holder.as_deref())
            && any(&self.holder, suspect.holder_type.as_deref())
            && any(&self.through, suspect.path.iter().map(|step| step.type_name.as_str()))
            && any(&self.within, suspect.path.iter().rev().nth(1).map(|step| step.type_name.as_str()))
            && any(&self.item, suspect.leaked.first().map(|leaked| leaked.type_name.as_str()))
            && any(
                &self.items,
                suspect.leaked.iter().take(ITEM_TYPES).map(|leaked| leaked.type_name.as_str()),
            )
            && any(&self.also_held, suspect.co_holders.iter().map(String::as_str))
            && any(&self.cause, Some(suspect.cause.word()))
    }
}

/// Whether one of the values is one of the alternatives, if there are any, and none is one that is ruled out.
fn any<'a>(alternatives: &[Text], values: impl IntoIterator<Item = &'a str>) -> bool {
    let mut fits = alternatives.iter().all(|one| one.is_ruled_out);
    for value in values {
        for one in alternatives.iter().filter(|one| one.text.matches(value)) {
            if one.is_ruled_out {
                return false;
            }
            fits = true;
        }
    }
    fits
}

/// A text with wildcards.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "String")]
struct Text {
    text: WildMatch,
    /// Whether what fits rules the pattern out: it began with `!`.
    is_ruled_out: bool,
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let rest = text.strip_prefix('!');
        Self { text: WildMatch::new(rest.unwrap_or(&text)), is_ruled_out: rest.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(alternatives: &[&str], values: &[&str]) -> bool {
        let texts: Vec<Text> = alternatives.iter().map(|&text| Text::from(text.to_owned())).collect();
        any(&texts, values.iter().copied())
    }

    #[test]
    fn a_part_that_is_not_given_fits_all() {
        assert!(fits(&[], &[]));
        assert!(fits(&[], &["dict"]));
    }

    #[test]
    fn one_value_must_fit_one_alternative() {
        assert!(fits(&["list", "collections.*"], &["dict", "collections.deque"]));
        assert!(!fits(&["list", "collections.*"], &["dict", "queue.Queue"]));
        assert!(!fits(&["*"], &[]));
    }

    #[test]
    fn what_is_ruled_out_may_not_be_there() {
        assert!(fits(&["!dict"], &["list"]));
        assert!(fits(&["!dict"], &[]));
        assert!(!fits(&["!dict"], &["list", "dict"]));
        assert!(fits(&["l*", "!lists"], &["list"]));
        assert!(!fits(&["l*", "!lists"], &["lists"]));
    }

    #[test]
    fn brackets_are_brackets() {
        assert!(fits(&["a.b[*].c"], &["a.b['x'].c"]));
        assert!(fits(&["a.b[?].c"], &["a.b[0].c"]));
        assert!(!fits(&["a.b[0-9]"], &["a.b1"]));
    }
}
