//! Dominators and retained sizes: by hand, and against deleting objects one by one.

use expect_test::{Expect, expect};
use memtop_analyze::{Dominator, DominatorTree, Dominators, Retained};
use memtop_heap::testing::{Graph, graph};
use memtop_heap::*;
use proptest::prelude::*;

fn listed(graph: &Graph) -> String {
    let retained = Retained::new(graph.heap());
    let line = |(name, id)| match (retained.dominators().of(id), retained.of(id)) {
        (Dominator::Root, Some(bytes)) => format!("{name}: root, {bytes}\n"),
        (Dominator::Object(above), Some(bytes)) => format!("{name}: {}, {bytes}\n", graph.name(above)),
        (Dominator::Unreached, None) => format!("{name}: unreached\n"),
        other => panic!("{name} contradicts itself: {other:?}"),
    };
    graph.names().map(line).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&listed(&graph(text)));
}

#[test]
fn what_two_hold_is_retained_by_what_holds_both() {
    check(
        "root -> top[1] -> left[10] -> shared[100]; top -> right[1000] -> shared -> leaf[10000]",
        expect![[r#"
            leaf: shared, 10000
            left: top, 10
            right: top, 1000
            shared: top, 10100
            top: root, 11111
        "#]],
    );
}

#[test]
fn what_two_roots_hold_is_nobodys() {
    check(
        "module:a -> one -> shared -> leaf; frame:f@x.py:3 -> two(local x) -> shared",
        expect![[r#"
            leaf: shared, 1
            one: root, 1
            shared: root, 2
            two: root, 1
        "#]],
    );
}

#[test]
fn a_class_is_not_held_by_its_instances_nor_by_their_holder() {
    check(
        "root -> list -> a -> cls(type)[1000]; list -> b -> cls(type); module:m -> names -> cls('C')",
        expect![[r#"
            a: list, 1
            b: list, 1
            cls: names, 1000
            list: root, 3
            names: root, 1001
        "#]],
    );
}

#[test]
fn an_unlabelled_reference_to_the_own_type_does_not_count() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("shop", "Session"));
    let meta = builder.add_type(Type::new("builtins", "type"));
    let instance = builder.add_object(Object::new(16, ty, 10));
    let class = builder.add_object(Object::new(32, meta, 1000));
    builder.set_type_object(ty, class);
    builder.add_reference(instance, class, Label::UNLABELLED);
    let name = builder.string("r");
    builder.add_root(Root::new(RootKind::Unknown, name, instance));
    let heap = builder.finish().unwrap();
    let retained = Retained::new(&heap);
    assert_eq!((retained.of(instance), retained.of(class)), (Some(10), Some(1000)));
    assert_eq!(retained.dominators().of(class), Dominator::Root);
}

#[test]
fn a_class_that_only_its_instances_hold_hangs_from_the_root() {
    // The class's own list holds an instance of another class that is held so.
    check(
        "root -> list -> a:A -> cls(type)[1000] -> cdict(__dict__) -> registry('all') -> b:B -> other(type)
         list -> a2:A -> cls(type); other -> thing; dead -> deader -> dead; dead:D -> dead_class(type)",
        expect![[r#"
            a: list, 1
            a2: list, 1
            b: registry, 1
            cdict: cls, 3
            cls: root, 1003
            dead: unreached
            dead_class: unreached
            deader: unreached
            list: root, 3
            other: root, 2
            registry: cdict, 2
            thing: other, 1
        "#]],
    );
}

#[test]
fn immortals_hang_from_the_root_and_mem_tops_own_is_nowhere() {
    check(
        "root -> a -> none!immortal -> secret; a -> mine!memtop -> buffer; a -> b -> none",
        expect![[r#"
            a: root, 2
            b: a, 1
            buffer: unreached
            mine: unreached
            none: root, 2
            secret: none, 1
        "#]],
    );
}

#[test]
fn garbage_has_no_dominator_and_holds_nothing_up() {
    check(
        "root -> a -> b; ring -> ring2 -> ring; ring -> b; selfish -> selfish",
        expect![[r#"
            a: root, 2
            b: a, 1
            ring: unreached
            ring2: unreached
            selfish: unreached
        "#]],
    );
}

#[test]
fn a_linked_list_counts_once_for_its_type() {
    let graph = graph("root -> list:L -> a:N[10] -> b:N[10] -> c:N[10] -> v:V[5]; list -> v");
    let retained = Retained::new(graph.heap());
    let by_type = retained.by_type(graph.heap());
    let of = |name: &str| by_type[graph.heap().types().find(name)[0].index()];
    assert_eq!((of("L"), of("N"), of("V")), (36, 30, 5));
}

#[test]
fn what_objects_retain_together_counts_once() {
    let graph = graph("root -> list:L[7] -> a:N[10] -> b:N[10] -> c:N[10] -> v:V[5]; list -> w:V[3]; n:N");
    let retained = Retained::new(graph.heap());
    let of = |names: &[&str]| {
        retained.together(&names.iter().map(|name| graph.id(name)).collect::<Vec<ObjectId>>())
    };
    assert_eq!((of(&["a", "b", "c"]), of(&["c", "a", "a"]), of(&["v", "b", "w"])), (35, 35, 28));
    assert_eq!((of(&["c", "w"]), of(&["w", "list"]), of(&["n"]), of(&[])), (18, 45, 0, 0));
}

#[test]
fn an_empty_heap_and_a_heap_without_roots_have_no_dominators() {
    for text in ["", "a -> b -> a"] {
        let retained = Retained::new(graph(text).heap());
        assert_eq!((retained.total(), retained.dominators().len()), (0, 0));
        assert!(DominatorTree::new(retained.dominators()).top().next().is_none());
    }
}

/// A ring or a chain in which each object also refers to `back(i)`.
fn long(count: usize, last: usize, back: impl Fn(usize) -> usize) -> Heap {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("m", "N"));
    let id = ObjectId::from_index;
    for index in 0..count {
        builder.add_object(Object::new(index as u64, ty, 1));
    }
    for index in 0..count {
        builder.add_reference(
            id(index),
            id(if index + 1 < count { index + 1 } else { last }),
            Label::UNLABELLED,
        );
        builder.add_reference(id(index), id(back(index)), Label::UNLABELLED);
    }
    let name = builder.string("r");
    builder.add_root(Root::new(RootKind::Unknown, name, id(0)));
    builder.finish().expect("the handles are its own")
}

fn check_chain(count: usize) {
    // Back to oneself, to the start, and around: a chain's dominators are the chain whatever leads back.
    let backs: [fn(usize) -> usize; 3] = [|index| index, |_| 0, |index| index.saturating_sub(1)];
    for back in backs {
        let heap = long(count, 0, back);
        let retained = Retained::new(&heap);
        for id in heap.objects().ids() {
            assert_eq!(retained.of(id), Some((count - id.index()) as u64));
        }
        assert_eq!(retained.by_type(&heap), [count as u64]);
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_overflows_nothing() {
    check_chain(100_000);
}

#[test]
#[ignore = "takes a minute without optimisation"]
fn a_chain_of_ten_million_overflows_nothing() {
    check_chain(10_000_000);
}

type Plan = (usize, Vec<(usize, usize)>, Vec<usize>, Vec<u64>, Vec<usize>);

fn plans() -> impl Strategy<Value = Plan> {
    (1..30_usize).prop_flat_map(|count| {
        let references = proptest::collection::vec((0..count, 0..count), 0..3 * count + 1);
        let roots = proptest::collection::vec(0..count, 0..4);
        let sizes = proptest::collection::vec(0..1000_u64, count);
        let types = proptest::collection::vec(0..4_usize, count);
        (Just(count), references, roots, sizes, types)
    })
}

fn build((count, references, roots, sizes, types): &Plan) -> Heap {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let names: Vec<TypeId> = (0..4).map(|n| builder.add_type(Type::new("m", format!("T{n}")))).collect();
    for index in 0..*count {
        builder.add_object(Object::new(index as u64, names[types[index]], sizes[index]));
    }
    for &(from, to) in references {
        builder.add_reference(ObjectId::from_index(from), ObjectId::from_index(to), Label::UNLABELLED);
    }
    let name = builder.string("r");
    for &root in roots {
        builder.add_root(Root::new(RootKind::Unknown, name, ObjectId::from_index(root)));
    }
    builder.finish().expect("the handles are its own")
}

/// What is reached from the roots without going through `without`.
fn reached((count, references, roots, ..): &Plan, without: Option<usize>) -> Vec<bool> {
    let mut reached = vec![false; *count];
    roots.iter().filter(|&&root| Some(root) != without).for_each(|&root| reached[root] = true);
    loop {
        let open = |&&(from, to): &&(usize, usize)| reached[from] && !reached[to] && Some(to) != without;
        let more: Vec<usize> = references.iter().filter(open).map(|&(_, to)| to).collect();
        if more.is_empty() {
            return reached;
        }
        more.into_iter().for_each(|index| reached[index] = true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_object_dominates_what_is_lost_without_it(plan in plans()) {
        let heap = build(&plan);
        let (count, sizes, types) = (plan.0, &plan.3, &plan.4);
        let retained = Retained::new(&heap);
        let live = reached(&plan, None);
        let lost: Vec<Vec<bool>> = (0..count).map(|index| {
            let without = reached(&plan, Some(index));
            (0..count).map(|other| live[other] && !without[other]).collect()
        }).collect();
        let id = ObjectId::from_index;
        for index in 0..count {
            let bytes = (0..count).filter(|&other| lost[index][other]).map(|other| sizes[other]).sum::<u64>();
            prop_assert_eq!(retained.of(id(index)), live[index].then_some(bytes));
            // The immediate dominator is the one of all strict dominators that all others dominate.
            let strict: Vec<usize> = (0..count).filter(|&above| above != index && lost[above][index]).collect();
            let nearest = strict.iter().find(|&&above| strict.iter().all(|&other| lost[other][above]));
            let expected = match (live[index], nearest) {
                (false, _) => Dominator::Unreached,
                (true, None) => Dominator::Root,
                (true, Some(&above)) => Dominator::Object(id(above)),
            };
            prop_assert_eq!(retained.dominators().of(id(index)), expected);
        }
        for ty in 0..4 {
            let topmost = |&index: &usize| live[index] && types[index] == ty
                && !(0..count).any(|above| above != index && types[above] == ty && lost[above][index]);
            let bytes: u64 = (0..count).filter(topmost).map(|index| retained.of(id(index)).unwrap()).sum();
            prop_assert_eq!(retained.by_type(&heap)[ty], bytes);
        }
        let all: u64 = (0..count).filter(|&index| live[index]).map(|index| sizes[index]).sum();
        prop_assert_eq!(retained.total(), all);
    }

    #[test]
    fn the_tree_holds_each_object_once_below_its_dominator(plan in plans()) {
        let heap = build(&plan);
        let dominators = Dominators::new(&heap);
        let tree = DominatorTree::new(&dominators);
        let mut seen = vec![0; plan.0];
        for id in tree.top() {
            seen[id.index()] += 1;
            prop_assert_eq!(dominators.of(id), Dominator::Root);
        }
        for above in heap.objects().ids() {
            for id in tree.children(above) {
                seen[id.index()] += 1;
                prop_assert_eq!(dominators.of(id), Dominator::Object(above));
            }
        }
        for id in heap.objects().ids() {
            prop_assert_eq!(seen[id.index()] == 1, dominators.reaches(id));
        }
    }
}
