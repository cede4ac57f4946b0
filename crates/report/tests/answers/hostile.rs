//! Names that a hostile program could choose: in no format do they steer a terminal or a page, and letters, colour and
//! width are what the style says.

use memtop_analyze::*;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, Root, RootKind, Type};
use memtop_report::{
    HeapReport, HeapReportOptions, ObjectFacts, Style, TopObject, cut, escape, html_fragment, json, text,
};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::samples::{bare, suspect};

const NASTY: &str = "\x1b]0;owned\x07\x1b[2J</code><script>alert('1')</script>&\u{202e}\r\n\u{9b}ключ日本";

/// A heap in which everything that has a name has a nasty one.
fn heap() -> Heap {
    let info = CaptureInfo {
        program: NASTY.into(),
        host: Some(NASTY.into()),
        container: Some(NASTY.into()),
        implementation: NASTY.into(),
        notes: vec![NASTY.into()],
        ..CaptureInfo::default()
    };
    let mut builder = HeapBuilder::new(info);
    let dict = builder.add_type(Type::new(NASTY, "dict"));
    let long = builder.add_type(Type::new("m", NASTY.repeat(100)));
    let namespace = builder.add_object(Object::new(0x1000, dict, 300));
    let name = builder.string(NASTY);
    let key = builder.string(&NASTY.repeat(50));
    let mut above = namespace;
    for number in 0..20 {
        let object = builder.add_object(Object::new(0x2000 + 16 * number, long, 1000));
        builder.add_reference(above, object, Label::key(key));
        above = object;
    }
    builder.add_root(Root::new(RootKind::Module, name, namespace));
    builder.finish_with_accounts().expect("handles are valid").0
}

fn nasty_leaks() -> Leaks {
    let text = || NASTY.to_owned();
    let one = Suspect {
        holder: Some(text()),
        holder_type: Some(text()),
        own_holder: Some(text() + "own"),
        leaked: vec![LeakedType { type_name: text(), count: 1, growth: vec![1], bytes: 1 }],
        evidence: vec![Evidence::CoHolder(text())],
        co_holders: vec![text()],
        path: vec![LeakStep { label: text(), type_name: text() }; 3],
        headline: Headline::Objects { type_name: text(), amount: 1.0, per: Per::Minute },
        fingerprint: "00".into(),
        doubt: Some(Doubt::Slowed),
        ..suspect()
    };
    let mut answer = bare(Verdict::Inconclusive, vec![one.clone()], vec![one]);
    answer.reason = Reason::InDoubt { holder: Some(text()), doubt: Doubt::Slowed };
    answer.notes = vec![Note::Text(text())];
    answer
}

/// Every answer about the nasty heap, told by one of the formats.
struct Told {
    texts: Vec<String>,
    json: Vec<serde_json::Value>,
    html: Vec<String>,
}

fn told(style: &Style) -> Told {
    let heap = heap();
    let (costs, retained) = (Costs::default(), Retained::new(&heap));
    let shortest = ShortestPaths::new(&heap, &costs);
    let id = heap.objects().at_address(0x2000 + 16 * 19).expect("it is there");
    let report = HeapReport::new(&heap, &HeapReportOptions::default());
    let paths = paths_to_object(&heap, &shortest, &costs, id, &PathOptions::default());
    let keeper = ObjectFacts::of(&heap, &retained, &shortest, id);
    let types = paths_to_types(&heap, &shortest, &[heap.objects().type_of(id)], &PathOptions::default());
    let largest = TopObject::of(&heap, &shortest, top(&heap, Some(&retained), &TopOptions::default()));
    let empty = HeapBuilder::new(CaptureInfo::default()).finish().expect("it is empty");
    let changes = diff(&empty, &heap, &DiffOptions { limit: None, any_process: true }).expect("any process");
    let (old, new) = (empty.info(), heap.info());
    let grown = nasty_leaks();
    let by = TopBy::Retained;
    Told {
        texts: vec![
            text::heap_report(&report, style),
            text::object_paths(&heap, &paths, &keeper, style),
            text::type_paths(&heap, NASTY, &types, style),
            text::top(&largest, by, style),
            text::diff(&changes, old, new, style),
            text::memory(&report.memory, style),
            text::leaks(&grown, style),
        ],
        json: vec![
            json::heap_report(&report),
            json::object_paths(&heap, &paths, &keeper),
            json::type_paths(&heap, NASTY, &types),
            json::top(&largest, by),
            json::diff(&changes, old, new),
            json::memory(&report.memory),
            json::leaks(&grown),
        ],
        html: vec![
            html_fragment::heap_report(&report),
            html_fragment::object_paths(&heap, &paths, &keeper),
            html_fragment::type_paths(&heap, NASTY, &types),
            html_fragment::top(&largest, by),
            html_fragment::diff(&changes),
            html_fragment::memory(&report.memory),
            html_fragment::leaks(&grown),
        ],
    }
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)
}

#[test]
fn no_text_has_a_character_that_steers_a_terminal() {
    let told = told(&Style::default());
    let json: Vec<String> = told.json.iter().map(json::to_text).collect();
    for text in told.texts.iter().chain(&json).chain(&told.html) {
        assert!(!text.contains(is_unsafe), "{text:?}");
        assert!(!text.contains("\n\u{9b}") && !text.contains("\nowned"));
    }
}

#[test]
fn json_keeps_the_names_as_they_are() {
    let leaks = json::to_text(&told(&Style::default()).json[6]);
    let read: serde_json::Value = serde_json::from_str(&leaks).expect("it is JSON");
    assert_eq!(read["suspects"][0]["holder"], NASTY);
}

#[test]
fn html_is_well_formed_and_has_no_markup_of_others() {
    for html in told(&Style::default()).html {
        assert!(!html.contains("<script") && !html.contains("</script"), "{html}");
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("a tag without an end: {tag}"));
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{html}"),
                None => open.push(tag.split(' ').next().unwrap_or(tag)),
            }
        }
        assert!(open.is_empty(), "{open:?} are not closed");
    }
}

#[test]
fn without_unicode_every_text_is_ascii() {
    for text in told(&Style { unicode: false, ..Style::default() }).texts {
        assert!(text.is_ascii(), "{text}");
    }
}

/// The text without ANSI escapes.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = told(&Style::default()).texts;
    let coloured = told(&Style { color: true, ..Style::default() }).texts;
    for (plain, coloured) in plain.iter().zip(&coloured) {
        assert!(coloured.contains('\x1b'), "{coloured}");
        assert_eq!(&uncoloured(coloured), plain);
    }
}

#[test]
fn tables_keep_to_the_width() {
    let told = told(&Style { width: 80, ..Style::default() });
    // Of the report of a heap, prose has words that are longer; of the others, paths stand whole.
    for line in told.texts[4].lines().chain(told.texts[3].lines()).filter(|line| line.starts_with("  ")) {
        assert!(line.width() <= 80, "{} columns: {line}", line.width());
    }
}

proptest! {
    #[test]
    fn what_is_escaped_is_safe_and_fits(text in any::<String>(), width in 0_usize..60) {
        let escaped = escape(&text);
        prop_assert!(!escaped.contains(|c: char| c.is_control()));
        prop_assert!(cut(&escaped, width).width() <= width);
        prop_assert_eq!(escape(&escaped), escaped.clone());
    }
}
