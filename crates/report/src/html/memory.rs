//! The reconciled total: the parts of resident memory over time, and Python objects by kind.

use maud::{Markup, html};
use memtop_analyze::{Account, MemoryTotal};
use serde_json::{Value, json};

use super::parts::{Cell, Section, scrollable, table};
use crate::markup::name;
use crate::numbers::{bytes, known_bytes, net_bytes, percent, signed_bytes, unknown};
use crate::wording;

/// The memory of one process: its PID where there are several, its totals, and their times.
pub(super) type Series<'a> = (Option<u32>, &'a [MemoryTotal], &'a [Option<String>]);

pub(super) fn data(pid: Option<u32>, totals: &[MemoryTotal], times: &[Option<String>]) -> Value {
    json!({"pid": pid, "times": times, "parts": crate::json::leaks::memory(totals)})
}

pub(super) fn over_time(series: &[Series<'_>]) -> Option<Section> {
    let body = html! {
        @for (index, (pid, totals, times)) in series.iter().enumerate() {
            @if let Some(pid) = pid { h3 { "PID " (pid) } }
            figure.chart data-chart="memory" data-index=(index) {
                details open { summary { "The numbers" } (numbers(totals, times)) }
            }
        }
    };
    let is_one = series.iter().all(|(_, totals, _)| totals.len() < 2);
    Some(Section {
        id: "memory",
        title: if is_one { "The parts of resident memory" } else { "Memory over time" },
        lead: "Resident memory of the process, as the system counts it. Its parts add up to it.".to_owned(),
        body,
    })
}

/// The growth of resident memory by part.
pub(super) fn growth(account: &Account) -> Option<Markup> {
    let resident = account.resident?;
    let rows = account.rows.iter().filter(|row| row.growth != 0).map(|row| {
        vec![
            Cell::Words(wording::account_part(row.part, account.malloc_library)),
            Cell::Number(signed_bytes(row.growth)),
            Cell::Number(net_bytes(row.bytes)),
        ]
    });
    let caption = format!("Growth of resident memory: {}", signed_bytes(resident));
    Some(table(&caption, &[("Part", false), ("Growth", true), ("Now", true)], rows))
}

fn numbers(totals: &[MemoryTotal], times: &[Option<String>]) -> Markup {
    let headings = [
        ("Taken at (UTC)", false),
        ("Resident", true),
        ("Python objects", true),
        ("Free in pymalloc", true),
        ("Free in malloc", true),
        ("Buffers, stacks", true),
        ("Files", true),
        ("Unexplained", true),
    ];
    let rows = totals.iter().zip(times).map(|(of, time)| {
        let time = time.as_deref().unwrap_or("?").replace('T', " ");
        // To a second.
        let time = time.split(['.', 'Z']).next().unwrap_or("?").to_owned();
        let unexplained = of.unexplained.map_or_else(unknown, net_bytes);
        let mut cells =
            vec![Cell::Words(time), Cell::Number(known_bytes(of.rss)), Cell::Number(bytes(of.python))];
        let parts = [of.pymalloc_free, of.malloc_free, of.native_known, of.file_backed];
        cells.extend(parts.map(|part| Cell::Number(known_bytes(part))));
        cells.push(Cell::Number(unexplained));
        cells
    });
    table("The parts of resident memory", &headings, rows)
}

/// Python objects by kind, as bars.
pub(super) fn kinds(answer: &MemoryTotal) -> Option<Section> {
    let largest = answer.kinds.first().map(|part| part.bytes).filter(|&bytes| bytes > 0)?;
    const SHOWN: usize = 12;
    let rest: u64 = answer.kinds.iter().skip(SHOWN).map(|part| part.bytes).sum();
    let rest = (rest > 0).then_some(("all others", rest));
    let shown = answer.kinds.iter().take(SHOWN).map(|part| (part.name.as_str(), part.bytes)).chain(rest);
    let widest = largest.max(rest.map_or(0, |(_, rest)| rest));
    let caption = "Python objects by kind";
    let body = html! {
        table.kinds {
            caption { (caption) }
            tbody {
                @for (kind, size) in shown {
                    tr {
                        th.name scope="row" { (name(kind)) }
                        td.bar { meter min="0" max=(widest) value=(size) aria-label="share" {} }
                        td.n { (bytes(size)) }
                        td.n { (percent(size as f64 / answer.python.max(1) as f64)) }
                    }
                }
            }
        }
    };
    Some(Section {
        id: "kinds",
        title: "Python objects by kind",
        lead: "The shallow bytes of all objects in the last snapshot: builtin types on their own, classes by the code that \
               defines them."
            .to_owned(),
        body: scrollable(caption, &body),
    })
}
