//! The report of one heap, diff, why and memory.

use expect_test::expect;
use memtop_analyze::*;
use memtop_heap::testing::{graph, graph_with_accounts};
use memtop_heap::{CaptureInfo, CaptureMethod, ProcessIdentity};
use memtop_report::html::{self, HeapView};
use memtop_report::{
    HeapReport, HeapReportOptions, ObjectFacts, Overview, ProcessGroup, ProcessRow, SavedSnapshot, Style,
    TopObject, html_fragment, json, text, wording,
};

use crate::samples::shop;

fn report(limit: usize) -> HeapReport {
    HeapReport::new(shop(1).heap(), &HeapReportOptions { limit: Some(limit) })
}

#[test]
fn the_report_of_a_heap_in_text() {
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        406 objects, 58.9 kB, 406 references; resident memory 9.1 MB

        where memory accumulates
          1. One shop.Sessions object, at shop.sessions.sessions, retains 53.0 kB (90 % of the heap). The
             memory accumulates in shop.sessions.sessions.by_token (dict), which retains 52.9 kB. It holds
             199 shop.Session objects (50.9 kB).

        types by retained size
          objects    bytes  retained  type
                3   2.6 kB   53.6 kB  dict
                1     56 B   53.0 kB  shop.Sessions
              200  11.2 kB   51.2 kB  shop.Session
          and 3 more types

        objects by retained size
          retained    size  references  address  type           path
           53.6 kB   360 B           2   0x1000  dict           shop.sessions
           53.0 kB    56 B           1   0x1010  shop.Sessions  shop.sessions.sessions
           52.9 kB  2.0 kB         200   0x1040  dict           shop.sessions.sessions.by_token

        resident memory: 9.1 MB
          part                            bytes    share
          Python objects                59.0 kB    0.6 %
            list                        40.0 kB    0.4 %
            other classes               11.3 kB    0.1 %
            bytes                        5.0 kB    0.1 %
            dict                         2.6 kB  < 0.1 %
            garbage                       112 B  < 0.1 %
            int                            28 B  < 0.1 %
          free, held by pymalloc       300.0 kB      3 %
          free, held by malloc         200.0 kB      2 %
          known (mmap, thread stacks)       0 B      0 %
          pages of files                 6.0 MB     66 %
          unexplained                    2.5 MB     28 %

        roots
          roots  kind
              1  module
              1  frame
              1  native reference

        held by native code, and garbage
          1 object held by native code alone: the reference counts exceed the references found
          2 objects, 112 B, await the collector: garbage is not a leak
            2 list (112 B)

        the capture
          captured from inside the process; paused for 12.4 ms; 45 ms in total
    "#]]
    .assert_eq(&text::heap_report(&report(3), &Style::default()));
}

