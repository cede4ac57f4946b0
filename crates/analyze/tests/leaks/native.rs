//! The growth of resident memory: its account, native growth, and the verdicts that hold together.

use memtop_analyze::*;
use memtop_heap::MemoryNumbers;
use memtop_heap::testing::Graph;

use crate::facts::sessions;
use crate::series::{ask, each, four, heaps_with};

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
