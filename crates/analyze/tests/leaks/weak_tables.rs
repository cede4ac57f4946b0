//! Tables that keep nothing alive are not accused beside the place that does: their entries go with the objects.

use memtop_analyze::{Doubt, Reason};

use crate::series::{acquitted, ask, each, four, heaps, named};

/// How many objects there are in each round, of which some have existed from the start.
fn count(round: usize) -> usize {
    20 + 20 * round
}

/// A signal with a table of weak references, and a larger one of sets by the same ids. `callback` is what the callback
/// of each weak reference holds.
fn panels(callback: impl Fn(usize) -> String) -> Vec<String> {
    four(|round| {
        "module:m -> ns:dict -> window:m.Window('window') -> closed:list(.closed)[64]
         ns -> signal:m.Signal('changed') -> refs:dict(.receivers)[232]; signal -> by:dict(.by_receiver)[232]
         ns -> any:str('ANY')[50]\n"
            .to_owned()
            + &each(0..count(round), |n| {
                format!(
                    "closed -> p{n}:m.Panel([{n}])[96]
                     refs -> id{n}:int(key)[32]; refs -> w{n}:weakref([*])[72] -> call{n}:function[160]
                     {}
                     by -> id{n}(key); by -> s{n}:set([*])[216] -> any({{*}})",
                    callback(n)
                )
            })
    })
}

#[test]
fn a_table_that_the_callbacks_of_weak_references_clean() {
    let closure = |n: usize| {
        let cells = format!("call{n} -> cells{n}:tuple(storage)[56]");
        let cell = |name: &str| format!("cells{n} -> {name}{n}:cell(storage)[40]");
        format!(
            "{cells}; {}; {}; c{n} -> id{n}(closure number); d{n} -> signal(closure self)",
            cell("c"),
            cell("d")
        )
    };
    assert_eq!(named(&panels(closure)), "m.window.closed: m.Panel (container)");
}

#[test]
fn a_table_that_is_out_of_reach_of_the_callbacks_of_its_keys_is_a_suspect() {
    let closure = |n: usize| {
        format!("call{n} -> cells{n}:tuple(storage)[56] -> c{n}:cell(storage)[40] -> id{n}(closure number)")
    };
    let two = "m.changed.by_receiver: set (container); m.window.closed: m.Panel (container)";
    assert_eq!(named(&panels(closure)), two);
}

#[test]
fn a_table_that_finalizers_clean() {
    let texts = |what: &str| {
        four(|round| {
            format!(
                "module:m -> ns:dict -> jobs:list('jobs')[64]; ns -> notes:dict('notes')[232]
                 class:weakref.finalize -> all:dict('_registry')[232]; ns -> other:dict('other')[64]
                 {what} -> pop:builtin_function_or_method('forget')[72]; pop -> {what}(.__self__); ns -> pop('pop')\n"
            ) + &each(0..count(round), |n| {
                format!(
                    "jobs -> j{n}:m.Job([{n}])[56]; notes -> k{n}:str(key)[60]; notes -> t{n}:dict([*])[232]
                     all -> f{n}:weakref.finalize(key)[48]
                     all -> i{n}:weakref.finalize._Info([*])[80] -> w{n}:weakref(.weakref)[72] -> f{n}
                     i{n} -> pop(.func); i{n} -> a{n}:tuple(.args)[48] -> k{n}([0])"
                )
            })
        })
    };
    let alone = named(&texts("notes"));
    assert!(alone.ends_with("m.jobs: m.Job (container)") && !alone.contains("m.notes"), "{alone}");
    assert!(named(&texts("other")).contains("m.notes: dict (container)"));
}

#[test]
fn a_table_of_containers_of_weak_references() {
    let texts = |value: &str| {
        four(|round| {
            "module:m -> ns:dict -> held:list('engines')[64]; ns -> keys:dict('key_to_collection')[232]\n"
                .to_owned()
                + &each(0..count(round), |n| {
                    format!(
                        "held -> e{n}:m.Engine([{n}])[96]
                         keys -> k{n}:tuple(key)[64] -> i{n}:int([0])[32]
                         keys -> d{n}:dict([*])[232] -> w{n}:weakref(key)[72]; d{n} -> v{n}:{value}([*])[72]"
                    )
                })
        })
    };
    assert_eq!(named(&texts("weakref")), "m.engines: m.Engine (container)");
    let two = "m.key_to_collection: m.Listener (container); m.engines: m.Engine (container)";
    assert_eq!(named(&texts("m.Listener")), two);
}

