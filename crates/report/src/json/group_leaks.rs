//! Growth in the processes of a group, as JSON. `docs/children.md` has the table of the fields.

use memtop_analyze::{GroupLeaks, GroupVerdict, MemberLeaks, SharedSuspect};
use serde_json::{Value, json};

use super::leaks::{account, garbage, memory, snapshot, suspect, verdict};
use super::parts::{SCHEMA_VERSION, capture};
use crate::wording;

/// The answer over a process group.
#[must_use]
pub fn group_leaks(answer: &GroupLeaks) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "leaks",
        "verdict": answer.verdict.word(),
        "reason": wording::group_reason(&answer.reason),
        "verdicts": answer.verdicts.iter().map(verdict_of_group).collect::<Vec<_>>(),
        "processes": answer.members.iter().map(member).collect::<Vec<_>>(),
        "suspects": answer.suspects.iter().map(shared).collect::<Vec<_>>(),
        "candidates": answer.candidates.iter().map(shared).collect::<Vec<_>>(),
        "omitted": answer.omitted,
        "notes": answer.notes.iter().map(wording::note).collect::<Vec<_>>(),
    })
}

fn verdict_of_group(one: &GroupVerdict) -> Value {
    json!({"verdict": one.verdict.word(), "bytes": one.bytes, "processes": one.processes.count})
}

fn member(one: &MemberLeaks) -> Value {
    json!({
        "pid": one.pid,
        "capture": one.answer.info.as_ref().map(capture),
        "verdict": one.answer.verdict.word(),
        "reason": wording::reasons(&one.answer),
        "verdicts": one.answer.verdicts.iter().map(verdict).collect::<Vec<_>>(),
        "snapshots": one.answer.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "memory": memory(&one.answer.memory),
        "garbage": one.answer.garbage.as_ref().map(garbage),
        "account": account(&one.answer),
    })
}

/// The fields of a suspect, and the totals over all processes.
fn shared(one: &SharedSuspect) -> Value {
    let mut value = suspect(&one.suspect);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("pids".to_owned(), json!(one.pids));
        fields.insert("items_growth_all".to_owned(), json!(one.items_growth));
        fields.insert("bytes_growth_all".to_owned(), json!(one.bytes_growth));
        fields.insert("retained_bytes_all".to_owned(), json!(one.retained));
    }
    value
}
