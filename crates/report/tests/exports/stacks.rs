//! The stacks of a heap: as collapsed lines, for speedscope, for pprof.

use std::fmt::Write;
use std::io::Read;

use expect_test::expect;
use memtop_heap::CaptureInfo;
use memtop_heap::testing::{graph, graph_with_accounts};
use memtop_report::export::{self, Stacks, StacksOptions};
use serde_json::Value;

use crate::{BYTES, OBJECTS, SHOP, stacks, written};

#[test]
fn a_stack_is_the_path_to_a_root() {
    let graph = graph_with_accounts(SHOP, CaptureInfo::default());
    let stacks = stacks(graph.heap());
    assert_eq!((stacks.objects(), stacks.bytes()), (OBJECTS, BYTES));
    let lines = written(|out| export::collapsed(&stacks, out));
    expect![[r#"
        module shop 360
        module shop;.sessions: shop.Sessions 56
        module shop;.sessions: shop.Sessions;.by_token: dict 2000
        module shop;.sessions: shop.Sessions;.by_token: dict;[*]: shop.Session 112
        module shop;.sessions: shop.Sessions;.by_token: dict;[*]: shop.Session;.cart: list 300
        module shop;.sessions: shop.Sessions;.by_token: dict;[*]: shop.Session;.cart: list;[*]: shop.Item 48
        module shop;.sessions: shop.Sessions;.by_token: dict;[*]: shop.Session;.owner: NoneType 16
        native reference;bytes 5000
        garbage that awaits the collector;list 100
    "#]]
    .assert_eq(&lines);
    let sum: u64 = lines.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!(sum, BYTES);
}

#[test]
fn objects_that_are_held_alike_share_a_stack_however_many() {
    let shop = |sessions: usize| {
        let mut text = "module:shop -> globals:dict -> by_token:dict('by_token')\n".to_owned();
        for number in 0..sessions {
            let _ = writeln!(text, "by_token -> s{number}:shop.Session([{number}]) -> n{number}:list(.cart)");
        }
        stacks(graph(&text).heap())
    };
    assert_eq!((shop(3).len(), shop(300).len()), (4, 4));
    assert_eq!(shop(300).objects(), 602);
}

#[test]
fn a_chain_is_one_frame_and_a_deep_path_is_cut() {
    let mut chain = "module:m -> globals:dict -> n0:m.Node('head')\n".to_owned();
    let mut deep = "module:m -> globals:dict -> n0:m.Node('head')\n".to_owned();
    for number in 0..1000 {
        let _ = writeln!(chain, "n{number} -> n{}:m.Node(.next)", number + 1);
        let _ = writeln!(deep, "n{number} -> n{}:m.Node(.next{number})", number + 1);
    }
    let lines = written(|out| export::collapsed(&stacks(graph(&chain).heap()), out));
    assert!(lines.contains("module m;.head: m.Node;.next…: m.Node 1000\n"), "{lines}");
    let deep = graph(&deep);
    let cut = Stacks::new(deep.heap(), &StacksOptions { deepest: 20 });
    let lines = written(|out| export::collapsed(&cut, out));
    assert!(lines.lines().all(|line| line.split(';').count() <= 20));
    assert!(lines.contains(";…deeper "), "{lines}");
    let sum: u64 = lines.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!((sum, cut.objects()), (1002, 1002));
}

#[test]
fn speedscope_has_a_profile_of_bytes_and_one_of_objects() {
    let graph =
        graph_with_accounts(SHOP, CaptureInfo { program: "shop.py".into(), ..CaptureInfo::default() });
    let text = written(|out| export::speedscope(&stacks(graph.heap()), graph.heap().info(), out));
    let file: Value = serde_json::from_str(&text).unwrap();
    let frames = file["shared"]["frames"].as_array().unwrap();
    for (profile, total) in [(0, BYTES), (1, OBJECTS)] {
        let profile = &file["profiles"][profile];
        let weights = profile["weights"].as_array().unwrap();
        let samples = profile["samples"].as_array().unwrap();
        assert_eq!(weights.iter().map(|weight| weight.as_u64().unwrap()).sum::<u64>(), total);
        assert_eq!((weights.len(), &profile["endValue"]), (samples.len(), &Value::from(total)));
        let mut used = samples.iter().flat_map(|sample| sample.as_array().unwrap());
        assert!(used.all(|frame| (frame.as_u64().unwrap() as usize) < frames.len()));
    }
    assert_eq!(file["name"], "heap of shop.py");
    // The outermost frame comes first.
    let first = file["profiles"][0]["samples"][0][0].as_u64().unwrap() as usize;
    assert_eq!(frames[first]["name"], "module shop");
}

#[test]
fn a_profile_is_gzipped_and_begins_with_what_it_measures() {
    let graph = graph_with_accounts(SHOP, CaptureInfo::default());
    let mut out = Vec::new();
    export::pprof(&stacks(graph.heap()), graph.heap().info(), &mut out).unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(out.as_slice()).read_to_end(&mut plain).unwrap();
    // Two messages of value types: strings 1 and 2, 3 and 4.
    assert_eq!(plain[..12], [0x0a, 4, 8, 1, 16, 2, 0x0a, 4, 8, 3, 16, 4]);
    // The program: string 6, with functions. The first string is empty.
    assert_eq!(plain[12..24], [0x1a, 6, 8, 1, 40, 6, 56, 1, 0x32, 0, 0x32, 13]);
    let mut again = Vec::new();
    export::pprof(&stacks(graph.heap()), graph.heap().info(), &mut again).unwrap();
    assert_eq!(out, again);
}
