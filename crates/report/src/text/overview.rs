//! One heap at a glance, as text: refs, bytes and types as mem_top() counts them, the largest by retained size, the
//! reconciled total, and the cost of the capture.

use memtop_analyze::TopBy;

use super::{memory, top};
use crate::numbers::{bytes, count, grouped};
use crate::overview::Overview;
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::wording::{capture, cost};

/// The overview of one heap.
#[must_use]
pub fn overview(answer: &Overview, style: &Style) -> String {
    let heading = |name: &str, what: &str| format!("\n{}{what}\n", style.paint(Role::Heading, name));
    let mut out = style.sentence(&capture(&answer.info)) + "\n";
    let resident =
        answer.memory.rss.map_or_else(String::new, |rss| format!("; resident memory {}", bytes(rss)));
    out.push_str(&format!(
        "{}, {}, {}{resident}\n",
        count(answer.total.objects, "object", "objects"),
        bytes(answer.total.bytes),
        count(answer.references, "reference", "references"),
    ));
    let tracked = count(answer.tracked.objects, "object", "objects");
    out.push_str(&heading(
        "refs",
        &format!(": of {tracked} that the collector tracks, those with the most references"),
    ));
    out.push_str(&top(&answer.refs, TopBy::References, style));
    out.push_str(&heading("bytes", ": of these, the largest by shallow size"));
    out.push_str(&top(&answer.bytes, TopBy::Shallow, style));
    out.push_str(&heading("types", ": of these, the most numerous"));
    let columns = [(Column::Number, "objects"), (Column::Number, "bytes"), (Column::Name, "type")];
    let mut table = Table::new(style, &columns);
    for row in &answer.types {
        table.row(vec![grouped(row.objects), bytes(row.bytes), row.name.clone()]);
    }
    out.push_str(&table.text(2));
    out.push_str(&heading("retained", ": of all objects, those that retain the most"));
    out.push_str(&top(&answer.retained, TopBy::Retained, style));
    out.push('\n');
    out.push_str(&memory(&answer.memory, style));
    out.push_str(&heading("the capture", ""));
    for sentence in cost(&answer.info) {
        out.push_str(&style.wrapped(&style.sentence(&sentence), "  ", 2));
    }
    out
}
