//! The whole answer about growth: the verdict first, then suspects, candidates and memory over time.
//!
//! The file is long because it holds each answer in full.

use expect_test::expect;
use memtop_analyze::{Doubt, Note, Suspect, Verdict};
use memtop_report::{Style, json, text};

use crate::samples::{bare, shop_leaks, suspect};

#[test]
fn a_leak_is_understood_at_a_look() {
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:53:13 UTC
        verdict: leak
        shop.sessions.sessions.by_token keeps growing: 76.8 kB in total

        suspect · confidence 88 % · cause: container
        shop.sessions.sessions.by_token (a dict) gained 100 shop.Session objects per minute in each of 3
        intervals (100 % of all growth) and retains 104.1 kB.

        ┬───
        │ module shop.sessions
        ├─ sessions → shop.Sessions
        ╰→ .by_token → dict    400 items  (+100 per minute, in each of 3 intervals)
             retains 104.1 kB (+25.6 kB per minute) · 100 % of all growth
             items by type  now  growth     bytes
             shop.Session   400    +300  +16.8 kB
             list           400    +300  +60.0 kB
             in your code: shop.sessions.sessions
             - it grew in each of 3 intervals: +100, +100, +100 items
             - about 100 items per interval, at least 100 (Theil–Sen, 95 %)
             - 76.8 kB in total, 100 % of all growth
             - it retains 104.1 kB (+76.8 kB)
             fingerprint d24b8119ddf1296b

        growth of resident memory: +76.8 kB
          part              growth       now
          Python objects  +76.8 kB  110.1 kB

        memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
          after  objects  resident    Python      free  buffers   files  unexplained    pause
            0 s      206    9.0 MB   33.4 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.3 ms
          1 min      406    9.0 MB   59.0 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.4 ms
          2 min      606    9.1 MB   84.6 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.5 ms
          3 min      806    9.1 MB  110.2 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.6 ms
        cost: the process was paused for 49.8 ms in total, 12.6 ms at most
    "#]]
    .assert_eq(&text::leaks(&shop_leaks(), &Style::default()));
}

