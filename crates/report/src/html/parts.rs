//! Pieces of the page that several sections have in common.

use memtop_analyze::Leaks;
use memtop_heap::CaptureInfo;

use crate::escape::{cut, escape};
use crate::html_fragment::{name, text};
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
    /// Markup.
    pub(super) body: String,
}

impl Section {
    pub(super) fn markup(&self) -> String {
        let lead = match self.lead.is_empty() {
            true => String::new(),
            false => format!("<p class=\"hint\">{}</p>", text(&self.lead)),
        };
        let (id, title) = (self.id, text(self.title));
        format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{title}</h2>{lead}{}</section>\n",
            self.body
        )
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

/// A table with a caption, for readers who do not see it.
pub(super) fn table(
    caption: &str,
    headings: &[(&str, bool)],
    rows: impl Iterator<Item = Vec<Cell>>,
) -> String {
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
        text(caption)
    );
    for (heading, is_number) in headings {
        let class = if *is_number { " class=\"n\"" } else { "" };
        out.push_str(&format!("<th scope=\"col\"{class}>{}</th>", text(heading)));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            out.push_str(&match cell {
                Cell::Number(value) => format!("<td class=\"n\">{}</td>", text(&value)),
                Cell::Name(value) => format!("<td class=\"name\">{}</td>", name(&value)),
                Cell::Words(value) => format!("<td>{}</td>", text(&value)),
            });
        }
        out.push_str("</tr>");
    }
    out + "</tbody></table></div>"
}

/// Key figures: a name, a value, and a remark.
pub(super) fn tiles(figures: &[(&str, String, String)]) -> String {
    let tile = |(label, value, more): &(&str, String, String)| {
        format!(
            "<div class=\"tile\"><dt>{}</dt><dd>{}<small>{}</small></dd></div>",
            text(label),
            text(value),
            text(more)
        )
    };
    format!("<dl class=\"tiles\">{}</dl>", figures.iter().map(tile).collect::<String>())
}

/// Sentences as a list; nothing if there are none.
pub(super) fn notes(sentences: impl Iterator<Item = String>) -> String {
    let items: String = sentences.map(|note| format!("<li>{}</li>", text(&shortened(&note)))).collect();
    if items.is_empty() { items } else { format!("<ul class=\"notes\">{items}</ul>") }
}

/// The longest sentence, in columns, since it may quote names.
const LONGEST_SENTENCE: usize = 600;

/// Cuts a sentence, since it may quote a name of any length.
pub(super) fn shortened(sentence: &str) -> String {
    cut(&escape(sentence), LONGEST_SENTENCE).into_owned()
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
