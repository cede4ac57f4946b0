//! Names that a hostile program could choose: no format breaks by them, and none is longer than viewers bear.

use memtop_analyze::{Costs, Retained, ShortestPaths};
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, ObjectId, Root, RootKind, Type};
use memtop_report::export::{self, DotOptions};
use serde_json::Value;

use crate::{heapsnapshot, stacks, written};

const NASTY: &str = "a;b \"q\" \\ \x1b]0;t\x07\r\n{}<div id=1>\u{202e}\u{2028}ключ日本👩";

fn heap() -> Heap {
    let info = CaptureInfo { program: NASTY.into(), notes: vec![NASTY.into()], ..CaptureInfo::default() };
    let mut builder = HeapBuilder::new(info);
    let types = [
        builder.add_type(Type::new(NASTY, "dict")),
        builder.add_type(Type::new("", NASTY.repeat(2000))),
        builder.add_type(Type::new("", "<div id=1>")),
        builder.add_type(Type::new("", "Object")),
        builder.add_type(Type::new("", "")),
    ];
    let name = builder.string(NASTY);
    let long = builder.string(&NASTY.repeat(3000));
    let ids: Vec<ObjectId> = (0..50)
        .map(|number| builder.add_object(Object::new(0x1000 + 16 * number, types[number as usize % 5], 10)))
        .collect();
    for pair in ids.windows(2) {
        let label = if pair[0].index() % 2 == 0 { Label::key(long) } else { Label::attribute(name) };
        builder.add_reference(pair[0], pair[1], label);
    }
    builder.add_root(Root::new(RootKind::Module, name, ids[0]));
    builder.add_root(Root::new(RootKind::ThreadLocal, long, ids[1]));
    builder.finish_with_accounts().unwrap().0
}

fn is_harmless(text: &str) -> bool {
    !text.contains(['\x1b', '\x07', '\r', '\u{202e}', '\u{2028}'])
}

#[test]
fn a_heapsnapshot_takes_any_name() {
    let (file, _) = heapsnapshot(&heap(), usize::MAX);
    let strings: Vec<&str> =
        file["strings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    for text in &strings {
        assert!(text.chars().count() <= 1030, "{text}");
        assert!(is_harmless(text) && !text.contains('\n'), "{text:?}");
    }
    let nodes = file["nodes"].as_array().unwrap();
    for row in nodes.chunks(7) {
        let name = strings[row[1].as_u64().unwrap() as usize];
        assert!(!name.starts_with('<') && name != "Object", "{name}");
    }
}

#[test]
fn collapsed_lines_keep_their_grammar() {
    let stacks = stacks(&heap());
    let text = written(|out| export::collapsed(&stacks, out));
    assert!(is_harmless(&text));
    let mut sum = 0;
    for line in text.lines() {
        let (stack, bytes) = line.rsplit_once(' ').unwrap();
        sum += bytes.parse::<u64>().unwrap();
        let frames: Vec<&str> = stack.split(';').collect();
        assert!(frames.iter().all(|frame| !frame.is_empty()), "{line}");
        assert!(frames[0].starts_with("module ") || frames[0].starts_with("thread local "), "{line}");
    }
    assert_eq!(sum, 500);
}

#[test]
fn json_formats_are_json() {
    let heap = heap();
    let speedscope = written(|out| export::speedscope(&stacks(&heap), heap.info(), out));
    let dump = written(|out| export::json(&heap, out));
    for text in [speedscope, dump] {
        assert!(serde_json::from_str::<Value>(&text).is_ok());
        assert!(is_harmless(&text), "{text}");
    }
}

#[test]
fn a_drawing_is_quoted() {
    let heap = heap();
    let (retained, shortest) = (Retained::new(&heap), ShortestPaths::new(&heap, &Costs::default()));
    let id = heap.objects().ids().nth(3).unwrap();
    let object =
        written(|out| export::dot_of_object(&heap, &retained, &shortest, id, &DotOptions::default(), out));
    let all: Vec<_> = heap.types().iter().map(|(ty, _)| ty).collect();
    let types =
        written(|out| export::dot_of_types(&heap, &shortest, &all, NASTY, &DotOptions::default(), out));
    for text in [object, types] {
        assert!(is_harmless(&text), "{text}");
        // Outside of quoted strings nothing of a name is left.
        let mut quoted = false;
        let mut escaped = false;
        let mut bare = String::new();
        for c in text.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                c if !quoted => bare.push(c),
                _ => {}
            }
        }
        assert!(!quoted && bare.is_ascii() && !bare.contains("div"), "{bare}");
    }
}
