//! One suspect as a tree: its path, its types and its evidence.

use expect_test::{Expect, expect};
use memtop_analyze::{Cause, Evidence, ItemWrapper, LeakStep, LeakedType, Rate, Suspect};
use memtop_report::{Style, json, text, wording};

use crate::samples::{NO_RATE, advice, suspect};

fn check(one: &Suspect, expected: &Expect) {
    expected.assert_eq(&text::suspect(one, Some(6.0), &Style::default()));
}

#[test]
fn what_to_do_is_said_where_it_is_known() {
    let one = Suspect { advice: Some(advice()), ..suspect() };
    let said = text::suspect(&one, None, &Style::default());
    let part = said.split_once("     what to do\n").expect("it is said").1;
    assert!(part.starts_with("       Sessions are kept <b>for ever</b> (sessions-kept).\n"), "{part}");
    assert!(part.contains("\n       Call Session.end()\\x1b[31m in a finally block.\n"), "{part}");
    assert!(part.contains("\n       https://wiki.example.com/?a=1&b=\"2\"\n"), "{part}");
    assert!(!text::suspect(&suspect(), None, &Style::default()).contains("what to do"));
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
                 93 % of all growth
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
                 93 % of all growth
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
            ╰→ .by_token → dict    (+3.9 MB in total over 3 intervals)
                 93 % of all growth
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
                 93 % of all growth
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
fn an_accusation_has_no_doubt_field() {
    assert!(json::suspect(&suspect()).get("doubt").is_none());
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
fn the_headline_names_what_a_person_would_name() {
    let wrapper = ItemWrapper {
        type_name: "tuple".into(),
        parts: ["shop.Engine", "str", "function"].map(str::to_owned).to_vec(),
        has_more: true,
    };
    let one = Suspect {
        headline_holder: Some("listeners of shop.Pool".into()),
        wrapper: Some(wrapper),
        co_holders: Vec::new(),
        ..suspect()
    };
    expect!["listeners of shop.Pool (a dict) gained 300 shop.sessions.Session objects (in tuples of shop.Engine, str, function, …) per minute in each of 6 intervals (93 % of all growth) and retains 61.4 MB."]
        .assert_eq(&wording::summary(&one));
    let text = text::suspect(&one, None, &Style::default());
    assert!(text.contains("module shop.sessions"), "the whole path stays below: {text}");
    assert_eq!(json::suspect(&one)["headline_holder"], "listeners of shop.Pool");
    assert_eq!(json::suspect(&one)["holder"], "shop.sessions.by_token");
}

#[test]
fn a_minute_that_was_not_waited_for_gives_no_rate() {
    let alone = Suspect { co_holders: Vec::new(), ..suspect() };
    let told = text::suspect(&alone, Some(0.1), &Style::default());
    assert!(told.contains("(+1,800 in total over 6 intervals)"), "{told}");
    assert!(told.contains("retains 61.4 MB (+756.0 kB)"), "{told}");
}

#[test]
fn numbers_that_are_none_are_null() {
    let odd = Suspect { share_of_growth: f64::NAN, confidence: f64::INFINITY, ..suspect() };
    let value = json::suspect(&odd);
    assert!(value["share_of_growth"].is_null() && value["confidence"].is_null());
    let rate = Rate { items_per_minute: Some(f64::INFINITY), ..NO_RATE };
    let told = text::suspect(&Suspect { rate, ..suspect() }, None, &Style::default());
    assert!(told.contains("(+1,800 in total over 6 intervals)"), "{told}");
}
