//! Each way of leaking is named.

use memtop_analyze::{Headline, Per};

use crate::series::{ask, each, four, heaps, named};

#[test]
fn a_list_that_grows() {
    let texts = four(|round| {
        "module:shop -> ns:dict -> shipped:list('shipped')[56]\n".to_owned()
            + &each(0..10 + 10 * round, |n| {
                format!("shipped -> o{n}:shop.Order([{n}])[56] -> l{n}:list(.lines)[64]")
            })
    });
    assert_eq!(named(&texts), "shop.shipped: shop.Order (container)");
}

#[test]
fn a_dict_of_sessions_in_an_object() {
    let texts = four(|round| {
        "module:shop -> ns:dict -> s:shop.Sessions('sessions') -> sd:dict(__dict__) -> d:dict('by_token')[232]\n".to_owned()
            + &each(0..10 + 10 * round, |n| format!("d -> k{n}:str(key)[50]; d -> o{n}:shop.Session([*])[56] -> od{n}:dict(__dict__)[100] -> i{n}:int('number')[28]"))
    });
    assert_eq!(named(&texts), "shop.sessions.by_token: shop.Session (container)");
}

/// A name is a name, wherever it stands among others: what else its namespace replaces does not matter.
#[test]
fn a_dict_in_an_object_beside_a_counter() {
    let texts = four(|round| {
        format!(
            "module:main -> ns:dict -> Store:type('Store'); ns -> Other:type('Other'); ns -> f:function('f')\n\
             ns -> f('g'); ns -> store:main.Store('store') -> d:dict(.by_token)[232]\n\
             ns -> i{round}:int('i')[28]~{}\n",
            round + 1
        ) + &each(0..10 + 10 * round, |n| format!("d -> k{n}:str(key)[50]; d -> o{n}:main.Session([*])[156]"))
    });
    assert_eq!(named(&texts), "main.store.by_token: main.Session (container)");
}

#[test]
fn a_linked_list_that_grows_at_its_end() {
    let texts = four(|round| {
        let count = 10 + 10 * round;
        format!(
            "module:m -> ns:dict -> log:m.Log('log') -> n0:m.Node(.head)[48]; log -> n{count}:m.Node(.tail)[48]\n"
        ) + &each(0..count, |n| {
            format!("n{n} -> n{}:m.Node(.next)[48]; n{n} -> e{n}:m.Event(.value)[40]", n + 1)
        })
    });
    assert_eq!(named(&texts), "m.log.head.next…: m.Node (container)");
}

#[test]
fn a_stack_of_linked_nodes_that_grows_at_its_head() {
    let texts = four(|round| {
        let count = 10 + 10 * round;
        format!("module:m -> ns:dict -> stack:m.Stack('stack') -> n{count}:m.Node(.head)[48]\n")
            + &each((0..count).rev(), |n| {
                format!("n{} -> n{n}:m.Node(.next)[48] -> e{n}:m.Event(.value)[40]", n + 1)
            })
    });
    assert_eq!(named(&texts), "m.stack.head: m.Node (container)");
}

#[test]
fn a_list_that_is_replaced_by_a_longer_one() {
    let texts = four(|round| {
        let count = 10 + 10 * round;
        format!("module:m -> ns:dict -> s:m.S('s') -> l{round}:list(.items)[{}]\n", 56 + 8 * count)
            + &each(0..count, |n| format!("l{round} -> r{n}:m.Row([{n}])[56]"))
    });
    assert_eq!(named(&texts), "m.s.items: m.Row (container)");
}

#[test]
fn bytes_that_are_appended_to() {
    let texts = four(|round| {
        format!("module:m -> ns:dict -> c:m.C('conn') -> b{round}:bytes(.buf)[{}]", 1000 + 12_000 * round)
    });
    assert_eq!(named(&texts), "m.conn.buf: bytes (container)");
}

#[test]
fn one_buffer_that_grows_in_its_place() {
    let texts = four(|round| format!("module:m -> ns:dict -> b:bytearray('buf')[{}]", 1000 + 12_000 * round));
    assert_eq!(named(&texts), "m.buf: bytearray (container)");
}

