//! The report of one heap, its memory and its largest types and objects.

use expect_test::expect;
use memtop_analyze::*;
use memtop_heap::testing::graph;
use memtop_report::{HeapReport, HeapReportOptions, Style, TopObject, html_fragment, json, text};

use crate::samples::shop;

fn report(limit: usize) -> HeapReport {
    HeapReport::new(shop(1).heap(), &HeapReportOptions { limit: Some(limit) })
}

#[test]
fn the_report_of_a_heap_in_text() {
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        406 objects, 58.9 kB, 406 references; resident memory 9.0 MB

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

        resident memory: 9.0 MB
          part                            bytes    share
          Python objects                59.0 kB    0.7 %
            list                        40.0 kB    0.4 %
            other classes               11.3 kB    0.1 %
            bytes                        5.0 kB    0.1 %
            dict                         2.6 kB  < 0.1 %
            garbage                       112 B  < 0.1 %
            int                            28 B  < 0.1 %
          free, held by pymalloc       300.0 kB      3 %
          free, held by malloc         200.0 kB      2 %
          known (frames and C stacks)       0 B      0 %
          pages of files                 6.0 MB     66 %
          unexplained                    2.5 MB     27 %

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
                  "chain_objects": null,
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
              "chain_objects": null,
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
            "rss": 9025600,
            "python": 58988,
            "allocator_free": 500000,
            "native_known": 0,
            "unexplained": 2466612,
            "pymalloc_free": 300000,
            "malloc_free": 200000,
            "file_backed": 6000000,
            "native_malloc": null,
            "native_pymalloc": null,
            "interned_strings": null,
            "frame_stacks": null,
            "mappings": null,
            "malloc_library": null,
            "malloc_in_use": null,
            "malloc_trimmable": null,
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
          },
          "uncollectable": {
            "count": 0,
            "bytes": 0,
            "hidden_by": []
          },
          "collector": null
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
          known (frames and C stacks)  unknown
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
