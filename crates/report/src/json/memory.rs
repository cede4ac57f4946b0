//! The parts of resident memory, as JSON.

use memtop_analyze::MemoryTotal;
use serde_json::{Value, json};

use super::parts::SCHEMA_VERSION;

/// The parts of resident memory.
#[must_use]
pub fn memory(answer: &MemoryTotal) -> Value {
    let mut value = json!({"schema_version": SCHEMA_VERSION, "command": "memory"});
    if let (Some(all), Value::Object(parts)) = (value.as_object_mut(), parts(answer)) {
        all.extend(parts);
    }
    value
}

pub(super) fn parts(answer: &MemoryTotal) -> Value {
    let kind = |part: &memtop_analyze::MemoryPart| json!({"name": part.name, "bytes": part.bytes});
    json!({
        "rss": answer.rss,
        "python": answer.python,
        "allocator_free": answer.allocator_free(),
        "native_known": answer.native_known,
        "unexplained": answer.unexplained,
        "pymalloc_free": answer.pymalloc_free,
        "malloc_free": answer.malloc_free,
        "file_backed": answer.file_backed,
        "native_malloc": answer.native.malloc,
        "native_pymalloc": answer.native.pymalloc,
        "interned_strings": answer.native.interned,
        "frame_stacks": answer.native.frame_stacks,
        "mappings": answer.native.mapped,
        "malloc_library": answer.malloc_library.map(memtop_heap::MallocLibrary::name),
        "malloc_in_use": answer.malloc_in_use,
        "malloc_trimmable": answer.malloc_trimmable,
        "kinds": answer.kinds.iter().map(kind).collect::<Vec<_>>(),
    })
}
