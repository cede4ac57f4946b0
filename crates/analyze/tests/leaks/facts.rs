//! The facts of an answer, and for which series; equal heaps give the same.

use expect_test::{Expect, expect};
use memtop_analyze::*;
use memtop_heap::testing::Graph;
use memtop_heap::{
    CaptureInfo, Heap, HeapBuilder, Label, MemoryNumbers, Object, ObjectId, ProcessIdentity, Root, RootKind,
    Type,
};

use crate::series::{ask, considered, each, four, heaps, heaps_with};

fn sessions(round: usize) -> String {
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

fn native(growth: u64, texts: &[String]) -> Vec<Graph> {
    heaps_with(texts, |index, info| {
        let grown = growth * index as u64;
        info.memory = MemoryNumbers {
            rss: Some(90_000_000 + 2 * grown),
            malloc_in_use: Some(20_000_000 + grown),
            ..MemoryNumbers::default()
        };
    })
}

/// The verdicts of an answer with their bytes.
fn verdicts(answer: &Leaks) -> Vec<(Verdict, u64)> {
    answer.verdicts.iter().map(|one| (one.verdict, one.bytes)).collect()
}

#[test]
fn native_growth_is_reported_and_no_object_accused() {
    let still = ask(&native(15_000_000, &four(|_| sessions(1))));
    assert_eq!(verdicts(&still), [(Verdict::NativeGrowth, 90_000_000)]);
    let evidence = NativeEvidence {
        bytes: 90_000_000,
        parts: vec![(AccountPart::Malloc, 45_000_000), (AccountPart::Unexplained, 45_000_000)],
        library: None,
        grew: 3,
        intervals: 3,
    };
    assert_eq!(still.reason, Reason::Native(evidence));
    let little = ask(&native(100_000, &four(|_| sessions(1))));
    assert_eq!((little.verdict, little.account.resident), (Verdict::NoGrowth, Some(600_000)));
}

#[test]
fn a_leak_and_native_growth_are_both_named_by_their_bytes() {
    let both = ask(&native(1_000_000, &four(sessions)));
    // The objects that are yet to come are garbage in these heaps, of 3 bytes each.
    let native_bytes = 6_000_000 - 185_400 + 2_700;
    assert_eq!(verdicts(&both), [(Verdict::NativeGrowth, native_bytes), (Verdict::Leak, 185_400)]);
    let little = ask(&native(150_000_000, &four(sessions)));
    assert_eq!((little.verdict, little.suspects.len()), (Verdict::NativeGrowth, 1));
    // The share is one of all memory in use, not of that of objects.
    let share = little.suspects[0].share_of_growth;
    assert!((share - 185_400.0 / 900_000_000.0).abs() < 1e-6, "{share}");
}

/// Four heaps with the same objects, and resident memory of so many bytes more in each.
fn resident(growth: [u64; 4]) -> Leaks {
    ask(&heaps_with(&four(|_| sessions(1)), |index, info| {
        info.memory = MemoryNumbers { rss: Some(90_000_000 + growth[index]), ..MemoryNumbers::default() };
    }))
}

#[test]
fn native_growth_that_pauses_or_slows_down_is_in_doubt() {
    const MB: u64 = 1_000_000;
    let verdict = |growth| resident(growth).verdict;
    assert_eq!(verdict([0, 9 * MB, 18 * MB, 27 * MB]), Verdict::NativeGrowth);
    assert_eq!(verdict([0, 9 * MB, 9 * MB, 18 * MB]), Verdict::Inconclusive);
    assert_eq!(verdict([0, 9 * MB, 14 * MB, 16 * MB]), Verdict::Inconclusive);
    // Once, or up and down.
    assert_eq!(verdict([0, 9 * MB, 9 * MB, 9 * MB]), Verdict::NoGrowth);
    assert_eq!(verdict([0, 9 * MB, 3 * MB, 12 * MB]), Verdict::NoGrowth);
}

#[test]
fn memory_that_an_allocator_holds_free_is_not_native_growth() {
    let answer = ask(&heaps_with(&four(|_| sessions(1)), |index, info| {
        let free = 9_000_000 * index as u64;
        let rss = Some(90_000_000 + free);
        info.memory = MemoryNumbers { rss, malloc_free: Some(free), ..MemoryNumbers::default() };
    }));
    assert_eq!(answer.verdict, Verdict::NoGrowth);
    let first = &answer.account.rows[0];
    assert_eq!((first.part, first.growth), (AccountPart::MallocFree, 27_000_000));
}

#[test]
fn objects_that_keep_growing_without_a_place_are_not_called_no_growth() {
    // Each round has other objects under another name, so that no place is there throughout.
    let texts = four(|round| {
        let size = 1_000_000 * (round + 1);
        format!("module:m -> ns:dict[100] -> n{round}:m.Page('page{round}')[{size}]")
    });
    let graphs = heaps_with(&texts, |index, info| {
        let rss = Some(90_000_000 + 1_000_000 * index as u64);
        info.memory = MemoryNumbers { rss, ..MemoryNumbers::default() };
    });
    let answer = ask(&graphs);
    assert_eq!(answer.verdict, Verdict::Inconclusive);
    assert_eq!(answer.reason, Reason::NoPlace { part: AccountPart::Objects, bytes: 3_000_000 });
}

#[test]
fn the_account_adds_up_in_each_interval() {
    let answer = ask(&heaps_with(&four(sessions), |index, info| {
        let n = index as u64;
        info.memory = MemoryNumbers {
            rss: Some(90_000_000 + 7_000_000 * n * n),
            allocator_free: (index > 0).then_some(5_000_000),
            pymalloc_in_use: Some(1_000_000 + 900_000 * n),
            malloc_in_use: Some(3_000_000 - 100_000 * n),
            malloc_free: Some(400_000 * n),
            native_known: Some(70_000),
            file_backed: Some(8_000_000 + n),
            other_mapped: Some(1_000_000 * n),
            frame_stacks: Some(16_384 * n),
            interned: Some(100 * n),
            ..MemoryNumbers::default()
        };
    }));
    let account = &answer.account;
    assert_eq!(account.resident, Some(63_000_000));
    assert_eq!(account.rows.iter().map(|row| row.growth).sum::<i64>(), 63_000_000);
    for (interval, grown) in [7_000_000, 21_000_000, 35_000_000].into_iter().enumerate() {
        assert_eq!(account.rows.iter().map(|row| row.steps[interval]).sum::<i64>(), grown);
    }
    // It is not known of the first heap, and so in the remainder of all.
    assert_eq!(account.row(AccountPart::PymallocFree), None);
    assert!(account.rows.is_sorted_by_key(|row| std::cmp::Reverse(row.growth)));
}

/// Blocks that are replaced by larger ones, and a warm-up, end after a megabyte or two.
#[test]
fn a_little_native_growth_has_to_be_even_per_unit_of_work() {
    let verdict = |levels: [u64; 4], work: [f64; 4]| {
        ask(&heaps_with(&four(|_| sessions(1)), |index, info| {
            info.work = Some(work[index]);
            info.memory = MemoryNumbers {
                rss: Some(50_000_000 + levels[index]),
                malloc_in_use: Some(20_000_000 + levels[index]),
                ..MemoryNumbers::default()
            };
        }))
        .verdict
    };
    let even = [300.0, 600.0, 900.0, 1200.0];
    assert_eq!(verdict([0, 560_000, 717_000, 1_213_000], even), Verdict::Inconclusive);
    assert_eq!(verdict([0, 450_000, 800_000, 1_250_000], even), Verdict::NativeGrowth);
    assert_eq!(verdict([0, 56_000_000, 71_700_000, 121_300_000], even), Verdict::NativeGrowth);
    let uneven = [100.0, 300.0, 700.0, 1500.0];
    assert_eq!(verdict([0, 600_000, 1_800_000, 4_200_000], uneven), Verdict::NativeGrowth);
}

/// `verdict` is for readers that know a single one; `verdicts` are in the order of bytes.
#[test]
fn the_single_verdict_is_the_largest_of_the_worst_but_a_leak_comes_before_native_growth() {
    let of = |growth: u64| ask(&native(growth, &four(sessions)));
    let (small, large) = (of(300_000), of(1_000_000));
    for answer in [&small, &large] {
        let order: Vec<Verdict> = answer.verdicts.iter().map(|one| one.verdict).collect();
        assert_eq!(order, [Verdict::NativeGrowth, Verdict::Leak]);
    }
    assert_eq!(small.verdict, Verdict::Leak, "a leak has a place, and is more than a twentieth");
    assert_eq!(large.verdict, Verdict::NativeGrowth);
    assert!(matches!(small.reason, Reason::Growth { .. }) && matches!(large.reason, Reason::Native(_)));
}

#[test]
fn memory_that_grows_in_step_with_objects_written_in_c_is_theirs() {
    let objects = |of: &str, at: [usize; 4]| {
        four(|round| {
            "module:m -> ns:dict -> t:dict('tenants')\n".to_owned()
                + &each(0..at[round], |n| format!("t -> k{n}:str(key)[50]; t -> c{n}:{of}([*])[240]"))
        })
    };
    let connections = |at| objects("sqlite3.Connection", at);
    let owned = ask(&native(20_000_000, &connections([50, 350, 650, 950])));
    assert_eq!(owned.verdict, Verdict::Leak);
    let (holder, type_name) = ("m.tenants".to_owned(), "sqlite3.Connection".to_owned());
    assert_eq!(owned.reason, Reason::NativeInStep { holder, type_name, native: 119_740_800 });
    let apart = ask(&native(20_000_000, &connections([50, 450, 500, 950])));
    assert_eq!(apart.verdict, Verdict::NativeGrowth);
    let locks = ask(&native(20_000_000, &objects("_thread.lock", [50, 350, 650, 950])));
    assert_eq!(locks.verdict, Verdict::NativeGrowth, "a lock has no other memory");
}

/// A member has a name where the type in C gives it one, just as an attribute has.
#[test]
fn a_type_defined_in_c_owns_native_memory_although_its_members_have_names() {
    let connections = |of: &str| {
        let texts = four(|round| {
            "module:m -> ns:dict -> t:dict('tenants')\n".to_owned()
                + &each(0..50 + 300 * round, |n| {
                    let wrapper = format!("w{n}:functools._lru_cache_wrapper%[120]");
                    format!("t -> c{n}:{of}([*])[240] -> i{n}:str(.isolation_level)[50]; c{n} -> {wrapper}")
                })
        });
        ask(&native(20_000_000, &texts))
    };
    let owned = connections("sqlite3.Connection%");
    let (holder, type_name) = ("m.tenants".to_owned(), "sqlite3.Connection".to_owned());
    assert!(
        matches!(&owned.reason, Reason::NativeInStep { holder: of, type_name: name, .. } if *of == holder && *name == type_name),
        "{:?}",
        owned.reason
    );
    // Where the capture does not know it, an attribute may be one of a class; a wrapper has no other memory.
    assert_eq!(connections("m.Connection").verdict, Verdict::NativeGrowth);
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
fn a_chain_of_a_million_nodes_overflows_nothing() {
    let heaps: Vec<Heap> = (0..3).map(|round| chain(1_000_000 + 1000 * round, round as u64)).collect();
    let answer = leaks(&heaps.iter().collect::<Vec<_>>(), &LeaksOptions::default()).unwrap();
    assert_eq!(answer.suspects.len(), 1);
    assert_eq!(answer.suspects[0].growth, [1000, 1000]);
    assert_eq!(answer.suspects[0].holder.as_deref(), Some("m.head.next…"));
    assert_eq!(answer.suspects[0].retained, Some(48_095_952));
}
