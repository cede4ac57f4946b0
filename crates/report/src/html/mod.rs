//! An answer as one HTML page, for a person who has never seen mem_top: the verdict in a sentence, the facts behind it
//! in charts and tables, and how they were captured.
//!
//! The page is complete in itself. It contains its script and its style (`page.js` and `page.css`, which `make web`
//! builds from `web/`) and loads nothing. A content security policy with their digests (`page.csp`) lets nothing else
//! run. The page is also readable without a script: the verdict, the suspects and the tables are plain HTML. The script
//! draws the charts and makes tables sortable, from a block of JSON with the numbers of `--json`.
//!
//! Invariants: every text out of a heap is escaped, in the markup and in the data, and cut if it is very long. The page
//! stays below 2 MB however large the heap is: items that are merged or left out are counted, and the page says so.
//! Equal answers give equal bytes.

mod caps;
mod capture;
mod data;
mod heap_view;
mod memory;
mod parts;
mod suspects;
mod tree;
mod types;
mod verdict;

use maud::{PreEscaped, html};
use memtop_analyze::{Diff, GroupLeaks, Leaks, MemoryTotal};
use memtop_heap::CaptureInfo;
use serde_json::{Value, json};

use crate::json as answers;
use crate::markup::{sentence, text};
use caps::{Caps, fitting};
use parts::Section;

pub use heap_view::HeapView;

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");
const POLICY: &str = include_str!("page.csp");

/// The page for the growth over a series of heaps.
#[derive(Debug, Clone, Copy)]
pub struct LeaksPage<'a> {
    /// The answer.
    pub answer: &'a Leaks,
    /// How the heaps were captured, in the order of time.
    pub captures: &'a [&'a CaptureInfo],
    /// The last heap.
    pub last: &'a HeapView,
    /// The changes from the first heap to the last; none if there is only one.
    pub changes: Option<&'a Diff>,
}

/// The page for the growth over a series of heaps.
#[must_use]
pub fn leaks(page: &LeaksPage<'_>) -> String {
    fitting(|caps| leaks_within(page, caps))
}

fn leaks_within(page: &LeaksPage<'_>, caps: &Caps) -> String {
    let LeaksPage { answer, captures, last, changes } = *page;
    let tree = last.tree.limited(caps.places);
    let held: Vec<&str> = answer.suspects.iter().filter_map(|one| one.holder.as_deref()).collect();
    let sections = [
        verdict::leaks(answer),
        suspects::section("suspects", "What leaks", &answer.suspects, answer, caps),
        suspects::section("candidates", "What may leak", &answer.candidates, answer, caps),
        tree::section(&tree, &held),
        types::heap(&last.types, changes, caps),
        memory::over_time(&[(None, answer.memory.as_slice(), times(captures).as_slice())]),
        memory::kinds(&last.report.memory),
        capture::section(captures),
    ];
    let data = json!({
        "page": "leaks",
        "answer": listed(answers::leaks(answer), caps),
        "heap": listed(answers::heap_report(&last.report), caps),
        "types": types::heap_data(&last.types, changes, caps),
        "tree": tree::data(&tree, &held, caps),
        "memory": [memory::data(None, &answer.memory, &times(captures))],
    });
    let of = captures.last().map_or_else(String::new, |info| parts::process(info));
    shell(answer.verdict.word(), &of, captures, &sections, data, caps)
}

/// The page for one heap.
#[must_use]
pub fn heap_report(view: &HeapView) -> String {
    fitting(|caps| heap_within(view, caps))
}

fn heap_within(view: &HeapView, caps: &Caps) -> String {
    let report = &view.report;
    let tree = view.tree.limited(caps.places);
    let captures = [&report.info];
    let memory = std::slice::from_ref(&report.memory);
    let points: Vec<String> =
        report.accumulation.suspects.iter().map(|one| one.point.path.to_string()).collect();
    let points: Vec<&str> = points.iter().map(String::as_str).collect();
    let sections = [
        verdict::heap(report),
        suspects::points(&report.accumulation, caps),
        tree::section(&tree, &points),
        types::heap(&view.types, None, caps),
        types::objects(&report.top, caps),
        memory::over_time(&[(None, memory, times(&captures).as_slice())]),
        memory::kinds(&report.memory),
        capture::section(&captures),
    ];
    let data = json!({
        "page": "report",
        "answer": listed(answers::heap_report(report), caps),
        "types": types::heap_data(&view.types, None, caps),
        "tree": tree::data(&tree, &points, caps),
        "memory": [memory::data(None, memory, &times(&captures))],
    });
    shell("what is in the heap", &parts::process(&report.info), &captures, &sections, data, caps)
}

