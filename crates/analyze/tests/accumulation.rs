//! Where memory accumulates in one heap.

use expect_test::{Expect, expect};
use memtop_analyze::*;
use memtop_heap::testing::graph;

#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check(text: &str, expected: Expect) {
    let graph = graph(text);
    let retained = Retained::new(graph.heap());
    let shortest = ShortestPaths::new(graph.heap(), &Costs::default());
    let answer = accumulation(graph.heap(), &retained, &shortest, &AccumulationOptions::default());
    let mut lines = vec![format!("of {} bytes", answer.total)];
    for suspect in &answer.suspects {
        let AccumulationSuspect { type_name, objects, retained, path, point, share, .. } = suspect;
        lines.push(format!("{objects} {type_name} at {path} retain {retained} ({:.0} %)", share * 100.0));
        let chain = if point.chain > 1 { format!(", first of {}", point.chain) } else { String::new() };
        lines.push(format!("  in {} {} {:?}{chain}", point.type_name, point.path, point.items));
    }
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn a_large_object_is_followed_down_to_where_it_spreads() {
    check(
        "module:shop -> ns:dict[50] -> sessions:shop.Sessions('sessions')[10] -> d:dict(__dict__)[10]
         d -> by_token:dict('by_token')[100] -> a:shop.Session('a')[300]
         by_token -> b:shop.Session('b')[300]; by_token -> c:str([*])[200]; ns -> small:list('small')[20]",
        expect![[r#"
            of 990 bytes
            1 shop.Sessions at shop.sessions retain 920 (93 %)
              in dict shop.sessions.by_token [("shop.Session", 2, 600), ("str", 1, 200)]
        "#]],
    );
}

#[test]
fn many_small_ones_of_a_type_are_a_group_held_by_what_they_have_in_common() {
    // Two containers share the items, so that neither dominates them.
    let items: String = (0..20).map(|n| format!("x -> i{n}:T([{n}])[30]; y -> i{n}({{*}})\n")).collect();
    check(
        &format!(
            "module:m -> ns:dict -> x:list('x'); frame:f@f.py:1 -> y:set(local y)\nroot -> big:B[50]\n{items}"
        ),
        expect![[r#"
            of 653 bytes
            20 T at m.x retain 600 (92 %)
              in list m.x [("T", 20, 600)]
        "#]],
    );
}

#[test]
fn a_linked_list_accumulates_at_its_head() {
    let list: String = (0..40).map(|n| format!("n{n}:N[10] -> n{}:N[10](.next)\n", n + 1)).collect();
    check(
        &format!("module:m -> ns:dict -> log:Log('log') -> n0(.head)\n{list}"),
        expect![[r#"
            of 412 bytes
            1 Log at m.log retain 411 (100 %)
              in N m.log.head [("N", 1, 400)], first of 41
        "#]],
    );
}

#[test]
fn an_empty_heap_accumulates_nothing() {
    check("", expect!["of 0 bytes\n"]);
    check("root -> a[0]", expect!["of 0 bytes\n"]);
}
