//! The changes between two heaps.

use expect_test::expect;
use memtop_analyze::{DiffOptions, diff};
use memtop_report::{Style, json, text};

use crate::samples::shop;

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
