//! `.heapsnapshot`: the loader's conditions, and that a reader finds the retained sizes that we find.

use std::fmt::Write;

use memtop_analyze::Retained;
use memtop_heap::testing::{Graph, graph, graph_with_accounts};
use memtop_heap::{CaptureInfo, Flags, Heap, HeapBuilder, Label, Object, Root, RootKind, Type};
use proptest::prelude::*;
use serde_json::Value;

use crate::{BYTES, OBJECTS, SHOP, heapsnapshot};

const WEAK: u64 = 6;

/// A file, read as DevTools reads it.
struct File {
    names: Vec<String>,
    ids: Vec<u64>,
    sizes: Vec<u64>,
    /// By node: type, name or number, node.
    edges: Vec<Vec<(u64, u64, usize)>>,
    strings: Vec<String>,
}

fn read(file: &Value) -> File {
    let numbers = |name: &str| -> Vec<u64> {
        file[name].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
    };
    let strings: Vec<String> =
        file["strings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    let (nodes, edges) = (numbers("nodes"), numbers("edges"));
    assert_eq!(nodes.len() as u64, 7 * file["snapshot"]["node_count"].as_u64().unwrap());
    assert_eq!(edges.len() as u64, 3 * file["snapshot"]["edge_count"].as_u64().unwrap());
    let mut all = edges.chunks(3).map(|edge| {
        assert_eq!(edge[2] % 7, 0);
        (edge[0], edge[1], (edge[2] / 7) as usize)
    });
    let rows: Vec<&[u64]> = nodes.chunks(7).collect();
    let told = rows.iter().map(|row| all.by_ref().take(row[4] as usize).collect()).collect();
    assert!(all.next().is_none());
    File {
        names: rows.iter().map(|row| strings[row[1] as usize].clone()).collect(),
        ids: rows.iter().map(|row| row[2]).collect(),
        sizes: rows.iter().map(|row| row[3]).collect(),
        edges: told,
        strings,
    }
}

impl File {
    /// What is reached from the root by edges that count, without one node.
    fn reached(&self, without: Option<usize>) -> Vec<bool> {
        let mut seen = vec![false; self.names.len()];
        let mut open = vec![0];
        seen[0] = true;
        while let Some(from) = open.pop() {
            for &(kind, _, to) in &self.edges[from] {
                if kind != WEAK && Some(to) != without && !seen[to] {
                    seen[to] = true;
                    open.push(to);
                }
            }
        }
        seen
    }

    /// The retained size of a node: what is not reached without it.
    fn retained(&self, node: usize) -> u64 {
        let without = self.reached(Some(node));
        self.sizes.iter().zip(&without).filter(|(_, reached)| !**reached).map(|(size, _)| size).sum()
    }
}

fn shop() -> Graph {
    graph_with_accounts(SHOP, CaptureInfo::default())
}

#[test]
fn the_file_is_as_the_loader_wants_it() {
    let mut out = Vec::new();
    memtop_report::export::heapsnapshot(shop().heap(), &Default::default(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let sections = [
        "snapshot",
        "nodes",
        "edges",
        "trace_function_infos",
        "trace_tree",
        "samples",
        "locations",
        "strings",
    ];
    let places: Vec<usize> =
        sections.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    let between = &text[places[1]..places[7]];
    assert!(!between.contains(['-', '.', '+']), "digits alone");
    let file = serde_json::from_str(&text).unwrap();
    let read = read(&file);
    assert_eq!(read.names[0], "");
    assert!(read.edges.iter().flatten().all(|edge| edge.0 != 5), "no shortcuts");
    // A child of the root that is not synthetic.
    let nodes = file["nodes"].as_array().unwrap();
    assert!(read.edges[0].iter().any(|&(_, _, to)| nodes[7 * to] != 9));
    let mut ids = read.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), read.ids.len());
    assert!(read.reached(None).iter().all(|&reached| reached), "all is below the root");
    for edge in read.edges.iter().flatten().filter(|edge| ![1, 4].contains(&edge.0)) {
        assert!((edge.1 as usize) < read.strings.len());
    }
}

#[test]
fn objects_bytes_and_classes_are_those_of_the_heap() {
    let (file, told) = heapsnapshot(shop().heap(), usize::MAX);
    let read = read(&file);
    let groups = read.edges[0].len();
    assert_eq!((told.objects, told.folded, told.nodes), (OBJECTS, 0, OBJECTS + 1 + groups as u64));
    assert_eq!(read.sizes.iter().sum::<u64>(), BYTES);
    assert_eq!(read.names.iter().filter(|name| *name == "shop.Session").count(), 2);
    let groups: Vec<&str> = read.names[1..=groups].iter().map(String::as_str).collect();
    assert_eq!(
        groups,
        [
            "(modules)",
            "(frames)",
            "(native references)",
            "(immortal objects)",
            "(garbage that awaits the collector)"
        ]
    );
    for text in ["shop", "frame handle (views.py:42) local 'session'", "by_token", "cart"] {
        assert!(read.strings.iter().any(|known| known == text), "{text}: {:?}", read.strings);
    }
}

/// The retained sizes of a file are ours, of objects that are no longer told apart by where they stand.
fn check(heap: &Heap, most_nodes: usize) {
    let retained = Retained::new(heap);
    let (whole, _) = heapsnapshot(heap, usize::MAX);
    let whole = read(&whole);
    let groups = whole.edges[0].len();
    let told: Vec<_> =
        heap.objects().ids().filter(|&id| !heap.objects().flags(id).contains(Flags::OWN)).collect();
    let id_of = |place: usize| whole.ids[1 + groups + place];
    let (file, written) = heapsnapshot(heap, most_nodes);
    let file = read(&file);
    assert_eq!(file.sizes.iter().sum::<u64>(), whole.sizes.iter().sum::<u64>());
    assert_eq!(written.objects + written.folded, told.len() as u64);
    assert!(file.reached(None).iter().all(|&reached| reached), "all is below the root");
    let mut found = 0;
    for (place, &id) in told.iter().enumerate() {
        let Some(node) = file.ids.iter().position(|&known| known == id_of(place)) else { continue };
        found += 1;
        if let Some(bytes) = retained.of(id) {
            assert_eq!(file.retained(node), bytes, "object {}", id.index());
        }
    }
    assert_eq!(found, written.objects);
}

#[test]
fn retained_sizes_are_ours() {
    check(shop().heap(), usize::MAX);
}

#[test]
fn what_retains_least_is_put_together_where_there_is_too_much() {
    let mut text = "module:shop -> globals:dict[10] -> cache:dict('cache')[10]\n".to_owned();
    for number in 0..300 {
        let _ = writeln!(text, "cache -> e{number}:shop.Entry([*])[{}] -> shared:list(.all)[7]", number + 1);
        let _ = writeln!(text, "e{number} -> t{number}:tuple(.key)[3]");
    }
    text.push_str("lost_a:list[40] -> lost_b:list([0])[60] -> lost_a([0])\n");
    let heap = graph_with_accounts(&text, CaptureInfo::default()).heap().clone();
    let (file, told) = heapsnapshot(&heap, 200);
    assert_eq!((told.objects, told.folded), (68, 605 - 68));
    assert!(told.nodes <= 200);
    assert_eq!(file["snapshot"]["mem_top"]["pruned"], told.folded);
    check(&heap, 200);
}

#[test]
fn an_object_of_more_than_four_gib_keeps_its_size() {
    let graph = graph("module:m -> globals:dict[10] -> blob:bytearray('blob')[10000000000]");
    let (file, told) = heapsnapshot(graph.heap(), usize::MAX);
    let read = read(&file);
    assert_eq!(read.sizes.iter().sum::<u64>(), 10_000_000_010);
    assert!(read.sizes.iter().all(|&size| size <= u64::from(u32::MAX)));
    let blob = read.names.iter().position(|name| name == "bytearray").unwrap();
    assert_eq!(read.retained(blob), 10_000_000_000);
    assert_eq!((told.objects, told.bytes_left_out), (2, 0));
}

#[test]
fn an_object_beyond_all_measure_ends() {
    let graph = graph("module:m -> globals:dict[10] -> blob:bytearray('blob')[18000000000000000000]");
    let (_, told) = heapsnapshot(graph.heap(), usize::MAX);
    assert!(told.nodes < 5000 && told.bytes_left_out > 17_900_000_000_000_000_000);
}

#[test]
fn an_empty_heap_is_a_root() {
    let (file, told) = heapsnapshot(graph("").heap(), usize::MAX);
    assert_eq!((told.nodes, told.edges), (1, 0));
    assert_eq!(read(&file).sizes, [0]);
}

prop_compose! {
    /// Objects with types that may be objects too, roots, garbage, immortals, and some of mem_top's own.
    fn heaps()(count in 1_usize..70)(
        edges in prop::collection::vec((0..count, 0..count, 0_u8..8), 0..3 * count),
        roots in prop::collection::vec((0..count, 0_usize..9), 0..4),
        flags in prop::collection::vec(0_u8..40, count),
        sizes in prop::collection::vec(1_u64..1000, count),
        classes in prop::collection::vec(prop::option::of(0..count), 4),
    ) -> Heap {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let types: Vec<_> = (0..4).map(|number| builder.add_type(Type::new("m", format!("T{number}")))).collect();
        let ids: Vec<_> = (0..flags.len()).map(|index| {
            let flag = match flags[index] { 0 => Flags::IMMORTAL, 1 => Flags::OWN, 2 => Flags::GARBAGE, _ => Flags::NONE };
            let object = Object::new(0x1000 + 16 * index as u64, types[index % 4], sizes[index]);
            builder.add_object(Object { flags: flag, ..object })
        }).collect();
        for (ty, class) in types.iter().zip(&classes) {
            if let Some(class) = class {
                builder.set_type_object(*ty, ids[*class]);
            }
        }
        let name = builder.string("name");
        for (from, to, kind) in edges {
            let label = match kind {
                0 => Label::TYPE,
                1 => Label::UNLABELLED,
                2 => Label::DICT,
                3 => Label::at(from),
                _ => Label::attribute(name),
            };
            builder.add_reference(ids[from], ids[to], label);
        }
        for (to, kind) in roots {
            builder.add_root(Root::new(RootKind::ALL[kind], name, ids[to]));
        }
        builder.finish().unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn a_reader_finds_our_retained_sizes(heap in heaps()) {
        check(&heap, usize::MAX);
    }

    #[test]
    fn a_reader_of_a_pruned_file_finds_our_retained_sizes(heap in heaps()) {
        check(&heap, 100);
    }
}
