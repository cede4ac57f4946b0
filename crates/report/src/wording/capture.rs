//! A capture in words: which process it is of, when it was taken, how, and at what cost.

use memtop_heap::{CaptureInfo, CaptureMethod};

use crate::numbers::{count, duration};
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
    parts.push(implementation(info));
    parts.extend(place(info));
    parts.join(", ")
}

/// `CPython 3.11.7`.
pub(crate) fn implementation(info: &CaptureInfo) -> String {
    let name = match info.implementation.as_str() {
        "cpython" | "" => "CPython",
        other => other,
    };
    format!("{name} {}", info.python)
}

/// The host and the container of a process, where known: `on web-1`, `container 0123456789ab`.
pub(crate) fn place(info: &CaptureInfo) -> Vec<String> {
    info.host.iter().map(|host| format!("on {host}")).chain(container(info)).collect()
}

/// `container 0123456789ab`; none if it is not in one.
pub(crate) fn container(info: &CaptureInfo) -> Option<String> {
    info.container.as_ref().map(|container| format!("container {}", short(container)))
}

/// A container's name; of an identifier, the part that the lists of its engine show.
fn short(container: &str) -> &str {
    match container.len() == 64 && container.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => &container[..12],
        false => container,
    }
}

/// The cost of a capture, then each caveat: a sentence each.
pub(crate) fn cost(info: &CaptureInfo) -> Vec<String> {
    let how = match info.method {
        CaptureMethod::Made => "made by hand",
        CaptureMethod::InProcess => "captured from inside the process",
        CaptureMethod::Remote => "captured from outside the process",
    };
    let mut first = how.to_owned();
    if let Some(pause) = info.pause {
        first.push_str(&format!("; paused for {}", duration(pause)));
    }
    if let Some(all) = info.duration {
        first.push_str(&format!("; {} in total", duration(all)));
    }
    let mut sentences = vec![first];
    if info.approximate {
        sentences.push("the process kept running meanwhile: numbers are approximate".to_owned());
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