#[test]
fn an_object_that_is_replaced_by_a_copy_with_one_item_more() {
    let texts = four(|round| {
        let count = 10 + 10 * round;
        format!(
            "module:m -> ns:dict -> i:m.Interpreter('i') -> s{round}:collections.Scopes(.scopes)[48] -> l{round}:list(.maps)[{}]\n",
            56 + 8 * count
        ) + &each(0..count, |n| format!("l{round} -> d{n}:dict([{}])[232]", count - n))
    });
    assert_eq!(named(&texts), "m.i.scopes: dict (container)");
}

#[test]
fn nodes_with_children_in_a_list_are_one_suspect() {
    let texts = four(|round| {
        "module:m -> ns:dict -> changed:list('changed')\n".to_owned()
            + &each(0..30 + 50 * round, |n| {
                format!(
                    "changed -> d{n}:m.Element([{n}])[48] -> l{n}:list(.children)[72] -> s{n}:m.Element([0])[48]"
                )
            })
    });
    assert_eq!(named(&texts), "m.changed: m.Element (container)");
}

#[test]
fn listeners_are_named_before_their_methods_and_counted_apart() {
    let texts = four(|round| {
        "module:m -> ns:dict -> all:list('listeners')\n".to_owned()
            + &each(0..30 + 50 * round, |n| {
                let method =
                    |k: usize| format!("all -> m{k}:method([{k}])[64] -> c{n}:m.Connection(.__self__)[48]; ");
                method(2 * n) + &method(2 * n + 1)
            })
    });
    let answer = ask(&heaps(&texts));
    let (type_name, per) = ("m.Connection".to_owned(), Per::Interval);
    assert_eq!(answer.suspects[0].headline, Headline::Objects { type_name, amount: 50.0, per });
}

#[test]
fn references_that_native_code_forgot() {
    let texts = four(|round| {
        each(0..10 + 10 * round, |n| format!("f{n}:m.Frame2D[56]#1 -> p{n}:list(.points)[72]"))
            + "module:m -> ns:dict"
    });
    assert_eq!(named(&texts), "nothing in Python: m.Frame2D (native reference)");
}

#[test]
fn generators_that_were_never_exhausted() {
    let texts = four(|round| {
        "module:m -> ns:dict -> cursors:dict('cursors')\n".to_owned()
            + &each(0..10 + 10 * round, |n| {
                format!(
                    "cursors -> k{n}:str(key)[50]; cursors -> g{n}:generator([*])[200] -> p{n}:bytearray(local page)[512]"
                )
            })
    });
    assert_eq!(named(&texts), "m.cursors: generator (frames)");
}

#[test]
fn a_local_of_a_frame_that_runs_for_ever() {
    let texts = four(|round| {
        "frame:work@/srv/jobs.py:7 -> backlog:list(local backlog)\n".to_owned()
            + &each(0..10 + 10 * round, |n| format!("backlog -> r{n}:jobs.Row([{n}])[56]"))
    });
    assert_eq!(named(&texts), "frame work (jobs.py) local 'backlog': jobs.Row (frames)");
}

#[test]
fn exceptions_with_their_frames() {
    let texts = four(|round| {
        "module:m -> ns:dict -> failures:list('failures')\n".to_owned()
            + &each(0..10 + 10 * round, |n| {
                format!(
                    "failures -> e{n}:ValueError([{n}])[80] -> t{n}:traceback(.__traceback__)[64] -> f{n}:frame(.tb_frame)[400] -> d{n}:bytearray(local body)[2048]"
                )
            })
    });
    assert_eq!(named(&texts), "m.failures: ValueError (frames)");
}

