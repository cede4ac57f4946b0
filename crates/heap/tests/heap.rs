//! A heap returns exactly the rows that were added.

use expect_test::{Expect, expect};
use memtop_heap::testing::{Graph, graph, graph_as_collected, graph_with_accounts};
use memtop_heap::*;

/// The contents of a heap, one line for each object and root.
fn described(graph: &Graph) -> String {
    let heap = graph.heap();
    let label = |label: Label| match (label.kind(), label.text(), label.index()) {
        (LabelKind::Unlabelled, ..) => String::new(),
        (kind, Some(text), _) => format!("{kind:?} {} ", heap.text(text)),
        (kind, _, Some(index)) => format!("{kind:?} {index} "),
        (kind, ..) => format!("{kind:?} "),
    };
    let mut lines = Vec::new();
    for (_, root) in heap.roots().iter() {
        let place = match root.frame().map(|id| heap.roots().frame(id)) {
            Some(at) => format!("{} ({}:{}) ", heap.text(at.function), heap.text(at.file), at.line),
            None => String::new(),
        };
        let target = graph.name(root.object);
        lines.push(format!(
            "{} {place}{} -> {}{target}",
            root.kind.word(),
            heap.text(root.name),
            label(root.label)
        ));
    }
    for (name, id) in graph.names() {
        let row = heap.objects().get(id);
        let flags = row.flags.bits();
        lines.push(format!(
            "{name}: {} {} bytes #{} flags {flags}",
            heap.type_name(id),
            row.size,
            row.refcount
        ));
        for reference in heap.references().of(id) {
            lines.push(format!("  {}-> {}", label(reference.label), graph.name(reference.to)));
        }
    }
    lines.join("\n") + "\n"
}

#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&described(&graph(text)));
}

#[test]
fn an_empty_heap_is_valid() {
    let heap = HeapBuilder::new(CaptureInfo::default()).finish().unwrap();
    assert!(heap.objects().is_empty() && heap.references().is_empty() && heap.roots().is_empty());
    assert_eq!(accounts(&heap), Accounts::default());
    let _ = Referrers::new(&heap);
}

