//! What is to be said first: the verdict in a sentence, and the figures that one looks for.

use memtop_analyze::{Diff, GroupLeaks, Leaks, Verdict};
use memtop_heap::CaptureInfo;

use super::Caps;
use super::parts::{Cell, Section, known, notes, shortened, span, table, tiles};
use crate::heap_report::HeapReport;
use crate::html_fragment::text;
use crate::numbers::{bytes, count, duration, grouped, percent, signed, signed_bytes};
use crate::text::accumulation;

/// The class that says how bad it is: a colour, and a sign beside it for those who do not see colours.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak | Verdict::NativeGrowth => "bad",
        Verdict::NoGrowth => "good",
        Verdict::Inconclusive => "doubt",
    }
}

/// What the verdict means, for who sees one for the first time.
fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak => {
            "Objects pile up in the places below, and nothing lets go of them. \
             Each is a suspect with its evidence: look at the first one."
        }
        Verdict::NativeGrowth => {
            "The process grows, and the objects of Python do not: look at extension modules and at malloc."
        }
        Verdict::NoGrowth => "Nothing kept growing over these snapshots, as far as they could have shown it.",
        Verdict::Inconclusive => {
            "These snapshots do not settle it: more of them, further apart and after the program warmed up, may."
        }
    }
}

fn said(word: &str, class: &str, reason: &str, hint: &str) -> String {
    let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    let word = first.to_uppercase() + rest;
    format!(
        "<div class=\"verdict {class}\"><p class=\"badge\">{}</p><p class=\"said\">{}</p><p class=\"hint\">{}</p></div>",
        text(&word),
        text(&shortened(reason)),
        text(hint)
    )
}

fn section(body: String) -> Option<Section> {
    Some(Section { id: "verdict", title: "Verdict", lead: String::new(), body })
}

pub(super) fn leaks(answer: &Leaks) -> Option<Section> {
    let mut body =
        said(answer.verdict.word(), class(answer.verdict), &answer.reason, meaning(answer.verdict));
    let mut figures = Vec::new();
    if let (Some(first), Some(last)) = (answer.snapshots.first(), answer.snapshots.last()) {
        let grown = |from: u64, to: u64| to.wrapping_sub(from).cast_signed();
        let many = answer.snapshots.len() > 1;
        let since = |change: String| if many { format!("{change} since the first") } else { String::new() };
        if let Some(rss) = last.rss {
            let change = first.rss.map(|from| since(signed_bytes(grown(from, rss))));
            figures.push(("Resident memory", bytes(rss), change.unwrap_or_default()));
        }
        let objects = since(signed(grown(first.objects, last.objects)));
        figures.push(("Python objects", grouped(last.objects), objects));
        figures.push((
            "… their bytes",
            bytes(last.bytes),
            since(signed_bytes(grown(first.bytes, last.bytes))),
        ));
        let over = span(first.taken_at, last.taken_at).filter(|&span| span > 0);
        let over = over.map_or_else(String::new, |span| format!("over {}", duration(span)));
        figures.push(("Snapshots", grouped(answer.snapshots.len() as u64), over));
        if let Some(longest) = answer.snapshots.iter().filter_map(|row| row.pause).max() {
            figures.push(("Longest pause", duration(longest), "the process stood still".to_owned()));
        }
    }
    body.push_str(&tiles(&figures));
    if let Some(least) = answer.detectable_growth {
        let least = format!(
            "Growth of one place by less than {} an interval could not have been seen.",
            bytes(least)
        );
        body.push_str(&format!("<p class=\"hint\">{}</p>", text(&least)));
    }
    if answer.omitted > 0 {
        let more = count(answer.omitted as u64, "more place was", "more places were");
        body.push_str(&format!("<p class=\"hint\">{} left out by --limit.</p>", text(&more)));
    }
    body.push_str(&notes(answer.notes.iter().map(String::as_str)));
    section(body)
}

pub(super) fn workers(answer: &GroupLeaks) -> Option<Section> {
    let mut body =
        said(answer.verdict.word(), class(answer.verdict), &answer.reason, meaning(answer.verdict));
    if answer.omitted > 0 {
        let more = count(answer.omitted as u64, "more place was", "more places were");
        body.push_str(&format!("<p class=\"hint\">{} left out by --limit.</p>", text(&more)));
    }
    body.push_str(&notes(answer.notes.iter().map(String::as_str)));
    section(body)
}

