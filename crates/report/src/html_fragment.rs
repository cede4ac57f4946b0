//! Answers as fragments of HTML, for notebooks: tables, lists and cards with inline style, no script, no link.
//!
//! Invariant: every text out of a heap goes through [`text`], which escapes markup and characters that are unsafe on a
//! terminal. Numbers need no escaping.

use std::fmt::Write;

use memtop_analyze::{Diff, Histogram, Leaks, MemoryTotal, ObjectPaths, Suspect, TopBy, TypePaths, Verdict};
use memtop_heap::{CaptureInfo, Heap};

use crate::escape::{cut, escape};
use crate::heap_report::{HeapReport, TopObject};
use crate::numbers::{bytes, count, grouped, known_bytes, net_bytes, percent, signed, signed_bytes, unknown};
use crate::object_facts::ObjectFacts;
use crate::wording::{self, capture};

/// The longest name, in columns.
const LONGEST_NAME: usize = 240;
/// The longest description of a process, in columns.
const LONGEST_PROCESS: usize = 600;
const NUMBER: &str = "text-align:right;padding:2px 8px;font-variant-numeric:tabular-nums";
const NAME: &str = "text-align:left;padding:2px 8px;font-family:monospace;overflow-wrap:anywhere";
const CARD: &str = "border:1px solid #8888;border-radius:6px;padding:8px 12px;margin:8px 0";

/// A text out of a heap, or a sentence that may quote one.
pub(crate) fn text(raw: &str) -> String {
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
    out
}

/// A name, cut if it is very long.
pub(crate) fn name(raw: &str) -> String {
    text(&cut(&escape(raw), LONGEST_NAME))
}

pub(crate) fn code(raw: &str) -> String {
    format!("<code>{}</code>", name(raw))
}

/// A cell of a table.
enum Cell {
    Number(String),
    Name(String),
}

