//! The first section: the verdict in a sentence, and the key figures.

use maud::{Markup, html};
use memtop_analyze::{Diff, GroupLeaks, Leaks, Note, Verdict};
use memtop_heap::CaptureInfo;

use super::caps::Caps;
use super::memory;
use super::parts::{self, Cell, Section, hint, table, tiles};
use crate::heap_report::HeapReport;
use crate::markup::{cut_sentence, sentence};
use crate::numbers::{bytes, count, duration, grouped, known_bytes, percent, signed, signed_bytes, unknown};
use crate::time::span;
use crate::wording;

/// The class of the verdict's severity: a colour, and a sign beside it for readers who do not see colours.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak | Verdict::NativeGrowth | Verdict::GarbageGrowth | Verdict::UncollectableCycles => {
            "bad"
        }
        Verdict::NoGrowth => "good",
        Verdict::Inconclusive => "doubt",
    }
}

/// The meaning of a verdict, for a reader who sees one for the first time.
fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak => {
            "Objects accumulate in the places below, and are not released. \
             Each place is a suspect with its evidence: look at the first one."
        }
        Verdict::NativeGrowth => {
            "The process grows in memory that no Python object accounts for: look at extension modules and at the C \
             libraries that they use."
        }
        Verdict::GarbageGrowth => {
            "Nothing refers to these objects any more except each other. They are freed when the collector gets to them: \
             look at calls of gc.disable(), gc.freeze() and gc.set_threshold(), or break the cycles."
        }
        Verdict::UncollectableCycles => {
            "Nothing in Python holds these objects, and the collector does not free them: look for a type written in C \
             that refers to objects without a tp_traverse."
        }
        Verdict::NoGrowth => "Nothing kept growing over these snapshots, as far as they can show.",
        Verdict::Inconclusive => {
            "These snapshots do not decide it. Take more of them, further apart, after the program has warmed up."
        }
    }
}

/// The verdict's word, its reason and a hint.
fn badge(word: &str, class: &str, reason: &str, explanation: &str) -> Markup {
    let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    html! {
        div class={ "verdict " (class) } {
            p.badge { (first.to_uppercase()) (rest) }
            p.said { (sentence(reason)) }
            (hint(explanation))
        }
    }
}

/// How many places the limit left out, and the notes.
fn remarks(omitted: usize, notes: &[Note]) -> Markup {
    html! {
        @if omitted > 0 {
            p.hint { (count(omitted as u64, "more place was", "more places were")) " left out by --limit." }
        }
        (parts::notes(notes.iter().map(wording::note)))
    }
}

fn section(body: Markup) -> Option<Section> {
    Some(Section { id: "verdict", title: "Verdict", lead: String::new(), body })
}

pub(super) fn leaks(answer: &Leaks) -> Option<Section> {
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
        if let Some(growth) = &answer.garbage {
            let now = growth.bytes.last().copied().unwrap_or(0);
            figures.push(("Garbage", bytes(now), format!("+{} since the first", bytes(growth.grown))));
        }
        let over = span(first.taken_at, last.taken_at).filter(|&span| span > 0);
        let over = over.map_or_else(String::new, |span| format!("over {}", duration(span)));
        figures.push(("Snapshots", grouped(answer.snapshots.len() as u64), over));
        if let Some(longest) = answer.snapshots.iter().filter_map(|row| row.pause).max() {
            figures.push(("Longest pause", duration(longest), "the process was paused".to_owned()));
        }
    }
    section(html! {
        (badge(&wording::verdicts(answer), class(answer.verdict), &wording::reasons(answer), meaning(answer.verdict)))
        (tiles(&figures))
        @if let Some(least) = answer.detectable_growth {
            p.hint {
                "Growth of one place by less than " (bytes(least)) " per interval could not have been detected."
            }
        }
        @if answer.snapshots.len() > 1 {
            @if let Some(growth) = memory::growth(&answer.account) { (growth) }
        }
        (remarks(answer.omitted, &answer.notes))
    })
}

pub(super) fn group_leaks(answer: &GroupLeaks) -> Option<Section> {
    section(html! {
        (badge(
            &wording::group_verdicts(answer),
            class(answer.verdict),
            &wording::group_reason(&answer.reason),
            meaning(answer.verdict),
        ))
        (remarks(answer.omitted, &answer.notes))
    })
}

