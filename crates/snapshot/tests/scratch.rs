//! Heaps in temporary files: they are read back equal, leave nothing behind, and contain no secrets.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use memtop_heap::testing::graph;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, Root, RootKind, Type};
use memtop_snapshot::{
    SaveOptions, ScratchFile, SnapshotError, StoredHeap, StoredHeaps, load, load_info, save,
};

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mem_top-scratch-{}-{name}", std::process::id()));
    fs::create_dir_all(&path).expect("a directory");
    path
}

#[test]
fn a_heap_is_read_any_number_of_times_and_leaves_no_file() {
    let directory = directory("back");
    let graph = graph("module:shop -> globals:dict -> sessions:shop.Sessions('sessions')");
    let file = ScratchFile::save_in(graph.heap(), &directory).expect("there is space");
    let names = || fs::read_dir(&directory).expect("a directory").count();
    assert_eq!(names(), 0, "the file has a name");
    for _ in 0..2 {
        assert_eq!(file.load().expect("it is whole"), *graph.heap());
    }
    drop(file);
    assert_eq!(names(), 0);
    fs::remove_dir(&directory).expect("it is empty");
}

#[test]
fn a_scratch_file_returns_the_same_heap_as_a_snapshot() {
    let directory = directory("same");
    let path = directory.join("one.parquet");
    for seed in 0..150 {
        let with_keys = seed % 2 == 0;
        let heap = common::random_heap(seed, 400, with_keys);
        save(&heap, None, &path, &SaveOptions { with_keys: heap.info().with_keys }).expect("there is space");
        let back =
            ScratchFile::save_in(&heap, &directory).and_then(|file| file.load()).expect("there is space");
        assert!(back == load(&path).expect("a snapshot").heap, "seed {seed}");
    }
    fs::remove_dir_all(&directory).expect("it can be removed");
}

#[test]
fn a_heap_of_several_blocks_is_read_back() {
    let directory = directory("blocks");
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("m", "A"));
    let ids: Vec<_> = (0..40_000).map(|at| builder.add_object(Object::new(16 * at, ty, at << 20))).collect();
    for pair in ids.windows(2) {
        builder.add_reference(pair[0], pair[1], Label::at(pair[0].index()));
    }
    let heap = builder.finish().expect("handles are valid");
    let back = ScratchFile::save_in(&heap, &directory).and_then(|file| file.load()).expect("there is space");
    assert!(back == heap);
    fs::remove_dir(&directory).expect("it is empty");
}

#[cfg(target_os = "linux")]
#[test]
fn only_the_owner_may_read_the_file() {
    let directory = directory("mode");
    let _file = ScratchFile::save_in(graph("r -> a").heap(), &directory).expect("there is space");
    let descriptors = fs::read_dir("/proc/self/fd").expect("Linux").flatten();
    let is_ours = |link: &PathBuf| fs::read_link(link).is_ok_and(|target| target.starts_with(&directory));
    let ours = descriptors.map(|entry| entry.path()).find(is_ours).expect("an open file");
    let metadata = fs::metadata(ours).expect("it is open");
    assert_eq!((metadata.mode() & 0o777, metadata.nlink()), (0o600, 0));
    fs::remove_dir(&directory).expect("it is empty");
}

/// A dict with a key that is a token.
fn with_token(with_keys: bool) -> Heap {
    let mut builder = HeapBuilder::new(CaptureInfo { with_keys, ..CaptureInfo::default() });
    let dict = builder.add_type(Type::new("builtins", "dict"));
    let [from, to] = [16, 32].map(|address| builder.add_object(Object::new(address, dict, 64)));
    let token = builder.string("tok-17-secret");
    builder.add_reference(from, to, Label::key(token));
    let root = builder.string("x");
    builder.add_root(Root::new(RootKind::Native, root, from));
    builder.finish().expect("handles are valid")
}

