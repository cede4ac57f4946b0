//! Growth that is not a leak is acquitted or in doubt.

use memtop_analyze::{Doubt, Reason};

use crate::series::{acquitted, each, four, named};

const NOTHING: Reason = Reason::NoGrowth { detectable: Some(334) };
/// All objects together grew in every interval: it is not said that growth would have been seen.
const NO_PLACE: Reason = Reason::NoGrowth { detectable: None };

fn in_doubt(holder: &str, doubt: Doubt) -> Reason {
    Reason::InDoubt { holder: Some(holder.to_owned()), doubt }
}

#[test]
fn a_full_cache_whose_entries_turn_over() {
    let texts = four(|round| {
        "module:m -> ns:dict -> cache:dict('cache')\n".to_owned()
            + &each(30 * round..100 + 30 * round, |n| {
                format!("cache -> k{n}:str(key)[50]; cache -> d{n}:dict([*])[{}]", 64 + 8 * (n % 7) + n / 10)
            })
    });
    assert_eq!(acquitted(&texts), NOTHING);
}

#[test]
fn a_queue_that_walks_and_gets_longer() {
    let texts = four(|round| {
        let held = 200 * round..40 + 221 * round;
        "module:m -> ns:dict -> q:collections.deque('q')\n".to_owned()
            + &each(held.clone(), |n| {
                format!("q -> j{n}:m.Job([{}])[56] -> p{n}:dict(.payload)[64]", n - held.start)
            })
    });
    assert_eq!(acquitted(&texts), in_doubt("m.q", Doubt::Turnover { new: 143, lasting: 0 }));
}

/// Every place in memory comes back to the same use; the numbers in it do not.
#[test]
fn a_queue_whose_jobs_come_back_at_the_same_addresses() {
    let texts = four(|round| {
        "module:m -> ns:dict -> q:collections.deque('q')\n".to_owned()
            + &each(0..40 + 21 * round, |n| {
                let value = 1 + (n + 5 * round) % 15;
                format!(
                    "q -> j{n}:m.Job([{n}])[56] -> p{n}:dict(.payload)[64] -> l{n}:list('a')[64]\n\
                     j{n} -> i{n}:int(.i)[28]~{value}; l{n} -> i{n}([0])"
                )
            })
    });
    assert_eq!(acquitted(&texts), in_doubt("m.q", Doubt::Turnover { new: 143, lasting: 0 }));
}

#[test]
fn a_saw_tooth_at_its_foot_and_at_its_top() {
    let texts = four(|round| {
        "module:m -> ns:dict -> rows:list('rows')\n".to_owned()
            + &each(0..[130, 90, 50, 170][round], |n| format!("rows -> r{n}:m.R([{n}])[56]"))
    });
    assert_eq!(acquitted(&texts), NOTHING);
}

#[test]
fn a_warm_up_that_falls() {
    let texts = four(|round| {
        "module:m -> ns:dict -> memo:dict('memo')\n".to_owned()
            + &each(0..[250, 422, 540, 621][round], |n| {
                format!("memo -> k{n}:int(key)[28]; memo -> v{n}:m.V([*])[56]")
            })
    });
    assert_eq!(acquitted(&texts), in_doubt("m.memo", Doubt::Slowing));
}

#[test]
fn a_time_out_that_is_reached_in_the_last_interval() {
    let texts = four(|round| {
        "module:m -> ns:dict -> memo:dict('memo')\n".to_owned()
            + &each(0..[30, 60, 90, 100][round], |n| {
                format!("memo -> k{n}:int(key)[28]; memo -> v{n}:m.V([*])[56]")
            })
    });
    assert_eq!(acquitted(&texts), in_doubt("m.memo", Doubt::Slowed));
}

