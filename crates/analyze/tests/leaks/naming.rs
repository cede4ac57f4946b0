//! What a suspect is called, and that an answer does not contradict itself.

use memtop_analyze::*;

use crate::series::{ask, each, four, heaps, named};

/// Three listeners for each of ten more engines in each round.
fn engines(round: usize) -> String {
    "module:m -> ns:dict -> listeners:list('listeners')[56]\n".to_owned()
        + &each(0..10 + 10 * round, |n| {
            let listeners = ["a", "b", "c"].map(|event| {
                format!(
                    "listeners -> t{n}{event}:tuple([*])[64] -> e{n}:m.Engine([0])[48]
                     t{n}{event} -> s{n}{event}:str([1])[50]; t{n}{event} -> f{n}{event}:function([2])[136]"
                )
            });
            listeners.join("\n") + &format!("\ne{n} -> p{n}:m.Pool(.pool)[600] -> b{n}:bytearray(.free)[400]")
        })
}

#[test]
fn engines_in_tuples_are_engines() {
    let answer = ask(&heaps(&four(engines)));
    let [suspect] = answer.suspects.as_slice() else { panic!("{:#?}", answer.suspects) };
    assert_eq!(suspect.leaked[0].type_name, "m.Engine", "{:#?}", suspect.leaked);
    assert!(
        matches!(&suspect.headline, Headline::Objects { type_name, amount, .. } if type_name == "m.Engine" && *amount == 10.0),
        "{:?}",
        suspect.headline
    );
    let parts = ["m.Engine", "str", "function"].map(str::to_owned).to_vec();
    assert_eq!(suspect.wrapper, Some(ItemWrapper { type_name: "tuple".into(), parts, has_more: false }));
}

#[test]
fn a_class_that_makes_up_the_subtree_is_first_however_few_there_are() {
    // One document holds most of what each batch of twenty rows does.
    let texts = four(|round| {
        "module:m -> ns:dict -> log:list('log')[56]\n".to_owned()
            + &each(0..10 + 10 * round, |n| {
                let rows = each(0..20, |row| format!("log -> r{n}x{row}:dict([*])[64]"));
                format!("{rows}r{n}x0 -> d{n}:m.Document('document')[100] -> t{n}:str(.text)[9000]")
            })
    });
    assert_eq!(named(&texts), "m.log: m.Document (container)");
}

#[test]
fn what_a_suspect_holds_is_no_suspect_of_its_own() {
    // More sessions in each round, and more lines in the history of the first ten.
    let texts = four(|round| {
        "module:m -> ns:dict -> sessions:dict('sessions')[232]\n".to_owned()
            + &each(0..10 + 40 * round, |n| {
                format!(
                    "sessions -> k{n}:str(key)[50]; sessions -> s{n}:m.Session([*])[56] -> h{n}:list(.history)[200]"
                )
            })
            + &each(0..10, |n| each(0..10 * round, |line| format!("h{n} -> l{n}x{line}:bytes([{line}])[40]")))
    });
    let answer = ask(&heaps(&texts));
    let holders: Vec<&str> = answer.suspects.iter().filter_map(|one| one.holder.as_deref()).collect();
    assert_eq!(holders, ["m.sessions"]);
    assert!(answer.candidates.is_empty(), "{:#?}", answer.candidates);
    assert!(answer.suspects[0].share_of_growth > 0.999, "the growth of the parts counts with the whole");
}

#[test]
fn a_path_that_begins_at_an_accident_is_called_by_its_last_attribute() {
    let texts = four(|round| {
        "context:_loop -> loop:asyncio.Loop -> timers:list(._scheduled)[56] -> timer:asyncio.TimerHandle([0])[64]
         timer -> m:method(._callback)[64] -> app:web.Application(.__self__)[56] -> handlers:dict(.handlers)[232]
         handlers -> handler:tuple([*])[56] -> session:web.Session([1])[56] -> seen:set(.digest_history)[232]\n"
            .to_owned()
            + &each(0..10 + 10 * round, |n| format!("seen -> b{n}:bytes({{*}})[60]"))
    });
    let answer = ask(&heaps(&texts));
    let suspect = &answer.suspects[0];
    assert_eq!(suspect.headline_holder.as_deref(), Some("digest_history of web.Session"));
    assert_eq!(
        suspect.holder.as_deref(),
        Some("context variable _loop._scheduled[0]._callback.__self__.handlers[*][1].digest_history")
    );
    let Reason::Growth { holder, .. } = &answer.reason else { panic!("{:?}", answer.reason) };
    assert_eq!(holder.as_deref(), Some("digest_history of web.Session"));
}

