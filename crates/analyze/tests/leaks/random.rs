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

/// Whether the answer over a series holds together.
fn check(plans: &[Plan]) -> Result<(), TestCaseError> {
    let thresholds = Thresholds { bytes: 1, items: 1, share: 0.0, ..Thresholds::default() };
    let options = LeaksOptions { thresholds, ..LeaksOptions::default() };
    let heaps: Vec<Heap> = plans.iter().enumerate().map(|(round, plan)| heap(plan, 40, round)).collect();
    let heaps: Vec<&Heap> = heaps.iter().collect();
    let answer = leaks(&heaps, &options).expect("one process");
    prop_assert_eq!(&answer, &leaks(&heaps, &options).expect("one process"));
    prop_assert_eq!(&answer, &one_at_a_time(&heaps, &options));
    let mixed: Vec<&Heap> = heaps.iter().rev().copied().collect();
    let mixed = leaks(&mixed, &options).expect("one process");
    prop_assert_eq!(
        (&answer.suspects, &answer.candidates, &answer.reason),
        (&mixed.suspects, &mixed.candidates, &mixed.reason)
    );
    prop_assert_eq!(answer.verdict == Verdict::Leak, !answer.suspects.is_empty());
    for suspect in answer.suspects.iter().chain(&answer.candidates) {
        prop_assert!(
            (0.0..=1.0).contains(&suspect.share_of_growth) && (0.0..=1.0).contains(&suspect.confidence)
        );
        prop_assert_eq!(suspect.bytes_growth.len(), heaps.len() - 1);
        prop_assert!(suspect.bytes_growth.iter().sum::<i64>() > 0);
        prop_assert!(
            suspect.holder.is_some()
                || suspect.cause == Cause::NativeReference && suspect.path[0].type_name == "native reference"
        );
        prop_assert!(!suspect.evidence.is_empty() && !suspect.path.is_empty());
    }
    prop_assert!(answer.suspects.iter().all(|suspect| suspect.doubt.is_none()));
    prop_assert!(answer.candidates.iter().all(|suspect| suspect.doubt.is_some()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_holds_together_and_is_given_again(plans in plans()) {
        check(&plans)?;
    }

    #[test]
    fn constant_heaps_have_no_growth(plans in plans()) {
        let same: Vec<Heap> = (0..4).map(|round| heap(&plans[0], 40, round)).collect();
        let answer = leaks(&same.iter().collect::<Vec<_>>(), &LeaksOptions::default()).unwrap();
        prop_assert_eq!(answer.verdict, Verdict::NoGrowth);
        prop_assert!(answer.candidates.is_empty());
    }
}

/// A plan of the references that both rounds have, and of those that the second has besides.
fn two(
    base: &[(usize, usize, usize)],
    more: &[(usize, usize, usize)],
    roots: &[(usize, usize)],
) -> Vec<Plan> {
    vec![(base.to_vec(), roots.to_vec()), ([base, more].concat(), roots.to_vec())]
}

/// A node of the path repeats an earlier one, so that the part's node is not below the whole's.
#[test]
fn a_part_whose_path_has_a_loop() {
    let base = [(3, 34, 6), (6, 23, 6), (23, 22, 6), (22, 36, 0), (36, 3, 0)];
    check(&two(&base, &[(34, 2, 1), (0, 8, 0), (3, 0, 3)], &[(6, 0)])).unwrap();
    let base =
        [(22, 27, 5), (3, 15, 0), (8, 5, 0), (26, 22, 3), (36, 3, 1), (4, 0, 0), (15, 26, 0), (5, 36, 1)];
    check(&two(&base, &[(3, 4, 3), (32, 17, 0), (27, 32, 0), (17, 0, 3)], &[(11, 0), (8, 0)])).unwrap();
}

/// One object at which a chain begins is reached through another: what it retains counts once.
#[test]
fn chains_that_begin_within_others() {
    let base = [
        (5, 30, 0),
        (23, 33, 5),
        (25, 5, 5),
        (30, 23, 1),
        (0, 9, 0),
        (16, 8, 0),
        (0, 26, 0),
        (16, 37, 0),
        (16, 38, 0),
        (0, 5, 0),
        (18, 27, 0),
        (0, 14, 0),
        (8, 0, 0),
    ];
    let more = [(37, 18, 0), (18, 24, 0), (26, 11, 0), (0, 4, 0), (33, 16, 0), (4, 19, 0)];
    check(&two(&base, &more, &[])).unwrap();
    let base = [
        (4, 16, 3),
        (9, 28, 0),
        (2, 14, 0),
        (2, 18, 0),
        (25, 6, 0),
        (35, 13, 0),
        (13, 7, 0),
        (2, 21, 0),
        (37, 35, 0),
        (6, 8, 0),
        (27, 34, 3),
        (14, 3, 0),
    ];
    let more = [(21, 24, 0), (8, 37, 1), (2, 27, 0), (16, 29, 0), (29, 2, 0), (18, 9, 0), (35, 4, 1)];
    check(&two(&base, &more, &[])).unwrap();
}
