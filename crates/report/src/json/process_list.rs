//! The Python processes of this machine, and a snapshot that was saved, as JSON. `docs/ps.md` and `docs/dump.md` have
//! the tables of the fields.

use serde_json::{Value, json};

use super::parts::{SCHEMA_VERSION, capture};
use crate::process_list::{ProcessRow, SavedSnapshot};

/// The Python processes. `omitted` of them are not among the rows.
#[must_use]
pub fn processes(rows: &[ProcessRow], omitted: usize, host: Option<&str>) -> Value {
    let row = |row: &ProcessRow| {
        json!({
            "pid": row.pid,
            "namespace_pid": row.namespace_pid,
            "container": row.container,
            "python": row.python,
            "rss": row.rss,
            "user": row.user,
            "command": row.command,
            "problem": row.problem,
        })
    };
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "ps",
        "host": host,
        "processes": rows.iter().map(row).collect::<Vec<_>>(),
        "omitted": omitted,
    })
}

/// The snapshot that was saved.
#[must_use]
pub fn saved_snapshot(answer: &SavedSnapshot) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "dump",
        "capture": capture(&answer.info),
        "file": answer.file,
        "bytes": answer.bytes,
        "objects": answer.objects,
        "replaced": answer.replaced,
    })
}
