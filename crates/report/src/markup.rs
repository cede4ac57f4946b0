//! Texts in HTML.
//!
//! `maud` escapes markup in whatever is put into a template. The functions here also escape control characters and cut
//! long texts, and make text out of a heap [`Markup`].

use maud::{Markup, PreEscaped, html};

use crate::escape::{cut, escape};

/// The longest name, in columns.
const LONGEST_NAME: usize = 240;
/// The longest sentence, in columns, since it may quote names.
const LONGEST_SENTENCE: usize = 600;

/// A text out of a heap, or a sentence that may quote one.
pub(crate) fn text(raw: &str) -> Markup {
    let mut out = String::new();
    for c in escape(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    PreEscaped(out)
}

/// A name, cut if it is very long.
pub(crate) fn name(raw: &str) -> Markup {
    text(&cut(&escape(raw), LONGEST_NAME))
}

/// A sentence, cut since it may quote a name of any length.
pub(crate) fn sentence(raw: &str) -> Markup {
    text(&cut_sentence(raw))
}

/// The text of [`sentence`], for a cell of a table.
pub(crate) fn cut_sentence(raw: &str) -> String {
    cut(&escape(raw), LONGEST_SENTENCE).into_owned()
}

/// A name as code.
pub(crate) fn code(raw: &str) -> Markup {
    html! { code { (name(raw)) } }
}
