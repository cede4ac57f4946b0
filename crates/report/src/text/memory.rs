//! The parts of resident memory, as a table that adds up.

use memtop_analyze::{AccountPart, MemoryTotal};

use crate::numbers::{bytes, net_bytes, percent};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::wording::account_part;

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
    if answer.malloc_trimmable.is_some() {
        part("  malloc_trim would return", answer.malloc_trimmable);
    }
    part("known (frames and C stacks)", answer.native_known);
    part("pages of files", answer.file_backed);
    let unexplained = answer.unexplained;
    table.row(vec![
        "unexplained".to_owned(),
        unexplained.map_or_else(|| "unknown".to_owned(), net_bytes),
        unexplained.map_or_else(String::new, |rest| share(rest as f64)),
    ]);
    let native = answer.native;
    let known = |bytes: Option<u64>| bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let parts = [
        (AccountPart::Malloc, native.malloc),
        (AccountPart::Pymalloc, native.pymalloc),
        (AccountPart::Interned, known(native.interned)),
        (AccountPart::FrameStacks, known(native.frame_stacks)),
        (AccountPart::Mappings, known(native.mapped)),
    ];
    for (part, size) in
        parts.into_iter().filter_map(|(part, size)| Some((part, size.filter(|&size| size != 0)?)))
    {
        let name = format!("  {}", account_part(part, answer.malloc_library));
        table.row(vec![name, net_bytes(size), share(size as f64)]);
    }
    let resident = whole.map_or_else(|| "unknown".to_owned(), bytes);
    format!("{} {resident}\n{}", style.paint(Role::Heading, "resident memory:"), table.text(2))
}
