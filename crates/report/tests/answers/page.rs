//! The page: its numbers are those of `--json`, no name comes out of its place, and it stays small whatever it is about.

use expect_test::expect_file;
use memtop_analyze::*;
use memtop_heap::testing::Graph;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, Root, RootKind, Type};
use memtop_report::html::{self, HeapView, LeaksPage};
use memtop_report::{HeapReportOptions, escape, json};
use serde_json::Value;

use crate::samples::{bare, shop, shop_leaks, suspect};

/// What a page may not be larger than.
const LARGEST: usize = 2_000_000;

fn view(heap: &Heap) -> HeapView {
    HeapView::new(heap, &HeapReportOptions::default())
}

fn of_leaks(answer: &Leaks, heaps: &[&Heap]) -> String {
    let changes = match heaps {
        [first, .., last] => diff(first, last, &DiffOptions::default()).ok(),
        _ => None,
    };
    let captures: Vec<&CaptureInfo> = heaps.iter().map(|heap| heap.info()).collect();
    let last = view(heaps[heaps.len() - 1]);
    html::leaks(&LeaksPage { answer, captures: &captures, last: &last, changes: changes.as_ref() })
}

fn of_diff(old: &Heap, new: &Heap) -> String {
    let answer = diff(old, new, &DiffOptions { limit: None, any_process: true }).expect("any process");
    html::diff(&answer, [old.info(), new.info()], &[memory_total(old), memory_total(new)])
}

fn shop_page() -> String {
    let graphs: Vec<_> = (0..4).map(shop).collect();
    of_leaks(&shop_leaks(), &graphs.iter().map(Graph::heap).collect::<Vec<_>>())
}

/// The page's data.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("it has data");
    serde_json::from_str(rest.split_once("</script>").expect("it ends").0).expect("it is JSON")
}

/// The part of the page that is read.
fn main_part(page: &str) -> &str {
    let (_, rest) = page.split_once("<main").expect("it has a main part");
    rest.split_once("</main>").expect("it ends").0
}

/// Every page is whole, small, has its own markup only, and nothing that steers anything.
fn check(page: &str) {
    assert!(page.len() < LARGEST, "{} bytes", page.len());
    assert!(
        !page.contains(|c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
    );
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("<style").count(), 1);
    assert!(page.contains("default-src &#39;none&#39;"));
    // Nothing is loaded, no style stands in an attribute, and links lead within the page.
    for attribute in [" src=", " style=", " onclick=", "href=\"http", "url("] {
        assert!(!main_part(page).contains(attribute), "{attribute}");
    }
    let data = data(page);
    assert!(data["page"].is_string());
    let mut open: Vec<&str> = Vec::new();
    for tag in main_part(page).split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("a tag without an end: {tag}"));
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.push(tag.split(' ').next().unwrap_or(tag)),
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
}

#[test]
fn the_page_of_a_leak_reads_as_it_is_expected_without_a_script() {
    let page = shop_page();
    check(&page);
    let lines = main_part(&page).replace("><", ">\n<");
    expect_file!["golden/page-leaks.html"].assert_eq(&lines);
}