/// The processes of a group, one row each.
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
    let rows = answer.members.iter().take(caps.items).map(|one| {
        let rows = &one.answer.snapshots;
        let resident = |row: Option<&memtop_analyze::SnapshotRow>| row.and_then(|row| row.rss);
        let (first, last) = (resident(rows.first()), resident(rows.last()));
        let growth = first.zip(last).map(|(first, last)| last.wrapping_sub(first).cast_signed());
        let pause = rows.iter().filter_map(|row| row.pause).max();
        vec![
            Cell::Number(one.pid.to_string()),
            Cell::Words(one.answer.verdict.word().to_owned()),
            Cell::Number(known_bytes(last)),
            Cell::Number(growth.map_or_else(unknown, signed_bytes)),
            Cell::Number(rows.last().map_or_else(unknown, |row| grouped(row.objects))),
            Cell::Number(grouped(rows.len() as u64)),
            Cell::Number(pause.map_or_else(unknown, duration)),
            Cell::Words(cut_sentence(&wording::reasons(&one.answer))),
        ]
    });
    let body = html! {
        (table("The processes of the group", &headings, rows))
        @if let Some(more) = answer.members.len().checked_sub(caps.items).filter(|&more| more > 0) {
            p.hint {
                (count(more as u64, "more process has", "more processes have"))
                " no row and no chart on this page: mem_top leaks --json has all."
            }
        }
    };
    Some(Section { id: "processes", title: "The processes", lead: String::new(), body })
}

pub(super) fn heap(report: &HeapReport) -> Option<Section> {
    let points = &report.accumulation.suspects;
    let reason = match points.first() {
        Some(first) => wording::accumulation(first),
        None => "No single place retains a tenth of the heap.".to_owned(),
    };
    let word = match points.first() {
        Some(first) => format!("{} in one place", percent(first.share)),
        None => "spread out".to_owned(),
    };
    let explanation = "This is one moment. What is large need not be a leak: \
                mem_top leaks with three snapshots or more shows what grows.";
    let memory = &report.memory;
    let mut figures = Vec::new();
    if let Some(rss) = memory.rss {
        figures.push(("Resident memory", bytes(rss), String::new()));
    }
    figures.push(("Python objects", grouped(report.total.objects), bytes(report.total.bytes)));
    figures.push(("References", grouped(report.references), String::new()));
    let garbage = report.garbage.total;
    figures.push((
        "Garbage",
        grouped(garbage.objects),
        format!("{}: awaits the collector, not a leak", bytes(garbage.bytes)),
    ));
    if report.garbage.native > 0 {
        let held = "reference counts exceed the references found".to_owned();
        figures.push(("Held by native code", grouped(report.garbage.native), held));
    }
    let uncollectable = report.garbage.uncollectable;
    if uncollectable.objects > 0 {
        let through = wording::cycles_through(&report.garbage.hidden_by);
        let size = format!("{}: {through}", bytes(uncollectable.bytes));
        figures.push(("In uncollectable cycles", grouped(uncollectable.objects), size));
    }
    if let Some(pause) = report.info.pause {
        figures.push(("Pause", duration(pause), "the process was paused".to_owned()));
    }
    section(html! { (badge(&word, "plain", &reason, explanation)) (tiles(&figures)) })
}

pub(super) fn diff(answer: &Diff, captures: [&CaptureInfo; 2]) -> Option<Section> {
    let grown = |from: u64, to: u64| to.wrapping_sub(from).cast_signed();
    let objects = grown(answer.old.objects, answer.new.objects);
    let size = grown(answer.old.bytes, answer.new.bytes);
    let within = match span(captures[0].taken_at, captures[1].taken_at) {
        Some(span) => format!("Within {}", duration(span)),
        None => "Backwards in time (the second snapshot is the older one)".to_owned(),
    };
    let mut reason = format!(
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
        Some(row) => reason.push_str(&format!(
            " The largest change is in {}: {}, {} objects.",
            row.name,
            signed_bytes(row.bytes_grown()),
            signed(row.objects_grown())
        )),
        None => reason.push_str(" No type changed."),
    }
    let word = match size {
        1.. => "grew",
        0 => "same size",
        _ => "shrank",
    };
    let explanation = "What grew between two snapshots need not be a leak: \
                mem_top leaks with three or more shows what keeps growing, and where it is held.";
    let changed = answer.rows.len() + answer.omitted;
    let figures = tiles(&[
        ("Bytes now", bytes(answer.new.bytes), format!("{} since", signed_bytes(size))),
        ("Objects now", grouped(answer.new.objects), format!("{} since", signed(objects))),
        ("Types that changed", grouped(changed as u64), String::new()),
    ]);
    section(html! { (badge(word, "plain", &reason, explanation)) (figures) })
}
