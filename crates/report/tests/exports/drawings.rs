//! Neighbourhoods, as Graphviz reads them.

use expect_test::expect;
use memtop_analyze::{Costs, Retained, ShortestPaths};
use memtop_heap::CaptureInfo;
use memtop_heap::testing::graph_with_accounts;
use memtop_report::export::{self, DotOptions};

use crate::{SHOP, written};

#[test]
fn an_object_is_drawn_between_its_holders_and_its_items() {
    let graph = graph_with_accounts(SHOP, CaptureInfo::default());
    let heap = graph.heap();
    let (retained, shortest) = (Retained::new(heap), ShortestPaths::new(heap, &Costs::default()));
    let of = |name: &str, options: &DotOptions| {
        written(|out| export::dot_of_object(heap, &retained, &shortest, graph.id(name), options, out))
    };
    expect![[r##"
        digraph "mem_top: shop.Session" {
          rankdir=LR;
          node [fontname="sans-serif", fontsize=10];
          edge [fontname="sans-serif", fontsize=9];
          n0 [label="shop.Session\n0x1030\n56 B, retains 256 B", shape=box, style="rounded,filled", fillcolor="#fde2d0", penwidth=2];
          n1 [label="module shop", shape=box, style=filled, fillcolor="#e8eef7"];
          n2 [label="shop.Sessions\n0x1010\n56 B, retains 2.2 kB", shape=box, style=rounded];
          n3 [label="dict\n0x1020\n2.0 kB, retains 2.2 kB", shape=box, style=rounded];
          n4 [label="frame handle (views.py:42)", shape=box, style=filled, fillcolor="#e8eef7"];
          n5 [label="list\n0x1040\n200 B, retains 200 B", shape=box, style=rounded];
          n6 [label="NoneType\n0x10b0\n16 B, retains 16 B", shape=box, style=rounded];
          n1 -> n2 [label=".sessions"];
          n2 -> n3 [label=".by_token"];
          n3 -> n0 [label="[*]"];
          n4 -> n0 [label="local 'session'"];
          n0 -> n5 [label=".cart"];
          n0 -> n6 [label=".owner"];
        }
    "##]].assert_eq(&of("s0", &DotOptions::default()));
    let few = of("item", &DotOptions { paths: 1, items: 0 });
    assert!(few.contains("more paths to it: 1"), "{few}");
    assert!(of("lost_a", &DotOptions::default()).contains("no root reaches it"));
    assert!(of("by_token", &DotOptions { paths: 3, items: 0 }).contains("2 more references"));
}

#[test]
fn the_objects_of_a_type_are_drawn_below_their_paths() {
    let graph = graph_with_accounts(SHOP, CaptureInfo::default());
    let heap = graph.heap();
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let types = heap.types().find("shop.Session");
    let drawn = written(|out| {
        export::dot_of_types(heap, &shortest, &types, "shop.Session", &DotOptions::default(), out)
    });
    expect![[r##"
        digraph "mem_top: shop.Session" {
          rankdir=LR;
          node [fontname="sans-serif", fontsize=10];
          edge [fontname="sans-serif", fontsize=9];
          n0 [label="shop.Session\n2 objects", shape=box, style="rounded,filled", fillcolor="#fde2d0", penwidth=2];
          n1 [label="module shop", shape=box, style=filled, fillcolor="#e8eef7"];
          n2 [label="shop.Sessions", shape=box, style=rounded];
          n3 [label="dict", shape=box, style=rounded];
          n4 [label="shop.Session\n2 of them\n112 B", shape=box, style=rounded];
          n1 -> n2 [label=".sessions"];
          n2 -> n3 [label=".by_token"];
          n3 -> n4 [label="[*]"];
          n4 -> n0 [label=""];
        }
    "##]].assert_eq(&drawn);
}
