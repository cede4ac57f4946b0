//! A process group at a glance, as JSON. `docs/children.md` has the table of the fields.

use serde_json::{Value, json};

use super::memory;
use super::parts::{SCHEMA_VERSION, amount, capture};
use crate::process_group::ProcessGroup;

/// The overview of a process group.
#[must_use]
pub fn process_group(answer: &ProcessGroup) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "mem_top",
        "processes": answer
            .members
            .iter()
            .map(|one| {
                json!({
                    "capture": capture(&one.info),
                    "total": amount(one.total),
                    "memory": memory::parts(&one.memory),
                })
            })
            .collect::<Vec<_>>(),
        "failures": answer
            .failures
            .iter()
            .map(|(pid, reason)| json!({"pid": pid, "reason": reason}))
            .collect::<Vec<_>>(),
        "types": answer
            .types
            .iter()
            .map(|ty| {
                json!({
                    "type": ty.name,
                    "count": ty.total.objects,
                    "bytes": ty.total.bytes,
                    "processes": ty.members,
                })
            })
            .collect::<Vec<_>>(),
        "types_omitted": answer.omitted,
    })
}
