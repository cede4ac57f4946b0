//! The paths that keep objects alive.

use expect_test::expect;
use memtop_analyze::*;
use memtop_heap::testing::graph;
use memtop_report::{ObjectFacts, Style, json, text};

#[test]
fn who_keeps_it_alive() {
    let graph = graph(
        "module:shop -> ns:dict -> all:list('orders')[100] -> one:shop.Order([0])[56]
         ns -> index:dict('by_name')[232] -> one('tea') -> line:str(.line)[60]
         frame:handle@views.py:42 -> one(local order)
         waste:shop.Order[56]!garbage",
    );
    let heap = graph.heap();
    let (costs, retained) = (Costs::default(), Retained::new(heap));
    let shortest = ShortestPaths::new(heap, &costs);
    let style = Style::default();
    let why = |name: &str, limit| {
        let answer = paths_to_object(heap, &shortest, &costs, graph.id(name), &PathOptions { limit });
        let keeper = ObjectFacts::of(heap, &retained, &shortest, graph.id(name));
        assert_eq!(json::object_paths(heap, &answer, &keeper)["omitted"], answer.omitted);
        text::object_paths(heap, &answer, &keeper, &style)
    };
    let objects = [why("one", 2), why("line", 10), why("waste", 10)].join("\n");
    expect![[r#"
        PID 0, CPython 0.0.0, 1970-01-01 00:00:00 UTC
        shop.Order at 0x1020: 56 B, retains 116 B
        it stays alive as long as one of these paths exists:
          shop.orders[0]
          shop.by_name['tea']
          and 1 more path
        no single object keeps it alive: several paths lead to it, or a root refers to it directly

        PID 0, CPython 0.0.0, 1970-01-01 00:00:00 UTC
        str at 0x1040: 60 B, retains 60 B
        it stays alive as long as one of these paths exists:
          shop.orders[0].line
        it would be freed without this object, its immediate dominator:
          shop.orders[0]

        PID 0, CPython 0.0.0, 1970-01-01 00:00:00 UTC
        shop.Order at 0x1050: 56 B
        nothing holds it: it is garbage that awaits the collector, not a leak
    "#]]
    .assert_eq(&objects);

    let types = heap.types().find("shop.Order");
    let answer = paths_to_types(heap, &shortest, &types, &PathOptions::default());
    expect![[r#"
        PID 0, CPython 0.0.0, 1970-01-01 00:00:00 UTC
        shop.Order: 1 object
          objects  bytes  held by         one of them
                1   56 B  shop.orders[0]       0x1020
          1 more awaits the collector: garbage is not a leak
    "#]]
    .assert_eq(&text::type_paths(heap, "shop.Order", &answer, &style));
    expect![[r#"
        {
          "schema_version": 1,
          "command": "why",
          "type": "shop.Order",
          "count": 1,
          "clusters": [
            {
              "count": 1,
              "bytes": 56,
              "path": {
                "text": "shop.orders[0]",
                "root": {
                  "kind": "module",
                  "name": "shop",
                  "file": null,
                  "line": null,
                  "thread": null
                },
                "steps": [
                  {
                    "label": ".orders",
                    "type": "list",
                    "repeated": false
                  },
                  {
                    "label": "[0]",
                    "type": "shop.Order",
                    "repeated": false
                  }
                ]
              },
              "example": "0x1020"
            }
          ],
          "omitted": 0,
          "unreached": 0,
          "garbage": 1,
          "capture": {
            "taken_at": "1970-01-01T00:00:00Z",
            "pid": 0,
            "namespace_pid": null,
            "host": null,
            "container": null,
            "program": "",
            "implementation": "",
            "python": "0.0.0",
            "method": "made",
            "pause_ms": null,
            "duration_ms": null,
            "work": null,
            "with_keys": false,
            "approximate": false,
            "damaged": 0,
            "dangling": 0,
            "notes": []
          }
        }
    "#]]
    .assert_eq(&json::to_text(&json::type_paths(heap, "shop.Order", &answer)));
}
