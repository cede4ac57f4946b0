//! What grows: the verdict first, each suspect as a tree, candidates with their doubts.

use expect_test::expect;
use memtop_report::{Style, json, text};

use crate::samples::shop_leaks;

#[test]
fn a_leak_is_understood_at_a_look() {
    expect![[r#"
        verdict: leak
        shop.sessions.sessions.by_token holds more each time: 76.8 kB in all

        suspect · confidence 88 % · cause: container
        shop.sessions.sessions.by_token (a dict) gained 100 shop.Session objects a minute in each of 3
        intervals and keeps 104.1 kB alive, 100 % of all growth.

        ┬───
        │ module shop.sessions
        ├─ sessions → shop.Sessions
        ╰→ .by_token → dict    400 items  (+100 a minute, in each of 3 intervals)
             retains 104.1 kB (+25.6 kB a minute) · 100 % of all growth
             items by type  now  growth     bytes
             shop.Session   400    +300  +16.8 kB
             list           400    +300  +60.0 kB
             in your code: shop.sessions.sessions
             - it grew in each of 3 intervals: +100, +100, +100 items
             - about 100 items an interval, and at least 100 (Theil–Sen, 95 %)
             - 76.8 kB in all, 100 % of all growth
             - it alone keeps 104.1 kB alive (+76.8 kB)
             fingerprint d24b8119ddf1296b

        memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
          after  objects  resident    Python      free  buffers   files  unexplained    pause
            0 s      206    9.0 MB   33.4 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.3 ms
          1 min      406    9.1 MB   59.0 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.4 ms
          2 min      606    9.2 MB   84.6 kB  500.0 kB      0 B  6.0 MB       2.6 MB  12.5 ms
          3 min      806    9.3 MB  110.2 kB  500.0 kB      0 B  6.0 MB       2.7 MB  12.6 ms
        cost: the process stood still for 49.8 ms in all, 12.6 ms at most
    "#]]
    .assert_eq(&text::leaks(&shop_leaks(), &Style::default()));
}

#[test]
fn json_has_every_field_of_the_schema_in_its_order() {
    expect![[r#"
        {
          "schema_version": 1,
          "command": "leaks",
          "verdict": "leak",
          "reason": "shop.sessions.sessions.by_token holds more each time: 76.8 kB in all",
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
              "rss": 9100000,
              "pause_ms": 12.4,
              "work": null
            },
            {
              "taken_at": "2026-11-23T07:52:13Z",
              "objects": 606,
              "bytes": 84476,
              "rss": 9200000,
              "pause_ms": 12.5,
              "work": null
            },
            {
              "taken_at": "2026-11-23T07:53:13Z",
              "objects": 806,
              "bytes": 110076,
              "rss": 9300000,
              "pause_ms": 12.6,
              "work": null
            }
          ],
          "suspects": [
            {
              "rank": 1,
              "holder": "shop.sessions.sessions.by_token",
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
                "about 100 items an interval, and at least 100 (Theil–Sen, 95 %)",
                "76.8 kB in all, 100 % of all growth",
                "it alone keeps 104.1 kB alive (+76.8 kB)"
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
              "summary": "shop.sessions.sessions.by_token (a dict) gained 100 shop.Session objects a minute in each of 3 intervals and keeps 104.1 kB alive, 100 % of all growth.",
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
              "co_holders": []
            }
          ],
          "candidates": [],
          "omitted": 0,
          "memory": {
            "rss": [
              9000000,
              9100000,
              9200000,
              9300000
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
              2541012,
              2615412,
              2689812
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
            ]
          },
          "notes": []
        }
    "#]].assert_eq(&json::to_text(&json::leaks(&shop_leaks())));
}
