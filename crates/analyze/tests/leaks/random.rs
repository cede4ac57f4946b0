//! On random series: the same answer again, shares and ranks that hold, and nothing said of what did not change.

use memtop_analyze::*;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, ObjectId, Root, RootKind, Type};
use proptest::prelude::*;

use crate::one_at_a_time::one_at_a_time;

type Plan = (Vec<(usize, usize, usize)>, Vec<(usize, usize)>);

/// Objects by place (their address), references between them with a label each, and roots.
fn heap(plan: &Plan, places: usize, round: usize) -> Heap {
    let info = CaptureInfo { uptime: Some(1_000_000 * round as u64), ..CaptureInfo::default() };
    let mut builder = HeapBuilder::new(info);
    let types = [("builtins", "dict"), ("m", "A"), ("m", "B"), ("builtins", "frame")]
        .map(|(module, name)| builder.add_type(Type::new(module, name)));
    let names = ["a", "b", "c"].map(|name| builder.string(name));
    for place in 0..places {
        let ty = types[(place + place / 7) % types.len()];
        builder.add_object(Object::new(64 * place as u64, ty, 1 + 700 * (place % 5) as u64));
    }
    let id = |place: usize| ObjectId::from_index(place % places);
    for &(from, to, label) in &plan.0 {
        let label = match label {
            0 => Label::DICT,
            1 => Label::at(to),
            2 => Label::KEY_OBJECT,
            3 => Label::ANY_KEY,
            4 => Label::MEMBER,
            5 => Label::UNLABELLED,
            label => Label::attribute(names[label % names.len()]),
        };
        builder.add_reference(id(from), id(to), label);
    }
    for &(place, kind) in &plan.1 {
        builder.add_root(Root::new(RootKind::ALL[kind % 9], names[kind % 3], id(place)));
    }
    builder.finish_with_accounts().expect("handles are valid").0
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plan = || {
        let references = proptest::collection::vec((0..40_usize, 0..40_usize, 0..9_usize), 0..80);
        (references, proptest::collection::vec((0..40_usize, 0..9_usize), 0..5))
    };
    // Rounds that share most of what they have: a base, and a growing part of the rest.
    (plan(), plan(), 2..5_usize).prop_map(|(base, more, rounds)| {
        let part = |round: usize, all: usize| all * (round + 1) / rounds;
        (0..rounds)
            .map(|round| {
                let mut now = base.clone();
                now.0.extend(&more.0[..part(round, more.0.len())]);
                now.1.extend(&more.1[..part(round, more.1.len())]);
                now
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_holds_together_and_is_given_again(plans in plans()) {
        let thresholds = Thresholds { bytes: 1, items: 1, share: 0.0, ..Thresholds::default() };
        let options = LeaksOptions { thresholds, ..LeaksOptions::default() };
        let heaps: Vec<Heap> = plans.iter().enumerate().map(|(round, plan)| heap(plan, 40, round)).collect();
        let heaps: Vec<&Heap> = heaps.iter().collect();
        let answer = leaks(&heaps, &options).unwrap();
        prop_assert_eq!(&answer, &leaks(&heaps, &options).unwrap());
        prop_assert_eq!(&answer, &one_at_a_time(&heaps, &options));
        let mixed: Vec<&Heap> = heaps.iter().rev().copied().collect();
        let mixed = leaks(&mixed, &options).unwrap();
        prop_assert_eq!((&answer.suspects, &answer.candidates, &answer.reason), (&mixed.suspects, &mixed.candidates, &mixed.reason));
        prop_assert_eq!(answer.verdict == Verdict::Leak, !answer.suspects.is_empty());
        for suspect in answer.suspects.iter().chain(&answer.candidates) {
            prop_assert!((0.0..=1.0).contains(&suspect.share_of_growth) && (0.0..=1.0).contains(&suspect.confidence));
            prop_assert_eq!(suspect.bytes_growth.len(), heaps.len() - 1);
            prop_assert!(suspect.bytes_growth.iter().sum::<i64>() > 0);
            prop_assert!(suspect.holder.is_some() != (suspect.cause == Cause::NativeReference && suspect.path[0].type_name == "native reference") || suspect.holder.is_some());
            prop_assert!(!suspect.evidence.is_empty() && !suspect.path.is_empty());
        }
        prop_assert!(answer.suspects.iter().all(|suspect| suspect.doubt.is_none()));
        prop_assert!(answer.candidates.iter().all(|suspect| suspect.doubt.is_some()));
    }

    #[test]
    fn constant_heaps_have_no_growth(plans in plans()) {
        let same: Vec<Heap> = (0..4).map(|round| heap(&plans[0], 40, round)).collect();
        let answer = leaks(&same.iter().collect::<Vec<_>>(), &LeaksOptions::default()).unwrap();
        prop_assert_eq!(answer.verdict, Verdict::NoGrowth);
        prop_assert!(answer.candidates.is_empty());
    }
}
