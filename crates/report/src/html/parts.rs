//! Pieces of the page that several sections have in common.

use maud::{Markup, Render, html};
use memtop_analyze::Leaks;
use memtop_heap::CaptureInfo;

use crate::markup::{name, sentence, text};
use crate::numbers::{count, duration};
use crate::time::{iso8601, readable, span};
use crate::wording::{implementation, place};

/// A part of the page with a heading of its own.
#[derive(Debug)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: &'static str,
    /// A sentence or two of explanation, for a reader who sees one for the first time.
    pub(super) lead: String,
    pub(super) body: Markup,
}

impl Render for Section {
    fn render(&self) -> Markup {
        html! {
            section id=(self.id) aria-labelledby={ (self.id) "-title" } {
                h2 id={ (self.id) "-title" } { (self.title) }
                @if !self.lead.is_empty() { (hint(&self.lead)) }
                (self.body)
            }
        }
    }
}

/// A cell of a table. Numbers are aligned right.
pub(super) enum Cell {
    /// A number as a person reads it.
    Number(String),
    /// A name out of a heap.
    Name(String),
    /// Words of ours.
    Words(String),
}

impl Render for Cell {
    fn render(&self) -> Markup {
        match self {
            Self::Number(value) => html! { td.n { (text(value)) } },
            Self::Name(value) => html! { td.name { (name(value)) } },
            Self::Words(value) => html! { td { (text(value)) } },
        }
    }
}

/// A table with a caption, for readers who do not see it.
pub(super) fn table(
    caption: &str,
    headings: &[(&str, bool)],
    rows: impl Iterator<Item = Vec<Cell>>,
) -> Markup {
    scrollable(
        caption,
        &html! {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (heading, is_number) in headings {
                            th scope="col" class=[is_number.then_some("n")] { (heading) }
                        }
                    }
                }
                tbody { @for row in rows { tr { @for cell in row { (cell) } } } }
            }
        },
    )
}

/// A table in a region that scrolls by itself.
pub(super) fn scrollable(caption: &str, table: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label=(caption) { (table) } }
}

/// Key figures: a name, a value, and a remark.
pub(super) fn tiles(figures: &[(&str, String, String)]) -> Markup {
    html! {
        dl.tiles {
            @for (label, value, remark) in figures {
                div.tile { dt { (label) } dd { (text(value)) small { (text(remark)) } } }
            }
        }
    }
}

/// A remark in small print.
pub(super) fn hint(remark: &str) -> Markup {
    html! { p.hint { (text(remark)) } }
}

/// Sentences as a list; nothing if there are none.
pub(super) fn notes(sentences: impl Iterator<Item = String>) -> Markup {
    let mut sentences = sentences.peekable();
    html! {
        @if sentences.peek().is_some() {
            ul.notes { @for note in sentences { li { (sentence(&note)) } } }
        }
    }
}

/// `worker.py (PID 4711), CPython 3.11.7, on web-1`.
pub(super) fn process(info: &CaptureInfo) -> String {
    let program = if info.program.is_empty() { "a process" } else { &info.program };
    let own = info.process.namespace_pid.filter(|own| *own != info.process.pid);
    let own = own.map_or_else(String::new, |own| format!(", {own} in its namespace"));
    let pid = info.process.pid;
    let mut parts = vec![format!("{program} (PID {pid}{own}), {}", implementation(info))];
    parts.extend(place(info));
    parts.join(", ")
}

/// The time or the span of the captures.
pub(super) fn when(first: &CaptureInfo, last: &CaptureInfo) -> String {
    let from = readable(first.taken_at);
    match span(first.taken_at, last.taken_at) {
        Some(nanoseconds) if nanoseconds > 0 => {
            format!("{from} to {}: {}", readable(last.taken_at), duration(nanoseconds))
        }
        _ => from,
    }
}

/// The times of an answer's captures.
pub(super) fn taken(answer: &Leaks) -> Vec<Option<String>> {
    answer.snapshots.iter().map(|row| iso8601(row.taken_at)).collect()
}

/// `1 process`, `2 processes`.
pub(super) fn count_of(number: usize, one: &str, many: &str) -> String {
    count(number as u64, one, many)
}
