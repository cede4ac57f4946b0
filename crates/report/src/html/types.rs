//! Types and large objects as tables: the first rows as plain HTML, more of them in the data, the rest counted.

use std::collections::HashMap;

use maud::{Markup, html};
use memtop_analyze::{Diff, DiffRow, Histogram};
use serde_json::{Value, json};

use super::caps::Caps;
use super::parts::{Cell, Section, table};
use crate::escape::{cut, escape};
use crate::heap_report::TopObject;
use crate::numbers::{bytes, count, grouped, known_bytes, signed, signed_bytes};
use crate::wording;

/// How many types are in the page as HTML.
const ROWS: usize = 25;

/// The columns: their headings, and whether they are numbers.
const HEAP: [(&str, bool); 4] = [("Type", false), ("Objects", true), ("Bytes", true), ("Retained", true)];
const GROWTH: [(&str, bool); 2] = [("Objects grown", true), ("Bytes grown", true)];
const CHANGES: [(&str, bool); 7] = [
    ("Type", false),
    ("Bytes grown", true),
    ("Objects grown", true),
    ("Bytes now", true),
    ("Objects now", true),
    ("Bytes before", true),
    ("Objects before", true),
];

fn named(name: &str, caps: &Caps) -> String {
    cut(&escape(name), caps.text / 2).into_owned()
}

/// The changes by name.
fn by_name(changes: Option<&Diff>) -> HashMap<&str, &DiffRow> {
    changes.map(|diff| diff.rows.iter().map(|row| (row.name.as_str(), row)).collect()).unwrap_or_default()
}

/// The types of a heap as rows: name, objects, bytes, retained bytes; where there are `changes`, the growth of objects
/// and of bytes too. Two types of one name are two rows, but their changes are known only together.
pub(super) fn heap_data(types: &Histogram, changes: Option<&Diff>, caps: &Caps) -> Value {
    let known = by_name(changes);
    let mut columns = vec!["type", "objects", "bytes", "retained"];
    let mut headings = HEAP.to_vec();
    if changes.is_some() {
        columns.extend(["growth", "bytes_growth"]);
        headings.extend(GROWTH);
    }
    let row = |row: &memtop_analyze::TypeRow| {
        let mut cells =
            vec![json!(named(&row.name, caps)), json!(row.objects), json!(row.bytes), json!(row.retained)];
        if changes.is_some() {
            let grown = known.get(row.name.as_str());
            cells.push(json!(grown.map_or(0, |row| row.objects_grown())));
            cells.push(json!(grown.map_or(0, |row| row.bytes_grown())));
        }
        Value::Array(cells)
    };
    json!({
        "columns": columns,
        "headings": headings.iter().map(|(heading, _)| heading).collect::<Vec<_>>(),
        "rows": types.rows.iter().take(caps.types).map(row).collect::<Vec<_>>(),
        "omitted": types.omitted + types.rows.len().saturating_sub(caps.types),
    })
}

/// The rows of changes: name, growth of bytes and of objects, bytes and objects now, and before.
pub(super) fn changes_data(answer: &Diff, caps: &Caps) -> Value {
    let row = |row: &DiffRow| {
        json!([
            named(&row.name, caps),
            row.bytes_grown(),
            row.objects_grown(),
            row.new.bytes,
            row.new.objects,
            row.old.bytes,
            row.old.objects
        ])
    };
    json!({
        "columns": ["type", "bytes_growth", "growth", "bytes", "objects", "bytes_before", "objects_before"],
        "headings": CHANGES.map(|(heading, _)| heading),
        "rows": answer.rows.iter().map(row).collect::<Vec<_>>(),
        "omitted": answer.omitted,
    })
}