#[test]
fn objects_types_labels_and_roots_are_returned_as_they_were_added() {
    check(
        "module:shop -> globals:dict -> sessions:shop.Sessions('sessions')[48]
         sessions -> by_token:dict(.by_token)[232] -> one:shop.Session(['tok'])[56]; by_token -> tok:str(key)
         frame:handle@views.py:42 -> one(local session)
         one -> one(.me); one -> items:list(.items) -> tok([3]); items -> tok([*])",
        expect![[r#"
            module shop -> Dict globals
            frame handle (views.py:42) session -> Local session one
            by_token: dict 232 bytes #1 flags 0
              KeyText 'tok' -> one
              KeyObject -> tok
            globals: dict 1 bytes #1 flags 0
              Key sessions -> sessions
            items: list 1 bytes #1 flags 0
              Index 3 -> tok
              AnyKey -> tok
            one: shop.Session 56 bytes #3 flags 0
              Attribute me -> one
              Attribute items -> items
            sessions: shop.Sessions 48 bytes #1 flags 0
              Attribute by_token -> by_token
            tok: str 1 bytes #3 flags 0
        "#]],
    );
}

#[test]
fn references_added_out_of_order_are_sorted_and_keep_their_order_within_an_object() {
    check(
        "b -> c; a -> b(.one); b -> a; a -> c(.two); a -> a(.three); b -> d",
        expect![[r#"
            a: object 1 bytes #2 flags 0
              Attribute one -> b
              Attribute two -> c
              Attribute three -> a
            b: object 1 bytes #1 flags 0
              -> c
              -> a
              -> d
            c: object 1 bytes #2 flags 0
            d: object 1 bytes #1 flags 0
        "#]],
    );
}

#[test]
fn objects_that_only_native_code_holds_get_a_root_and_unreached_cycles_are_garbage() {
    // The ring accounts for itself. `lost` has a count more than is found, and keeps `kept` alive.
    let text = "root -> live -> leaf
                ring -> ring_b -> ring
                lost#2 -> kept -> lost
                frozen!immortal#999 -> held
                mine!memtop -> buffer";
    let graph = graph_with_accounts(text, CaptureInfo::default());
    expect![[r#"
        unknown root root -> live
        native reference  -> lost
        buffer: object 1 bytes #1 flags 8
        frozen: object 1 bytes #999 flags 4
          -> held
        held: object 1 bytes #1 flags 0
        kept: object 1 bytes #1 flags 0
          -> lost
        leaf: object 1 bytes #1 flags 0
        live: object 1 bytes #1 flags 0
          -> leaf
        lost: object 1 bytes #2 flags 0
          -> kept
        mine: object 1 bytes #0 flags 8
          -> buffer
        ring: object 1 bytes #1 flags 2
          -> ring_b
        ring_b: object 1 bytes #1 flags 2
          -> ring
    "#]]
    .assert_eq(&described(&graph));
}

/// The roots and the garbage of a heap, counted as the collector counts.
#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check_collected(text: &str, unvisited: &[(&str, &str)], expected: Expect) {
    let graph = graph_as_collected(text, unvisited, CaptureInfo::default());
    let heap = graph.heap();
    let mut lines: Vec<String> = heap
        .roots()
        .iter()
        .map(|(_, root)| {
            format!("{} {:?} -> {}", root.kind.word(), heap.text(root.name), graph.name(root.object))
        })
        .collect();
    let garbage = graph.names().filter(|&(_, id)| heap.objects().flags(id).contains(Flags::GARBAGE));
    let garbage: Vec<&str> = garbage.map(|(name, _)| name).collect();
    lines.push(garbage.iter().fold("garbage:".to_owned(), |line, name| line + " " + name));
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn a_cycle_through_an_object_that_the_collector_does_not_track_is_never_freed() {
    check_collected(
        "zone:shop.Zone!tracked -> attributes:dict!tracked -> moment:datetime.datetime -> zone
         attributes -> log:list -> line:str
         ring:list!tracked -> more:list!tracked -> ring",
        &[],
        expect![[r#"
            native reference "datetime.datetime" -> zone
            garbage: more ring
        "#]],
    );
}

#[test]
fn a_hidden_reference_from_garbage_ends_with_it() {
    // Neither the zone nor what a ring behind a hidden reference holds is kept for ever.
    check_collected(
        "ring:list!tracked -> ring; ring -> moment:datetime.datetime -> zone:shop.Zone!tracked
         zone -> second:list!tracked -> second; second -> other:datetime.datetime -> third:list!tracked -> third",
        &[],
        expect![[r#"
            garbage: moment other ring second third zone
        "#]],
    );
}

#[test]
fn what_an_uncollectable_cycle_holds_is_kept_and_what_holds_it_is_freed() {
    check_collected(
        "before:list!tracked -> before; before -> zone:shop.Zone!tracked -> moment:datetime.datetime -> zone
         zone -> after:list!tracked -> after",
        &[],
        expect![[r#"
            native reference "datetime.datetime" -> zone
            garbage: before
        "#]],
    );
}

#[test]
fn a_reference_that_a_traverse_leaves_out_hides_a_cycle() {
    let text = "holder:ext.Holder!tracked -> method:method!tracked -> owner:shop.Owner!tracked -> holder
                owner -> method";
    check_collected(
        text,
        &[("holder", "method")],
        expect![[r#"
            native reference "ext.Holder" -> method
            garbage:
        "#]],
    );
    check_collected(text, &[], expect!["garbage: holder method owner\n"]);
}

#[test]
fn untracked_objects_that_refer_to_each_other_have_one_root() {
    check_collected(
        "a:ext.A -> b:ext.B -> c:ext.C -> a; zone:shop.Zone!tracked -> d:ext.D -> e:ext.E -> zone",
        &[],
        expect![[r#"
            native reference "ext.C" -> a
            native reference "ext.E" -> zone
            garbage:
        "#]],
    );
}

#[test]
fn reached_and_natively_held_cycles_are_not_uncollectable() {
    check_collected(
        "root -> zone:shop.Zone!tracked -> moment:datetime.datetime -> zone
         held:shop.Zone!tracked#2 -> other:datetime.datetime -> held",
        &[],
        expect![[r#"
            unknown root "root" -> zone
            native reference "" -> held
            garbage:
        "#]],
    );
}

#[test]
fn sizes_beyond_four_gigabytes_are_exact() {
    let sizes = [0, 1, u64::from(u32::MAX) - 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX];
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("numpy", "ndarray"));
    let ids = sizes.map(|size| builder.add_object(Object::new(0, ty, size)));
    let heap = builder.finish().unwrap();
    assert_eq!(ids.map(|id| heap.objects().size(id)), sizes);
}

#[test]
fn names_and_limits_are_found_again_and_the_last_one_counts() {
    let graph = graph("f:function=shop.views.handle<3; q:deque<128; f<7");
    let (objects, id) = (graph.heap().objects(), graph.id("f"));
    let name = objects.name(id).unwrap();
    assert_eq!((graph.heap().text(name.module), graph.heap().text(name.qualname)), ("shop.views", "handle"));
    assert_eq!((objects.limit(id), objects.limit(graph.id("q"))), (Some(7), Some(128)));
    assert_eq!(objects.name(graph.id("q")), None);
}

#[test]
fn a_type_is_found_by_its_whole_name_or_by_its_last_parts() {
    let graph = graph("a:shop.Session; b:web.Session; c:dict; d:shop.Sub.Session");
    let types = graph.heap().types();
    let found = |name: &str| types.find(name).iter().map(|&id| types.name(id)).collect::<Vec<_>>();
    assert_eq!(found("shop.Session"), ["shop.Session"]);
    assert_eq!(found("builtins.dict"), ["dict"]);
    assert_eq!(found("Session").len(), 3);
    assert!(found("ession").is_empty());
}

#[test]
fn a_handle_of_another_heap_is_refused() {
    let refused = |change: fn(&mut HeapBuilder)| {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let ty = builder.add_type(Type::new("m", "T"));
        builder.add_object(Object::new(16, ty, 1));
        change(&mut builder);
        builder.finish().unwrap_err().to_string()
    };
    let texts = [
        refused(|b| b.add_reference(ObjectId::from_index(0), ObjectId::from_index(9), Label::TYPE)),
        refused(|b| b.add_reference(ObjectId::from_index(9), ObjectId::from_index(0), Label::TYPE)),
        refused(|b| {
            let label = Label::key(StringId::from_index(99));
            b.add_reference(ObjectId::from_index(0), ObjectId::from_index(0), label);
        }),
        refused(|b| _ = b.add_object(Object::new(16, TypeId::from_index(7), 1))),
        refused(|b| {
            b.add_root(Root::new(RootKind::Module, StringId::from_index(0), ObjectId::from_index(9)));
        }),
        refused(|b| {
            let root = Root::new(RootKind::Frame, StringId::from_index(0), ObjectId::from_index(0));
            b.add_root(root.with_frame(FrameId::from_index(3)));
        }),
        refused(|b| b.set_limit(ObjectId::from_index(9), 1)),
    ];
    expect![[r#"
        a reference refers to object 9, but there are only 1
        a reference refers to object 9, but there are only 1
        a label refers to name 99, but there are only 4
        an object refers to type 7, but there are only 1
        a root refers to object 9, but there are only 1
        a root refers to frame 3, but there are only 0
        a limit refers to object 9, but there are only 1"#]]
    .assert_eq(&texts.join("\n"));
}

#[test]
fn memory_is_reserved_once_whether_or_not_the_system_populates_it() {
    for populated in [true, false] {
        let asked = std::cell::RefCell::new(Vec::new());
        let mut rows: Vec<u64> = Vec::new();
        let populate = |start, bytes| {
            asked.borrow_mut().push((start, bytes));
            populated
        };
        assert_eq!(preallocate(&mut rows, 1000, 7, &mut Budget::of(8000), &populate), Ok(()));
        assert!(rows.is_empty() && rows.capacity() >= 1000);
        assert_eq!(asked.into_inner(), [(rows.as_ptr().addr(), 8 * rows.capacity())]);
    }
}

#[test]
fn rows_beyond_the_budget_are_dropped_and_reported() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("m", "A"));
    *builder.budget_mut() = Budget::of(100_000);
    let mut ids = Vec::new();
    while !builder.has_failed() {
        ids.push(builder.add_object(Object::new(16 * ids.len() as u64, ty, 16)));
        assert!(ids.len() < 100_000, "nothing was refused");
    }
    assert!(ids.len() > 2000, "{} objects of 21 bytes", ids.len());
    assert!(matches!(builder.finish(), Err(HeapError::OutOfMemory { .. })));

    let mut builder = HeapBuilder::new(CaptureInfo::default());
    *builder.budget_mut() = Budget::of(1000);
    assert!(builder.prepare(100, 0, &|_, _| true).is_err());
}
