//! The report of one heap as text: where memory accumulates, types and objects by retained size, resident memory by
//! part, roots, garbage, and the cost of the capture.

use memtop_analyze::TopBy;

use super::{histogram, memory, top};
use crate::heap_report::HeapReport;
use crate::numbers::{bytes, count, grouped};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::wording::{self, accumulation, capture, cost};

/// The report of one heap.
#[must_use]
pub fn heap_report(answer: &HeapReport, style: &Style) -> String {
    let heading = |text: &str| format!("\n{}\n", style.paint(Role::Heading, text));
    let mut out = style.sentence(&capture(&answer.info)) + "\n";
    let resident =
        answer.memory.rss.map_or_else(String::new, |rss| format!("; resident memory {}", bytes(rss)));
    out.push_str(&format!(
        "{}, {}, {}{resident}\n",
        count(answer.total.objects, "object", "objects"),
        bytes(answer.total.bytes),
        count(answer.references, "reference", "references"),
    ));

    out.push_str(&heading("where memory accumulates"));
    let points = &answer.accumulation;
    for (index, one) in points.suspects.iter().enumerate() {
        out.push_str(&style.wrapped(&style.sentence(&accumulation(one)), &format!("{:3}. ", index + 1), 5));
    }
    match (points.suspects.len(), points.omitted) {
        (0, _) => out.push_str("  no single place retains a tenth of the heap\n"),
        (_, 0) => {}
        (_, more) => out.push_str(&format!("  and {}\n", count(more as u64, "more place", "more places"))),
    }

    out.push_str(&heading("types by retained size"));
    out.push_str(&histogram(&answer.types, style));
    out.push_str(&heading("objects by retained size"));
    out.push_str(&top(&answer.top, TopBy::Retained, style));
    out.push('\n');
    out.push_str(&memory(&answer.memory, style));

    out.push_str(&heading("roots"));
    let mut table = Table::new(style, &[(Column::Number, "roots"), (Column::Name, "kind")]);
    for row in &answer.roots {
        table.row(vec![grouped(row.roots), row.kind.word().to_owned()]);
    }
    out.push_str(&table.text(2));

    out.push_str(&heading("held by native code, and garbage"));
    let held = count(answer.garbage.native, "object", "objects");
    let native = match answer.garbage.native {
        0 => "no object is held by native code alone".to_owned(),
        _ => format!("{held} held by native code alone: the reference counts exceed the references found"),
    };
    let garbage = answer.garbage.total;
    let waits = match garbage.objects {
        0 => "there is no garbage".to_owned(),
        objects => format!(
            "{}, {}, await the collector: garbage is not a leak",
            count(objects, "object", "objects"),
            bytes(garbage.bytes)
        ),
    };
    let uncollectable = answer.garbage.uncollectable;
    let never = (uncollectable.objects > 0).then(|| {
        format!(
            "{}, {}, in cycles that the collector never frees: {}",
            count(uncollectable.objects, "object", "objects"),
            bytes(uncollectable.bytes),
            wording::cycles_through(&answer.garbage.hidden_by)
        )
    });
    let collector = answer.info.collector.as_ref().map(wording::collector);
    for sentence in [Some(native), never, collector, Some(waits)].into_iter().flatten() {
        out.push_str(&style.wrapped(&sentence, "  ", 2));
    }
    for row in &answer.garbage.rows {
        let sentence = format!("{} {} ({})", grouped(row.objects), row.name, bytes(row.bytes));
        out.push_str(&style.wrapped(&style.sentence(&sentence), "    ", 4));
    }

    if answer.garbage.omitted > 0 {
        let more = count(answer.garbage.omitted as u64, "more type", "more types");
        out.push_str(&format!("    and {more}\n"));
    }

    out.push_str(&heading("the capture"));
    for sentence in cost(&answer.info) {
        out.push_str(&style.wrapped(&style.sentence(&sentence), "  ", 2));
    }
    out
}