#[test]
fn a_value_that_a_library_keeps_for_an_attribute_is_called_by_the_attribute() {
    // As traitlets does: the values are in a dict, the names are attributes of the class.
    let texts = four(|round| {
        "context:_loop -> m:method[64] -> session:web.Session(.__self__)[56] -> values:dict(._values)[232]
         values -> seen:set('digest_history')[232]
         module:web -> ns:dict -> class:type('Session')=web.Session -> cns:dict(__dict__) -> trait:web.Trait('digest_history')\n"
            .to_owned()
            + &each(0..10 + 10 * round, |n| format!("seen -> b{n}:bytes({{*}})[60]"))
    });
    let answer = ask(&heaps(&texts));
    let suspect = &answer.suspects[0];
    let known = ["digest_history of web.Session", "_values['digest_history'] of web.Session"];
    assert!(known.contains(&suspect.headline_holder.as_deref().unwrap_or("none")), "{suspect:#?}");
}

#[test]
fn a_path_that_reads_well_is_its_own_headline() {
    let answer = ask(&heaps(&four(engines)));
    assert_eq!(answer.suspects[0].headline_holder, None);
    assert_eq!(answer.suspects[0].name(), Some("m.listeners"));
}

#[test]
fn contradictions_are_found() {
    let sound = ask(&heaps(&four(engines)));
    assert_eq!(sound.contradictions(), []);
    let wrong = |change: &dyn Fn(&mut Leaks)| {
        let mut answer = sound.clone();
        change(&mut answer);
        answer.contradictions()
    };
    let place = || "m.listeners".to_owned();
    let share = [Contradiction::Share { place: place() }];
    assert_eq!(wrong(&|answer| answer.suspects[0].share_of_growth = 1.5)[..1], share);
    assert_eq!(wrong(&|answer| answer.suspects[0].share_of_growth = -0.1), share);
    assert_eq!(wrong(&|answer| answer.suspects[0].share_of_growth = f64::NAN), share);
    let (held, gained) = (45, sound.suspects[0].growth.iter().sum::<i64>().unsigned_abs());
    assert_eq!(
        wrong(&|answer| answer.suspects[0].count = Some(held)),
        [Contradiction::MoreGainedThanHeld { place: place(), held, gained }]
    );
    assert_eq!(
        wrong(&|answer| answer.suspects[0].retained = Some(1 << 60)),
        [Contradiction::RetainsTooMuch { place: place() }]
    );
    assert_eq!(
        wrong(&|answer| answer.suspects[0].growth.truncate(2)),
        [Contradiction::Intervals { place: place() }]
    );
    assert_eq!(
        wrong(&|answer| {
            let mut part = answer.suspects[0].clone();
            let step = |label: &str| LeakStep { label: label.into(), type_name: "list".into() };
            part.path.push(step(".log"));
            (part.holder, part.fingerprint) = (Some("m.listeners.log".into()), "part".into());
            part.share_of_growth = 0.0;
            answer.suspects.push(part);
        }),
        [Contradiction::PartBesideWhole { part: "m.listeners.log".into(), whole: place() }]
    );
    assert_eq!(
        wrong(&|answer| {
            let mut twice = answer.suspects[0].clone();
            twice.share_of_growth = 0.0;
            answer.suspects.push(twice);
        }),
        [Contradiction::Twice { place: place() }]
    );
    assert_eq!(
        wrong(&|answer| answer.suspects[0].co_holders = vec!["m.index".into()]),
        [Contradiction::KeptAloneAndShared { place: place(), other: "m.index".into() }]
    );
    assert_eq!(
        wrong(&|answer| answer.suspects[0].doubt = Some(Doubt::Slowing)),
        [Contradiction::Doubt { place: place() }]
    );
    assert_eq!(wrong(&|answer| answer.suspects.clear()), [Contradiction::Verdict]);
    assert_eq!(wrong(&|answer| answer.verdict = Verdict::NoGrowth), [Contradiction::Verdict]);
    let milder = |answer: &mut Leaks| {
        let doubtful = GrowthVerdict { verdict: Verdict::Inconclusive, ..answer.verdicts[0].clone() };
        (answer.verdict, answer.reason) = (doubtful.verdict, doubtful.reason.clone());
        answer.verdicts.push(doubtful);
    };
    assert_eq!(wrong(&milder), [Contradiction::Verdict], "it is not the worst");
    let no_growth = |answer: &mut Leaks| {
        let reason = Reason::NoGrowth { detectable: None };
        answer.verdicts.push(GrowthVerdict { verdict: Verdict::NoGrowth, bytes: 0, reason });
    };
    assert_eq!(wrong(&no_growth), [Contradiction::Verdict]);
}