#[test]
fn two_holders_of_the_same_items_are_one_suspect() {
    let texts = four(|round| {
        format!(
            "module:shop -> ns:dict -> s:shop.Shop('shop'); s -> orders:list(.orders)[{0}]; s -> by_id:dict(.by_id)[{0}]\n",
            60 + 100 * round
        ) + &each(0..30 + 30 * round, |n| {
            format!("orders -> o{n}:shop.Order([{n}])[56]; by_id -> k{n}:str(key)[50]; by_id -> o{n}([*])")
        })
    });
    let graphs = heaps(&texts);
    let answer = ask(&graphs);
    let told: Vec<_> =
        answer.suspects.iter().map(|s| (s.holder.clone().unwrap(), s.co_holders.clone())).collect();
    assert_eq!(
        told,
        [("shop.shop.orders".to_owned(), vec!["shop.shop.by_id".to_owned()])],
        "{}",
        crate::series::considered(&graphs)
    );
}

#[test]
fn a_dict_of_dicts() {
    let texts = four(|round| {
        "module:m -> ns:dict -> index:dict('index')\n".to_owned()
            + &each(0..5, |k| format!("index -> ik{k}:str(key); index -> i{k}:dict([*])[64]"))
            + &each(0..20 + 20 * round, |n| {
                format!("i{} -> k{n}:str(key)[50]; i{} -> h{n}:m.Hit([*])[56]", n % 5, n % 5)
            })
    });
    assert_eq!(named(&texts), "m.index[*]: m.Hit (container)");
}

#[test]
fn one_dict_of_many_is_named_by_its_key() {
    let texts = four(|round| {
        "module:m -> ns:dict -> index:dict('index')\n".to_owned()
            + &each(0..5, |k| format!("index -> ik{k}:str(key); index -> i{k}:dict('k{k}')[64]"))
            + &each(0..20 + 20 * round, |n| format!("i3 -> k{n}:str(key)[50]; i3 -> h{n}:m.Hit([*])[56]"))
    });
    assert_eq!(named(&texts), "m.index['k3']: m.Hit (container)");
}

#[test]
fn an_attribute_of_a_class() {
    let texts = four(|round| {
        "module:m -> ns:dict -> c:type=m.Registry('Registry') -> cd:dict(__dict__) -> items:list('items')\n"
            .to_owned()
            + &each(0..10 + 10 * round, |n| format!("items -> p{n}:m.Plugin([{n}])[56]"))
    });
    assert_eq!(named(&texts), "m.Registry.items: m.Plugin (container)");
}

#[test]
fn callbacks_that_close_over_a_widget() {
    let texts = four(|round| {
        "module:m -> ns:dict -> bus:m.Bus('bus') -> subs:dict(._subscribers) -> ch:list('changed')\n"
            .to_owned()
            + &each(0..10 + 10 * round, |n| {
                format!(
                    "ch -> f{n}:function([{n}])[136] -> t{n}:tuple(storage)[48] -> c{n}:cell(closure widget)[40] -> w{n}:m.Widget[56] -> p{n}:bytearray(.pixels)[256]"
                )
            })
    });
    assert_eq!(named(&texts), "m.bus._subscribers['changed']: m.Widget (container)");
}

#[test]
fn attributes_that_are_set_on_an_object() {
    let texts = four(|round| {
        "module:m -> ns:dict -> s:m.Settings('settings') -> sd:dict(__dict__)\n".to_owned()
            + &each(0..10 + 10 * round, |n| format!("sd -> f{n}:m.Flag('flag_{n}')[56]"))
    });
    assert_eq!(named(&texts), "m.settings: m.Flag (container)");
}

#[test]
fn few_and_large_buffers() {
    let texts = four(|round| {
        "module:m -> ns:dict -> l:list('recent')\n".to_owned()
            + &each(0..2 + round, |n| format!("l -> b{n}:bytearray([{n}])[400000]"))
    });
    assert_eq!(named(&texts), "m.recent: bytearray (container)");
}

#[test]
fn a_set_of_untracked_strings() {
    let texts = four(|round| {
        "module:m -> ns:dict -> seen:set('seen')\n".to_owned()
            + &each(0..40 + 40 * round, |n| format!("seen -> t{n}:tuple({{*}})[56] -> s{n}:str([0])[60]"))
    });
    assert_eq!(named(&texts), "m.seen: tuple (container)");
}

