//! An answer as one page of HTML, for a person who has never seen mem_top: the verdict in a sentence, what it rests on
//! in pictures and tables, and how it was found out.
//!
//! The page is whole in itself: its script and its style stand in it (`page.js` and `page.css`, which `make web` makes
//! of `web/`), it asks nothing of any other place, and a content security policy with their digests (`page.csp`) lets
//! nothing else run. Without a script it reads as well: the verdict, the suspects and the tables are plain HTML; the
//! script draws the charts and makes tables sortable, from a block of JSON that holds the numbers of `--json`.
//!
//! Invariants: every text out of a heap is escaped, in the markup as in the data, and cut if it is very long. The page
//! stays below 2 MB however large the heap is: what is put together or left out is counted, and said on the page. The
//! same answer gives the same bytes.

mod capture;
mod data;
mod heap_view;
mod memory;
mod parts;
mod suspects;
mod tree;
mod types;
mod verdict;

use memtop_analyze::{Diff, Leaks, MemoryTotal, Workers};
use memtop_heap::CaptureInfo;
use serde_json::{Value, json};

use crate::html_fragment::text;
use crate::json as answers;
use parts::Section;

pub use heap_view::HeapView;

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");
const POLICY: &str = include_str!("page.csp");

/// The page for the growth over a series of heaps.
#[derive(Debug, Clone, Copy)]
pub struct LeaksPage<'a> {
    /// What grows.
    pub answer: &'a Leaks,
    /// How the heaps were captured, in the order of time.
    pub captures: &'a [&'a CaptureInfo],
    /// The last heap.
    pub last: &'a HeapView,
    /// What changed from the first to the last; none if there is one heap only.
    pub changes: Option<&'a Diff>,
}

/// The page for the growth over a series of heaps.
#[must_use]
pub fn leaks(page: &LeaksPage<'_>) -> String {
    let LeaksPage { answer, captures, last, changes } = *page;
    let held: Vec<&str> = answer.suspects.iter().filter_map(|one| one.holder.as_deref()).collect();
    let sections = [
        verdict::leaks(answer),
        suspects::section("suspects", "What leaks", &answer.suspects, answer),
        suspects::section("candidates", "What may leak", &answer.candidates, answer),
        tree::section(&last.tree, &held),
        types::heap(&last.types, changes),
        memory::over_time(&[(None, answer.memory.as_slice(), times(captures).as_slice())]),
        memory::kinds(&last.report.memory),
        capture::section(captures),
    ];
    let data = json!({
        "page": "leaks",
        "answer": answers::leaks(answer),
        "heap": answers::heap_report(&last.report),
        "types": types::heap_data(&last.types, changes),
        "tree": tree::data(&last.tree, &held),
        "memory": [memory::data(None, &answer.memory, &times(captures))],
    });
    let of = captures.last().map_or_else(String::new, |info| parts::process(info));
    shell(answer.verdict.word(), &of, captures, &sections, data)
}

/// The page for one heap.
#[must_use]
pub fn heap_report(view: &HeapView) -> String {
    let report = &view.report;
    let captures = [&report.info];
    let memory = std::slice::from_ref(&report.memory);
    let points: Vec<String> =
        report.accumulation.suspects.iter().map(|one| one.point.path.to_string()).collect();
    let points: Vec<&str> = points.iter().map(String::as_str).collect();
    let sections = [
        verdict::heap(report),
        suspects::points(&report.accumulation),
        tree::section(&view.tree, &points),
        types::heap(&view.types, None),
        types::objects(&report.top),
        memory::over_time(&[(None, memory, times(&captures).as_slice())]),
        memory::kinds(&report.memory),
        capture::section(&captures),
    ];
    let data = json!({
        "page": "report",
        "answer": answers::heap_report(report),
        "types": types::heap_data(&view.types, None),
        "tree": tree::data(&view.tree, &points),
        "memory": [memory::data(None, memory, &times(&captures))],
    });
    shell("what is in the heap", &parts::process(&report.info), &captures, &sections, data)
}

/// The page for what changed between two heaps. Of `answer` all rows should be given; the page takes the first.
#[must_use]
pub fn diff(answer: &Diff, captures: [&CaptureInfo; 2], memory: &[MemoryTotal; 2]) -> String {
    let sections = [
        verdict::diff(answer, captures),
        types::changes_chart(answer),
        types::changes(answer),
        memory::over_time(&[(None, memory.as_slice(), times(&captures).as_slice())]),
        capture::section(&captures),
    ];
    let shown = Diff {
        rows: answer.rows.iter().take(types::SHOWN).cloned().collect(),
        omitted: answer.omitted + answer.rows.len().saturating_sub(types::SHOWN),
        ..answer.clone()
    };
    let mut told = answers::diff(&shown, captures[0], captures[1]);
    // The rows stand in the table's data; twice would be too large.
    if let Some(fields) = told.as_object_mut() {
        fields.remove("types");
    }
    let data = json!({
        "page": "diff",
        "answer": told,
        "types": types::changes_data(&shown),
        "memory": [memory::data(None, memory, &times(&captures))],
    });
    shell("what changed", &parts::process(captures[1]), &captures, &sections, data)
}

/// The page for the growth in the processes of a server.
#[must_use]
pub fn workers(answer: &Workers) -> String {
    let times: Vec<Vec<Option<String>>> =
        answer.workers.iter().map(|one| parts::taken(&one.answer)).collect();
    let series: Vec<(Option<u32>, &[MemoryTotal], &[Option<String>])> = answer
        .workers
        .iter()
        .zip(&times)
        .map(|(one, times)| (Some(one.pid), one.answer.memory.as_slice(), times.as_slice()))
        .collect();
    let sections = [
        verdict::workers(answer),
        suspects::shared("suspects", "What leaks", &answer.suspects, answer),
        suspects::shared("candidates", "What may leak", &answer.candidates, answer),
        verdict::processes(answer),
        memory::over_time(&series),
    ];
    let data = json!({
        "page": "workers",
        "answer": answers::workers(answer),
        "memory": series.iter().map(|(pid, totals, times)| memory::data(*pid, totals, times)).collect::<Vec<_>>(),
    });
    let of = parts::count_of(answer.workers.len(), "process", "processes");
    shell(answer.verdict.word(), &of, &[], &sections, data)
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
) -> String {
    let sections: Vec<&Section> = sections.iter().flatten().collect();
    let mut links = String::new();
    let mut body = String::new();
    for section in &sections {
        links.push_str(&format!("<li><a href=\"#{}\">{}</a></li>", section.id, text(section.title)));
        body.push_str(&section.markup());
    }
    let when = captures.last().map_or_else(String::new, |info| parts::when(captures[0], info));
    let (title, of, when) = (text(title), text(&parts::shortened(of)), text(&when));
    let (policy, version) = (text(POLICY.trim()), env!("CARGO_PKG_VERSION"));
    let data = data::block(data);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"mem_top {version}\">\n\
         <title>{title}: {of} – mem_top</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n\
         <header class=\"top\"><div><p class=\"brand\">mem_top</p><h1>{of}</h1><p class=\"when\">{when}</p></div>\
         <button id=\"theme\" type=\"button\" hidden>Theme</button></header>\n\
         <nav aria-label=\"Sections\"><ul>{links}</ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n{body}</main>\n\
         <footer><p>Written by mem_top {version}. Sizes are powers of ten: 1 kB is 1000 bytes. \
         This page is complete in itself: it asks nothing of any other place.</p></footer>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}
