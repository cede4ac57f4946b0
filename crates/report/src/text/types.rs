//! Types and large objects as tables.

use std::fmt::Write;

use memtop_analyze::{Histogram, TopBy};

use crate::heap_report::TopObject;
use crate::numbers::{bytes, count, grouped};
use crate::style::Style;
use crate::table::{Column, Table};
use crate::wording;

/// The types of a heap.
#[must_use]
pub fn histogram(answer: &Histogram, style: &Style) -> String {
    let mut columns = vec![(Column::Number, "objects"), (Column::Number, "bytes")];
    let with_retained = answer.rows.iter().any(|row| row.retained.is_some());
    if with_retained {
        columns.push((Column::Number, "retained"));
    }
    columns.push((Column::Name, "type"));
    let mut table = Table::new(style, &columns);
    for row in &answer.rows {
        let mut cells = vec![grouped(row.objects), bytes(row.bytes)];
        if with_retained {
            cells.push(row.retained.map_or_else(|| "?".to_owned(), bytes));
        }
        cells.push(row.name.clone());
        table.row(cells);
    }
    let mut out = table.text(2);
    if answer.omitted > 0 {
        let _ = writeln!(out, "  and {}", count(answer.omitted as u64, "more type", "more types"));
    }
    out
}

/// The largest objects with their paths, the one by which they are the largest first.
#[must_use]
pub fn top(rows: &[TopObject], by: TopBy, style: &Style) -> String {
    let sizes = match by {
        TopBy::Retained => ["retained", "size", "references"],
        TopBy::Shallow => ["size", "retained", "references"],
        TopBy::References => ["references", "size", "retained"],
    };
    let mut columns: Vec<(Column, &str)> = sizes.iter().map(|name| (Column::Number, *name)).collect();
    columns.extend([(Column::Number, "address"), (Column::Name, "type"), (Column::Name, "path")]);
    let mut table = Table::new(style, &columns);
    for one in rows {
        let row = &one.row;
        let number = |name: &&str| match *name {
            "retained" => row.retained.map_or_else(|| "?".to_owned(), bytes),
            "size" => bytes(row.size),
            _ => grouped(row.references),
        };
        let mut cells: Vec<String> = sizes.iter().map(number).collect();
        cells.extend([format!("{:#x}", row.address), row.type_name.clone()]);
        cells.push(style.name(&wording::path_and_chain(one.path.as_ref(), row.chain)));
        table.row(cells);
    }
    table.text(2)
}
