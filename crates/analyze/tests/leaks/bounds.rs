//! Containers with a bound, and containers that are emptied many items at a time, are in doubt until that is passed.

use memtop_analyze::{Doubt, Leaks, LeaksOptions, Verdict};

use crate::series::{ask, ask_with, each, four, heaps};

fn answer(texts: &[String]) -> Leaks {
    ask(&heaps(texts))
}

fn doubt(answer: &Leaks) -> Option<&Doubt> {
    assert!(answer.suspects.is_empty(), "{:#?}", answer.suspects);
    answer.candidates.first().and_then(|candidate| candidate.doubt.as_ref())
}

/// A cache of the class `Cache` whose `owner` states a limit, with a hundred items more in each round.
fn cache(owner: impl Fn(usize) -> String) -> Vec<String> {
    four(|round| {
        owner(round)
            + &each(0..100 + 100 * round, |n| format!("d -> k{n}:str(key)[50]; d -> v{n}:m.Value([*])[56]"))
    })
}

#[test]
fn a_limit_among_the_attributes_of_the_owner() {
    for owner in [
        "module:m -> ns:dict -> c:m.Cache('cache')<1000 -> d:dict(.data)[232]\n",
        "module:m -> ns:dict -> c:m.Cache('cache') -> cd:dict(__dict__)<1000 -> d:dict('data')[232]\n",
        // The owner's owner.
        "module:m -> ns:dict -> c:m.Cache('cache')<1000 -> s:m.Store(.store) -> d:dict(.data)[232]\n",
        // A class that derives from dict.
        "module:m -> ns:dict -> d:dict('cache')[232]<1000\n",
    ] {
        let answer = answer(&cache(|_| owner.to_owned()));
        assert_eq!(doubt(&answer), Some(&Doubt::Limited), "{owner}");
    }
}

#[test]
fn a_limit_that_was_exceeded_or_that_counts_along_is_none() {
    for limit in [|_: usize| 300, |round: usize| 500 + 100 * round] {
        let owner = |round| {
            format!("module:m -> ns:dict -> c:m.Cache('cache')<{} -> d:dict(.data)[232]\n", limit(round))
        };
        assert_eq!(answer(&cache(owner)).verdict, Verdict::Leak);
    }
}

/// A stream's buffer of `bytes` in each round, with a limit of 64 kB.
fn stream(bytes: impl Fn(usize) -> usize) -> Leaks {
    answer(&four(|round| {
        format!(
            "module:m -> ns:dict -> r:m.Reader('reader')<65536 -> b:bytearray(._buffer)[{}]\n",
            bytes(round)
        )
    }))
}

#[test]
fn the_limit_of_a_buffer_is_of_its_bytes() {
    assert_eq!(doubt(&stream(|round| 20_000 * (round + 1))), Some(&Doubt::Limited));
    assert_eq!(stream(|round| 80_000 * (round + 1)).verdict, Verdict::Leak);
}

#[test]
fn the_limit_of_a_cache_says_nothing_about_what_is_in_it() {
    let texts = four(|round| {
        "module:m -> ns:dict -> c:m.Cache('cache')<1000 -> d:dict(.data)[232]\n".to_owned()
            + &each(0..20, |k| {
                format!("d -> k{k}:str(key)[50]; d -> l{k}:list([*])[56]\n")
                    + &each(0..10 + 20 * round, |n| format!("l{k} -> x{k}x{n}:m.X([{n}])[56]"))
            })
    });
    assert_eq!(answer(&texts).verdict, Verdict::Leak);
}

#[test]
fn the_limit_of_an_object_says_nothing_about_its_own_attributes() {
    let texts = four(|round| {
        "module:m -> ns:dict -> c:m.Bag('bag')<1000 -> cd:dict(__dict__)[232]\n".to_owned()
            + &each(0..100 + 100 * round, |n| format!("cd -> v{n}:m.Value('a{n}')[56]"))
    });
    assert_eq!(answer(&texts).verdict, Verdict::Leak);
}

