//! Types and large objects as JSON.

use memtop_analyze::{Histogram, TopBy};
use serde_json::{Value, json};

use super::parts::{SCHEMA_VERSION, address, amount, path, type_row};
use crate::heap_report::TopObject;

/// The types of a heap.
#[must_use]
pub fn histogram(answer: &Histogram) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "types",
        "types": answer.rows.iter().map(type_row).collect::<Vec<_>>(),
        "omitted": answer.omitted,
        "total": amount(answer.total),
        "garbage": amount(answer.garbage),
    })
}

/// The largest objects.
#[must_use]
pub fn top(rows: &[TopObject], by: TopBy) -> Value {
    let by = match by {
        TopBy::Retained => "retained",
        TopBy::Shallow => "shallow",
        TopBy::References => "refs",
    };
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "top",
        "by": by,
        "objects": rows.iter().map(top_object).collect::<Vec<_>>(),
    })
}

pub(super) fn top_object(one: &TopObject) -> Value {
    json!({
        "address": address(one.row.address),
        "type": one.row.type_name,
        "bytes": one.row.size,
        "retained_bytes": one.row.retained,
        "references": one.row.references,
        "chain_objects": (one.row.chain > 1).then_some(one.row.chain),
        "path": one.path.as_ref().map(path),
    })
}