/// The processes of a server, a row each.
pub(super) fn processes(answer: &GroupLeaks, caps: &Caps) -> Option<Section> {
    let headings = [
        ("PID", true),
        ("Verdict", false),
        ("Resident memory", true),
        ("Growth", true),
        ("Objects", true),
        ("Snapshots", true),
        ("Longest pause", true),
        ("Why", false),
    ];
    let rows = answer.workers.iter().take(caps.items).map(|one| {
        let rows = &one.answer.snapshots;
        let resident = |row: Option<&memtop_analyze::SnapshotRow>| row.and_then(|row| row.rss);
        let (first, last) = (resident(rows.first()), resident(rows.last()));
        let growth = first.zip(last).map(|(first, last)| last.wrapping_sub(first).cast_signed());
        let pause = rows.iter().filter_map(|row| row.pause).max();
        vec![
            Cell::Number(one.pid.to_string()),
            Cell::Words(one.answer.verdict.word().to_owned()),
            Cell::Number(known(last)),
            Cell::Number(growth.map_or_else(|| "?".to_owned(), signed_bytes)),
            Cell::Number(rows.last().map_or_else(|| "?".to_owned(), |row| grouped(row.objects))),
            Cell::Number(grouped(rows.len() as u64)),
            Cell::Number(pause.map_or_else(|| "?".to_owned(), duration)),
            Cell::Words(shortened(&one.answer.reason)),
        ]
    });
    let mut body = table("The processes of the server", &headings, rows);
    if let Some(more) = answer.workers.len().checked_sub(caps.items).filter(|&more| more > 0) {
        let more = count(more as u64, "more process has", "more processes have");
        let said = format!("{more} no row and no chart here: mem_top leaks --json has them.");
        body.push_str(&format!("<p class=\"hint\">{}</p>", text(&said)));
    }
    Some(Section { id: "processes", title: "The processes", lead: String::new(), body })
}

pub(super) fn heap(report: &HeapReport) -> Option<Section> {
    let points = &report.accumulation.suspects;
    let sentence = match points.first() {
        Some(first) => accumulation(first),
        None => "Memory accumulates nowhere: no single place retains a tenth of the heap.".to_owned(),
    };
    let word = match points.first() {
        Some(first) => format!("{} in one place", percent(first.share)),
        None => "spread out".to_owned(),
    };
    let hint = "This is one moment. What is large need not be a leak: \
                mem_top leaks with three snapshots or more tells what grows.";
    let mut body = said(&word, "plain", &sentence, hint);
    let memory = &report.memory;
    let mut figures = Vec::new();
    if let Some(rss) = memory.rss {
        figures.push(("Resident memory", bytes(rss), String::new()));
    }
    figures.push(("Python objects", grouped(report.total.objects), bytes(report.total.bytes)));
    figures.push(("References", grouped(report.references), String::new()));
    let garbage = report.garbage.total;
    figures.push((
        "Garbage that waits",
        grouped(garbage.objects),
        format!("{}: no leak", bytes(garbage.bytes)),
    ));
    if report.garbage.native > 0 {
        let held = "reference counts exceed the references found".to_owned();
        figures.push(("Held by native code", grouped(report.garbage.native), held));
    }
    if let Some(pause) = report.info.pause {
        figures.push(("Pause", duration(pause), "the process stood still".to_owned()));
    }
    body.push_str(&tiles(&figures));
    section(body)
}

pub(super) fn diff(answer: &Diff, captures: [&CaptureInfo; 2]) -> Option<Section> {
    let grown = |from: u64, to: u64| to.wrapping_sub(from).cast_signed();
    let objects = grown(answer.old.objects, answer.new.objects);
    let size = grown(answer.old.bytes, answer.new.bytes);
    let within = match span(captures[0].taken_at, captures[1].taken_at) {
        Some(span) => format!("Within {}", duration(span)),
        None => "Against the course of time (the second snapshot is the older one)".to_owned(),
    };
    let mut sentence = format!(
        "{within}, the heap went from {} to {}: {} and {}.",
        bytes(answer.old.bytes),
        bytes(answer.new.bytes),
        signed_bytes(size),
        match objects {
            1 | -1 => format!("{} object", signed(objects)),
            _ => format!("{} objects", signed(objects)),
        },
    );
    match answer.rows.first() {
        Some(row) => sentence.push_str(&format!(
            " The largest change is that of {}: {} in {} objects.",
            row.name,
            signed_bytes(row.bytes_grown()),
            signed(row.objects_grown())
        )),
        None => sentence.push_str(" No type changed."),
    }
    let word = match size {
        1.. => "grew",
        0 => "same size",
        _ => "shrank",
    };
    let hint = "What grew between two snapshots need not be a leak: \
                mem_top leaks with three or more tells what keeps growing, and where it is held.";
    let mut body = said(word, "plain", &sentence, hint);
    let changed = answer.rows.len() + answer.omitted;
    body.push_str(&tiles(&[
        ("Bytes now", bytes(answer.new.bytes), format!("{} since", signed_bytes(size))),
        ("Objects now", grouped(answer.new.objects), format!("{} since", signed(objects))),
        ("Types that changed", grouped(changed as u64), String::new()),
    ]));
    section(body)
}