#[test]
fn a_leak_beside_a_cache_that_turns_over_in_the_same_dict() {
    let texts = four(|round| {
        let temps = 100 + 40 * round..140 + 40 * round;
        "module:m -> ns:dict -> r:dict('registry')\n".to_owned()
            + &each(0..10 + 20 * round, |n| format!("r -> pk{n}:str(key)[50]; r -> p{n}:m.Perm([*])[56]"))
            + &each(temps, |n| format!("r -> tk{n}:str(key)[50]; r -> t{n}:m.Temp([*])[56]"))
    });
    assert_eq!(named(&texts), "m.registry: m.Perm (container)");
}

#[test]
fn a_saw_tooth_that_rises() {
    let texts = four(|round| {
        let kept = 7 * [2, 4, 6, 9][round]..30 + 30 * round;
        "module:m -> ns:dict -> rows:list('rows')\n".to_owned()
            + &each(kept.clone(), |n| {
                format!("rows -> r{n}:m.R([{}])[56] -> i{n}:int(.i)[28]", n - kept.start)
            })
    });
    assert_eq!(named(&texts), "m.rows: m.R (container)");
}

#[test]
fn a_rare_leak_whose_counts_happen_to_fall() {
    let texts = four(|round| {
        "module:m -> ns:dict -> jobs:dict('jobs')\n".to_owned()
            + &each(0..[20, 45, 65, 84][round], |n| {
                format!("jobs -> k{n}:str(key)[50]; jobs -> j{n}:m.Job([*])[56]")
            })
    });
    assert_eq!(named(&texts), "m.jobs: m.Job (container)");
}

/// Requests come as they come; each forgets nothing.
#[test]
fn a_leak_under_a_load_that_varies() {
    let texts: Vec<String> = [801, 926, 992, 1109, 1230, 1276]
        .into_iter()
        .map(|count| {
            "module:shop -> ns:dict -> by_token:dict('by_token')\n".to_owned()
                + &each(0..count, |n| {
                    format!("by_token -> k{n}:str(key)[60]; by_token -> s{n}:shop.Session([*])[56]")
                })
        })
        .collect();
    assert_eq!(named(&texts), "shop.by_token: shop.Session (container)");
}

/// The values of some keys, each of which keeps all that the one before had, beside keys that come and go.
fn replaced_values(order: impl Fn(usize, usize) -> usize) -> Vec<String> {
    four(|round| {
        let value = |place: usize| {
            let n = order(round, place);
            format!(
                "c -> k{n}:int(key)[28]~{}; c -> t{n}r{round}:tuple([*])[{}]\n",
                1 + n % 15,
                100 + 8 * round
            ) + &each(0..10 + 10 * round, |i| format!("t{n}r{round} -> x{n}i{i}:m.Sample([{i}])[56]"))
        };
        "module:m -> ns:dict -> c:dict('history')[4000]\n".to_owned()
            + &each(0..30, value)
            + &each(0..20, |n| {
                let mark = 1 + (n + 4 * round) % 15;
                format!("c -> o{n}:int(key)[28]~{mark}; c -> b{n}r{round}:bytearray([*])[100]")
            })
    })
}

#[test]
fn values_that_are_replaced_by_longer_ones_beside_keys_that_come_and_go() {
    assert_eq!(named(&replaced_values(|_, place| place)), "m.history[*]: m.Sample (container)");
}

/// A key that is taken out and put in again goes to the end of its dict.
#[test]
fn values_that_are_replaced_by_longer_ones_at_the_end_of_their_dict() {
    let texts = replaced_values(|round, place| if round % 2 == 0 { place } else { 29 - place });
    assert_eq!(named(&texts), "m.history[*]: m.Sample (container)");
}

#[test]
fn a_list_that_only_objects_that_come_and_go_refer_to() {
    let texts = four(|round| {
        format!(
            "module:m -> ns:dict -> running:set('running') -> r{round}:m.Request({{*}})[48] -> log:list(.log)[{}]\n",
            200 + 160 * round
        ) + &each(0..20 + 20 * round, |n| format!("log -> e{n}:m.Entry([{n}])[56]"))
    });
    assert_eq!(named(&texts), "m.running[*].log: m.Entry (container)");
}
