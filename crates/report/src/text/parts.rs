//! Parts that several answers have in common: what is said of a capture, of a path.

use memtop_analyze::Path;
use memtop_heap::{CaptureInfo, CaptureMethod};

use crate::numbers::{count, duration};
use crate::style::Style;
use crate::time::readable;

/// `PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC`.
pub(super) fn capture(info: &CaptureInfo) -> String {
    let mut parts = vec![format!("PID {}", info.process.pid)];
    if !info.program.is_empty() {
        parts.push(info.program.clone());
    }
    let implementation = match info.implementation.as_str() {
        "cpython" | "" => "CPython",
        other => other,
    };
    parts.push(format!("{implementation} {}", info.python));
    parts.push(readable(info.taken_at));
    parts.join(", ")
}

/// What the capture cost, and what of it is to be taken with care: a sentence each.
pub(crate) fn cost(info: &CaptureInfo) -> Vec<String> {
    let how = match info.method {
        CaptureMethod::Made => "made by hand",
        CaptureMethod::InProcess => "captured from inside the process",
        CaptureMethod::Remote => "captured from outside the process",
    };
    let mut first = how.to_owned();
    if let Some(pause) = info.pause {
        first.push_str(&format!("; it stood still for {}", duration(pause)));
    }
    if let Some(all) = info.duration {
        first.push_str(&format!("; {} in all", duration(all)));
    }
    let mut sentences = vec![first];
    if info.approximate {
        sentences.push("the process ran on meanwhile: numbers are approximate".to_owned());
    }
    if info.damaged > 0 {
        sentences.push(format!("{} could not be read", count(info.damaged, "object", "objects")));
    }
    if info.dangling > 0 {
        sentences
            .push(format!("{} to no object", count(info.dangling, "reference leads", "references lead")));
    }
    sentences.extend(info.notes.iter().cloned());
    sentences
}

/// What must be said of a capture wherever an answer rests on it: of one from outside all that it cost, else what is to
/// be taken with care. Nothing, or lines with an empty one before them.
pub(super) fn caveats(infos: &[&CaptureInfo], style: &Style) -> String {
    let mut told: Vec<String> = Vec::new();
    for (place, info) in infos.iter().enumerate() {
        let first = if info.method == CaptureMethod::Remote { 0 } else { 1 };
        for sentence in cost(info).into_iter().skip(first) {
            let which = match (infos.len(), place) {
                (1, _) => "",
                (_, 0) => "the older: ",
                _ => "the newer: ",
            };
            told.push(style.wrapped(&style.sentence(&format!("{which}{sentence}")), "", 0));
        }
    }
    if told.is_empty() { String::new() } else { format!("\n{}", told.concat()) }
}

/// A path as it reads, or that there is none.
pub(super) fn path(path: Option<&Path>, style: &Style) -> String {
    path.map_or_else(|| "no root reaches it".to_owned(), |path| style.name(&path.to_string()))
}
