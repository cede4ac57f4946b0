//! Files that are kept: what the fuzzer found, and a snapshot of each format that ever was.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod common;
#[path = "common/mutate.rs"]
mod mutate;

use std::fs;
use std::path::{Path, PathBuf};

use common::Chance;
use memtop_heap::testing::{Graph, graph};
use memtop_snapshot::{Limits, SaveOptions, load, load_from, save};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The heap of the kept files.
fn shop() -> Graph {
    graph(
        "module:shop!own -> globals:dict!tracked[1184] -> sessions:shop.Sessions('sessions')[48]#2=shop.sessions
         sessions -> by_token:dict(.by_token)[232]!tracked<4096 -> key:str(key)[55]
         by_token -> one:shop.Session([*])[56]!tracked -> user:str(.user)[53]!immortal
         one -> cart:list(.cart)[88]!tracked -> item:tuple([0])[64]; cart -> item([1]); item -> user([0])
         one -> session:type(type)[1688]!tracked=shop.Session; native: -> session
         lost:shop.Session!tracked!garbage[56] -> lost(.me); session -> item(__dict__); item -> user({*})
         by_token -> item([*]); sessions -> user(local user); sessions -> user(closure user); sessions -> user(base)",
    )
}

#[test]
fn a_snapshot_of_format_1_is_still_read() {
    let file = folder("tests/data/format-1.parquet");
    let shop = shop();
    if std::env::var_os("MEMTOP_WRITE_FORMAT").is_some() {
        save(shop.heap(), Some(&|id| Some(100 + id.index() as u64)), &file, &SaveOptions::default()).unwrap();
    }
    let loaded = load(&file).unwrap();
    assert_eq!(loaded.format_version, 1);
    assert!(loaded.heap == *shop.heap());
    assert_eq!(loaded.retained.unwrap()[2], Some(102));
}

#[test]
fn the_corpus_is_read_without_harm() {
    for (path, bytes) in files("fuzz/corpus") {
        // Whether it is a heap or an error is not the question; that it is one of both, is.
        let read = load_from(bytes, &path, &Limits::at_most(100_000_000));
        assert!(read.is_ok() || read.is_err_and(|error| error.to_string().contains("corpus")));
    }
}

/// A moment of what the fuzzer does, the same files each time.
#[test]
fn files_from_a_fuzzer_are_read_without_harm() {
    let seeds: Vec<_> =
        files("tests/data").into_iter().chain(files("fuzz/corpus")).map(|(_, bytes)| bytes).collect();
    let chance = &mut Chance::new(1);
    let mut heaps = 0;
    for _ in 0..2000 {
        let bytes = mutate::mutate(&seeds, chance);
        heaps += usize::from(load_from(bytes, Path::new("a.parquet"), &Limits::at_most(100_000_000)).is_ok());
    }
    assert!(heaps < 600, "{heaps} of 2000 changed files are read as if nothing had changed");
}