#[test]
fn the_report_of_a_heap_in_json() {
    expect![[r#"
        {
          "schema_version": 1,
          "command": "report",
          "capture": {
            "taken_at": "2026-11-23T07:51:13Z",
            "pid": 4711,
            "namespace_pid": null,
            "host": "web-1",
            "container": null,
            "program": "worker.py",
            "implementation": "cpython",
            "python": "3.11.7",
            "method": "in process",
            "pause_ms": 12.4,
            "duration_ms": 45.0,
            "work": null,
            "with_keys": false,
            "approximate": false,
            "damaged": 0,
            "dangling": 0,
            "notes": []
          },
          "total": {
            "count": 406,
            "bytes": 58876
          },
          "references": 406,
          "accumulation": {
            "total_bytes": 58876,
            "points": [
              {
                "type": "shop.Sessions",
                "count": 1,
                "retained_bytes": 53000,
                "share": 0.9002,
                "path": {
                  "text": "shop.sessions.sessions",
                  "root": {
                    "kind": "module",
                    "name": "shop.sessions",
                    "file": null,
                    "line": null,
                    "thread": null
                  },
                  "steps": [
                    {
                      "label": ".sessions",
                      "type": "shop.Sessions",
                      "repeated": false
                    }
                  ]
                },
                "point": {
                  "type": "dict",
                  "retained_bytes": 52944,
                  "path": {
                    "text": "shop.sessions.sessions.by_token",
                    "root": {
                      "kind": "module",
                      "name": "shop.sessions",
                      "file": null,
                      "line": null,
                      "thread": null
                    },
                    "steps": [
                      {
                        "label": ".sessions",
                        "type": "shop.Sessions",
                        "repeated": false
                      },
                      {
                        "label": ".by_token",
                        "type": "dict",
                        "repeated": false
                      }
                    ]
                  },
                  "items": [
                    {
                      "type": "shop.Session",
                      "count": 199,
                      "retained_bytes": 50944
                    }
                  ]
                },
                "summary": "One shop.Sessions object, at shop.sessions.sessions, retains 53.0 kB (90 % of the heap). The memory accumulates in shop.sessions.sessions.by_token (dict), which retains 52.9 kB. It holds 199 shop.Session objects (50.9 kB)."
              }
            ],
            "omitted": 0
          },
          "types": [
            {
              "type": "dict",
              "count": 3,
              "bytes": 2592,
              "retained_bytes": 53620
            }
          ],
          "types_omitted": 5,
          "top": [
            {
              "address": "0x1000",
              "type": "dict",
              "bytes": 360,
              "retained_bytes": 53620,
              "references": 2,
              "path": {
                "text": "shop.sessions",
                "root": {
                  "kind": "module",
                  "name": "shop.sessions",
                  "file": null,
                  "line": null,
                  "thread": null
                },
                "steps": [
                  {
                    "label": "",
                    "type": "dict",
                    "repeated": false
                  }
                ]
              }
            }
          ],
          "memory": {
            "rss": 9100000,
            "python": 58988,
            "allocator_free": 500000,
            "native_known": 0,
            "unexplained": 2541012,
            "pymalloc_free": 300000,
            "malloc_free": 200000,
            "file_backed": 6000000,
            "kinds": [
              {
                "name": "list",
                "bytes": 40000
              },
              {
                "name": "other classes",
                "bytes": 11256
              },
              {
                "name": "bytes",
                "bytes": 5000
              },
              {
                "name": "dict",
                "bytes": 2592
              },
              {
                "name": "garbage",
                "bytes": 112
              },
              {
                "name": "int",
                "bytes": 28
              }
            ]
          },
          "roots": [
            {
              "kind": "module",
              "roots": 1
            },
            {
              "kind": "frame",
              "roots": 1
            },
            {
              "kind": "native reference",
              "roots": 1
            }
          ],
          "native_references": 1,
          "garbage": {
            "count": 2,
            "bytes": 112,
            "types": [
              {
                "type": "list",
                "count": 2,
                "bytes": 112,
                "retained_bytes": null
              }
            ],
            "types_omitted": 0
          }
        }
    "#]].assert_eq(&json::to_text(&json::heap_report(&report(1))));
}

#[test]
fn memory_adds_up_to_what_is_resident() {
    let parts = json::memory(&memory_total(shop(1).heap()));
    let of = |name: &str| parts[name].as_i64().expect("it is known");
    let sum = ["python", "allocator_free", "native_known", "file_backed", "unexplained"]
        .map(of)
        .iter()
        .sum::<i64>();
    assert_eq!(sum, of("rss"));
    assert_eq!(of("allocator_free"), of("pymalloc_free") + of("malloc_free"));
    let kinds = parts["kinds"].as_array().expect("a list").iter();
    assert_eq!(kinds.map(|kind| kind["bytes"].as_i64().expect("a size")).sum::<i64>(), of("python"));
}

#[test]
fn an_empty_heap_has_a_report() {
    let report = HeapReport::new(graph("").heap(), &HeapReportOptions::default());
    expect![[r#"
        PID 0, CPython 0.0.0, 1970-01-01 00:00:00 UTC
        0 objects, 0 B, 0 references

        where memory accumulates
          no single place retains a tenth of the heap

        types by retained size
          objects  bytes  type

        objects by retained size
          retained  size  references  address  type  path

        resident memory: unknown
          part                           bytes  share
          Python objects                   0 B
          free, held by pymalloc       unknown
          free, held by malloc         unknown
          known (mmap, thread stacks)  unknown
          pages of files               unknown
          unexplained                  unknown

        roots
          roots  kind

        held by native code, and garbage
          no object is held by native code alone
          there is no garbage

        the capture
          made by hand
    "#]]
    .assert_eq(&text::heap_report(&report, &Style::default()));
    assert_eq!(json::heap_report(&report)["total"]["count"], 0);
    assert!(html_fragment::heap_report(&report).contains("0 objects"));
}

#[test]
fn the_largest_by_each_measure() {
    let graph = shop(0);
    let heap = graph.heap();
    let shortest = ShortestPaths::new(heap, &Costs::default());
    // A line that stands at the margin: expect! takes away what all lines are indented by.
    let by = |title: &str, by| {
        let rows = TopObject::of(heap, &shortest, top(heap, None, &TopOptions { by, limit: 2 }));
        title.to_owned() + &text::top(&rows, by, &Style::default())
    };
    expect![[r#"
        size:
            size  retained  references  address  type   path
          5.0 kB         ?           0   0x1080  bytes  native reference to bytes
          2.0 kB         ?         100   0x1040  dict   shop.sessions.sessions.by_token
        references:
          references    size  retained  address  type  path
                 100  2.0 kB         ?   0x1040  dict  shop.sessions.sessions.by_token
                   2   360 B         ?   0x1000  dict  shop.sessions
    "#]]
    .assert_eq(&(by("size:\n", TopBy::Shallow) + &by("references:\n", TopBy::References)));
}

#[test]
fn a_histogram_without_retained_sizes_has_no_such_column() {
    let graph = shop(0);
    let options = HistogramOptions { limit: Some(2), ..HistogramOptions::default() };
    let answer = histogram(graph.heap(), None, &options);
    expect![[r#"
        types:
          objects    bytes  type
              100  20.0 kB  list
              100   5.6 kB  shop.Session
          and 4 more types
    "#]]
    .assert_eq(&format!("types:\n{}", text::histogram(&answer, &Style::default())));
    assert!(json::histogram(&answer)["types"][0]["retained_bytes"].is_null());
}

#[test]
fn what_changed() {
    let [old, new] = [shop(0), shop(1)];
    let options = DiffOptions { limit: Some(1), ..DiffOptions::default() };
    let answer = diff(old.heap(), new.heap(), &options).expect("one process");
    let (from, to) = (old.heap().info(), new.heap().info());
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        +200 objects, +25.6 kB within 1 min: from 206 (33.3 kB) to 406 (58.9 kB)

             bytes  objects  bytes now  objects now  type
          +20.0 kB     +100    40.0 kB          200  list
          and 1 more type
    "#]]
    .assert_eq(&text::diff(&answer, from, to, &Style::default()));
    expect![[r#"
        {
          "schema_version": 1,
          "command": "diff",
          "old": {
            "capture": {
              "taken_at": "2026-11-23T07:50:13Z",
              "pid": 4711,
              "namespace_pid": null,
              "host": "web-1",
              "container": null,
              "program": "worker.py",
              "implementation": "cpython",
              "python": "3.11.7",
              "method": "in process",
              "pause_ms": 12.3,
              "duration_ms": 45.0,
              "work": null,
              "with_keys": false,
              "approximate": false,
              "damaged": 0,
              "dangling": 0,
              "notes": []
            },
            "total": {
              "count": 206,
              "bytes": 33276
            }
          },
          "new": {
            "capture": {
              "taken_at": "2026-11-23T07:51:13Z",
              "pid": 4711,
              "namespace_pid": null,
              "host": "web-1",
              "container": null,
              "program": "worker.py",
              "implementation": "cpython",
              "python": "3.11.7",
              "method": "in process",
              "pause_ms": 12.4,
              "duration_ms": 45.0,
              "work": null,
              "with_keys": false,
              "approximate": false,
              "damaged": 0,
              "dangling": 0,
              "notes": []
            },
            "total": {
              "count": 406,
              "bytes": 58876
            }
          },
          "types": [
            {
              "type": "list",
              "growth": 100,
              "bytes_growth": 20000,
              "old": {
                "count": 100,
                "bytes": 20000
              },
              "new": {
                "count": 200,
                "bytes": 40000
              }
            }
          ],
          "omitted": 1
        }
    "#]]
    .assert_eq(&json::to_text(&json::diff(&answer, from, to)));
    let back = text::diff(&answer, to, from, &Style::default());
    assert!(back.contains("the second snapshot is the older one"), "{back}");
}

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

/// A small heap, captured from outside while it ran on, with some damage.
fn from_outside() -> memtop_heap::testing::Graph {
    let info = CaptureInfo {
        method: CaptureMethod::Remote,
        pause: Some(12_300_000),
        duration: Some(45_000_000),
        approximate: true,
        damaged: 2,
        dangling: 1,
        notes: vec!["4.2 MB are swapped out and were not read".into()],
        ..shop(1).heap().info().clone()
    };
    graph_with_accounts(
        "module:shop -> globals:dict!tracked[360] -> all:list!tracked('orders')[100]
         all -> one:shop.Order!tracked([0])[56] -> text:str(.name)[500]; all -> two:shop.Order!tracked([1])[56]",
        info,
    )
}

#[test]
fn a_process_at_a_look() {
    let graph = from_outside();
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        5 objects, 1.1 kB, 4 references; resident memory 9.1 MB

        refs: of 4 objects that the collector tracks, those with the most references
          references   size  retained  address  type  path
                   2  100 B     712 B   0x1010  list  shop.orders
                   1  360 B    1.1 kB   0x1000  dict  shop

        bytes: of these, the largest by shallow size
           size  retained  references  address  type  path
          360 B    1.1 kB           1   0x1000  dict  shop
          100 B     712 B           2   0x1010  list  shop.orders

        types: of these, the most numerous
          objects  bytes  type
                2  112 B  shop.Order
                1  360 B  dict

        retained: of all objects, those that retain the most
          retained   size  references  address  type  path
            1.1 kB  360 B           1   0x1000  dict  shop
             712 B  100 B           2   0x1010  list  shop.orders

        resident memory: 9.1 MB
          part                            bytes    share
          Python objects                 1.1 kB  < 0.1 %
            str                           500 B  < 0.1 %
            dict                          360 B  < 0.1 %
            other classes                 112 B  < 0.1 %
            list                          100 B  < 0.1 %
          free, held by pymalloc       300.0 kB      3 %
          free, held by malloc         200.0 kB      2 %
          known (mmap, thread stacks)       0 B      0 %
          pages of files                 6.0 MB     66 %
          unexplained                    2.6 MB     29 %

        the capture
          captured from outside the process; paused for 12.3 ms; 45 ms in total
          the process kept running meanwhile: numbers are approximate
          2 objects could not be read
          1 reference leads to no object
          4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::overview(&Overview::new(graph.heap(), Some(2)), &Style::default()));
}

#[test]
fn what_is_asked_of_a_process_ends_with_what_that_cost() {
    let graph = from_outside();
    let heap = graph.heap();
    let costs = Costs::default();
    let shortest = ShortestPaths::new(heap, &costs);
    let types = paths_to_types(heap, &shortest, &heap.types().find("Order"), &PathOptions::default());
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        shop.Order: 2 objects
          objects  bytes  held by         one of them
                2  112 B  shop.orders[*]       0x1020

        captured from outside the process; paused for 12.3 ms; 45 ms in total
        the process kept running meanwhile: numbers are approximate
        2 objects could not be read
        1 reference leads to no object
        4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::type_paths(heap, "shop.Order", &types, &Style::default()));
    let object = paths_to_object(heap, &shortest, &costs, graph.id("one"), &PathOptions::default());
    let told = text::object_paths(heap, &object, &ObjectFacts::default(), &Style::default());
    assert!(told.contains("paused for 12.3 ms"), "{told}");
    let old = shop(1);
    let answer = diff(old.heap(), heap, &DiffOptions::default()).expect("one process");
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        -401 objects, -57.8 kB within 0 ns: from 406 (58.9 kB) to 5 (1.1 kB)

             bytes  objects  bytes now  objects now  type
          -39.9 kB     -199      100 B            1  list
          -11.2 kB     -200        0 B            0  shop.Session
           -5.0 kB       -1        0 B            0  bytes
           -2.2 kB       -2      360 B            1  dict
            +500 B       +1      500 B            1  str
            +112 B       +2      112 B            2  shop.Order
             -56 B       -1        0 B            0  shop.Sessions
             -28 B       -1        0 B            0  int

        the newer: captured from outside the process; paused for 12.3 ms; 45 ms in total
        the newer: the process kept running meanwhile: numbers are approximate
        the newer: 2 objects could not be read
        the newer: 1 reference leads to no object
        the newer: 4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::diff(&answer, old.heap().info(), heap.info(), &Style::default()));
    let series = leaks(&[old.heap(), heap], &LeaksOptions::default()).expect("one process");
    expect![[r#"
        the process kept running while a snapshot was taken: numbers are approximate
        2 objects could not be read, in all snapshots together
        1 reference leads to no object, in all snapshots together
        4.2 MB are swapped out and were not read"#]]
    .assert_eq(&series.notes.iter().map(wording::note).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_server_and_its_workers_at_a_look() {
    let mut process_group = ProcessGroup::default();
    process_group.add(shop(0).heap());
    process_group.add(shop(1).heap());
    process_group.failed(4713, "process 4713 exited while it was read");
    process_group.finish(Some(3));
    expect![[r#"
        2 Python processes on web-1: 612 objects, 92.2 kB

           PID  Python  objects   Python  resident  unexplained    pause  program
          4711  3.11.7      206  33.4 kB    9.0 MB       2.5 MB  12.3 ms  worker.py
          4711  3.11.7      406  59.0 kB    9.1 MB       2.5 MB  12.4 ms  worker.py
          not captured: PID 4713: process 4713 exited while it was read

        types in all processes
          objects    bytes  processes  type
              300  60.0 kB          2  list
              300  16.8 kB          2  shop.Session
                2  10.0 kB          2  bytes
          and 3 more types

        the captures
          PID 4711: captured from inside the process; paused for 12.3 ms; 45 ms in total
          PID 4711: captured from inside the process; paused for 12.4 ms; 45 ms in total
    "#]]
    .assert_eq(&text::process_group(&process_group, &Style::default()));
}

#[test]
fn a_process_in_a_container_has_the_pid_that_was_asked_for() {
    let info = CaptureInfo {
        process: ProcessIdentity { pid: 4622, namespace_pid: Some(1), ..ProcessIdentity::default() },
        container: Some("0123456789abcdef".repeat(4)),
        ..shop(1).heap().info().clone()
    };
    let text = text::of_process(&info, "an answer\n", &Style::default());
    expect![[r#"
        PID 4622 (1 in its namespace), worker.py, CPython 3.11.7, on web-1, container 0123456789ab, 2026-11-23 07:51:13 UTC
        an answer
    "#]]
    .assert_eq(&text);
    let json = json::of_process(&info, serde_json::json!({"types": []}));
    assert_eq!(json["capture"]["pid"], 4622);
    assert_eq!(json["capture"]["namespace_pid"], 1);
    assert_eq!(json["capture"]["host"], "web-1");
    assert_eq!(json["capture"]["container"], info.container.as_deref().expect("one"));
    expect!["<p>PID 4622 (1 in its namespace), worker.py, CPython 3.11.7, on web-1, container 0123456789ab, 2026-11-23 07:51:13 UTC</p>an answer"]
        .assert_eq(&html_fragment::of_process(&info, "an answer"));
    let graph = graph_with_accounts("module:shop -> ns:dict", info);
    let page = html::heap_report(&HeapView::new(graph.heap(), &HeapReportOptions::default()));
    let of = "worker.py (PID 4622, 1 in its namespace), CPython 3.11.7, on web-1, container 0123456789ab";
    assert!(page.contains(&format!("<h1>{of}</h1>")), "{}", &page[page.find("<h1>").unwrap_or(0)..][..200]);
}

#[test]
fn the_processes_of_a_machine() {
    let row = |pid, problem: Option<&str>| ProcessRow {
        pid,
        namespace_pid: Some(if pid == 4711 { 1 } else { pid }),
        container: None,
        python: problem.is_none().then(|| "3.11.7".into()),
        rss: 22_000_000 * u64::from(pid),
        user: "www".into(),
        command: "python3 -m shop --secret \x1b[2J".into(),
        problem: problem.map(str::to_owned),
    };
    let rows =
        [row(7, None), row(12, Some("process 12 belongs to root, and mem_top runs as www")), row(4711, None)];
    expect![[r#"
        Python processes on web-1

                              PID  Python  resident  user  command
                                7  3.11.7  154.0 MB  www   python3 -m shop --secret \x1b[2J
        4711 (1 in its namespace)  3.11.7  103.6 GB  www   python3 -m shop --secret \x1b[2J

        cannot be captured
        PID  Python  resident  user  command
         12  ?       264.0 MB  www   python3 -m shop --secret \x1b[2J
        - process 12 belongs to root, and mem_top runs as www
    "#]]
    .assert_eq(&text::processes(&rows, Some("web-1"), &Style::default()));
    assert_eq!(text::processes(&[], None, &Style::default()), "no Python process is running\n");
}

#[test]
fn what_was_saved() {
    let dumped = SavedSnapshot {
        info: from_outside().heap().info().clone(),
        file: "1.parquet".into(),
        bytes: 1_234_567,
        objects: 54_720,
        replaced: true,
    };
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        54,720 objects saved to 1.parquet (1.2 MB), replacing the file that was there
        captured from outside the process; paused for 12.3 ms; 45 ms in total
        the process kept running meanwhile: numbers are approximate
        2 objects could not be read
        1 reference leads to no object
        4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::saved_snapshot(&dumped, &Style::default()));
}
