//! Answers as fragments of HTML, for notebooks: tables, lists and cards with inline style, no script, no link.
//!
//! Invariant: every text out of a heap goes through a function of [`crate::markup`].

use maud::{Markup, PreEscaped, html};
use memtop_analyze::{Diff, Histogram, Leaks, MemoryTotal, ObjectPaths, Suspect, TopBy, TypePaths, Verdict};
use memtop_heap::{CaptureInfo, Heap};

use crate::escape::escape;
use crate::heap_report::{HeapReport, TopObject};
use crate::markup::{code, name, sentence, text};
use crate::numbers::{bytes, count, grouped, known_bytes, net_bytes, percent, signed, signed_bytes, unknown};
use crate::object_facts::ObjectFacts;
use crate::wording::{self, capture};

const NUMBER: &str = "text-align:right;padding:2px 8px;font-variant-numeric:tabular-nums";
const NAME: &str = "text-align:left;padding:2px 8px;font-family:monospace;overflow-wrap:anywhere";
const CARD: &str = "border:1px solid #8888;border-radius:6px;padding:8px 12px;margin:8px 0";

/// A cell of a table.
enum Cell {
    Number(String),
    Name(String),
}

/// A table, and how many rows are not in it.
fn table(headings: &[&str], rows: impl Iterator<Item = Vec<Cell>>, omitted: &str) -> Markup {
    let rows: Vec<Vec<Cell>> = rows.collect();
    let is_name =
        |place: usize| rows.first().is_some_and(|row| matches!(row.get(place), Some(Cell::Name(_))));
    html! {
        table style="border-collapse:collapse" {
            thead {
                tr {
                    @for (place, heading) in headings.iter().enumerate() {
                        @let align = if is_name(place) { "left" } else { "right" };
                        th style={ "text-align:" (align) ";padding:2px 8px" } { (heading) }
                    }
                }
            }
            tbody {
                @for row in &rows {
                    tr {
                        @for cell in row {
                            @match cell {
                                Cell::Number(value) => { td style=(NUMBER) { (text(value)) } }
                                Cell::Name(value) => { td style=(NAME) { (name(value)) } }
                            }
                        }
                    }
                }
            }
        }
        @if !omitted.is_empty() { p { (omitted) } }
    }
}

fn more(omitted: usize, one: &str, many: &str) -> String {
    if omitted == 0 { String::new() } else { format!("and {}", count(omitted as u64, one, many)) }
}

/// An answer after a line that names its process. `answer` is markup: a fragment that this module made.
#[must_use]
pub fn of_process(info: &CaptureInfo, answer: &str) -> String {
    html! { p { (sentence(&capture(info))) } (PreEscaped(answer)) }.into_string()
}

/// The types of a heap, as a table.
#[must_use]
pub fn histogram(answer: &Histogram) -> String {
    histogram_table(answer).into_string()
}

fn histogram_table(answer: &Histogram) -> Markup {
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
    top_table(rows, by).into_string()
}

