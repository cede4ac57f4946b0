//! The details of a subject: their numbers agree with each other and with the table.

use std::sync::Arc;

use memtop_heap::testing::graph;
use memtop_tui::{Examined, Subject};

use crate::scene::{heap, observation};

fn examined(text: &str) -> (Examined, memtop_heap::testing::Graph) {
    let graph = graph(text);
    (Examined::new(Arc::new(graph.heap().clone()), 1), graph)
}

#[test]
fn a_type_has_clustered_paths_and_what_it_retains() {
    let (examined, _) = examined(
        "module:shop -> globals:dict
         globals -> a:shop.S('one') -> x:list(.x)[100]
         globals -> more:dict('more') -> b:shop.S([*]) -> y:list(.x)[50]
         more -> c:shop.S([*]) -> z:str(.name)[7]
         b -> shared:bytes(.s)[1000]; c -> shared(.s)",
    );
    let details = examined.details(&Subject::Type("shop.S".into()), &[]).unwrap();
    let [ways, kept, examples] = &details.sections[..] else { panic!("{details:?}") };
    let paths: Vec<(Option<u64>, &str)> =
        ways.rows.iter().map(|row| (row.objects, row.text.as_str())).collect();
    assert_eq!(paths, [(Some(2), "shop.more[*]"), (Some(1), "shop.one")]);
    // An object that two of them hold is retained by neither.
    let types: Vec<_> = kept.rows.iter().map(|row| (row.objects, row.bytes, row.text.as_str())).collect();
    assert_eq!(types, [(Some(2), Some(150), "list"), (Some(1), Some(7), "str")]);
    assert_eq!(examples.rows[0].bytes, Some(101));
    assert!(examples.rows[0].text.starts_with("shop.one  shop.S at 0x"), "{}", examples.rows[0].text);
}

#[test]
fn an_object_has_every_path_to_it_and_its_dominator() {
    let (examined, graph) = examined(
        "module:shop -> globals:dict -> store:shop.Store('store') -> first:dict(.first) -> a:shop.S([*])
         store -> second:list(.second) -> a([0])
         a -> own:list(.own)[64]",
    );
    let address = |name| graph.heap().objects().address(graph.id(name));
    let details = examined.details(&Subject::Object(address("a")), &[]).unwrap();
    let ways: Vec<&str> = details.sections[0].rows.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(ways, ["shop.store.second[0]", "shop.store.first[*]"]);
    assert_eq!(details.sections[0].rows[1].link, Some(Subject::Object(address("first"))));
    assert_eq!(details.sections[1].rows[0].link, Some(Subject::Object(address("store"))));
    assert_eq!(details.sections[2].rows[0].text, "list");
    assert_eq!(details.sections[3].rows[0].link, Some(Subject::Object(address("own"))));
    assert!(details.facts.contains(&("retained", "65 B".to_owned())), "{:?}", details.facts);
}

#[test]
fn garbage_and_unreachable_objects_are_marked() {
    let (examined, graph) = examined(
        "root -> a:shop.S; b:shop.S!garbage -> c:shop.S(.other)!garbage; c -> b(.other); lost:shop.S",
    );
    let details = examined.details(&Subject::Type("shop.S".into()), &[]).unwrap();
    assert_eq!(
        details.sections[0].note.as_deref(),
        Some("1 not reachable from a root · 2 more await the collector: garbage, not a leak")
    );
    let of = |name| {
        let address = graph.heap().objects().address(graph.id(name));
        examined.details(&Subject::Object(address), &[]).unwrap().sections[0].note.clone().unwrap()
    };
    assert!(of("b").contains("awaits the collector"));
    assert!(of("lost").contains("not reachable from any known root"));
}

#[test]
fn two_types_with_the_same_name_are_two_rows() {
    let mut builder = memtop_heap::HeapBuilder::new(memtop_heap::CaptureInfo::default());
    let key = builder.string("m");
    for (nth, count) in [3_u64, 5].into_iter().enumerate() {
        let ty = builder.add_type(memtop_heap::Type::new("shop", "Reloaded"));
        for object in 0..count {
            let address = 0x1000 + 0x1000 * nth as u64 + 16 * object;
            let id = builder.add_object(memtop_heap::Object::new(address, ty, 16));
            builder.add_root(memtop_heap::Root::new(memtop_heap::RootKind::Unknown, key, id));
        }
    }
    let heap = Arc::new(builder.finish().unwrap());
    let examined = Examined::new(Arc::clone(&heap), 1);
    let seen =
        memtop_tui::observe(&heap, &examined.retained, &[&heap], 1, std::time::Duration::ZERO).unwrap();
    assert_eq!(seen.types.len(), 2);
    for row in &seen.types {
        let details = examined.details(&Subject::Type(row.key.clone()), &[]).unwrap();
        assert_eq!(details.facts[0], ("objects", row.objects.to_string()));
        assert_eq!(&*row.name, "shop.Reloaded");
    }
}

#[test]
fn the_numbers_of_the_table_are_those_of_the_report() {
    let heap = heap(100, 0);
    let report = memtop_report::HeapReport::new(&heap, &memtop_report::HeapReportOptions { limit: None });
    let seen = observation(std::slice::from_ref(&heap));
    assert_eq!(seen.total, report.total);
    assert_eq!(seen.memory, report.memory);
    let rows: Vec<_> =
        seen.types.iter().map(|row| (&*row.name, row.objects, row.bytes, Some(row.retained))).collect();
    let reported: Vec<_> =
        report.types.rows.iter().map(|row| (&*row.name, row.objects, row.bytes, row.retained)).collect();
    assert_eq!(rows, reported);
}
