//! The types that changed between two heaps, as text.

use std::fmt::Write;

use memtop_analyze::Diff;
use memtop_heap::CaptureInfo;

use super::parts::caveats;
use crate::numbers::{bytes, count, duration, grouped, signed, signed_bytes};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::time::span;
use crate::wording::capture;

/// The types that changed from the heap of `old` to that of `new`.
#[must_use]
pub fn diff(answer: &Diff, old: &CaptureInfo, new: &CaptureInfo, style: &Style) -> String {
    let mut out = style.sentence(&capture(new)) + "\n";
    let since = match span(old.taken_at, new.taken_at) {
        Some(span) => format!("within {}", duration(span)),
        // A caller who gives them the other way round wants the change the other way round.
        None => "backwards in time: the second snapshot is the older one".to_owned(),
    };
    let grown = |from: u64, to: u64| to.wrapping_sub(from).cast_signed();
    let objects = signed(grown(answer.old.objects, answer.new.objects));
    let size = signed_bytes(grown(answer.old.bytes, answer.new.bytes));
    let _ = writeln!(
        out,
        "{} objects, {} {since}: from {} ({}) to {} ({})\n",
        style.paint(Role::Heading, &objects),
        style.paint(Role::Heading, &size),
        grouped(answer.old.objects),
        bytes(answer.old.bytes),
        grouped(answer.new.objects),
        bytes(answer.new.bytes),
    );
    if answer.rows.is_empty() && answer.omitted == 0 {
        return out + "no type changed\n" + &caveats(&[old, new], style);
    }
    let mut table = Table::new(
        style,
        &[
            (Column::Number, "bytes"),
            (Column::Number, "objects"),
            (Column::Number, "bytes now"),
            (Column::Number, "objects now"),
            (Column::Name, "type"),
        ],
    );
    for row in &answer.rows {
        table.row(vec![
            signed_bytes(row.bytes_grown()),
            signed(row.objects_grown()),
            bytes(row.new.bytes),
            grouped(row.new.objects),
            row.name.clone(),
        ]);
    }
    out.push_str(&table.text(2));
    if answer.omitted > 0 {
        let _ = writeln!(out, "  and {}", count(answer.omitted as u64, "more type", "more types"));
    }
    out + &caveats(&[old, new], style)
}