fn top_table(rows: &[TopObject], by: TopBy) -> Markup {
    let cells = rows.iter().map(|one| {
        let row = &one.row;
        let (retained, size) = (known_bytes(row.retained), bytes(row.size));
        let references = grouped(row.references);
        let numbers = match by {
            TopBy::Retained => [retained, size, references],
            TopBy::Shallow => [size, retained, references],
            TopBy::References => [references, size, retained],
        };
        let path = wording::path_and_chain(one.path.as_ref(), row.chain);
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
    table(&headings, rows, &more(answer.omitted, "more type", "more types")).into_string()
}

/// The parts of resident memory, as a table.
#[must_use]
pub fn memory(answer: &MemoryTotal) -> String {
    memory_table(answer).into_string()
}

fn memory_table(answer: &MemoryTotal) -> Markup {
    let parts = [
        ("Python objects", bytes(answer.python)),
        ("free, held by pymalloc", known_bytes(answer.pymalloc_free)),
        ("free, held by malloc", known_bytes(answer.malloc_free)),
        ("known (frames and C stacks)", known_bytes(answer.native_known)),
        ("pages of files", known_bytes(answer.file_backed)),
        ("unexplained", answer.unexplained.map_or_else(unknown, net_bytes)),
        ("resident memory", known_bytes(answer.rss)),
    ];
    let rows = parts.into_iter().map(|(part, size)| vec![Cell::Name(part.to_owned()), Cell::Number(size)]);
    table(&["part", "bytes"], rows, "")
}

/// The suspects and candidates, as a list of cards.
#[must_use]
pub fn leaks(answer: &Leaks) -> String {
    let color = match answer.verdict {
        Verdict::Leak | Verdict::NativeGrowth | Verdict::GarbageGrowth | Verdict::UncollectableCycles => {
            "#c0392b"
        }
        Verdict::NoGrowth => "#27ae60",
        Verdict::Inconclusive => "#b9770e",
    };
    html! {
        div {
            p {
                strong style={ "color:" (color) } { (wording::verdicts(answer)) }
                ": " (text(&wording::reasons(answer)))
            }
            @for note in &answer.notes { p { (text(&wording::note(note))) } }
            @for one in answer.suspects.iter().chain(&answer.candidates) { (card(one)) }
            @if answer.omitted > 0 { p { "and " (grouped(answer.omitted as u64)) " more" } }
        }
    }
    .into_string()
}

/// One suspect or candidate, as a card.
#[must_use]
pub fn suspect(one: &Suspect) -> String {
    card(one).into_string()
}

fn card(one: &Suspect) -> Markup {
    let title = if one.doubt.is_some() { "candidate" } else { "suspect" };
    let holder = one.name().unwrap_or("native reference");
    let rows = one.leaked.iter().map(|leaked| {
        let grown = leaked.growth.iter().fold(0_i64, |sum, &change| sum.saturating_add(change));
        vec![
            Cell::Name(leaked.type_name.clone()),
            Cell::Number(grouped(leaked.count)),
            Cell::Number(if leaked.growth.is_empty() { unknown() } else { signed(grown) }),
            Cell::Number(bytes(leaked.bytes)),
        ]
    });
    html! {
        div style=(CARD) {
            div { (title) " " (one.rank) " " (code(holder)) }
            p { (text(&wording::summary(one))) }
            @if let (Some(_), Some(path)) = (&one.headline_holder, &one.holder) { p { "path: " (code(path)) } }
            @if let Some(doubt) = &one.doubt { p { em { "in doubt: " (text(&wording::doubt(doubt))) } } }
            @if let Some(advice) = &one.advice {
                p {
                    strong { "what to do: " } (text(&advice.title)) ". " (text(&advice.text))
                    @if let Some(link) = &advice.link { " " a href=(escape(link)) rel="noreferrer" { (text(link)) } }
                }
            }
            (table(&["items by type", "now", "growth", "bytes"], rows, ""))
            ul {
                @if let Some(own) = wording::own_part(one) { li { "in your code: " (code(own)) } }
                @for fact in &one.evidence { li { (text(&wording::evidence(fact))) } }
            }
            small {
                "cause: " (one.cause.word()) " · confidence " (percent(one.confidence))
                " · fingerprint " (text(&one.fingerprint))
            }
        }
    }
}

/// The paths to one object of `heap`, as a list.
#[must_use]
pub fn object_paths(heap: &Heap, answer: &ObjectPaths, facts: &ObjectFacts) -> String {
    html! {
        div {
            p {
                (code(&answer.type_name))
                " at " (format!("{:#x}", heap.objects().address(answer.object))) ": " (bytes(answer.size))
                @if let Some(size) = facts.retained { ", retains " (bytes(size)) }
            }
            ol { @for path in &answer.paths { li { (code(&path.to_string())) } } }
            @if answer.paths.is_empty() {
                p { @if answer.garbage { "it is garbage that awaits the collector" } @else { (wording::path(None)) } }
            }
            @if let Some(path) = &facts.dominator { p { "it would be freed without " (code(&path.to_string())) } }
            p { (more(answer.omitted, "more path", "more paths")) }
        }
    }
    .into_string()
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
    let headings = ["objects", "bytes", "held by", "one of them"];
    let rows = table(&headings, rows, &more(answer.omitted, "more path", "more paths"));
    html! { div { p { (code(asked)) " " (count(answer.objects, "object", "objects")) } (rows) } }
        .into_string()
}

/// The report of one heap: where memory accumulates, types, objects and memory.
#[must_use]
pub fn heap_report(answer: &HeapReport) -> String {
    html! {
        div {
            p { (count(answer.total.objects, "object", "objects")) ", " (bytes(answer.total.bytes)) }
            ol { @for one in &answer.accumulation.suspects { li { (text(&wording::accumulation(one))) } } }
            (histogram_table(&answer.types))
            (top_table(&answer.top, TopBy::Retained))
            (memory_table(&answer.memory))
        }
    }
    .into_string()
}