#[test]
fn a_cache_with_a_limit_that_is_not_reached() {
    let texts = four(|round| {
        "module:m -> ns:dict -> load:functools._lru_cache_wrapper('load')<50000 -> c:dict(storage)\n"
            .to_owned()
            + &each(0..30 + 30 * round, |n| format!("c -> k{n}:int(key)[28]; c -> v{n}:m.Blob([*])[56]"))
    });
    assert_eq!(acquitted(&texts), in_doubt("m.load", Doubt::Limited));
}

#[test]
fn addresses_that_are_used_again() {
    // Every entry is another one at an old address, and has one item more than the one before.
    let texts = four(|round| {
        "module:m -> ns:dict -> t:dict('table')\n".to_owned()
            + &each(0..60, |n| {
                let items = each(0..=round, |i| format!("d{n} -> i{n}x{i}r{round}:int('a{i}')[64]"));
                format!("t -> k{n}:int(key); t -> d{n}:dict([*])[64]\n{items}")
            })
    });
    assert_eq!(acquitted(&texts), NO_PLACE);
}

#[test]
fn values_of_all_sizes_that_are_replaced() {
    let sizes =
        [[900, 100, 500, 1800], [200, 1700, 300, 1900], [1500, 700, 1100, 400], [300, 900, 1600, 1000]];
    let texts = four(|round| {
        "module:m -> ns:dict -> c:dict('cache')\n".to_owned()
            + &each(0..40, |n| {
                // One of each ten grows each time, by chance.
                let size = if n % 10 == 0 { 200 + 500 * round } else { sizes[n % 4][(round + n / 4) % 4] };
                format!("c -> k{n}:int(key); c -> b{n}r{round}:bytearray([*])[{size}]")
            })
    });
    assert_eq!(acquitted(&texts), NO_PLACE);
}

#[test]
fn a_pool_that_moves_its_items_to_another() {
    let texts = four(|round| {
        "module:m -> ns:dict -> a:dict('a'); ns -> b:dict('b')\n".to_owned()
            + &each(0..100, |n| {
                let at = if n < 10 + 25 * round { "b" } else { "a" };
                format!("{at} -> k{n}:int(key)[28]; {at} -> v{n}:list([*])[64]")
            })
    });
    assert_eq!(acquitted(&texts), in_doubt("m.b", Doubt::Moved));
}

#[test]
fn a_value_that_is_replaced_by_another_and_happens_to_be_larger() {
    let texts = four(|round| {
        format!("module:m -> ns:dict -> l{round}:list('last')[64]\n")
            + &each(0..5 + 5 * round, |n| format!("l{round} -> x{round}x{n}:m.X([{n}])[100]"))
    });
    assert_eq!(acquitted(&texts), NO_PLACE);
}

#[test]
fn many_lists_that_rise_and_fall() {
    let texts = four(|round| {
        "module:m -> ns:dict -> s:dict('sessions')\n".to_owned()
            + &each(0..30, |k| {
                let length =
                    if k % 2 == 0 { 10 + 4 * round + k % 3 } else { 22 - 4 * round + 3 * (round / 3) };
                format!("s -> k{k}:str(key); s -> l{k}:list([*])[64]\n")
                    + &each(0..length, |n| format!("l{k} -> x{k}x{n}:m.E([{n}])[56]"))
            })
    });
    let told = acquitted_or_growers(&texts);
    assert!(told.iter().all(|holder| holder == "m.sessions[*]"), "{told:?}");
}

/// Half of the lists do grow each time, so that they may be told; but nothing else.
fn acquitted_or_growers(texts: &[String]) -> Vec<String> {
    let graphs = crate::series::heaps(texts);
    crate::series::ask(&graphs).suspects.into_iter().filter_map(|suspect| suspect.holder).collect()
}

#[test]
fn a_weak_registry_beside_the_holder() {
    let texts = four(|round| {
        "module:m -> ns:dict -> l:list('held'); ns -> w:weakref.WeakValueDictionary('by_name') -> wd:dict(.data)[600]\n".to_owned()
            + &each(0..20 + 20 * round, |n| format!("l -> o{n}:m.O([{n}])[56]; wd -> k{n}:str(key)[50]; wd -> r{n}:weakref.KeyedRef([*])[80]"))
    });
    assert_eq!(named(&texts), "m.held: m.O (container)");
}

