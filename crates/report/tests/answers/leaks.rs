//! What grows: the verdict first, each suspect as a tree, candidates with their doubts.

use expect_test::{Expect, expect};
use memtop_analyze::{
    Cause, Doubt, Evidence, LeakStep, LeakedType, MemberLeaks, Note, Rate, Suspect, Verdict, merge_members,
};
use memtop_report::{Style, json, text};

use crate::samples::{NO_RATE, bare, shop_leaks, suspect};

fn check(one: &Suspect, expected: &Expect) {
    expected.assert_eq(&text::suspect(one, Some(6.0), &Style::default()));
}

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

        memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
          after  objects  resident    Python      free  buffers   files  unexplained    pause
            0 s      206    9.0 MB   33.4 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.3 ms
          1 min      406    9.1 MB   59.0 kB  500.0 kB      0 B  6.0 MB       2.5 MB  12.4 ms
          2 min      606    9.2 MB   84.6 kB  500.0 kB      0 B  6.0 MB       2.6 MB  12.5 ms
          3 min      806    9.3 MB  110.2 kB  500.0 kB      0 B  6.0 MB       2.7 MB  12.6 ms
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

#[test]
fn co_holders_are_listed_once() {
    check(
        &suspect(),
        &expect![[r#"
            suspect · confidence 98 % · cause: container
            shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 6
            intervals (93 % of all growth); shop.index holds them too.

            ┬───
            │ module shop.sessions
            ├─ sessions → Sessions
            ╰→ .by_token → dict    144,997 items  (+300 per minute, in each of 6 intervals)
                 retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
                 items by type              now  growth      bytes
                 shop.sessions.Session  144,997  +1,800  +756.0 kB
                 in your code: shop.sessions
                 also held by shop.index
                 - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
                 fingerprint 0123456789abcdef
        "#]],
    );
}

#[test]
fn growth_by_work_comes_before_growth_by_the_clock() {
    let rate = Rate { items_per_unit: Some(0.5), bytes_per_unit: Some(210.0), ..suspect().rate };
    check(
        &Suspect { rate, growth: vec![300, 0, 300], ..suspect() },
        &expect![[r#"
            suspect · confidence 98 % · cause: container
            shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 6
            intervals (93 % of all growth); shop.index holds them too.

            ┬───
            │ module shop.sessions
            ├─ sessions → Sessions
            ╰→ .by_token → dict    144,997 items  (+0.5 per unit of work, +300 per minute, in 2 of 3 intervals)
                 retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
                 items by type              now  growth      bytes
                 shop.sessions.Session  144,997  +1,800  +756.0 kB
                 in your code: shop.sessions
                 also held by shop.index
                 - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
                 fingerprint 0123456789abcdef
        "#]],
    );
}

#[test]
fn a_growing_buffer_is_counted_in_bytes() {
    let leaked =
        vec![LeakedType { type_name: "bytearray".into(), count: 1, growth: vec![0; 3], bytes: 4_000_000 }];
    let growth = vec![0; 3];
    let buffer =
        Suspect { count: None, growth, bytes_growth: vec![1_300_000; 3], leaked, rate: NO_RATE, ..suspect() };
    check(
        &buffer,
        &expect![[r#"
            suspect · confidence 98 % · cause: container
            shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 3
            intervals (93 % of all growth); shop.index holds them too.

            ┬───
            │ module shop.sessions
            ├─ sessions → Sessions
            ╰→ .by_token → dict    (+3.9 MB in total, in each of 3 intervals)
                 retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
                 items by type  now  growth    bytes
                 bytearray        1       0  +4.0 MB
                 in your code: shop.sessions
                 also held by shop.index
                 - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
                 fingerprint 0123456789abcdef
        "#]],
    );
}

#[test]
fn a_native_reference_has_no_holder() {
    let path = vec![
        LeakStep { label: "native reference".into(), type_name: "native reference".into() },
        LeakStep { label: String::new(), type_name: "shop.Handle".into() },
    ];
    let held = Suspect {
        holder: None,
        holder_type: None,
        own_holder: None,
        cause: Cause::NativeReference,
        retained: None,
        retained_growth: None,
        evidence: vec![Evidence::NativeReferences],
        co_holders: Vec::new(),
        path,
        ..suspect()
    };
    check(
        &held,
        &expect![[r#"
            suspect · confidence 98 % · cause: native reference
            Native code took references to 300 shop.sessions.Session objects per minute in each of 6 intervals
            (93 % of all growth).

            ┬───
            │ native reference
            ╰→ shop.Handle    144,997 items  (+300 per minute, in each of 6 intervals)
                 93 % of all growth
                 items by type              now  growth      bytes
                 shop.sessions.Session  144,997  +1,800  +756.0 kB
                 - no Python object refers to the leaked objects, but their reference counts exceed the
                   references found
                 fingerprint 0123456789abcdef
        "#]],
    );
    let value = json::suspect(&held);
    assert!(value["holder"].is_null() && value["retained_bytes"].is_null() && value["own_holder"].is_null());
}

#[test]
fn a_frame_says_itself_what_it_is_and_long_paths_lose_their_middle() {
    let step = |number: usize| LeakStep { label: format!(".part{number}"), type_name: "shop.Part".into() };
    let root = LeakStep { label: "frame handle (views.py:42)".into(), type_name: "frame".into() };
    let path = std::iter::once(root).chain((0..30).map(step)).collect();
    let types = |number: usize| LeakedType {
        type_name: format!("shop.T{number}"),
        count: 1,
        growth: vec![1],
        bytes: 100,
    };
    let leaked = (0..6).map(types).collect();
    let framed = Suspect { cause: Cause::Frames, path, leaked, growth: vec![1], ..suspect() };
    check(
        &framed,
        &expect![[r#"
            suspect · confidence 98 % · cause: frames
            shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 6
            intervals (93 % of all growth); shop.index holds them too.

            ┬───
            │ frame handle (views.py:42)
            ├─ .part0 → shop.Part
            ├─ .part1 → shop.Part
            ├─ .part2 → shop.Part
            ├─ .part3 → shop.Part
            ├─ .part4 → shop.Part
            ├─ .part5 → shop.Part
            ├─ .part6 → shop.Part
            ├─ .part7 → shop.Part
            │  … 18 more steps …
            ├─ .part26 → shop.Part
            ├─ .part27 → shop.Part
            ├─ .part28 → shop.Part
            ╰→ .part29 → shop.Part    144,997 items  (+300 per minute, in one interval)
                 retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
                 items by type  now  growth   bytes
                 shop.T0          1      +1  +100 B
                 shop.T1          1      +1  +100 B
                 shop.T2          1      +1  +100 B
                 shop.T3          1      +1  +100 B
                 and 2 more types
                 in your code: shop.sessions
                 also held by shop.index
                 - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
                 fingerprint 0123456789abcdef
        "#]],
    );
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
             retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
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
             retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
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
fn an_accusation_has_no_doubt_field() {
    assert!(json::suspect(&suspect()).get("doubt").is_none());
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
    let mut answer = bare(Verdict::Leak, vec![suspect()], Vec::new());
    for row in &mut answer.snapshots {
        row.taken_at = 5;
    }
    let told = text::leaks(&answer, &Style::default());
    assert!(told.contains("retains 61.4 MB (+756.0 kB) · 93 % of all growth"), "{told}");
}

#[test]
fn facts_that_do_not_fit_are_on_the_next_line() {
    let told = text::suspect(&suspect(), Some(6.0), &Style { width: 60, ..Style::default() });
    let lines: Vec<&str> = told.lines().skip_while(|line| !line.starts_with('╰')).take(2).collect();
    assert_eq!(
        lines,
        ["╰→ .by_token → dict", "     144,997 items  (+300 per minute, in each of 6 intervals)"]
    );
}

#[test]
fn a_minute_that_was_not_waited_for_gives_no_rate() {
    let told = text::suspect(&suspect(), Some(0.1), &Style::default());
    assert!(told.contains("(+1,800 in total, in each of 6 intervals)"), "{told}");
    assert!(told.contains("retains 61.4 MB (+756.0 kB)"), "{told}");
}

#[test]
fn numbers_that_are_none_are_null() {
    let odd = Suspect { share_of_growth: f64::NAN, confidence: f64::INFINITY, ..suspect() };
    let value = json::suspect(&odd);
    assert!(value["share_of_growth"].is_null() && value["confidence"].is_null());
    let rate = Rate { items_per_minute: Some(f64::INFINITY), ..NO_RATE };
    let told = text::suspect(&Suspect { rate, ..suspect() }, None, &Style::default());
    assert!(told.contains("(+1,800 in total, in each of 6 intervals)"), "{told}");
}

#[test]
fn a_leak_of_several_workers_is_named_once() {
    let grown = |bytes: i64| Suspect { bytes_growth: vec![bytes; 6], ..suspect() };
    let candidate = Suspect { doubt: Some(Doubt::Limited), ..grown(9_000) };
    let workers = vec![
        MemberLeaks { pid: 12, answer: bare(Verdict::Leak, vec![grown(5_000)], vec![]) },
        MemberLeaks { pid: 11, answer: bare(Verdict::Inconclusive, vec![], vec![candidate]) },
        MemberLeaks { pid: 13, answer: bare(Verdict::Leak, vec![grown(7_000)], vec![]) },
        MemberLeaks { pid: 10, answer: bare(Verdict::NoGrowth, vec![], vec![]) },
    ];
    let answer = merge_members(workers, 10);
    assert_eq!((answer.suspects.len(), answer.candidates.len()), (1, 0));
    let one = &answer.suspects[0];
    // The accusation that grew most is told, not the doubt that grew more.
    assert_eq!(one.suspect.bytes_growth, [7_000; 6]);
    assert_eq!((&one.pids[..], one.bytes_growth, one.items_growth), (&[11, 12, 13][..], 126_000, 5_400));
    expect![[r#"
        verdict: leak
        shop.sessions.by_token keeps growing in 3 of 4 processes

        suspect · confidence 98 % · cause: container
        shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 6
        intervals (93 % of all growth); shop.index holds them too.

        ┬───
        │ module shop.sessions
        ├─ sessions → Sessions
        ╰→ .by_token → dict    144,997 items  (+300 per minute, in each of 6 intervals)
             retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth
             items by type              now  growth      bytes
             shop.sessions.Session  144,997  +1,800  +756.0 kB
             in your code: shop.sessions
             also held by shop.index
             - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
             fingerprint 0123456789abcdef
             in 3 of 4 processes (11, 12, 13): +5,400 items, +126.0 kB in total; they retain 184.2 MB
             together

        processes
          PID  snapshots    objects  growth   Python  resident  growth  longest pause  verdict
           10          7  1,000,000       0  61.4 MB         ?       ?              ?  no growth
           11          7  1,000,000       0  61.4 MB         ?       ?              ?  inconclusive
           12          7  1,000,000       0  61.4 MB         ?       ?              ?  leak
           13          7  1,000,000       0  61.4 MB         ?       ?              ?  leak
    "#]]
    .assert_eq(&text::group_leaks(&answer, &Style::default()));
}