/// The caches of statements of three connections: an entry of a cache in C has three references.
#[test]
fn each_of_several_containers_has_a_limit_of_its_own() {
    let texts = four(|round| {
        "thread:_ -> locals:dict\n".to_owned()
            + &each(0..3, |t| {
                format!(
                    "locals -> c{t}:sqlite3.Connection([*]) -> f{t}:functools._lru_cache_wrapper<128 -> s{t}:dict(storage)[232]\n"
                ) + &each(0..20 + 30 * round, |n| {
                    format!(
                        "f{t} -> k{t}x{n}:str(key)[50]; f{t} -> v{t}x{n}:sqlite3.Statement([*])[156]; f{t} -> link:type\n\
                         s{t} -> k{t}x{n}(key); s{t} -> n{t}x{n}:functools._lru_list_elem([*])[56]"
                    )
                })
            })
    });
    assert_eq!(doubt(&answer(&texts)), Some(&Doubt::Limited));
}

fn buffer(size: usize, counts: [usize; 4]) -> Leaks {
    let texts = four(|round| {
        "module:m -> ns:dict -> b:m.Log('log') -> l:list(.lines)[56]\n".to_owned()
            + &each(0..counts[round], |n| format!("l -> x{n}:m.Line([{n}])[{size}]"))
    });
    ask_with(&heaps(&texts), &LeaksOptions::default())
}

#[test]
fn a_few_items_may_be_a_batch_that_is_not_full_yet() {
    assert_eq!(doubt(&buffer(100, [10, 30, 50, 70])), Some(&Doubt::MayBeBatch { items: 70 }));
    // More items, or larger ones, are evidence.
    assert_eq!(buffer(100, [10, 110, 210, 310]).verdict, Verdict::Leak);
    assert_eq!(buffer(10_000, [10, 30, 50, 70]).verdict, Verdict::Leak);
}

#[test]
fn a_few_objects_that_a_value_gathers_before_it_is_replaced() {
    // Each transaction begins with the objects of the one before, and soon ends with all of them.
    let transaction = |counts: [usize; 4]| {
        let texts = four(|round| {
            format!(
                "module:m -> ns:dict -> s:m.Session('session') -> t{round}:m.Transaction(.transaction)[48]\n"
            ) + &each(0..counts[round], |n| format!("t{round} -> u{n}:m.User([{n}])[100]"))
        });
        ask_with(&heaps(&texts), &LeaksOptions::default())
    };
    assert_eq!(doubt(&transaction([10, 18, 21, 39])), Some(&Doubt::MayBeBatch { items: 29 }));
    // Even growth, or more of it, is evidence.
    assert_eq!(transaction([10, 20, 30, 40]).verdict, Verdict::Leak);
    assert_eq!(transaction([10, 90, 120, 300]).verdict, Verdict::Leak);
}

#[test]
fn cancelled_timers_wait_until_they_are_removed_together() {
    let timers = |cancelled: usize, live: usize| {
        four(|round| {
            "module:m -> ns:dict -> loop:asyncio.Loop('loop') -> t:list(._scheduled)[56]; n:NoneType!immortal\n"
                .to_owned()
                + &each(0..cancelled * round, |n| {
                    format!("t -> c{n}:asyncio.events.TimerHandle([*])[100]; c{n} -> n(._callback)")
                })
                + &each(0..300 + live * round, |n| {
                    format!("t -> h{n}:asyncio.events.TimerHandle([*])[100]; h{n} -> f{n}:method(._callback)[64]")
                })
        })
    };
    assert_eq!(doubt(&answer(&timers(60, 10))), Some(&Doubt::CancelledTimers));
    assert_eq!(answer(&timers(10, 60)).verdict, Verdict::Leak);
    let of_twisted = |attributes: &str| {
        four(|round| {
            "module:m -> ns:dict -> r:m.Reactor('reactor') -> t:list(._pendingTimedCalls)[56]\n".to_owned()
                + &each(0..60 + 60 * round, |n| {
                    format!(
                        "t -> c{n}:twisted.internet.base.DelayedCall([*])[100] -> d{n}:dict(__dict__)[100]\n\
                         d{n} -> o{n}:method('canceller')[64]; {attributes}"
                    )
                    .replace('#', &n.to_string())
                })
        })
    };
    assert_eq!(doubt(&answer(&of_twisted(""))), Some(&Doubt::CancelledTimers));
    assert_eq!(answer(&of_twisted("d# -> f#:method('func')[64]")).verdict, Verdict::Leak);
}