#[test]
fn a_pool_that_rises_by_chance() {
    let texts = four(|round| {
        let kept = 30 + [0, 10, 12, 22][round];
        "module:m -> ns:dict -> pool:list('pool')\n".to_owned()
            + &each(0..kept, |n| format!("pool -> a{n}:dict([{n}])[64]"))
            + &each(0..6, |n| format!("pool -> b{round}x{n}:dict([{}])[64]", kept + n))
    });
    assert_eq!(acquitted(&texts), in_doubt("m.pool", Doubt::RandomWalk));
}

#[test]
fn growth_in_the_third_round_only() {
    let texts = four(|round| {
        "module:m -> ns:dict -> rows:list('rows')\n".to_owned()
            + &each(0..10 + 100 * (round / 2), |n| format!("rows -> r{n}:m.R([{n}])[56]"))
    });
    assert_eq!(acquitted(&texts), NOTHING);
}

#[test]
fn garbage_and_mem_tops_own_objects() {
    let texts = four(|round| {
        "module:m -> ns:dict -> mine:list('mine')!memtop\n".to_owned()
            + &each(0..20 + 20 * round, |n| {
                format!(
                    "mine -> x{n}:mem_top.Row([{n}])!memtop[100]; a{n}:m.A[100] -> b{n}:m.B(.b)[100] -> a{n}(.a)"
                )
            })
    });
    assert_eq!(acquitted(&texts), NOTHING);
}

#[test]
fn a_weak_registry_of_garbage_that_awaits_the_collector() {
    // An object that is declared and held by nothing is garbage; what is not garbage yet is in the pool.
    let texts = four(|round| {
        let (gone, all) = (20 + 50 * round, 170);
        "module:m -> ns:dict -> live:weakref.WeakSet('live') -> s:set(.data)[216]; ns -> pool:list('pool')[2000]\n"
            .to_owned()
            + &each(0..gone, |n| format!("s -> w{n}:weakref({{*}})[72]"))
            + &each(gone..all, |n| format!("pool -> g{n}:m.Session([{n}])[56] -> d{n}:dict(__dict__)[104]"))
    });
    assert_eq!(acquitted(&texts), in_doubt("m.live.data", Doubt::WeakToGarbage));
    // Dead weak references that are kept are a leak all the same.
    let dead = four(|round| {
        "module:m -> ns:dict -> s:list('watched')[216]\n".to_owned()
            + &each(0..20 + 50 * round, |n| format!("s -> w{n}:weakref([{n}])[72]"))
    });
    assert_eq!(named(&dead), "m.watched: weakref (container)");
}

#[test]
fn the_subclasses_that_the_interpreter_remembers() {
    let below = |holder: &str| {
        four(|round| {
            holder.to_owned()
                + &each(0..20 + 50 * round, |n| {
                    format!("s -> k{n}:int(key)[28]; s -> w{n}:weakref([{n}])[72]; t{n}:type!garbage[1000]")
                })
        })
    };
    assert_eq!(acquitted(&below("s:dict#1[216]\n")), NOTHING);
    let named = "module:m -> ns:dict -> c:type('Base') -> s:dict(.__subclasses__)[216]\n";
    assert_eq!(acquitted(&below(named)), NOTHING);
}

/// Carts get fuller while the sessions come: as long as those are in doubt, nothing else is accused in their place.
#[test]
fn what_grows_a_little_within_a_cache_that_fills_up() {
    let texts = four(|round| {
        "module:shop -> ns:dict -> recent:dict('recent')\n".to_owned()
            + &each(0..[500, 1000, 1500, 1600][round], |n| {
                format!(
                    "recent -> k{n}:str(key)[60]; recent -> s{n}:shop.Session([*])[56] -> c{n}:list(.cart)[64]"
                )
            })
            + &each(0..20 * round, |n| format!("c{n} -> i{n}:shop.Line([0])[56]"))
    });
    assert_eq!(acquitted(&texts), in_doubt("shop.recent", Doubt::Slowed));
}

