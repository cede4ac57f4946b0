//! The types that changed between two heaps, as JSON. `docs/diff.md` has the table of the fields.

use memtop_analyze::Diff;
use memtop_heap::CaptureInfo;
use serde_json::{Value, json};

use super::parts::{SCHEMA_VERSION, amount, capture};

/// The types that changed from the heap of `old` to that of `new`.
#[must_use]
pub fn diff(answer: &Diff, old: &CaptureInfo, new: &CaptureInfo) -> Value {
    let row = |row: &memtop_analyze::DiffRow| {
        json!({
            "type": row.name,
            "growth": row.objects_grown(),
            "bytes_growth": row.bytes_grown(),
            "old": amount(row.old),
            "new": amount(row.new),
        })
    };
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "diff",
        "old": {"capture": capture(old), "total": amount(answer.old)},
        "new": {"capture": capture(new), "total": amount(answer.new)},
        "types": answer.rows.iter().map(row).collect::<Vec<_>>(),
        "omitted": answer.omitted,
    })
}
