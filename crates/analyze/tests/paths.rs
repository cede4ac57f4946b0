//! Paths read like Python, explain most for least, and are put together where they differ in keys alone.

use expect_test::{Expect, expect};
use memtop_analyze::*;
use memtop_heap::testing::{Graph, graph};
use memtop_heap::*;
use proptest::prelude::*;

fn best(graph: &Graph, name: &str) -> String {
    let shortest = ShortestPaths::new(graph.heap(), &Costs::default());
    path_to(graph.heap(), &shortest, graph.id(name)).map_or("unreached".to_owned(), |path| path.to_string())
}

/// The best path to each object named.
#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check(text: &str, names: &[&str], expected: Expect) {
    let graph = graph(text);
    let lines: Vec<String> = names.iter().map(|name| format!("{name}: {}\n", best(&graph, name))).collect();
    expected.assert_eq(&lines.concat());
}

/// All paths to an object.
#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check_all(text: &str, name: &str, expected: Expect) {
    let graph = graph(text);
    let costs = Costs::default();
    let shortest = ShortestPaths::new(graph.heap(), &costs);
    let options = PathOptions::default();
    let answer = paths_to_object(graph.heap(), &shortest, &costs, graph.id(name), &options);
    let lines: Vec<String> = answer.paths.iter().map(|path| format!("{path}\n")).collect();
    expected.assert_eq(&lines.concat());
}

/// The clusters of a type.
#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check_type(text: &str, name: &str, expected: Expect) {
    let graph = graph(text);
    let heap = graph.heap();
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let answer = paths_to_types(heap, &shortest, &heap.types().find(name), &PathOptions { limit: 4 });
    let mut lines: Vec<String> = answer
        .clusters
        .iter()
        .map(|c| format!("{} × {}, {} bytes, {}\n", c.objects, c.path, c.bytes, graph.name(c.example)))
        .collect();
    let TypePaths { objects, omitted, unreached, garbage, .. } = answer;
    lines.push(format!("{objects} objects, {omitted} omitted, {unreached} unreached, {garbage} garbage\n"));
    expected.assert_eq(&lines.concat());
}