/// Each worker fills its buffer until it ends, and another takes its place.
#[test]
fn workers_that_come_and_go_with_what_they_gathered() {
    let texts: Vec<String> = (0..6_usize)
        .map(|round| {
            "module:m -> ns:dict -> pool:list('pool')[100]\n".to_owned()
                + &each(0..12, |n| {
                    // A worker lives for three rounds, and gathers ten items in each.
                    let (born, age) = ((round + n) / 3, (round + n) % 3);
                    let items = each(0..10 * (age + 1), |i| {
                        format!("b{n}x{born} -> i{n}x{born}x{i}:m.Row([{i}])[64]")
                    });
                    format!(
                        "pool -> w{n}x{born}:m.Worker([{n}])[48] -> b{n}x{born}:list(.buffer)[64]\n{items}"
                    )
                })
        })
        .collect();
    assert_eq!(acquitted(&texts), Reason::NoGrowth { detectable: Some(200) });
}

/// Each entry of a full cache is another one at the address of an old one, and so are its tables, which have no names. Some
/// of them happen to be larger each time.
#[test]
fn entries_with_tables_that_use_addresses_again() {
    let texts = four(|round| {
        "module:m -> ns:dict -> c:dict('cache')\n".to_owned()
            + &each(0..60 - 2 * round, |n| {
                let table = |t: usize| {
                    let items = 17 + (37 * n + 101 * round + 13 * n * round + 29 * t) % 50;
                    format!("p{n} -> d{n}x{t}:dict[{}]\n", 64 + 8 * items)
                        + &each(0..items, |i| format!("d{n}x{t} -> i{n}x{t}x{i}r{round}:int([*])[28]"))
                };
                format!("c -> k{n}:str(key)[50]; c -> p{n}:re.Pattern([*])[64]\n")
                    + &(0..3).map(table).collect::<String>()
            })
    });
    assert_eq!(acquitted(&texts), NOTHING);
}

/// A key that lies where another did looks the same if its mark happens to be the same, as that of each fifteenth is. The
/// values of some such keys happen to be larger each time.
#[test]
fn keys_that_use_addresses_and_marks_again() {
    let texts = four(|round| {
        let churned = |place: usize| if round % 2 == 0 { place } else { 59 - place };
        "module:m -> ns:dict -> c:dict('cache')[4000]\n".to_owned()
            + &each(0..40, |n| format!("c -> s{n}:int(key)[28]~3; c -> v{n}:bytearray([*])[100]"))
            + &each((0..60).map(churned), |n| {
                let (mark, size) =
                    if n % 15 == 0 { (9, 100 + 3000 * round) } else { (1 + (n + 4 * round) % 15, 100) };
                format!("c -> k{n}:int(key)[28]~{mark}; c -> b{n}r{round}:bytearray([*])[{size}]")
            })
    });
    assert_eq!(acquitted(&texts), NO_PLACE);
}

/// Every entry is another one. Its list lies where the list of another did, and repeats a number whose mark happens to be
/// that of the number before.
#[test]
fn lists_of_other_entries_that_use_addresses_again() {
    let texts = four(|round| {
        "module:m -> ns:dict -> c:dict('cache')[4000]\n".to_owned()
            + &each(0..40, |n| {
                let items = each(0..4 + 4 * round + n % 3, |i| format!("l{n} -> i{n}([{i}])"));
                format!(
                    "c -> k{n}:int(key)[28]~{}; c -> e{n}r{round}:dict([*])[232] -> l{n}:list('v')[{}]; i{n}:int[28]~3\n\
                     {items}",
                    1 + (n + 4 * round) % 15,
                    88 + 32 * round
                )
            })
    });
    assert_eq!(acquitted(&texts), NO_PLACE);
}
