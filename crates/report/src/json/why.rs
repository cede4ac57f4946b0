//! The paths that keep an object, or the objects of a type, alive, as JSON. `docs/why.md` has the table of the fields.

use memtop_analyze::{ObjectPaths, TypePaths};
use memtop_heap::Heap;
use serde_json::{Value, json};

use super::parts::{SCHEMA_VERSION, address, capture, path};
use crate::object_facts::ObjectFacts;

/// The paths to one object of `heap`.
#[must_use]
pub fn object_paths(heap: &Heap, answer: &ObjectPaths, facts: &ObjectFacts) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "why",
        "object": {
            "address": address(heap.objects().address(answer.object)),
            "type": answer.type_name,
            "bytes": answer.size,
            "retained_bytes": facts.retained,
            "garbage": answer.garbage,
        },
        "paths": answer.paths.iter().map(path).collect::<Vec<_>>(),
        "omitted": answer.omitted,
        "dominator": facts.dominator.as_ref().map(path),
        "capture": capture(heap.info()),
    })
}

/// The paths to the objects of the type that is called `name` in the question.
#[must_use]
pub fn type_paths(heap: &Heap, name: &str, answer: &TypePaths) -> Value {
    let cluster = |one: &memtop_analyze::Cluster| {
        json!({
            "count": one.objects,
            "bytes": one.bytes,
            "path": path(&one.path),
            "example": address(heap.objects().address(one.example)),
        })
    };
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "why",
        "type": name,
        "count": answer.objects,
        "clusters": answer.clusters.iter().map(cluster).collect::<Vec<_>>(),
        "omitted": answer.omitted,
        "unreached": answer.unreached,
        "garbage": answer.garbage,
        "capture": capture(heap.info()),
    })
}
