//! The parts of resident memory, as a table that adds up.

use memtop_analyze::MemoryTotal;

use crate::numbers::{bytes, net_bytes, percent};
use crate::style::{Role, Style};
use crate::table::{Column, Table};

/// How many kinds of Python objects are shown; the rest is one row.
const KINDS: usize = 8;

/// The parts of resident memory.
#[must_use]
pub fn memory(answer: &MemoryTotal, style: &Style) -> String {
    let whole = answer.rss;
    let share = |part: f64| match whole {
        Some(whole) if whole > 0 => percent(part / whole as f64),
        _ => String::new(),
    };
    let columns = [(Column::Name, "part"), (Column::Number, "bytes"), (Column::Number, "share")];
    let mut table = Table::new(style, &columns);
    let mut part = |name: &str, value: Option<u64>| {
        let value_text = value.map_or_else(|| "unknown".to_owned(), bytes);
        table.row(vec![
            name.to_owned(),
            value_text,
            value.map_or_else(String::new, |value| share(value as f64)),
        ]);
    };
    part("Python objects", Some(answer.python));
    for kind in answer.kinds.iter().take(KINDS) {
        part(&format!("  {}", kind.name), Some(kind.bytes));
    }
    let rest = answer.kinds.iter().skip(KINDS).fold(0_u64, |sum, kind| sum.saturating_add(kind.bytes));
    if rest > 0 {
        part("  other kinds", Some(rest));
    }
    part("free, held by pymalloc", answer.pymalloc_free);
    part("free, held by malloc", answer.malloc_free);
    part("known (frames and C stacks)", answer.native_known);
    part("pages of files", answer.file_backed);
    let unexplained = answer.unexplained;
    table.row(vec![
        "unexplained".to_owned(),
        unexplained.map_or_else(|| "unknown".to_owned(), net_bytes),
        unexplained.map_or_else(String::new, |rest| share(rest as f64)),
    ]);
    let resident = whole.map_or_else(|| "unknown".to_owned(), bytes);
    format!("{} {resident}\n{}", style.paint(Role::Heading, "resident memory:"), table.text(2))
}
