//! The captures of the heaps, and their cost.

use maud::html;
use memtop_heap::{CaptureInfo, CaptureMethod};

use super::parts::{Cell, Section, notes, table};
use crate::numbers::{count, duration, unknown};
use crate::time::readable;
use crate::wording::cost;

pub(super) fn section(captures: &[&CaptureInfo]) -> Option<Section> {
    let headings = [
        ("Snapshot", true),
        ("Taken at", false),
        ("How", false),
        ("Process paused for", true),
        ("Total time", true),
        ("Caveats", false),
    ];
    let rows = captures.iter().enumerate().map(|(place, info)| {
        let how = match info.method {
            CaptureMethod::Made => "made by hand",
            CaptureMethod::InProcess => "from inside",
            CaptureMethod::Remote => "from outside",
        };
        let mut caveats = Vec::new();
        if info.approximate {
            caveats.push("approximate: the process kept running".to_owned());
        }
        if info.damaged > 0 {
            caveats.push(format!("{} could not be read", count(info.damaged, "object", "objects")));
        }
        if info.with_keys {
            caveats.push("dict keys are included".to_owned());
        }
        vec![
            Cell::Number((place + 1).to_string()),
            Cell::Words(readable(info.taken_at)),
            Cell::Words(how.to_owned()),
            Cell::Number(info.pause.map_or_else(unknown, duration)),
            Cell::Number(info.duration.map_or_else(unknown, duration)),
            Cell::Words(caveats.join("; ")),
        ]
    });
    let mut sentences: Vec<String> = Vec::new();
    for sentence in captures.iter().flat_map(|info| cost(info).into_iter().skip(1)) {
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let body =
        html! { (table("How the heaps were captured", &headings, rows)) (notes(sentences.into_iter())) };
    Some(Section {
        id: "capture",
        title: "How it was captured",
        lead: "Each snapshot copies the heap. The process is paused meanwhile, and runs no code for it."
            .to_owned(),
        body,
    })
}
