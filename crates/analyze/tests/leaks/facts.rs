//! The facts of an answer, and for which series; equal heaps give the same.

use expect_test::{Expect, expect};
use memtop_analyze::*;
use memtop_heap::testing::Graph;
use memtop_heap::{
    CaptureInfo, Heap, HeapBuilder, Label, Object, ObjectId, ProcessIdentity, Root, RootKind, Type,
};

use crate::series::{ask, considered, each, four, heaps, heaps_with};

pub(super) fn sessions(round: usize) -> String {
    "module:shop!own -> ns:dict -> s:shop.Sessions('sessions') -> d:dict(.by_token)[232]\n".to_owned()
        + &each(0..100 + 300 * round, |n| {
            format!("d -> k{n}:str(key)[50]; d -> o{n}:shop.Session([*])[56] -> c{n}:bytearray(.cart)[100]")
        })
}

/// All facts of an answer, a line each.
#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn facts(answer: &Leaks, expected: Expect) {
    let mut lines = vec![format!("{}: {:?}", answer.verdict.word(), answer.reason)];
    lines.push(format!("detectable {:?}, omitted {}", answer.detectable_growth, answer.omitted));
    lines.extend(answer.notes.iter().map(|note| format!("note: {note:?}")));
    for suspect in answer.suspects.iter().chain(&answer.candidates) {
        lines.push(format!("{}. {:?} {:?}", suspect.rank, suspect.holder, suspect.headline));
        lines.push(format!("   confidence {}, {}", suspect.confidence, suspect.fingerprint));
        let steps = suspect.path.iter().map(|step| format!("{} {}", step.label, step.type_name));
        lines.push(format!("   path: {}", steps.collect::<Vec<_>>().join(" / ")));
        lines.push(format!("   count {:?}, growth {:?}", suspect.count, suspect.growth));
        lines.push(format!(
            "   bytes {:?}, retained {:?} {:?}",
            suspect.bytes_growth, suspect.retained, suspect.retained_growth
        ));
        lines.push(format!("   own {:?}", suspect.own_holder));
        for leaked in &suspect.leaked {
            lines.push(format!(
                "   {} × {} {:?} {} B",
                leaked.count, leaked.type_name, leaked.growth, leaked.bytes
            ));
        }
        lines.extend(suspect.evidence.iter().map(|evidence| format!("   - {evidence:?}")));
        lines.extend(suspect.doubt.iter().map(|doubt| format!("   but {doubt:?}")));
    }
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn a_suspect_has_its_evidence() {
    let graphs = heaps_with(&(0..5).map(sessions).collect::<Vec<_>>(), |index, info| {
        info.work = Some(10.0 * index as f64);
    });
    facts(
        &ask(&graphs),
        expect![[r#"
            leak: Growth { holder: Some("shop.sessions.by_token"), places: 1, bytes: 247200 }
            detectable Some(250), omitted 0
            1. Some("shop.sessions.by_token") Objects { type_name: "shop.Session", amount: 300.0, per: Minute }
               confidence 0.94, cb136cac7ba4fd88
               path: shop module / .sessions shop.Sessions / .by_token dict
               count Some(1300), growth [300, 300, 300, 300]
               bytes [61800, 61800, 61800, 61800], retained Some(268032) Some(247200)
               own Some("shop.sessions")
               1300 × shop.Session [300, 300, 300, 300] 67200 B
               1300 × bytearray [300, 300, 300, 300] 120000 B
               1300 × str [300, 300, 300, 300] 60000 B
               - Growth { unit: Items, changes: [300, 300, 300, 300] }
               - Slope { unit: Items, mean: 300.0, at_least: 300.0, per: Interval }
               - Total { bytes: 247200, share: 1.0 }
               - Retained { bytes: 268032, growth: 247200 }
               - PerUnitOfWork { unit: Items, amount: 30.0 }
        "#]],
    );
}

#[test]
fn two_snapshots_accuse_nobody() {
    facts(
        &ask(&heaps(&[sessions(0), sessions(1)])),
        expect![[r#"
            inconclusive: InDoubt { holder: Some("shop.sessions.by_token"), doubt: FewSnapshots { snapshots: 2, wanted: 4 } }
            detectable Some(1000), omitted 0
            1. Some("shop.sessions.by_token") Objects { type_name: "shop.Session", amount: 300.0, per: Minute }
               confidence 0.25, cb136cac7ba4fd88
               path: shop module / .sessions shop.Sessions / .by_token dict
               count Some(400), growth [300]
               bytes [61800], retained Some(82632) Some(61800)
               own Some("shop.sessions")
               400 × shop.Session [300] 16800 B
               400 × bytearray [300] 30000 B
               400 × str [300] 15000 B
               - Growth { unit: Items, changes: [300] }
               - Total { bytes: 61800, share: 1.0 }
               - Retained { bytes: 82632, growth: 61800 }
               but FewSnapshots { snapshots: 2, wanted: 4 }
        "#]],
    );
}

#[test]
fn one_snapshot_shows_what_is_large() {
    facts(
        &ask(&heaps(&[sessions(1)])),
        expect![[r#"
            inconclusive: OneSnapshot
            detectable None, omitted 0
            1. Some("shop.sessions.by_token") Retains { share: 0.9999878984437399 }
               confidence 0, cb136cac7ba4fd88
               path: shop module / .sessions shop.Sessions / .by_token dict
               count Some(1), growth []
               bytes [], retained Some(82632) None
               own None
               400 × shop.Session [] 62400 B
               400 × str [] 20000 B
               - RetainedShare { bytes: 82632, share: 0.9999878984437399 }
               but OneSnapshot
        "#]],
    );
}

#[test]
fn no_snapshot_says_nothing() {
    facts(
        &ask(&[]),
        expect![[r#"
            inconclusive: NoSnapshot
            detectable None, omitted 0
        "#]],
    );
    facts(
        &ask(&heaps(&[String::new(), String::new(), String::new()])),
        expect![[r#"
            no growth: NoGrowth { detectable: Some(500) }
            detectable Some(500), omitted 0
        "#]],
    );
}

#[test]
fn the_order_in_which_heaps_are_given_changes_nothing_but_a_note() {
    let graphs = heaps(&four(sessions));
    let mut mixed: Vec<&Heap> = graphs.iter().map(Graph::heap).collect();
    let straight = leaks(&mixed, &LeaksOptions::default()).unwrap();
    mixed.swap(0, 3);
    mixed.swap(1, 2);
    let mut answer = leaks(&mixed, &LeaksOptions::default()).unwrap();
    assert_eq!(answer.notes, [Note::Sorted]);
    answer.notes.clear();
    assert_eq!(answer, straight);
}

#[test]
fn equal_heaps_have_no_growth() {
    let answer = ask(&heaps(&four(|_| sessions(3))));
    assert_eq!(answer.verdict, Verdict::NoGrowth);
    assert!(answer.suspects.is_empty() && answer.candidates.is_empty());
    assert!(considered(&heaps(&four(|_| sessions(3)))).is_empty());
}

#[test]
fn other_processes_are_refused() {
    let graphs = heaps_with(&four(sessions), |index, info| {
        info.process = ProcessIdentity { pid: 7 + index as u32 / 3, ..ProcessIdentity::default() };
    });
    let all: Vec<&Heap> = graphs.iter().map(Graph::heap).collect();
    let refusal = leaks(&all, &LeaksOptions::default()).unwrap_err().to_string();
    assert!(refusal.starts_with("snapshots 1 and 4 are of different processes"), "{refusal}");
    assert!(explain(&all, &LeaksOptions::default()).is_err());
}

#[test]
fn a_limit_leaves_out_what_ranks_last() {
    let texts = four(|round| {
        "module:m -> ns:dict\n".to_owned()
            + &each(0..6, |k| format!("ns -> l{k}:list('l{k}')"))
            + &each(0..60 + 60 * round, |n| {
                format!("l{0} -> x{n}:m.X([{n}])[{1}]", n % 6, 100 + 10 * (n % 6))
            })
    });
    let graphs = heaps(&texts);
    let all: Vec<&Heap> = graphs.iter().map(Graph::heap).collect();
    let thresholds = Thresholds { batch_items: 0, ..Thresholds::default() };
    let options = LeaksOptions { limit: 4, thresholds, ..LeaksOptions::default() };
    let answer = leaks(&all, &options).unwrap();
    let told: Vec<&str> = answer.suspects.iter().filter_map(|suspect| suspect.holder.as_deref()).collect();
    assert_eq!((told, answer.omitted), (vec!["m.l5", "m.l4", "m.l3", "m.l2"], 2));
}

#[test]
fn a_fingerprint_is_that_of_the_place_whatever_is_in_it() {
    let of = |key: &str, from: usize| {
        let texts = four(|round| {
            format!("module:m -> ns:dict -> i:dict('index') -> d:dict('{key}')\n")
                + &each(from..from + 40 + 40 * round, |n| {
                    format!("d -> k{n}:str(key)[50]; d -> h{n}:m.H([*])[56]")
                })
        });
        ask(&heaps(&texts)).suspects[0].fingerprint.clone()
    };
    assert_eq!(of("monday", 0), of("tuesday", 500));
    expect!["22077e3207b2b2c0"].assert_eq(&of("monday", 0));
}

/// A linked list of so many nodes.
fn chain(nodes: usize, minutes: u64) -> Heap {
    let info = CaptureInfo { uptime: Some(60_000_000 * minutes), ..CaptureInfo::default() };
    let mut builder = HeapBuilder::new(info);
    let [dict, node] =
        [("builtins", "dict"), ("m", "Node")].map(|(module, name)| builder.add_type(Type::new(module, name)));
    let [module, head, next] = ["m", "head", "next"].map(|text| builder.string(text));
    let id = ObjectId::from_index;
    builder.add_object(Object::new(16, dict, 100));
    for n in 1..=nodes {
        builder.add_object(Object::new(16 + 48 * n as u64, node, 48));
        builder.add_reference(
            id(n - 1),
            id(n),
            if n == 1 { Label::key(head) } else { Label::attribute(next) },
        );
    }
    builder.add_root(Root::new(RootKind::Module, module, id(0)));
    builder.finish().expect("handles are valid")
}

#[test]
fn a_chain_of_200_000_nodes_overflows_nothing() {
    // A test has a stack of 2 MiB: eleven bytes for each node.
    let heaps: Vec<Heap> = (0..3).map(|round| chain(200_000 + 1000 * round, round as u64)).collect();
    let answer = leaks(&heaps.iter().collect::<Vec<_>>(), &LeaksOptions::default()).unwrap();
    assert_eq!(answer.suspects.len(), 1);
    assert_eq!(answer.suspects[0].growth, [1000, 1000]);
    assert_eq!(answer.suspects[0].holder.as_deref(), Some("m.head.next…"));
    assert_eq!(answer.suspects[0].retained, Some(9_695_952));
}