#[test]
fn json_has_every_field_of_the_schema_in_its_order() {
    expect![[r#"
        {
          "schema_version": 1,
          "command": "leaks",
          "capture": {
            "taken_at": "2026-11-23T07:53:13Z",
            "pid": 4711,
            "namespace_pid": null,
            "host": "web-1",
            "container": null,
            "program": "worker.py",
            "implementation": "cpython",
            "python": "3.11.7",
            "method": "in process",
            "pause_ms": 12.6,
            "duration_ms": 45.0,
            "work": null,
            "with_keys": false,
            "approximate": false,
            "damaged": 0,
            "dangling": 0,
            "notes": []
          },
          "verdict": "leak",
          "reason": "shop.sessions.sessions.by_token keeps growing: 76.8 kB in total",
          "verdicts": [
            {
              "verdict": "leak",
              "bytes": 76800,
              "reason": "shop.sessions.sessions.by_token keeps growing: 76.8 kB in total"
            }
          ],
          "detectable_growth_bytes": 334,
          "snapshots": [
            {
              "taken_at": "2026-11-23T07:50:13Z",
              "objects": 206,
              "bytes": 33276,
              "rss": 9000000,
              "pause_ms": 12.3,
              "work": null
            },
            {
              "taken_at": "2026-11-23T07:51:13Z",
              "objects": 406,
              "bytes": 58876,
              "rss": 9025600,
              "pause_ms": 12.4,
              "work": null
            },
            {
              "taken_at": "2026-11-23T07:52:13Z",
              "objects": 606,
              "bytes": 84476,
              "rss": 9051200,
              "pause_ms": 12.5,
              "work": null
            },
            {
              "taken_at": "2026-11-23T07:53:13Z",
              "objects": 806,
              "bytes": 110076,
              "rss": 9076800,
              "pause_ms": 12.6,
              "work": null
            }
          ],
          "suspects": [
            {
              "rank": 1,
              "holder": "shop.sessions.sessions.by_token",
              "headline_holder": null,
              "holder_type": "dict",
              "cause": "container",
              "leaked": [
                {
                  "type": "shop.Session",
                  "count": 400,
                  "growth": [
                    100,
                    100,
                    100
                  ],
                  "bytes": 16800
                },
                {
                  "type": "list",
                  "count": 400,
                  "growth": [
                    100,
                    100,
                    100
                  ],
                  "bytes": 60000
                }
              ],
              "items_are": null,
              "count": 400,
              "growth": [
                100,
                100,
                100
              ],
              "retained_bytes": 104144,
              "retained_growth_bytes": 76800,
              "share_of_growth": 1.0,
              "confidence": 0.88,
              "evidence": [
                "it grew in each of 3 intervals: +100, +100, +100 items",
                "about 100 items per interval, at least 100 (Theil–Sen, 95 %)",
                "76.8 kB in total, 100 % of all growth",
                "it retains 104.1 kB (+76.8 kB)"
              ],
              "own_holder": "shop.sessions.sessions",
              "fingerprint": "d24b8119ddf1296b",
              "path": [
                {
                  "label": "shop.sessions",
                  "type": "module"
                },
                {
                  "label": ".sessions",
                  "type": "shop.Sessions"
                },
                {
                  "label": ".by_token",
                  "type": "dict"
                }
              ],
              "summary": "shop.sessions.sessions.by_token (a dict) gained 100 shop.Session objects per minute in each of 3 intervals (100 % of all growth) and retains 104.1 kB.",
              "bytes_growth": [
                25600,
                25600,
                25600
              ],
              "rate": {
                "items_per_minute": 100.0,
                "bytes_per_minute": 25600.0,
                "items_per_unit": null,
                "bytes_per_unit": null
              },
              "co_holders": [],
              "advice": null
            }
          ],
          "candidates": [],
          "omitted": 0,
          "memory": {
            "rss": [
              9000000,
              9025600,
              9051200,
              9076800
            ],
            "python": [
              33388,
              58988,
              84588,
              110188
            ],
            "allocator_free": [
              500000,
              500000,
              500000,
              500000
            ],
            "native_known": [
              0,
              0,
              0,
              0
            ],
            "unexplained": [
              2466612,
              2466612,
              2466612,
              2466612
            ],
            "pymalloc_free": [
              300000,
              300000,
              300000,
              300000
            ],
            "malloc_free": [
              200000,
              200000,
              200000,
              200000
            ],
            "file_backed": [
              6000000,
              6000000,
              6000000,
              6000000
            ],
            "native_malloc": [
              null,
              null,
              null,
              null
            ],
            "native_pymalloc": [
              null,
              null,
              null,
              null
            ],
            "interned_strings": [
              null,
              null,
              null,
              null
            ],
            "frame_stacks": [
              null,
              null,
              null,
              null
            ],
            "mappings": [
              null,
              null,
              null,
              null
            ]
          },
          "garbage": null,
          "account": {
            "resident_growth_bytes": 76800,
            "parts": [
              {
                "part": "objects",
                "bytes": 110076,
                "growth_bytes": 76800,
                "growth": [
                  25600,
                  25600,
                  25600
                ],
                "holders": [
                  {
                    "holder": "shop.sessions.sessions.by_token",
                    "growth_bytes": 76800
                  }
                ]
              },
              {
                "part": "garbage",
                "bytes": 112,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              },
              {
                "part": "mem_top",
                "bytes": 0,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              },
              {
                "part": "buffers",
                "bytes": 0,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              },
              {
                "part": "malloc_free",
                "bytes": 200000,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              },
              {
                "part": "pymalloc_free",
                "bytes": 300000,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              },
              {
                "part": "files",
                "bytes": 6000000,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              },
              {
                "part": "unexplained",
                "bytes": 2466612,
                "growth_bytes": 0,
                "growth": [
                  0,
                  0,
                  0
                ]
              }
            ],
            "malloc": {
              "library": null,
              "in_use": null,
              "free": 200000,
              "trimmable": null,
              "summary": null
            }
          },
          "notes": []
        }
    "#]].assert_eq(&json::to_text(&json::leaks(&shop_leaks())));
}

#[test]
fn candidates_have_their_doubt() {
    let candidate = Suspect { doubt: Some(Doubt::Slowing), ..suspect() };
    let mut answer =
        bare(Verdict::Inconclusive, Vec::new(), vec![candidate.clone(), Suspect { rank: 2, ..candidate }]);
    answer.omitted = 3;
    answer.notes = vec![Note::Approximate];
    expect![[r#"
        verdict: inconclusive
        no place grew between the two snapshots
        note: the process kept running while a snapshot was taken: numbers are
              approximate

        candidate 1 of 2 · confidence 98 % · cause: container
        shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per
        minute in each of 6 intervals (93 % of all growth); shop.index holds them too.
        in doubt: it grows more slowly each time, like a cache that fills up

        ┬───
        │ module shop.sessions
        ├─ sessions → Sessions
        ╰→ .by_token → dict    144,997 items  (+300 per minute, in each of 6 intervals)
             93 % of all growth
             items by type              now  growth      bytes
             shop.sessions.Session  144,997  +1,800  +756.0 kB
             in your code: shop.sessions
             also held by shop.index
             - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
             fingerprint 0123456789abcdef

        candidate 2 of 2 · confidence 98 % · cause: container
        shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per
        minute in each of 6 intervals (93 % of all growth); shop.index holds them too.
        in doubt: it grows more slowly each time, like a cache that fills up

        ┬───
        │ module shop.sessions
        ├─ sessions → Sessions
        ╰→ .by_token → dict    144,997 items  (+300 per minute, in each of 6 intervals)
             93 % of all growth
             items by type              now  growth      bytes
             shop.sessions.Session  144,997  +1,800  +756.0 kB
             in your code: shop.sessions
             also held by shop.index
             - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
             fingerprint 0123456789abcdef

        and 3 more, left out by the limit

        memory over time: 7 snapshots in 6 min, from 1970-01-01 00:00:00 UTC
          after    objects  resident   Python  free  buffers  files  unexplained  pause
            0 s  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          1 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          2 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          3 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          4 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          5 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          6 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
    "#]]
    .assert_eq(&text::leaks(&answer, &Style { width: 80, ..Style::default() }));
    let value = json::leaks(&answer);
    assert_eq!(value["candidates"][1]["doubt"], "it grows more slowly each time, like a cache that fills up");
    assert_eq!(value["omitted"], 3);
    assert!(value["memory"]["rss"][0].is_null() && value["snapshots"][0]["pause_ms"].is_null());
}

#[test]
fn of_many_snapshots_the_first_and_the_last_are_shown() {
    let mut answer = bare(Verdict::NoGrowth, Vec::new(), Vec::new());
    answer.snapshots = (0..20)
        .map(|minute| {
            let mut row = answer.snapshots[0];
            row.taken_at = 60_000_000 * minute;
            row
        })
        .collect();
    answer.memory = vec![answer.memory[0].clone(); 20];
    expect![[r#"
        verdict: no growth
        no place grew between the two snapshots

        memory over time: 20 snapshots in 19 min, from 1970-01-01 00:00:00 UTC
           after    objects  resident   Python  free  buffers  files  unexplained  pause
             0 s  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
           1 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
           2 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
           3 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
           4 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
               …
          15 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          16 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          17 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          18 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
          19 min  1,000,000         ?  61.4 MB     ?        ?      ?            ?      ?
    "#]]
    .assert_eq(&text::leaks(&answer, &Style::default()));
}

#[test]
fn an_answer_without_snapshots_has_its_verdict() {
    let mut answer = bare(Verdict::Inconclusive, Vec::new(), Vec::new());
    answer.snapshots.clear();
    answer.memory.clear();
    expect![[r#"
        verdict: inconclusive
        no place grew between the two snapshots
    "#]]
    .assert_eq(&text::leaks(&answer, &Style::default()));
}

#[test]
fn equal_times_give_no_rate_of_retained_growth() {
    let alone = Suspect { co_holders: Vec::new(), ..suspect() };
    let mut answer = bare(Verdict::Leak, vec![alone], Vec::new());
    for row in &mut answer.snapshots {
        row.taken_at = 5;
    }
    let told = text::leaks(&answer, &Style::default());
    assert!(told.contains("retains 61.4 MB (+756.0 kB) · 93 % of all growth"), "{told}");
}
