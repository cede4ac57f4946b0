//! Parts that several answers have in common: what is said of a capture, of a path.

use memtop_analyze::Path;
use memtop_heap::{CaptureInfo, CaptureMethod};

use crate::numbers::{count, duration};
use crate::style::Style;
use crate::time::readable;

/// `PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:50:13 UTC`.
pub(crate) fn capture(info: &CaptureInfo) -> String {
    format!("{}, {}", process(info), readable(info.taken_at))
}

/// `PID 4711 (1 in its namespace), worker.py, CPython 3.11.7, on web-1, container 0123456789ab`.
fn process(info: &CaptureInfo) -> String {
    let mut parts = vec![info.process.to_string()];
    if !info.program.is_empty() {
        parts.push(info.program.clone());
    }
    let implementation = match info.implementation.as_str() {
        "cpython" | "" => "CPython",
        other => other,
    };
    parts.push(format!("{implementation} {}", info.python));
    parts.extend(place(info));
    parts.join(", ")
}

/// Where a process is, as far as that is known: `on web-1`, `container 0123456789ab`.
pub(crate) fn place(info: &CaptureInfo) -> Vec<String> {
    let host = info.host.iter().map(|host| format!("on {host}"));
    let container = info.container.iter().map(|container| format!("container {}", short(container)));
    host.chain(container).collect()
}

/// A container's name; of an identifier, as much as its engine's own lists show.
pub(super) fn short(container: &str) -> &str {
    match container.len() == 64 && container.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => &container[..12],
        false => container,
    }
}

/// An answer that does not say by itself of which process it is, behind a line that does.
#[must_use]
pub fn of_process(info: &CaptureInfo, answer: &str, style: &Style) -> String {
    format!("{}\n{answer}", style.sentence(&capture(info)))
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
