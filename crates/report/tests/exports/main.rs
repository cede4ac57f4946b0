//! Exports of heaps in the text language, of random ones and of hostile ones, read back.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod drawings;
mod heapsnapshot;
mod hostile;
mod stacks;

use memtop_heap::Heap;
use memtop_report::export::{self, HeapSnapshotOptions, HeapSnapshotWritten, Stacks, StacksOptions};
use serde_json::Value;

/// A shop with sessions, garbage, an object that nothing in Python holds, and one of mem_top's own.
const SHOP: &str = "
    module:shop!own -> globals:dict[360] -> sessions:shop.Sessions('sessions')[56]
    sessions -> by_token:dict(.by_token)[2000]
    by_token -> s0:shop.Session([*])[56] -> c0:list(.cart)[200] -> item:shop.Item([0])[48]
    by_token -> s1:shop.Session([*])[56] -> c1:list(.cart)[100] -> item([0])
    frame:handle@views.py:42!own -> s0(local session)
    lost_a:list[40] -> lost_b:list([0])[60] -> lost_a([0])
    lost_b -> item([1])
    held:bytes[5000]#1
    none:NoneType[16]!immortal; s0 -> none(.owner)
    ours:dict[9999]!memtop -> s0([*])";

/// The objects and bytes of the shop, mem_top's own not counted.
const OBJECTS: u64 = 12;
const BYTES: u64 = 360 + 56 + 2000 + 2 * 56 + 200 + 100 + 48 + 40 + 60 + 5000 + 16;

fn written(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn heapsnapshot(heap: &Heap, most_nodes: usize) -> (Value, HeapSnapshotWritten) {
    let mut out = Vec::new();
    let told = export::heapsnapshot(heap, &HeapSnapshotOptions { most_nodes }, &mut out).unwrap();
    (serde_json::from_slice(&out).unwrap(), told)
}

fn stacks(heap: &Heap) -> Stacks {
    Stacks::new(heap, &StacksOptions::default())
}

#[test]
fn the_dump_has_every_object_and_reference() {
    let graph = memtop_heap::testing::graph_with_accounts(SHOP, memtop_heap::CaptureInfo::default());
    let text = written(|out| export::json(graph.heap(), out));
    let dump: Value = serde_json::from_str(&text).unwrap();
    let objects = dump["objects"].as_array().unwrap();
    let sum = |field: &str| -> u64 { objects.iter().map(|object| object[field].as_u64().unwrap_or(0)).sum() };
    assert_eq!((objects.len() as u64, sum("bytes")), (OBJECTS, BYTES));
    assert_eq!(dump["garbage"], serde_json::json!({"count": 2, "bytes": 100}));
    assert_eq!(dump["total"]["count"], OBJECTS - 2);
    let by_type: u64 = dump["types"].as_array().unwrap().iter().map(|ty| ty["bytes"].as_u64().unwrap()).sum();
    assert_eq!(by_type + 100, BYTES);
    let holder = objects.iter().find(|object| object["bytes"] == 2000).unwrap();
    assert_eq!(holder["retained_bytes"], 2000 + 56 + 100);
    let held: Vec<&Value> = holder["references"].as_array().unwrap().iter().collect();
    assert_eq!(held.len(), 2);
    for reference in held {
        let to = &objects[reference[0].as_u64().unwrap() as usize];
        assert_eq!(reference[1], "[*]");
        assert_eq!(dump["types"][to["type"].as_u64().unwrap() as usize]["type"], "shop.Session");
    }
    let root = &dump["roots"][0];
    assert_eq!((root["kind"].as_str(), root["name"].as_str()), (Some("module"), Some("shop")));
}
