//! Reads patterns from TOML, and refuses what a person would not have meant.

use std::collections::HashSet;

use serde::Deserialize;

use super::super::answer::Advice;
use super::condition::Condition;
use super::pattern::Pattern;

/// Why patterns cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.at())]
pub struct PatternsError {
    /// The line, counted from 1, if it is known.
    pub line: Option<usize>,
    /// The mistake.
    pub message: String,
}

impl PatternsError {
    fn at(&self) -> String {
        self.line.map_or_else(String::new, |line| format!("line {line}: "))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    pattern: Vec<toml::Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    title: String,
    advice: String,
    link: Option<String>,
    #[serde(default)]
    in_doubt: bool,
    when: Vec<Condition>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Pattern>, PatternsError> {
    let line_of = |offset: usize| text[..offset.min(text.len())].lines().count().max(1);
    let file: File = toml::from_str(text).map_err(|error| PatternsError {
        line: error.span().map(|span| line_of(span.start + 1)),
        message: error.message().to_owned(),
    })?;
    if file.pattern.is_empty() {
        return Err(PatternsError { line: None, message: "it has no [[pattern]]".to_owned() });
    }
    let mut ids = HashSet::new();
    let mut patterns = Vec::new();
    for spanned in file.pattern {
        let line = Some(line_of(spanned.span().start + 1));
        let entry = spanned.into_inner();
        let refuse = |message: String| Err(PatternsError { line, message });
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if entry.id.is_empty() || !entry.id.chars().all(is_letter) {
            return refuse(format!("the id {:?} has other characters than a-z, 0-9 and -", entry.id));
        }
        if !ids.insert(entry.id.clone()) {
            return refuse(format!("the id '{}' is there twice", entry.id));
        }
        if entry.title.trim().is_empty() || entry.advice.trim().is_empty() {
            return refuse(format!("'{}' has an empty title or advice", entry.id));
        }
        if let Some(link) = &entry.link {
            if !link.starts_with("https://") && !link.starts_with("http://") {
                return refuse(format!(
                    "the link of '{}' begins with neither https:// nor http://",
                    entry.id
                ));
            }
            if link.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
                return refuse(format!("the link of '{}' has a space or control character", entry.id));
            }
        }
        if entry.when.is_empty() || entry.when.iter().any(Condition::is_empty) {
            return refuse(format!("'{}' has a condition that everything fits", entry.id));
        }
        let Entry { id, title, advice, link, in_doubt, when } = entry;
        patterns.push(Pattern { advice: Advice { pattern: id, title, text: advice, link }, in_doubt, when });
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[pattern]]\nid = 'a'\ntitle = 't'\nadvice = 'Do.'\nwhen = [{ path = ['m.*'] }]\n";

    fn refused(text: &str) -> (Option<usize>, String) {
        let error = parse(text).expect_err(text);
        (error.line, error.message)
    }

    #[test]
    fn a_pattern_is_read() {
        let [pattern] = &parse(GOOD).expect("valid")[..] else { panic!("one pattern") };
        assert_eq!(pattern.advice.pattern, "a");
        assert_eq!(pattern.advice.link, None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(refused(""), (None, "it has no [[pattern]]".to_owned()));
        let (line, message) = refused("[[pattern]]\nid = 'a'\ntitel = 't'\n");
        assert!(message.contains("titel") && line == Some(3), "{line:?} {message}");
        let (line, message) = refused("\n[[pattern]]\nid = 'a'\n");
        assert!(message.contains("missing field") && line == Some(2), "{line:?} {message}");
        let (line, message) = refused("[[pattern]]\nid = \n");
        assert!(line == Some(2), "{line:?} {message}");
        let (line, message) = refused(&(GOOD.to_owned() + GOOD));
        assert_eq!((line, message.as_str()), (Some(6), "the id 'a' is there twice"));
        let (_, message) = refused(&GOOD.replace("{ path = ['m.*'] }", "{ paht = ['m.*'] }"));
        assert!(message.contains("paht"), "{message}");
        let (_, message) = refused(&GOOD.replace("{ path = ['m.*'] }", "{}"));
        assert_eq!(message, "'a' has a condition that everything fits");
        let (_, message) = refused(&GOOD.replace("when", "link = 'javascript:alert(1)'\nwhen"));
        assert_eq!(message, "the link of 'a' begins with neither https:// nor http://");
        let (_, message) = refused(&GOOD.replace("'a'", "'A b'"));
        assert_eq!(message, "the id \"A b\" has other characters than a-z, 0-9 and -");
    }
}