/// A table that the script makes sortable, of the first rows, and how many there are.
fn sortable(
    caption: &str,
    headings: &[(&str, bool)],
    rows: impl Iterator<Item = Vec<Cell>>,
    all: usize,
    omitted: usize,
) -> Markup {
    let shown = all.min(ROWS);
    html! {
        div #type-table { (table(caption, headings, rows.take(ROWS))) }
        @if all > shown {
            p.hint.unscripted { "Without a script, the first " (shown) " of " (grouped(all as u64)) " are shown." }
        }
        @if omitted > 0 {
            p.hint {
                (count(all as u64, "type", "types")) " of " (grouped((all + omitted) as u64))
                ": the smallest are not on this page; mem_top --limit 0 --json has all."
            }
        }
    }
}

pub(super) fn heap(types: &Histogram, changes: Option<&Diff>, caps: &Caps) -> Option<Section> {
    let grown = by_name(changes);
    let mut headings = HEAP.to_vec();
    if changes.is_some() {
        headings.extend(GROWTH);
    }
    let rows = types.rows.iter().map(|row| {
        let mut cells = vec![
            Cell::Name(named(&row.name, caps)),
            Cell::Number(grouped(row.objects)),
            Cell::Number(bytes(row.bytes)),
            Cell::Number(known_bytes(row.retained)),
        ];
        if changes.is_some() {
            let grown = grown.get(row.name.as_str());
            cells.push(Cell::Number(signed(grown.map_or(0, |row| row.objects_grown()))));
            cells.push(Cell::Number(signed_bytes(grown.map_or(0, |row| row.bytes_grown()))));
        }
        cells
    });
    let all = types.rows.len().min(caps.types);
    let omitted = types.omitted + types.rows.len() - all;
    let growth = if changes.is_some() { " Growth is since the first snapshot." } else { "" };
    Some(Section {
        id: "types",
        title: "Types",
        lead: format!(
            "All objects of the last snapshot, by type. Bytes are their own; retained is the memory that would be freed with them.{growth}"
        ),
        body: sortable("Types", &headings, rows, all, omitted),
    })
}

pub(super) fn changes(answer: &Diff, caps: &Caps) -> Option<Section> {
    let rows = answer.rows.iter().map(|row| {
        vec![
            Cell::Name(named(&row.name, caps)),
            Cell::Number(signed_bytes(row.bytes_grown())),
            Cell::Number(signed(row.objects_grown())),
            Cell::Number(bytes(row.new.bytes)),
            Cell::Number(grouped(row.new.objects)),
            Cell::Number(bytes(row.old.bytes)),
            Cell::Number(grouped(row.old.objects)),
        ]
    });
    let all = answer.rows.len().min(caps.types);
    let omitted = answer.omitted + answer.rows.len() - all;
    Some(Section {
        id: "types",
        title: "Types that changed",
        lead: "The largest change of bytes comes first. Garbage is not counted.".to_owned(),
        body: sortable("Types that changed", &CHANGES, rows, all, omitted),
    })
}

/// A place for the chart of the largest changes.
pub(super) fn changes_chart(answer: &Diff) -> Option<Section> {
    (!answer.rows.is_empty()).then(|| Section {
        id: "changes",
        title: "What changed most",
        lead: "Bytes gained and lost, by type.".to_owned(),
        body: html! { figure.chart data-chart="changes" {} },
    })
}

/// The largest objects.
pub(super) fn objects(rows: &[TopObject], caps: &Caps) -> Option<Section> {
    let headings = [
        ("Retained", true),
        ("Size", true),
        ("References", true),
        ("Type", false),
        ("Path", false),
        ("Address", false),
    ];
    let cells = rows.iter().take(caps.items).map(|one| {
        vec![
            Cell::Number(known_bytes(one.row.retained)),
            Cell::Number(bytes(one.row.size)),
            Cell::Number(grouped(one.row.references)),
            Cell::Name(one.row.type_name.clone()),
            Cell::Name(wording::path_and_chain(one.path.as_ref(), one.row.chain)),
            Cell::Name(format!("{:#x}", one.row.address)),
        ]
    });
    (!rows.is_empty()).then(|| Section {
        id: "objects",
        title: "The largest objects",
        lead: "By retained size.".to_owned(),
        body: table("The largest objects", &headings, cells),
    })
}
