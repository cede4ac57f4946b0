//! How the heaps were captured, and what that cost.

use memtop_heap::{CaptureInfo, CaptureMethod};

use super::parts::{Cell, Section, notes, table};
use crate::numbers::duration;
use crate::text::cost;
use crate::time::readable;

pub(super) fn section(captures: &[&CaptureInfo]) -> Option<Section> {
    let unknown = || "?".to_owned();
    let headings = [
        ("Snapshot", true),
        ("Taken at", false),
        ("How", false),
        ("The process stood still for", true),
        ("Took in all", true),
        ("Careful", false),
    ];
    let rows = captures.iter().enumerate().map(|(place, info)| {
        let how = match info.method {
            CaptureMethod::Made => "made by hand",
            CaptureMethod::InProcess => "from inside",
            CaptureMethod::Remote => "from outside",
        };
        let mut careful = Vec::new();
        if info.approximate {
            careful.push("approximate: the process ran on".to_owned());
        }
        if info.damaged > 0 {
            careful.push(format!("{} objects could not be read", info.damaged));
        }
        if info.with_keys {
            careful.push("keys are told".to_owned());
        }
        vec![
            Cell::Number((place + 1).to_string()),
            Cell::Words(readable(info.taken_at)),
            Cell::Words(how.to_owned()),
            Cell::Number(info.pause.map_or_else(unknown, duration)),
            Cell::Number(info.duration.map_or_else(unknown, duration)),
            Cell::Words(careful.join("; ")),
        ]
    });
    let mut said: Vec<String> = Vec::new();
    for sentence in captures.iter().flat_map(|info| cost(info).into_iter().skip(1)) {
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }
    let body =
        table("How the heaps were captured", &headings, rows) + &notes(said.iter().map(String::as_str));
    Some(Section {
        id: "capture",
        title: "How it was captured",
        lead: "Each snapshot copies the heap; the process stands still meanwhile, and runs no code for it."
            .to_owned(),
        body,
    })
}
