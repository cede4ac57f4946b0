//! A saved heap is loaded equal.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::{Folder, random_heap};
use memtop_heap::testing::graph;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, ObjectId, Type};
use memtop_snapshot::{SaveOptions, load, save};
use proptest::prelude::*;

/// Saves and loads, with the keys that the heap was captured with.
fn check(heap: &Heap, folder: &Folder) {
    let path = folder.file("a.parquet");
    let options = SaveOptions { with_keys: heap.info().with_keys };
    let saved = save(heap, None, &path, &options).unwrap();
    assert_eq!(saved.bytes, std::fs::metadata(&path).unwrap().len());
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.format_version, 1);
    assert_eq!(loaded.retained, None);
    assert!(loaded.heap == *heap, "the heap is another");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_random_heap_is_loaded_equal(seed in any::<u64>(), most in 0_usize..200, with_keys in any::<bool>()) {
        check(&random_heap(seed, most, with_keys), &Folder::new(&format!("random-{seed}-{most}")));
    }
}

#[test]
fn an_empty_heap_is_loaded_equal() {
    let heap = HeapBuilder::new(CaptureInfo::default()).finish().unwrap();
    check(&heap, &Folder::new("empty"));
}

#[test]
fn a_handmade_heap_is_loaded_equal() {
    let graph = graph(
        "module:shop!own -> globals:dict -> sessions:shop.Sessions('sessions')#7=shop.sessions
         sessions -> by_token:dict(.by_token)[232]<1000 -> one:shop.Session('tok')[56]!tracked!garbage
         by_token -> two:shop.Session([*]); by_token -> two([1])
         native: -> two!immortal!memtop; class:shop.Session -> namespace:dict",
    );
    check(graph.heap(), &Folder::new("hand"));
}

#[test]
fn known_retained_sizes_are_loaded_equal() {
    let graph = graph("root -> a:dict[5] -> b:list[7]; a -> c:str[9]");
    let path = Folder::new("retained");
    let path = path.file("a.parquet");
    let size_of = |id: ObjectId| (id.index() != 1).then_some(1_u64 << (20 * id.index()));
    save(graph.heap(), Some(&size_of), &path, &SaveOptions::default()).unwrap();
    assert_eq!(load(&path).unwrap().retained, Some(vec![Some(1), None, Some(1 << 40)]));
}

/// More than one row group, by objects and by references, and a list that is larger than a group.
#[test]
fn a_large_heap_is_loaded_equal() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("builtins", "list"));
    let other = builder.add_type(Type::new("shop", "Node"));
    let count = 270_000;
    for index in 0..count {
        let ty = if index % 3 == 0 { ty } else { other };
        builder.add_object(Object::new(0x7F00_0000_0000 + 64 * index as u64, ty, 56 + (index % 1000) as u64));
    }
    for index in 0..1_060_000 {
        builder.add_reference(ObjectId::from_index(0), ObjectId::from_index(index % count), Label::at(index));
    }
    let next = builder.string("next");
    for index in 1..count {
        let to = ObjectId::from_index((index * 7919) % count);
        builder.add_reference(ObjectId::from_index(index), to, Label::attribute(next));
        builder.add_reference(ObjectId::from_index(index), ObjectId::from_index(index - 1), Label::TYPE);
    }
    let heap = builder.finish().unwrap();
    check(&heap, &Folder::new("large"));
}