/// The page for the changes between two heaps. `answer` should have all rows; the page takes the first.
#[must_use]
pub fn diff(answer: &Diff, captures: [&CaptureInfo; 2], memory: &[MemoryTotal; 2]) -> String {
    fitting(|caps| diff_within(answer, captures, memory, caps))
}

fn diff_within(answer: &Diff, captures: [&CaptureInfo; 2], memory: &[MemoryTotal; 2], caps: &Caps) -> String {
    let sections = [
        verdict::diff(answer, captures),
        types::changes_chart(answer),
        types::changes(answer, caps),
        memory::over_time(&[(None, memory.as_slice(), times(&captures).as_slice())]),
        capture::section(&captures),
    ];
    let shown = Diff {
        rows: answer.rows.iter().take(caps.types).cloned().collect(),
        omitted: answer.omitted + answer.rows.len().saturating_sub(caps.types),
        ..answer.clone()
    };
    let mut answer = answers::diff(&shown, captures[0], captures[1]);
    // The rows are in the table's data already, and twice would be too large.
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("types");
    }
    let data = json!({
        "page": "diff",
        "answer": answer,
        "types": types::changes_data(&shown, caps),
        "memory": [memory::data(None, memory, &times(&captures))],
    });
    shell("changes", &parts::process(captures[1]), &captures, &sections, data, caps)
}

/// The page for the growth in the processes of a group.
#[must_use]
pub fn group_leaks(answer: &GroupLeaks) -> String {
    fitting(|caps| group_within(answer, caps))
}

fn group_within(answer: &GroupLeaks, caps: &Caps) -> String {
    let times: Vec<Vec<Option<String>>> =
        answer.members.iter().map(|one| parts::taken(&one.answer)).collect();
    let series: Vec<memory::Series<'_>> = answer
        .members
        .iter()
        .zip(&times)
        .take(caps.items)
        .map(|(one, times)| (Some(one.pid), one.answer.memory.as_slice(), times.as_slice()))
        .collect();
    let sections = [
        verdict::group_leaks(answer),
        suspects::shared("suspects", "What leaks", &answer.suspects, answer, caps),
        suspects::shared("candidates", "What may leak", &answer.candidates, answer, caps),
        verdict::processes(answer, caps),
        memory::over_time(&series),
    ];
    let data = json!({
        "page": "workers",
        "answer": listed(answers::group_leaks(answer), caps),
        "memory": series.iter().map(|(pid, totals, times)| memory::data(*pid, totals, times)).collect::<Vec<_>>(),
    });
    let first = answer.members.iter().find_map(|one| one.answer.info.as_ref());
    let of = match (first, answer.members.len()) {
        (Some(info), 1) => parts::process(info),
        (Some(info), all) => {
            let more = parts::count_of(all - 1, "more process", "more processes");
            format!("{} and {more}", parts::process(info))
        }
        (None, all) => parts::count_of(all, "process", "processes"),
    };
    shell(answer.verdict.word(), &of, &[], &sections, data, caps)
}

/// An answer with the first items of its lists. The number of items that a list's own limit left out is a field of the
/// answer; the page shows how many others there are.
fn listed(mut answer: Value, caps: &Caps) -> Value {
    for field in ["suspects", "candidates", "types", "top", "notes", "processes"] {
        if let Some(items) = answer.get_mut(field).and_then(Value::as_array_mut) {
            items.truncate(caps.items);
        }
    }
    answer
}

fn times(captures: &[&CaptureInfo]) -> Vec<Option<String>> {
    captures.iter().map(|info| crate::iso8601(info.taken_at)).collect()
}

/// The whole page around its sections.
fn shell(
    title: &str,
    of: &str,
    captures: &[&CaptureInfo],
    sections: &[Option<Section>],
    data: Value,
    caps: &Caps,
) -> String {
    let sections: Vec<&Section> = sections.iter().flatten().collect();
    let when = captures.last().map_or_else(String::new, |info| parts::when(captures[0], info));
    let version = env!("CARGO_PKG_VERSION");
    let page = html! {
        (PreEscaped("<!doctype html>\n"))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(text(POLICY.trim()));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "mem_top " (version) };
                title { (title) ": " (sentence(of)) " – mem_top" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the verdict" }
                header.top {
                    div { p.brand { "mem_top" } h1 { (sentence(of)) } p.when { (text(&when)) } }
                    button #theme type="button" hidden { "Theme" }
                }
                nav aria-label="Sections" {
                    ul { @for section in &sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                }
                main #main tabindex="-1" { @for section in &sections { (section) } }
                footer {
                    p {
                        "Written by mem_top " (version) ". Sizes are powers of ten: 1 kB is 1000 bytes. This page is \
                         complete in itself, and loads nothing."
                    }
                }
                script type="application/json" id="data" { (PreEscaped(data::block(data, caps.text))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}
