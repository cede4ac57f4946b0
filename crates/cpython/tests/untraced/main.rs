//! Compares references and sizes that are found by memory alone with Python's own answers.
//!
//! `MEMTOP_PYTHONS` names the interpreters, `MEMTOP_PACKAGES` packages that the zoo imports beside its own;
//! with `-- --nocapture` it prints the types with missed and wrong ones.
#![expect(clippy::print_stdout, reason = "figures for who runs the test by hand")]

mod compare;
mod damage;
mod live;
mod whole;

use std::collections::BTreeMap;

use compare::tally;
use live::Still;
use memtop_cpython::{Layout, Memory, ObjectKind, limit_offset};

fn worst(by: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut worst: Vec<(&str, u64)> = by.iter().map(|(name, &count)| (name.as_str(), count)).collect();
    worst.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    worst.truncate(40);
    worst
}

#[test]
fn memory_alone_agrees_with_python() {
    let packages = std::env::var("MEMTOP_PACKAGES").unwrap_or_default();
    let packages: Vec<String> = packages.split_whitespace().map(str::to_owned).collect();
    let interpreters = live::interpreters();
    if interpreters.is_empty() {
        println!("skipped: no CPython from 3.8 to 3.15 was found");
    }
    let mut failures = Vec::new();
    for python in interpreters {
        let still = Still::start(&python, &packages);
        if Layout::of(still.minor).is_none() {
            println!("3.{} skipped: it has no layout", still.minor);
            continue;
        }
        for (kind, at) in [ObjectKind::Deque, ObjectKind::LruCache].into_iter().zip(still.limited) {
            let offset = limit_offset(kind, still.minor).expect("the version is known");
            assert_eq!(still.memory.word(at + offset), Some(4_242_421), "3.{}: {kind:?}", still.minor);
        }
        let tally = tally(&still);
        let minor = still.minor;
        println!(
            "3.{minor}: {} objects, {} references; recall {:.4} %, precision {:.4} %, sizes {:.4} %; {} over-counted, {:.2} % counted to the end; {:.4} % as with a traverse",
            still.objects.len(),
            tally.true_references,
            100.0 * tally.recall(),
            100.0 * tally.precision(),
            100.0 * tally.sizes(),
            tally.over,
            100.0 * tally.balanced as f64 / tally.mortal as f64,
            100.0 * tally.alike(),
        );
        println!("  explained: {:?}", tally.explained);
        for (title, by) in [
            ("missed", &tally.missed_by),
            ("wrong", &tally.wrong_by),
            ("over-counted", &tally.over_by),
            ("broken", &tally.broken_by),
            ("not counted to the end", &tally.under_by),
            ("otherwise with a traverse", &tally.otherwise),
        ] {
            for (name, count) in worst(by) {
                println!("  {title}: {count} × {name}");
            }
        }
        for (name, (count, example)) in &tally.size_by {
            println!("  size: {count} × {name}: {example}");
        }
        let (recall, precision) = if matches!(minor, 8 | 10) { (0.99, 0.94) } else { (0.999, 0.985) };
        if tally.recall() < recall
            || tally.precision() < precision
            || tally.sizes() < 0.998
            || tally.alike() < 0.999
            || !tally.broken_by.is_empty()
        {
            failures.push(minor);
        }
    }
    assert!(failures.is_empty(), "3.{failures:?} are below what is asked");
}
