//! Garbage over a series of heaps, and cycles that are never collected.

use memtop_analyze::*;
use memtop_heap::CollectorState;
use memtop_heap::testing::{Graph, graph_as_collected};

use crate::series::{ask, each, four, heaps, heaps_with, named};

const OFF: CollectorState = CollectorState {
    enabled: false,
    collecting: false,
    frozen: false,
    thresholds: [700, 10, 10],
    counts: [0; 3],
    collections: [30, 2, 0],
    collected: [0; 3],
};

/// A service, and rings of messages that are garbage, 10 kB each.
fn rings(from: usize, to: usize) -> String {
    "module:shop -> ns:dict -> config:dict('config')[232]\n".to_owned()
        + &each(from..to, |n| {
            format!("m{n}:shop.Message!tracked[56] -> m{n}(.me); m{n} -> b{n}:str(.body)[10000]")
        })
}

fn with(collector: CollectorState, texts: &[String]) -> Vec<Graph> {
    heaps_with(texts, |_, info| info.collector = Some(collector))
}

#[test]
fn garbage_that_grows_while_the_collector_is_off_has_its_own_verdict() {
    let answer = ask(&with(OFF, &four(|round| rings(0, 100 * round))));
    assert_eq!((answer.verdict, answer.suspects.len()), (Verdict::GarbageGrowth, 0));
    // Objects of later rounds are nobody's yet: a byte each.
    let bytes = 300 * 10_056 - 600;
    let type_name = Some("str".to_owned());
    assert_eq!(answer.reason, Reason::Garbage { bytes, type_name, cause: GarbageCause::Off });
    let garbage = answer.garbage.expect("it grew");
    assert_eq!(garbage.bytes, [600, 1_006_000, 2_011_400, 3_016_800]);
    assert_eq!(garbage.collector, Some(OFF));
    let types: Vec<_> =
        garbage.types.iter().map(|of| (of.type_name.as_str(), of.objects, of.growth)).collect();
    assert_eq!(types, [("str", 300, 300), ("shop.Message", 300, 300)]);
}

#[test]
fn garbage_is_not_native_growth() {
    let texts = four(|round| rings(0, 100 * round));
    let graphs = heaps_with(&texts, |index, info| {
        info.collector = Some(OFF);
        info.memory.rss = Some(9_000_000 + 1_100_000 * index as u64);
    });
    assert_eq!(ask(&graphs).verdict, Verdict::GarbageGrowth);
}

#[test]
fn garbage_in_the_collectors_rhythm_is_no_finding() {
    // It rises and falls.
    let on = CollectorState { enabled: true, ..OFF };
    let saw = with(on, &[rings(0, 50), rings(0, 200), rings(200, 220), rings(200, 400)]);
    assert_eq!((ask(&saw).verdict, ask(&saw).garbage), (Verdict::NoGrowth, None));
    let same = with(OFF, &four(|_| rings(0, 200)));
    assert_eq!((ask(&same).verdict, ask(&same).garbage), (Verdict::NoGrowth, None));
    // Only the youngest generation fills up.
    let young = with(on, &four(|round| rings(0, 150 * round)));
    assert_eq!((ask(&young).verdict, ask(&young).garbage), (Verdict::NoGrowth, None));
}

#[test]
fn garbage_that_the_collector_may_still_free_is_in_doubt() {
    let texts = four(|round| rings(0, 100 * round));
    let graphs = heaps_with(&texts, |index, info| {
        let young = 30 + 5 * index as u64;
        info.collector = Some(CollectorState { enabled: true, collections: [young, young / 10, 0], ..OFF });
    });
    let answer = ask(&graphs);
    assert_eq!(answer.verdict, Verdict::Inconclusive);
    assert!(
        matches!(answer.reason, Reason::Garbage { cause: GarbageCause::NotYet, .. }),
        "{:?}",
        answer.reason
    );
    // Two heaps are too few to accuse anything.
    assert_eq!(ask(&with(OFF, &texts[2..])).verdict, Verdict::Inconclusive);
}

#[test]
fn garbage_that_outlives_a_full_collection_is_not_garbage() {
    let graphs = heaps_with(&four(|round| rings(0, 150 * (round + 1))), |index, info| {
        let full = index as u64;
        info.collector = Some(CollectorState { enabled: true, collections: [30 + full, 3, full], ..OFF });
    });
    let answer = ask(&graphs);
    assert_eq!(answer.verdict, Verdict::UncollectableCycles);
    let Reason::Garbage { cause, .. } = answer.reason else { panic!("{:?}", answer.reason) };
    assert_eq!(cause, GarbageCause::Survived { objects: 450 });
}

