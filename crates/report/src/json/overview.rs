//! One heap at a glance, as JSON. `docs/pid.md` has the table of the fields.

use memtop_analyze::TypeRow;
use serde_json::{Value, json};

use super::memory;
use super::parts::{SCHEMA_VERSION, amount, capture};
use super::types::top_object;
use crate::heap_report::TopObject;
use crate::overview::Overview;

/// The overview of one heap.
#[must_use]
pub fn overview(answer: &Overview) -> Value {
    let objects = |rows: &[TopObject]| rows.iter().map(top_object).collect::<Vec<_>>();
    let ty = |row: &TypeRow| json!({"type": row.name, "count": row.objects, "bytes": row.bytes});
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "mem_top",
        "capture": capture(&answer.info),
        "total": amount(answer.total),
        "references": answer.references,
        "tracked": amount(answer.tracked),
        "refs": objects(&answer.refs),
        "bytes": objects(&answer.bytes),
        "types": answer.types.iter().map(ty).collect::<Vec<_>>(),
        "retained": objects(&answer.retained),
        "memory": memory::parts(&answer.memory),
    })
}