#[test]
fn the_numbers_are_those_of_json() {
    let graphs: Vec<_> = (0..4).map(shop).collect();
    let (first, last) = (graphs[0].heap(), graphs[3].heap());
    let leaks = data(&shop_page());
    assert_eq!(leaks["answer"], json::leaks(&shop_leaks()));
    assert_eq!(leaks["heap"], json::heap_report(&view(last).report));
    assert_eq!(leaks["memory"][0]["parts"], leaks["answer"]["memory"]);

    let told = view(last);
    let report = data(&html::heap_report(&told));
    assert_eq!(report["answer"], json::heap_report(&told.report));
    let types = json::histogram(&told.types);
    for (row, one) in report["types"]["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .zip(types["types"].as_array().expect("types"))
    {
        assert_eq!(*row, serde_json::json!([one["type"], one["count"], one["bytes"], one["retained_bytes"]]));
    }
    assert_eq!(report["tree"]["total"], report["answer"]["accumulation"]["total_bytes"]);

    let changes = diff(first, last, &DiffOptions::default()).expect("one process");
    let page = data(&of_diff(first, last));
    let expected = json::diff(&changes, first.info(), last.info());
    assert_eq!(page["answer"]["new"], expected["new"]);
    for (row, one) in page["types"]["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .zip(expected["types"].as_array().expect("types"))
    {
        assert_eq!([&row[0], &row[1], &row[2]], [&one["type"], &one["bytes_growth"], &one["growth"]]);
        assert_eq!([&row[3], &row[6]], [&one["new"]["bytes"], &one["old"]["count"]]);
    }
    // What grew by type is beside the types of a series, too.
    let session =
        leaks["types"]["rows"].as_array().expect("rows").iter().find(|row| row[0] == "shop.Session");
    let grown = expected["types"].as_array().expect("types").iter().find(|row| row["type"] == "shop.Session");
    assert_eq!(session.expect("it is there")[4], grown.expect("it grew")["growth"]);
}

/// Less than a quarter of a minute gives no rate per minute, on the page as in the text.
#[test]
fn a_series_of_seconds_has_no_rates_per_minute() {
    let graphs: Vec<_> = (0..4).map(shop).collect();
    let heaps: Vec<_> = graphs.iter().map(Graph::heap).collect();
    let mut answer = shop_leaks();
    assert!(main_part(&of_leaks(&answer, &heaps)).contains(" per minute"));
    let first = answer.snapshots[0].taken_at;
    for (index, row) in answer.snapshots.iter_mut().enumerate() {
        row.taken_at = first + 1_000_000 * index as i64;
    }
    for suspect in answer.suspects.iter_mut().chain(&mut answer.candidates) {
        suspect.headline = Headline::Bytes { amount: 1, per: Per::Interval };
    }
    assert!(!main_part(&of_leaks(&answer, &heaps)).contains(" per minute"));
}

#[test]
fn the_picture_names_the_suspect() {
    let leaks = data(&shop_page());
    let holder = leaks["answer"]["suspects"][0]["holder"].as_str().expect("a holder");
    let places = leaks["tree"]["places"].as_array().expect("places");
    let marked: Vec<&Value> =
        places.iter().filter(|place| place[6].as_u64().expect("flags") & 2 != 0).collect();
    assert_eq!(marked.len(), 1, "{holder}");
    assert!(holder.ends_with(marked[0][1].as_str().expect("a label")));
}

#[test]
fn the_same_answer_gives_the_same_bytes() {
    assert_eq!(shop_page(), shop_page());
}

#[test]
fn of_a_heap_without_objects_and_of_one_with_one_there_is_a_page() {
    let empty = HeapBuilder::new(CaptureInfo::default()).finish().expect("it is empty");
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("builtins", "dict"));
    let object = builder.add_object(Object::new(0x1000, ty, 64));
    let name = builder.string("m");
    builder.add_root(Root::new(RootKind::Module, name, object));
    let one = builder.finish_with_accounts().expect("handles are valid").0;
    for heap in [&empty, &one] {
        check(&html::heap_report(&view(heap)));
        check(&of_diff(heap, heap));
        let answer = leaks(&[heap], &LeaksOptions::default()).expect("one process");
        check(&of_leaks(&answer, &[heap]));
    }
    assert!(main_part(&of_diff(&empty, &one)).contains("+64 B"));
    assert!(main_part(&of_diff(&one, &one)).contains("No type changed."));
    assert!(
        main_part(&html::heap_report(&view(&empty))).contains("No single place retains a tenth of the heap.")
    );
}

#[test]
fn every_verdict_has_a_page() {
    let heap = shop(0);
    for verdict in [Verdict::Leak, Verdict::NoGrowth, Verdict::NativeGrowth, Verdict::Inconclusive] {
        let page = of_leaks(&bare(verdict, Vec::new(), Vec::new()), &[heap.heap()]);
        check(&page);
        assert!(!page.contains("What leaks") && !page.contains("What may leak"));
        assert!(page.contains(&format!("<title>{}", verdict.word())));
    }
    let doubted = Suspect { doubt: Some(Doubt::Slowing), ..suspect() };
    let page = of_leaks(&bare(Verdict::Inconclusive, Vec::new(), vec![doubted]), &[heap.heap()]);
    check(&page);
    assert!(main_part(&page).contains("<strong>In doubt:</strong> it grows more slowly each time"));
}

#[test]
fn a_server_with_workers_has_a_page() {
    let workers = (0..3).map(|number| MemberLeaks { pid: 100 + number, answer: shop_leaks() }).collect();
    let answer = merge_members(workers, 10);
    let page = html::group_leaks(&answer);
    check(&page);
    assert_eq!(data(&page)["answer"], json::group_leaks(&answer));
    assert!(main_part(&page).contains("in 3 of 3 processes (100, 101, 102)"));
    assert_eq!(data(&page)["memory"].as_array().map(Vec::len), Some(3));
}

const NASTY: &str =
    "\x1b]0;owned\x07</code></script><script>alert('1')</script><!--&\u{202e}\r\n\u{9b}\u{2028}\u{1f480}日本";

/// A heap in which every name is what `name` says of a number.
fn named(types: u64, name: impl Fn(u64) -> String) -> Heap {
    let info = CaptureInfo {
        program: name(0),
        implementation: name(1),
        notes: vec![name(2)],
        ..CaptureInfo::default()
    };
    let mut builder = HeapBuilder::new(info);
    let dict = builder.add_type(Type::new("builtins", name(3)));
    let namespace = builder.add_object(Object::new(0x1000, dict, 300));
    for number in 0..types {
        let ty = builder.add_type(Type::new(name(number), name(number)));
        let object = builder.add_object(Object::new(0x2000 + 16 * number, ty, 1000 + number));
        let key = builder.string(&name(number));
        builder.add_reference(namespace, object, Label::key(key));
    }
    let module = builder.string(&name(4));
    builder.add_root(Root::new(RootKind::Module, module, namespace));
    builder.finish_with_accounts().expect("handles are valid").0
}

#[test]
fn hostile_names_are_text_and_nothing_else() {
    let heap = named(30, |number| format!("{NASTY}{number}"));
    let text = || NASTY.to_owned();
    let one = Suspect {
        holder: Some(text()),
        holder_type: Some(text()),
        own_holder: Some(text() + "own"),
        leaked: vec![LeakedType { type_name: text(), count: 1, growth: vec![1], bytes: 1 }],
        evidence: vec![Evidence::CoHolder(text())],
        co_holders: vec![text()],
        path: vec![LeakStep { label: text(), type_name: text() }; 40],
        headline: Headline::Objects { type_name: text(), amount: 1.0, per: Per::Minute },
        fingerprint: text(),
        advice: Some(Advice { pattern: text(), title: text(), text: text(), link: Some(text()) }),
        doubt: Some(Doubt::Slowed),
        ..suspect()
    };
    let mut answer = bare(Verdict::Inconclusive, vec![one.clone()], vec![one]);
    answer.reason = Reason::InDoubt { holder: Some(text()), doubt: Doubt::Slowed };
    answer.notes = vec![Note::Text(text())];
    let page = of_leaks(&answer, &[&heap]);
    check(&page);
    // It is shown as the other formats show it, and not in other characters.
    assert_eq!(data(&page)["answer"]["suspects"][0]["holder"], escape(NASTY).as_ref());
    assert!(
        main_part(&page)
            .contains("\\x1b]0;owned\\x07&lt;/code&gt;&lt;/script&gt;&lt;script&gt;alert(&#39;1&#39;)")
    );
    check(&html::heap_report(&view(&heap)));
    check(&of_diff(&HeapBuilder::new(CaptureInfo::default()).finish().expect("it is empty"), &heap));
    let workers = merge_members(vec![MemberLeaks { pid: 1, answer }], 10);
    check(&html::group_leaks(&workers));
}

#[test]
fn a_server_with_many_workers_has_a_page_too() {
    let answer = shop_leaks();
    let workers = (0..500).map(|number| MemberLeaks { pid: 100 + number, answer: answer.clone() }).collect();
    let page = html::group_leaks(&merge_members(workers, 10));
    check(&page);
    assert!(main_part(&page).contains("440 more processes have no row and no chart on this page"));
    assert!(main_part(&page).contains("in 500 of 500 processes (100, 101,"));
}

#[test]
fn the_page_stays_small() {
    // A hundred thousand types; names of a hundred thousand letters; names that are long in every way that is counted.
    let many = named(100_000, |number| format!("package.module.Type{number}"));
    let page = html::heap_report(&view(&many));
    check(&page);
    assert!(main_part(&page).contains("2,000 types of 100,001: the smallest are not on this page"));
    assert!(main_part(&page).contains("Aggregated: of 100,001 places the 3,000 largest are drawn"));
    assert_eq!(data(&page)["types"]["omitted"], 98_001);
    let empty = HeapBuilder::new(CaptureInfo::default()).finish().expect("it is empty");
    check(&of_diff(&empty, &many));

    let long = named(12, |number| format!("{number}{}", "x".repeat(100_000)));
    check(&html::heap_report(&view(&long)));
    let wide = named(2500, |number| format!("{number}{}", "<e\u{301}\u{301}\u{301}\u{1f480}".repeat(120)));
    let page = html::heap_report(&view(&wide));
    check(&page);
    check(&of_diff(&empty, &wide));

    let long = |mark: &str| vec![mark.repeat(3000); 40];
    let evidence = vec![Evidence::Growth { unit: GrowthUnit::Bytes, changes: vec![i64::MAX; 3000] }];
    let one = Suspect { evidence, co_holders: long("&"), ..suspect() };
    let page = of_leaks(&bare(Verdict::Leak, vec![one; 100], Vec::new()), &[&empty]);
    check(&page);
    assert!(main_part(&page).contains("left out, since the page would be too large"));
}