#[test]
fn the_larger_of_garbage_and_a_leak_is_the_first_verdict() {
    let both = |messages: usize, kept: usize| {
        let texts = four(|round| {
            rings(0, messages * round)
                + "ns -> list:list('kept')\n"
                + &each(0..kept * round, |n| format!("list -> k{n}:bytes([*])[1000]"))
        });
        let answer = ask(&with(OFF, &texts));
        let all: Vec<Verdict> = answer.verdicts.iter().map(|one| one.verdict).collect();
        (answer.verdict, all, answer.suspects.len(), answer.garbage.is_some())
    };
    let garbage_first = vec![Verdict::GarbageGrowth, Verdict::Leak];
    assert_eq!(both(100, 20), (Verdict::GarbageGrowth, garbage_first, 1, true));
    let leak_first = vec![Verdict::Leak, Verdict::GarbageGrowth];
    assert_eq!(both(10, 2000), (Verdict::Leak, leak_first, 1, true));
}

#[test]
fn a_cycle_that_is_never_collected_is_a_suspect_that_names_what_hides_it() {
    let texts = four(|round| {
        "module:shop -> ns:dict -> config:dict('config')[232]\n".to_owned()
            + &each(0..50 * round, |n| {
                format!(
                    "z{n}:shop.Zone!tracked[48] -> d{n}:dict(__dict__)!tracked[104] -> t{n}:datetime.datetime('last')[56]
                     t{n} -> z{n}(.tzinfo)"
                )
            })
    });
    let declared: Vec<Graph> = heaps(&texts);
    let graphs: Vec<Graph> = texts
        .iter()
        .zip(&declared)
        .map(|(text, known)| {
            let names = known.names().fold(String::new(), |all, (name, _)| all + name + ";");
            graph_as_collected(&format!("{names}\n{text}"), &[], known.heap().info().clone())
        })
        .collect();
    let answer = ask(&graphs);
    assert_eq!((answer.verdict, answer.suspects.len()), (Verdict::Leak, 1));
    let suspect = &answer.suspects[0];
    assert_eq!(suspect.cause, Cause::UncollectableCycle);
    assert_eq!(suspect.holder.as_deref(), Some("uncollectable cycle through datetime.datetime to shop.Zone"));
    assert_eq!(suspect.growth, [50, 50, 50]);
    assert_eq!(suspect.leaked[0].type_name, "shop.Zone");
    let type_name = "datetime.datetime".to_owned();
    assert!(suspect.evidence.contains(&Evidence::HiddenReference { type_name: type_name.clone() }));
    let Reason::UncollectableCycles { hidden_by, places: 1, .. } = answer.reason else {
        panic!("{:?}", answer.reason)
    };
    assert_eq!(hidden_by, type_name);
    let last = garbage(graphs[3].heap(), None);
    assert_eq!((last.total.objects, last.uncollectable.objects, last.native), (0, 450, 0));
    assert_eq!(last.hidden_by, [type_name]);
    // Counted with all references alone, it would be garbage.
    assert_eq!(named(&texts), "NoGrowth { detectable: Some(334) }");
}

/// Each engine that awaits the collector may hold a buffer through an object that the capture cannot read.
#[test]
fn what_garbage_may_hold_is_not_held_by_native_code_for_certain() {
    let answer = |parts: usize| {
        let texts = four(|round| {
            let (gone, all) = (20 + 20 * round, 80);
            "module:m -> ns:dict -> pool:list('pool')[2000]\n".to_owned()
                + &each(0..gone, |n| format!("buffer{n}:m.Buffer[56]#1"))
                + &each(gone..all, |n| {
                    each(0..parts, |part| {
                        format!(
                            "pool -> engine{n}:m.Engine([{n}])[56] -> part{n}x{part}:m.Part([{part}])[48]"
                        )
                    })
                })
        });
        ask(&heaps(&texts))
    };
    let doubted = answer(4);
    assert!(doubted.suspects.is_empty(), "{:#?}", doubted.suspects);
    assert_eq!(doubted.candidates[0].doubt, Some(Doubt::InStepWithGarbage));
    // Without garbage that grows, native code holds them.
    assert_eq!(answer(0).suspects[0].cause, Cause::NativeReference);
}