#[test]
fn every_label_reads_as_python_writes_it() {
    check(
        "module:shop -> ns:dict -> sessions:shop.Sessions('sessions')
         sessions -> idict:dict(__dict__) -> by_token:dict('by_token') -> one:shop.Session('tok-17') -> cart:list(.cart)
         by_token -> quoted:X('it's\\'); by_token -> two:X([42]); by_token -> any:X([*]); by_token -> k:Y(key)
         cart -> storage(storage) -> item:X([3]); cart -> member:X({*}); cart -> plain:Z
         ns -> f:function=shop.f('f') -> cells:tuple(storage) -> cell:cell(closure seen) -> inner:X
         ns -> cls:type=shop.Sessions('Sessions') -> cdict:dict(__dict__) -> registry:list('registry')
         cls -> base:type(base)",
        &[
            "ns", "sessions", "idict", "by_token", "one", "cart", "quoted", "two", "any", "k", "storage", "item",
            "member", "plain", "cell", "inner", "registry", "base",
        ],
        expect![[r#"
            ns: shop
            sessions: shop.sessions
            idict: shop.sessions.__dict__
            by_token: shop.sessions.by_token
            one: shop.sessions.by_token['tok-17']
            cart: shop.sessions.by_token['tok-17'].cart
            quoted: shop.sessions.by_token['it\'s\\']
            two: shop.sessions.by_token[42]
            any: shop.sessions.by_token[*]
            k: shop.sessions.by_token key
            storage: shop.sessions.by_token['tok-17'].cart storage
            item: shop.sessions.by_token['tok-17'].cart[3]
            member: shop.sessions.by_token['tok-17'].cart[*]
            plain: shop.sessions.by_token['tok-17'].cart → Z
            cell: shop.f closure 'seen'
            inner: shop.f closure 'seen' → X
            registry: shop.Sessions.registry
            base: shop.Sessions.__base__
        "#]],
    );
}

#[test]
fn every_root_says_what_it_is() {
    check(
        "frame:handle@/srv/shop/views.py:42 -> rows:list(local rows) -> row:X([0])
         class:shop.Session -> cdict:dict -> pool:list('pool')
         thread:local -> tdict:dict -> conn:X('connection')
         context:request -> req:X -> user:X(.user); builtins:builtins -> bdict:dict -> under:X('_')
         interpreter:codecs -> codec:list(.codecs); native: -> lost:shop.Buffer -> part:X(.part)
         unknown:7 -> what:X; module:direct -> value:X(.value); nobody:X",
        &[
            "rows", "row", "pool", "conn", "req", "user", "under", "codec", "lost", "part", "what", "value",
            "nobody",
        ],
        expect![[r#"
            rows: frame handle (views.py:42) local 'rows'
            row: frame handle (views.py:42) local 'rows'[0]
            pool: shop.Session.pool
            conn: thread local local.connection
            req: context variable request
            user: context variable request.user
            under: builtins._
            codec: interpreter codecs.codecs
            lost: native reference to shop.Buffer
            part: native reference to shop.Buffer.part
            what: unknown root 7
            value: direct.value
            nobody: unreached
        "#]],
    );
}

#[test]
fn what_explains_most_is_preferred_to_what_is_short() {
    // An import is no holder; nor is a frame, if a module holds it as well; nor what every function refers to.
    check(
        "module:web!package -> web:dict -> cls:type=shop.Session('Session') -> pool:list(.pool)
         module:shop!own -> shop:dict -> models:module=shop.models('models') -> mdict:dict(__dict__)
         shop -> cls('Session')
         module:shop.models!own -> mdict -> cache:dict('cache') -> deep:X('a')
         frame:main@m.py:1 -> deep(local deep)
         shop -> f:function=shop.f('f') -> lib:dict(.__globals__) -> secret:X('secret')
         module:lib!standard -> lib",
        &["cls", "pool", "mdict", "deep", "secret"],
        expect![[r#"
            cls: shop.Session
            pool: shop.Session.pool
            mdict: shop.models
            deep: shop.models.cache['a']
            secret: lib.secret
        "#]],
    );
}

#[test]
fn all_paths_to_an_object_are_found_but_those_through_itself() {
    check_all(
        "module:shop -> ns:dict -> cache:dict('cache') -> it:X('a') -> child:X(.child) -> it(.parent)
         ns -> log:list('log') -> it([3]); log -> it([7]); frame:main@m.py:9 -> it(local it)
         dead:X -> it",
        "it",
        expect![[r#"
            shop.log[3]
            shop.cache['a']
            frame main (m.py:9) local 'it'
        "#]],
    );
    check_all("a -> b -> a", "b", expect![""]);
}

#[test]
fn the_best_way_comes_first_and_the_rest_is_counted() {
    let text = "module:m -> ns:dict -> a:list('a') -> it:X([0]); ns -> b:list('b') -> it([0]); ns -> c:list('c') -> it([0])";
    let graph = graph(text);
    let costs = Costs::default();
    let shortest = ShortestPaths::new(graph.heap(), &costs);
    let options = PathOptions { limit: 1 };
    let answer = paths_to_object(graph.heap(), &shortest, &costs, graph.id("it"), &options);
    assert_eq!(answer.paths[0], path_to(graph.heap(), &shortest, graph.id("it")).unwrap());
    assert_eq!((answer.paths.len(), answer.omitted), (1, 2));
}

#[test]
fn objects_of_a_type_are_put_together_where_only_keys_differ() {
    check_type(
        "module:shop -> ns:dict -> sessions:S('sessions') -> d:dict(__dict__) -> by_token:dict('by_token')
         by_token -> a:T('x')[5]; by_token -> b:T('y')[6]; by_token -> c:T([*])[7]
         ns -> last:T('last')[1]; ns -> one:dict('one') -> only:U('key') -> e:T(.x); only -> f:T(.y)
         ns -> rows:list('rows') -> g:T([0]); rows -> h:T([1])
         lost:T!garbage; gone:T",
        "T",
        expect![[r#"
            3 × shop.sessions.by_token[*], 18 bytes, a
            2 × shop.rows[*], 2 bytes, g
            1 × shop.last, 1 bytes, last
            1 × shop.one['key'].x, 1 bytes, e
            9 objects, 1 omitted, 1 unreached, 1 garbage
        "#]],
    );
}

#[test]
fn a_linked_list_is_one_cluster_also_when_it_is_chained_through_something() {
    check_type(
        "module:m -> ns:dict -> head:N('head') -> b:N(.next) -> c:N(.next) -> d:N(.next); d -> b(.prev)",
        "N",
        expect![[r#"
            3 × m.head.next…, 3 bytes, b
            1 × m.head, 1 bytes, head
            4 objects, 0 omitted, 0 unreached, 0 garbage
        "#]],
    );
    check_type(
        "module:m -> ns:dict -> t0:tuple('log') -> a:N([0]) -> t1:tuple(.rest) -> b:N([0]) -> t2:tuple(.rest) -> c:N([0])",
        "N",
        expect![[r#"
            3 × m.log[*]…, 3 bytes, a
            3 objects, 0 omitted, 0 unreached, 0 garbage
        "#]],
    );
}

#[test]
fn a_long_path_can_still_be_read() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("m", "N"));
    let count = 100_000;
    let next = builder.string("next");
    let ids: Vec<ObjectId> = (0..count).map(|n| builder.add_object(Object::new(n, ty, 1))).collect();
    for (n, pair) in ids.windows(2).enumerate() {
        // At first the same step again and again, then never the same.
        builder.add_reference(pair[0], pair[1], if n < 500 { Label::attribute(next) } else { Label::at(n) });
    }
    let name = builder.string("head");
    let head = Root::new(RootKind::ContextVariable, name, ids[0]);
    builder.add_root(head);
    let heap = builder.finish().unwrap();
    let shortest = ShortestPaths::new(&heap, &Costs::default());
    let read = |place: usize| path_to(&heap, &shortest, ids[place]).unwrap().to_string();
    assert_eq!(read(3), "context variable head.next.next.next");
    assert_eq!(read(400), "context variable head.next…");
    assert_eq!(read(503), "context variable head.next…[500][501][502]");
    let long = read(count as usize - 1);
    assert!(long.ends_with("[99997][99998]") && long.contains(" … 99469 steps …"), "{long}");
}

#[test]
fn nodes_are_the_same_in_every_heap_of_a_series() {
    let texts = [
        "module:shop -> ns:dict -> cache:dict('cache') -> a:X('a')",
        "module:other -> o:dict; module:shop -> ns:dict -> q:list('q') -> z:Y([0]); ns -> cache:dict('cache') -> b:X('b'); cache -> c:X('c')",
    ];
    let mut nodes = PathNodes::new();
    let placed = texts.map(|text| {
        let graph = graph(text);
        let shortest = ShortestPaths::new(graph.heap(), &Costs::default());
        let placement = nodes.place(graph.heap(), &shortest);
        (graph, placement)
    });
    let at = |heap: usize, name: &str| placed[heap].1.of(placed[heap].0.id(name)).unwrap();
    assert_eq!(at(0, "a"), at(1, "b"));
    assert_eq!(at(1, "b"), at(1, "c"));
    assert_eq!(at(0, "cache"), at(1, "cache"));
    assert_ne!(at(1, "q"), at(1, "cache"));
    let told = |heap: usize, node| nodes.path(placed[heap].0.heap(), &placed[heap].1, node).to_string();
    assert_eq!(told(0, at(0, "a")), "shop.cache['a']");
    assert_eq!(told(1, at(0, "a")), "shop.cache[*]");
    assert_eq!(nodes.owner(at(0, "ns")), nodes.get(at(0, "cache")).parent.unwrap());
}

type Plan = (usize, Vec<(usize, usize, usize)>, Vec<usize>);

fn plans() -> impl Strategy<Value = Plan> {
    (1..30_usize).prop_flat_map(|count| {
        let references = proptest::collection::vec((0..count, 0..count, 0..4_usize), 0..3 * count + 1);
        (Just(count), references, proptest::collection::vec(0..count, 0..4))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_is_cheaper_and_every_object_comes_after_the_one_before_it((count, references, roots) in plans()) {
        let labels = [(Label::DICT, 0), (Label::at(0), 1), (Label::ANY_KEY, 2), (Label::TYPE, 40)];
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let ty = builder.add_type(Type::new("m", "T"));
        let id = ObjectId::from_index;
        for index in 0..count {
            builder.add_object(Object::new(index as u64, ty, 1));
        }
        for &(from, to, label) in &references {
            builder.add_reference(id(from), id(to), labels[label].0);
        }
        let name = builder.string("v");
        for &root in &roots {
            builder.add_root(Root::new(RootKind::ContextVariable, name, id(root)));
        }
        let heap = builder.finish().unwrap();
        let shortest = ShortestPaths::new(&heap, &Costs::default());

        // Bellman and Ford: relax everything, as often as there are objects.
        let mut costs: Vec<Option<u32>> = (0..count).map(|index| roots.contains(&index).then_some(1)).collect();
        for _ in 0..count {
            for &(from, to, label) in &references {
                let through = costs[from].map(|cost| cost + labels[label].1);
                costs[to] = [costs[to], through].into_iter().flatten().min();
            }
        }
        let mut seen = vec![false; count];
        for &at in shortest.in_order() {
            if let Reached::Object { from, label } = shortest.of(at) {
                prop_assert!(seen[from.index()]);
                prop_assert!(heap.references().of(from).any(|r| r.to == at && r.label == label));
                let step = labels.iter().find(|known| known.0 == label).unwrap().1;
                prop_assert_eq!(shortest.cost(at), shortest.cost(from).map(|cost| cost + step));
            }
            prop_assert!(!std::mem::replace(&mut seen[at.index()], true));
        }
        let mut nodes = PathNodes::new();
        let placement = nodes.place(&heap, &shortest);
        for (index, &cost) in costs.iter().enumerate() {
            prop_assert_eq!(shortest.cost(id(index)), cost);
            prop_assert_eq!(seen[index], cost.is_some());
            prop_assert_eq!(placement.of(id(index)).is_some(), cost.is_some());
            prop_assert_eq!(shortest.chain(id(index)).is_empty(), cost.is_none());
        }
    }
}