fn table(headings: &[&str], rows: impl Iterator<Item = Vec<Cell>>, after: &str) -> String {
    let mut out = "<table style=\"border-collapse:collapse\"><thead><tr>".to_owned();
    let rows: Vec<Vec<Cell>> = rows.collect();
    for (place, heading) in headings.iter().enumerate() {
        let is_name = rows.first().is_some_and(|row| matches!(row.get(place), Some(Cell::Name(_))));
        let align = if is_name { "left" } else { "right" };
        let _ = write!(out, "<th style=\"text-align:{align};padding:2px 8px\">{}</th>", text(heading));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = match cell {
                Cell::Number(value) => write!(out, "<td style=\"{NUMBER}\">{}</td>", text(&value)),
                Cell::Name(value) => write!(out, "<td style=\"{NAME}\">{}</td>", name(&value)),
            };
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    if !after.is_empty() {
        let _ = write!(out, "<p>{}</p>", text(after));
    }
    out
}

fn more(omitted: usize, one: &str, many: &str) -> String {
    if omitted == 0 { String::new() } else { format!("and {}", count(omitted as u64, one, many)) }
}

/// An answer after a line that names its process.
#[must_use]
pub fn of_process(info: &CaptureInfo, answer: &str) -> String {
    format!("<p>{}</p>{answer}", text(&cut(&escape(&capture(info)), LONGEST_PROCESS)))
}

/// The types of a heap, as a table.
#[must_use]
pub fn histogram(answer: &Histogram) -> String {
    let rows = answer.rows.iter().map(|row| {
        vec![
            Cell::Number(grouped(row.objects)),
            Cell::Number(bytes(row.bytes)),
            Cell::Number(known_bytes(row.retained)),
            Cell::Name(row.name.clone()),
        ]
    });
    table(&["objects", "bytes", "retained", "type"], rows, &more(answer.omitted, "more type", "more types"))
}

/// The largest objects, as a table.
#[must_use]
pub fn top(rows: &[TopObject], by: TopBy) -> String {
    let cells = rows.iter().map(|one| {
        let row = &one.row;
        let path = wording::path(one.path.as_ref());
        let (retained, size) = (known_bytes(row.retained), bytes(row.size));
        let references = grouped(row.references);
        let numbers = match by {
            TopBy::Retained => [retained, size, references],
            TopBy::Shallow => [size, retained, references],
            TopBy::References => [references, size, retained],
        };
        let names = [format!("{:#x}", row.address), row.type_name.clone(), path];
        numbers.map(Cell::Number).into_iter().chain(names.map(Cell::Name)).collect()
    });
    let headings = match by {
        TopBy::Retained => ["retained", "size", "references", "address", "type", "path"],
        TopBy::Shallow => ["size", "retained", "references", "address", "type", "path"],
        TopBy::References => ["references", "size", "retained", "address", "type", "path"],
    };
    table(&headings, cells, "")
}

/// The types that changed between two heaps, as a table.
#[must_use]
pub fn diff(answer: &Diff) -> String {
    let rows = answer.rows.iter().map(|row| {
        vec![
            Cell::Number(signed_bytes(row.bytes_grown())),
            Cell::Number(signed(row.objects_grown())),
            Cell::Number(bytes(row.new.bytes)),
            Cell::Number(grouped(row.new.objects)),
            Cell::Name(row.name.clone()),
        ]
    });
    let headings = ["bytes", "objects", "bytes now", "objects now", "type"];
    table(&headings, rows, &more(answer.omitted, "more type", "more types"))
}

/// The parts of resident memory, as a table.
#[must_use]
pub fn memory(answer: &MemoryTotal) -> String {
    let unexplained = answer.unexplained.map_or_else(unknown, net_bytes);
    let parts = [
        ("Python objects", bytes(answer.python)),
        ("free, held by pymalloc", known_bytes(answer.pymalloc_free)),
        ("free, held by malloc", known_bytes(answer.malloc_free)),
        ("known (mmap, thread stacks)", known_bytes(answer.native_known)),
        ("pages of files", known_bytes(answer.file_backed)),
        ("unexplained", unexplained),
        ("resident memory", known_bytes(answer.rss)),
    ];
    let rows = parts.into_iter().map(|(part, size)| vec![Cell::Name(part.to_owned()), Cell::Number(size)]);
    table(&["part", "bytes"], rows, "")
}

/// The suspects and candidates, as a list of cards.
#[must_use]
pub fn leaks(answer: &Leaks) -> String {
    let color = match answer.verdict {
        Verdict::Leak | Verdict::NativeGrowth => "#c0392b",
        Verdict::NoGrowth => "#27ae60",
        Verdict::Inconclusive => "#b9770e",
    };
    let mut out = format!(
        "<div><p><strong style=\"color:{color}\">{}</strong>: {}</p>",
        answer.verdict.word(),
        text(&wording::reason(&answer.reason))
    );
    for note in &answer.notes {
        let _ = write!(out, "<p>{}</p>", text(&wording::note(note)));
    }
    answer.suspects.iter().chain(&answer.candidates).for_each(|one| out.push_str(&suspect(one)));
    if answer.omitted > 0 {
        let _ = write!(out, "<p>and {} more</p>", grouped(answer.omitted as u64));
    }
    out + "</div>"
}

/// One suspect or candidate, as a card.
#[must_use]
pub fn suspect(one: &Suspect) -> String {
    let title = if one.doubt.is_some() { "candidate" } else { "suspect" };
    let holder = one.holder.as_deref().unwrap_or("native reference");
    let mut out = format!(
        "<div style=\"{CARD}\"><div>{title} {} {}</div><p>{}</p>",
        one.rank,
        code(holder),
        text(&wording::summary(one))
    );
    if let Some(doubt) = &one.doubt {
        let _ = write!(out, "<p><em>in doubt: {}</em></p>", text(&wording::doubt(doubt)));
    }
    let rows = one.leaked.iter().map(|leaked| {
        let grown = leaked.growth.iter().fold(0_i64, |sum, &change| sum.saturating_add(change));
        vec![
            Cell::Name(leaked.type_name.clone()),
            Cell::Number(grouped(leaked.count)),
            Cell::Number(if leaked.growth.is_empty() { "?".to_owned() } else { signed(grown) }),
            Cell::Number(bytes(leaked.bytes)),
        ]
    });
    out.push_str(&table(&["items by type", "now", "growth", "bytes"], rows, ""));
    out.push_str("<ul>");
    if let Some(own) = wording::own_part(one) {
        let _ = write!(out, "<li>in your code: {}</li>", code(own));
    }
    for fact in &one.evidence {
        let _ = write!(out, "<li>{}</li>", text(&wording::evidence(fact)));
    }
    let _ = write!(
        out,
        "</ul><small>cause: {} · confidence {} · fingerprint {}</small></div>",
        one.cause.word(),
        percent(one.confidence),
        text(&one.fingerprint)
    );
    out
}

/// The paths to one object of `heap`, as a list.
#[must_use]
pub fn object_paths(heap: &Heap, answer: &ObjectPaths, facts: &ObjectFacts) -> String {
    let mut out = format!(
        "<div><p>{} at {:#x}: {}{}</p><ol>",
        code(&answer.type_name),
        heap.objects().address(answer.object),
        bytes(answer.size),
        facts.retained.map_or_else(String::new, |size| format!(", retains {}", bytes(size)))
    );
    for path in &answer.paths {
        let _ = write!(out, "<li>{}</li>", code(&path.to_string()));
    }
    out.push_str("</ol>");
    if answer.paths.is_empty() {
        out.push_str(if answer.garbage {
            "<p>it is garbage that awaits the collector</p>"
        } else {
            "<p>no root reaches it</p>"
        });
    }
    if let Some(path) = &facts.dominator {
        let _ = write!(out, "<p>it would be freed without {}</p>", code(&path.to_string()));
    }
    let _ = write!(out, "<p>{}</p></div>", more(answer.omitted, "more path", "more paths"));
    out
}

/// The paths to the objects of the type that is called `asked` in the question, as a table.
#[must_use]
pub fn type_paths(heap: &Heap, asked: &str, answer: &TypePaths) -> String {
    let rows = answer.clusters.iter().map(|one| {
        vec![
            Cell::Number(grouped(one.objects)),
            Cell::Number(bytes(one.bytes)),
            Cell::Name(one.path.to_string()),
            Cell::Name(format!("{:#x}", heap.objects().address(one.example))),
        ]
    });
    let rows = table(
        &["objects", "bytes", "held by", "one of them"],
        rows,
        &more(answer.omitted, "more path", "more paths"),
    );
    format!("<div><p>{} {}</p>{rows}</div>", code(asked), count(answer.objects, "object", "objects"))
}

/// The report of one heap: where memory accumulates, types, objects and memory.
#[must_use]
pub fn heap_report(answer: &HeapReport) -> String {
    let mut out = format!(
        "<div><p>{}, {}</p><ol>",
        count(answer.total.objects, "object", "objects"),
        bytes(answer.total.bytes)
    );
    for one in &answer.accumulation.suspects {
        let _ = write!(out, "<li>{}</li>", text(&wording::accumulation(one)));
    }
    out.push_str("</ol>");
    out.push_str(&histogram(&answer.types));
    out.push_str(&top(&answer.top, TopBy::Retained));
    out.push_str(&memory(&answer.memory));
    out + "</div>"
}
