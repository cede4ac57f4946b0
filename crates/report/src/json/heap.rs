//! The report of one heap, as JSON. `docs/report.md` has the table of the fields.

use memtop_analyze::AccumulationSuspect;
use serde_json::{Value, json};

use super::memory;
use super::parts::{SCHEMA_VERSION, amount, capture, collector, path, rounded, type_row};
use super::types::top_object;
use crate::heap_report::HeapReport;

/// The report of one heap.
#[must_use]
pub fn heap_report(answer: &HeapReport) -> Value {
    let native = answer.garbage.native;
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "report",
        "capture": capture(&answer.info),
        "total": amount(answer.total),
        "references": answer.references,
        "accumulation": {
            "total_bytes": answer.accumulation.total,
            "points": answer.accumulation.suspects.iter().map(point).collect::<Vec<_>>(),
            "omitted": answer.accumulation.omitted,
        },
        "types": answer.types.rows.iter().map(type_row).collect::<Vec<_>>(),
        "types_omitted": answer.types.omitted,
        "top": answer.top.iter().map(top_object).collect::<Vec<_>>(),
        "memory": memory::parts(&answer.memory),
        "roots": answer
            .roots
            .iter()
            .map(|row| json!({"kind": row.kind.word(), "roots": row.roots}))
            .collect::<Vec<_>>(),
        "native_references": native,
        "garbage": {
            "count": answer.garbage.total.objects,
            "bytes": answer.garbage.total.bytes,
            "types": answer.garbage.rows.iter().map(type_row).collect::<Vec<_>>(),
            "types_omitted": answer.garbage.omitted,
        },
        "uncollectable": {
            "count": answer.garbage.uncollectable.objects,
            "bytes": answer.garbage.uncollectable.bytes,
            "hidden_by": answer.garbage.hidden_by,
        },
        "collector": answer.info.collector.as_ref().map(collector),
    })
}

fn point(one: &AccumulationSuspect) -> Value {
    let items = one.point.items.iter();
    json!({
        "type": one.type_name,
        "count": one.objects,
        "retained_bytes": one.retained,
        "share": rounded(one.share),
        "path": path(&one.path),
        "point": {
            "type": one.point.type_name,
            "retained_bytes": one.point.retained,
            "path": path(&one.point.path),
            "chain_objects": (one.point.chain > 1).then_some(one.point.chain),
            "items": items
                .map(|(name, count, bytes)| json!({"type": name, "count": count, "retained_bytes": bytes}))
                .collect::<Vec<_>>(),
        },
        "summary": crate::wording::accumulation(one),
    })
}