#[test]
fn keys_are_written_only_if_the_capture_includes_them() {
    let directory = directory("keys");
    for with_keys in [true, false] {
        let heap = with_token(with_keys);
        let back =
            ScratchFile::save_in(&heap, &directory).and_then(|file| file.load()).expect("there is space");
        let is_there = back.strings().find("tok-17-secret").is_some();
        assert_eq!((is_there, back.info().with_keys), (with_keys, with_keys));
    }
    fs::remove_dir(&directory).expect("it is empty");
}

#[test]
fn a_missing_directory_is_an_error_with_its_path() {
    let missing = directory("missing").join("not there");
    let error = ScratchFile::save_in(graph("r -> a").heap(), &missing).expect_err("there is none");
    assert!(matches!(error, SnapshotError::Write { .. }), "{error}");
    assert!(error.to_string().contains("not there"), "{error}");
}

#[test]
fn the_information_about_a_capture_is_read_without_its_heap() {
    let path = directory("info").join("one.parquet");
    let info = CaptureInfo { taken_at: 7, program: "shop".to_owned(), ..CaptureInfo::default() };
    let heap = HeapBuilder::new(info.clone()).finish().expect("an empty heap");
    save(&heap, None, &path, &SaveOptions::default()).expect("there is space");
    assert_eq!(load_info(&path).expect("a snapshot"), info);
    fs::write(&path, "PAR1 and no more").expect("there is space");
    assert!(matches!(load_info(&path), Err(SnapshotError::CutShort { .. })));
}

#[test]
fn a_heap_that_cannot_be_saved_stays_in_memory_with_the_error() {
    let directory = directory("stored");
    let graph = graph("module:shop -> globals:dict -> sessions:shop.Sessions('sessions')");
    let (stored, error) = StoredHeap::new_in(Arc::new(graph.heap().clone()), &directory);
    assert!(error.is_none() && stored.memory_bytes() == 0);
    assert_eq!((stored.info(), &*stored.heap().expect("it is whole")), (graph.heap().info(), graph.heap()));
    let (stored, error) = StoredHeap::new_in(Arc::new(graph.heap().clone()), &directory.join("not there"));
    assert!(error.is_some_and(|error| error.hint().is_some()));
    assert_eq!(*stored.heap().expect("it is in memory"), *graph.heap());
    fs::remove_dir(&directory).expect("it is empty");
}

#[test]
fn small_heaps_are_loaded_once_and_large_ones_when_they_are_asked_for() {
    let mut text = "module:shop".to_owned();
    (0..1000).for_each(|number| text += &format!("\nmodule -> one{number}"));
    let heap = Arc::new(graph(&text).heap().clone());
    let (stored, error) = StoredHeap::new_in(Arc::clone(&heap), &directory("series"));
    assert!(error.is_none(), "there is space");
    let small = StoredHeaps::new(vec![&stored; 2]);
    assert!(small.are_kept());
    let first = small.heap(0).expect("it is whole");
    assert!(Arc::ptr_eq(&first, &small.heap(0).expect("it is loaded")));
    assert!(!Arc::ptr_eq(&first, &small.heap(1).expect("it is whole")));
    let many = 20_000_000 / heap.memory_bytes() as usize + 1;
    let large = StoredHeaps::new(vec![&stored; many]);
    assert!(!large.are_kept());
    let first = large.heap(0).expect("it is whole");
    assert!(!Arc::ptr_eq(&first, &large.heap(0).expect("it is whole")));
    assert_eq!((small.captures().len(), large.captures().len()), (2, many));
}

#[test]
fn a_file_that_was_removed_is_not_found() {
    let path = directory("gone").join("one.parquet");
    save(graph("r -> a").heap(), None, &path, &SaveOptions::default()).expect("there is space");
    let stored = StoredHeap::of_file(&path).expect("a snapshot");
    fs::remove_file(&path).expect("it can be removed");
    assert!(matches!(stored.heap(), Err(SnapshotError::NotFound { .. })));
}
