//! The answers of the commands, and their exit statuses.

use expect_test::expect;

use crate::shop::{CALM, LEAK, answers, folder, mem_top, stdout};

#[test]
fn a_leak_is_named_and_exits_with_1() {
    answers(
        &LEAK,
        1,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:53:13 UTC
            verdict: leak
            shop.sessions.by_token keeps growing: 76.8 kB in total

            suspect · confidence 88 % · cause: container
            shop.sessions.by_token (a dict) gained 100 shop.Session objects per minute in each of 3 intervals (100 % of all growth)
            and retains 104.4 kB.

            ┬───
            │ module shop
            ├─ sessions → shop.Sessions
            ╰→ .by_token → dict    400 items  (+100 per minute, in each of 3 intervals)
                 retains 104.4 kB (+25.6 kB per minute) · 100 % of all growth
                 items by type  now  growth     bytes
                 shop.Session   400    +300  +16.8 kB
                 list           400    +300  +60.0 kB
                 in your code: shop.sessions
                 - it grew in each of 3 intervals: +100, +100, +100 items
                 - about 100 items per interval, at least 100 (Theil–Sen, 95 %)
                 - 76.8 kB in total, 100 % of all growth
                 - it retains 104.4 kB (+76.8 kB)
                 fingerprint cb136cac7ba4fd88

            growth of resident memory: 0 B
              part              growth       now
              Python objects  +76.8 kB  104.8 kB
              unexplained     -76.8 kB    8.9 MB

            memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
              after  objects  resident    Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB   28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              1 min      403    9.0 MB   53.6 kB     ?        ?      ?       8.9 MB  12.3 ms
              2 min      603    9.0 MB   79.2 kB     ?        ?      ?       8.9 MB  12.3 ms
              3 min      803    9.0 MB  104.8 kB     ?        ?      ?       8.9 MB  12.3 ms
            cost: the process was paused for 49.2 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn no_growth_exits_with_0() {
    answers(
        &CALM,
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:53:13 UTC
            verdict: no growth
            no place grew in every interval; growth of 334 B per interval in one place would have been detected; resident memory did
            not grow

            growth of resident memory: 0 B

            memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
              after  objects  resident   Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              1 min      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              2 min      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              3 min      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
            cost: the process was paused for 49.2 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn one_snapshot_is_inconclusive_and_exits_with_3() {
    answers(
        &["leaks", "leak0.parquet"],
        3,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC
            verdict: inconclusive
            one snapshot shows where memory is, not where it grows: take three or more

            candidate · cause: container
            shop.sessions.by_token retains 27.6 kB, 99 % of the heap.
            in doubt: one snapshot shows what is large, not what grows

            ┬───
            │ module shop
            ├─ sessions → shop.Sessions
            ╰→ .by_token → dict
                 retains 27.6 kB
                 items by type  now  growth    bytes
                 shop.Session   100       ?  25.6 kB
                 - it retains 27.6 kB, 99 % of the heap
                 fingerprint cb136cac7ba4fd88

            memory over time: 1 snapshot, 2026-11-23 07:50:13 UTC
              after  objects  resident   Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
            cost: the process was paused for 12.3 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn two_snapshots_are_inconclusive_and_exit_with_3() {
    answers(
        &["leaks", "leak0.parquet", "leak1.parquet"],
        3,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:51:13 UTC
            verdict: inconclusive
            shop.sessions.by_token grew, but with only 2 snapshots, its growth may be warm-up; take 4 or more

            candidate · confidence 25 % · cause: container
            shop.sessions.by_token (a dict) gained 100 shop.Session objects per minute in one interval (100 % of all growth) and
            retains 53.2 kB.
            in doubt: with only 2 snapshots, its growth may be warm-up; take 4 or more

            ┬───
            │ module shop
            ├─ sessions → shop.Sessions
            ╰→ .by_token → dict    200 items  (+100 per minute, in one interval)
                 retains 53.2 kB (+25.6 kB per minute) · 100 % of all growth
                 items by type  now  growth     bytes
                 shop.Session   200    +100   +5.6 kB
                 list           200    +100  +20.0 kB
                 in your code: shop.sessions
                 - it grew in one interval: +100 items
                 - 25.6 kB in total, 100 % of all growth
                 - it retains 53.2 kB (+25.6 kB)
                 fingerprint cb136cac7ba4fd88

            growth of resident memory: 0 B
              part              growth      now
              Python objects  +25.6 kB  53.6 kB
              unexplained     -25.6 kB   8.9 MB

            memory over time: 2 snapshots in 1 min, from 2026-11-23 07:50:13 UTC
              after  objects  resident   Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              1 min      403    9.0 MB  53.6 kB     ?        ?      ?       8.9 MB  12.3 ms
            cost: the process was paused for 24.6 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn a_leak_below_the_threshold_is_ignored() {
    let output = mem_top(folder(), &[&LEAK[..], &["--min-growth", "1 MiB"]].concat());
    assert!(stdout(&output).contains("\nverdict: no growth\n"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let folder = folder();
    let shuffled = ["leaks", "leak2.parquet", "leak0.parquet", "leak3.parquet", "leak1.parquet"];
    let [sorted, shuffled] = [&LEAK, &shuffled].map(|arguments| stdout(&mem_top(folder, arguments)));
    let note = "note: the snapshots were not in chronological order, and were sorted\n";
    assert!(shuffled.contains(note), "{shuffled}");
    assert_eq!(shuffled.replace(note, ""), sorted);
}

#[test]
fn the_json_of_leaks_can_be_parsed() {
    let output = mem_top(folder(), &[&LEAK[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["suspects"][0]["holder"], "shop.sessions.by_token");
    assert_eq!(answer["suspects"][0]["leaked"][0]["type"], "shop.Session");
    assert_eq!(answer["snapshots"].as_array().unwrap().len(), 4);
}

#[test]
fn the_report_of_one_heap() {
    answers(
        &["report", "leak3.parquet", "--limit", "3"],
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:53:13 UTC
            803 objects, 104.8 kB, 802 references; resident memory 9.0 MB

            where memory accumulates
              1. One shop.Sessions object, at shop.sessions, retains 104.5 kB (100 % of the heap). The memory accumulates in
                 shop.sessions.by_token (dict), which retains 104.4 kB. It holds 400 shop.Session objects (102.4 kB).

            types by retained size
              objects    bytes  retained  type
                    2   2.4 kB  104.8 kB  dict
                    1     56 B  104.5 kB  shop.Sessions
                  400  22.4 kB  102.4 kB  shop.Session
              and 1 more type

            objects by retained size
              retained    size  references  address  type           path
              104.8 kB   360 B           1   0x1000  dict           shop
              104.5 kB    56 B           1   0x1010  shop.Sessions  shop.sessions
              104.4 kB  2.0 kB         400   0x1020  dict           shop.sessions.by_token

            resident memory: 9.0 MB
              part                            bytes    share
              Python objects               104.8 kB      1 %
                list                        80.0 kB    0.9 %
                other classes               22.5 kB    0.2 %
                dict                         2.4 kB  < 0.1 %
              free, held by pymalloc        unknown
              free, held by malloc          unknown
              known (frames and C stacks)   unknown
              pages of files                unknown
              unexplained                    8.9 MB     99 %

            roots
              roots  kind
                  1  module

            held by native code, and garbage
              no object is held by native code alone
              there is no garbage

            the capture
              made by hand; paused for 12.3 ms
        "#]],
    );
}

#[test]
fn a_diff_of_two() {
    answers(
        &["diff", "leak0.parquet", "leak2.parquet"],
        0,
        &expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:52:13 UTC
        +400 objects, +51.2 kB within 2 min: from 203 (28.0 kB) to 603 (79.2 kB)

             bytes  objects  bytes now  objects now  type
          +40.0 kB     +200    60.0 kB          300  list
          +11.2 kB     +200    16.8 kB          300  shop.Session
    "#]],
    );
    answers(
        &["diff", "calm0.parquet", "calm1.parquet"],
        0,
        &expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:51:13 UTC
        0 objects, 0 B within 1 min: from 203 (28.0 kB) to 203 (28.0 kB)

        no type changed
    "#]],
    );
}

#[test]
fn why_a_type_and_an_object_are_alive() {
    answers(
        &["why", "leak0.parquet", "Session"],
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC
            shop.Session: 100 objects
              objects   bytes  held by                    one of them
                  100  5.6 kB  shop.sessions.by_token[*]       0x1030
        "#]],
    );
    answers(
        &["why", "leak0.parquet", "0x1050"],
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC
            shop.Session at 0x1050: 56 B, retains 256 B
            it stays alive as long as one of these paths exists:
              shop.sessions.by_token[*]
            it would be freed without this object, its immediate dominator:
              shop.sessions.by_token
        "#]],
    );
}

#[test]
fn the_json_of_why() {
    answers(
        &["why", "leak0.parquet", "4176", "--json"],
        0,
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "why",
              "object": {
                "address": "0x1050",
                "type": "shop.Session",
                "bytes": 56,
                "retained_bytes": 256,
                "garbage": false
              },
              "paths": [
                {
                  "text": "shop.sessions.by_token[*]",
                  "root": {
                    "kind": "module",
                    "name": "shop",
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
                    },
                    {
                      "label": "[*]",
                      "type": "shop.Session",
                      "repeated": false
                    }
                  ]
                }
              ],
              "omitted": 0,
              "dominator": {
                "text": "shop.sessions.by_token",
                "root": {
                  "kind": "module",
                  "name": "shop",
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
              "capture": {
                "taken_at": "2026-11-23T07:50:13Z",
                "pid": 4711,
                "namespace_pid": null,
                "host": null,
                "container": null,
                "program": "worker.py",
                "implementation": "cpython",
                "python": "3.11.7",
                "method": "made",
                "pause_ms": 12.3,
                "duration_ms": null,
                "work": null,
                "with_keys": false,
                "approximate": false,
                "damaged": 0,
                "dangling": 0,
                "notes": []
              }
            }
        "#]],
    );
}