/// A thread has a dict with an entry for each `threading.local` that is used in it.
fn locals(holder: impl Fn(usize) -> String) -> Vec<String> {
    four(|round| {
        "module:m -> ns:dict -> held:list('pools')[2000]; thread:7 -> own:dict[232]\n".to_owned()
            + &each(0..count(round), |n| {
                format!("own -> k{n}:str(key)[80]; own -> d{n}:_thread._localdummy([*])[32]\n{}", holder(n))
            })
    })
}

#[test]
fn what_a_thread_notes_of_thread_locals_that_are_held() {
    let texts = locals(|n| format!("held -> p{n}:m.Pool([{n}])[48] -> l{n}:_thread._local(.local)[80]"));
    assert_eq!(named(&texts), "m.pools: m.Pool (container)");
}

#[test]
fn what_a_thread_notes_of_thread_locals_that_await_the_collector() {
    // An object that is declared and held by nothing is garbage; what is not garbage yet is in the list.
    let texts = four(|round| {
        let all = count(3);
        "module:m -> ns:dict -> held:list('pools')[2000]; thread:7 -> own:dict[232]\n".to_owned()
            + &each(0..count(round), |n| {
                format!("own -> k{n}:str(key)[80]; own -> d{n}:_thread._localdummy([*])[32]")
            })
            + &each(count(round)..all, |n| {
                format!(
                    "held -> p{n}:m.Pool([{n}])[48] -> l{n}:_thread._local(.local)[80]
                     p{n} -> a{n}:list(.idle)[64]; p{n} -> b{n}:list(.busy)[64]"
                )
            })
    });
    let reason = acquitted(&texts);
    assert!(matches!(reason, Reason::InDoubt { doubt: Doubt::WeakToGarbage, .. }), "{reason:?}");
}

/// A map of states, each of which a user holds, too. A state has a weak reference to its user, whose callback removes it.
fn users(callback: &str) -> Vec<String> {
    four(|round| {
        "module:m -> ns:dict -> map:dict('map')[232]; ns -> page:m.Page('page') -> greeted:list(.greeted)[64]\n"
            .to_owned()
            + &each(0..count(round), |n| {
                format!(
                    "greeted -> u{n}:m.User([{n}])[48] -> st{n}:m.State(.state)[96] -> set{n}:set(.changed)[216]
                     map -> id{n}:tuple(key)[56]; map -> st{n}([*])
                     st{n} -> w{n}:weakref(.obj)[72] -> call{n}:method[64]; {}",
                    callback.replace('#', &n.to_string())
                )
            })
    })
}

#[test]
fn a_map_whose_items_go_when_those_who_hold_them_die() {
    let texts = users("call# -> st#(.__self__)");
    assert_eq!(named(&texts), "m.page.greeted: m.User (container)");
    let answer = ask(&heaps(&texts));
    let suspect = &answer.suspects[0];
    assert_eq!(suspect.co_holders, ["m.map"]);
    // What it keeps alive counts with it, wherever the best path leads.
    let state = suspect.leaked.iter().find(|leaked| leaked.type_name == "m.State").unwrap();
    assert_eq!((state.count, &state.growth[..]), (80, &[20, 20, 20][..]));
}

#[test]
fn a_map_whose_items_stay_is_named() {
    assert_eq!(named(&users("call# -> page(.__self__)")), "m.map: m.State (container)");
}

/// A registry has its utilities in tuples; a cache that is made from it has them alone, and the better path.
fn utilities(root: &str) -> Vec<String> {
    four(|round| {
        format!(
            "module:m -> ns:dict -> cache:dict('cache')[232]; ns -> one:int('one')[28]
             {root}; r:m.Registry -> reg:dict(.registered)[232]\n"
        ) + &each(0..count(round), |n| {
            format!(
                "reg -> name{n}:str(key)[60]; reg -> t{n}:tuple([*])[64] -> u{n}:m.Utility([0])[56]
                     cache -> u{n}(key); cache -> one([*]); u{n} -> x{n}:list(.words)[200]"
            )
        })
    })
}

#[test]
fn a_cache_of_what_a_registry_holds() {
    assert_eq!(named(&utilities("ns -> r('registry')")), "m.registry.registered: m.Utility (container)");
}

/// What a frame holds for a while is not the keeper.
#[test]
fn a_table_beside_what_a_frame_holds() {
    let texts = utilities("frame:serve@/srv/app.py:9 -> r(local work)");
    assert_eq!(named(&texts), "m.cache: m.Utility (container)");
}
