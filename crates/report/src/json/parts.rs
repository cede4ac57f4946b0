//! Parts that several answers have in common: the schema version, a capture, a path, an amount.

use memtop_analyze::{Amount, Path, TypeRow};
use memtop_heap::{CaptureInfo, CaptureMethod, CollectorState};
use serde_json::{Value, json};

use crate::time::iso8601;

/// The version of every schema. It changes if a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A share or a confidence, rounded to four digits after the point.
pub(crate) fn rounded(value: f64) -> Value {
    let value = (value * 10_000.0).round() / 10_000.0;
    // A value that is not a number is unknown.
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

pub(crate) fn capture(info: &CaptureInfo) -> Value {
    let milliseconds = |nanoseconds: Option<u64>| nanoseconds.map(|value| rounded(value as f64 / 1e6));
    let method = match info.method {
        CaptureMethod::Made => "made",
        CaptureMethod::InProcess => "in process",
        CaptureMethod::Remote => "remote",
    };
    json!({
        "taken_at": iso8601(info.taken_at),
        "pid": info.process.pid,
        "namespace_pid": info.process.namespace_pid,
        "host": info.host,
        "container": info.container,
        "program": info.program,
        "implementation": info.implementation,
        "python": info.python.to_string(),
        "method": method,
        "pause_ms": milliseconds(info.pause),
        "duration_ms": milliseconds(info.duration),
        "work": info.work,
        "with_keys": info.with_keys,
        "approximate": info.approximate,
        "damaged": info.damaged,
        "dangling": info.dangling,
        "notes": info.notes,
    })
}

/// The state of the garbage collector.
pub(super) fn collector(state: &CollectorState) -> Value {
    json!({
        "enabled": state.enabled,
        "frozen": state.frozen,
        "thresholds": state.thresholds,
        "counts": state.counts,
        "collections": state.collections,
        "collected": state.collected,
    })
}

pub(crate) fn address(address: u64) -> String {
    format!("{address:#x}")
}

pub(crate) fn amount(amount: Amount) -> Value {
    json!({"count": amount.objects, "bytes": amount.bytes})
}

pub(super) fn type_row(row: &TypeRow) -> Value {
    json!({"type": row.name, "count": row.objects, "bytes": row.bytes, "retained_bytes": row.retained})
}

pub(super) fn path(path: &Path) -> Value {
    let step = |step: &memtop_analyze::PathStep| json!({"label": step.label.to_string().trim(), "type": step.type_name, "repeated": step.repeated});
    let root = &path.root;
    json!({
        "text": path.to_string(),
        "root": {
            "kind": root.kind.word(),
            "name": root.name,
            "file": root.file,
            "line": root.line,
            "thread": root.thread,
        },
        "steps": path.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
