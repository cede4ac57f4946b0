//! A holder is the same object throughout a series, whatever else leads to it or to its items.

use crate::series::{ask, each, four, heaps, named};

/// A chain of handlers that leads to a list: longer than the way from a local of a frame.
fn handlers(to: &str) -> String {
    "module:app -> ns:dict -> h0:app.Handler('application')\n".to_owned()
        + &each(0..12, |n| format!("h{n} -> h{}:app.Handler(.next)[48]", n + 1))
        + &format!("h12 -> {to}\n")
}

/// In some snapshots a local of a frame is the best path to the list, in others it is not.
#[test]
fn a_list_of_a_handler_whose_request_is_in_progress() {
    let texts = four(|round| {
        let busy = "frame:call@/srv/app.py:9 -> audit:app.Audit(local self)\n";
        let busy = if round == 1 { busy } else { "" };
        handlers("audit:app.Audit(.next)[48] -> seen:list(.seen)[64]")
            + busy
            + &each(0..10 + 10 * round, |n| format!("seen -> r{n}:app.Request([{n}])[56]"))
    });
    assert_eq!(named(&texts), "app.application.next….next.seen: app.Request (container)");
}

/// In every snapshot a request is in progress, each time at another place on the way to the list.
#[test]
fn a_list_below_what_other_frames_run() {
    let texts = four(|round| {
        handlers("audit:app.Audit(.next)[48] -> seen:list(.seen)[64]")
            + &format!("frame:call@/srv/app.py:9 -> h{}(local self)\n", 3 * round + 2)
            + &each(0..10 + 10 * round, |n| format!("seen -> r{n}:app.Request([{n}])[56]"))
    });
    assert_eq!(named(&texts), "app.application.next….next.seen: app.Request (container)");
}

/// The list is held by a module throughout, and for a while also by a name that makes a shorter path.
#[test]
fn a_list_that_has_another_name_for_a_while() {
    let texts = four(|round| {
        let other = if round % 2 == 0 { "ns -> seen('latest')\n" } else { "" };
        "module:m -> ns:dict -> s:m.Store('store') -> i:m.Index(.index)[48] -> seen:list(.seen)[64]\n"
            .to_owned()
            + other
            + &each(0..10 + 10 * round, |n| format!("seen -> r{n}:m.Request([{n}])[56]"))
    });
    assert_eq!(named(&texts), "m.store.index.seen: m.Request (container)");
}

#[test]
fn two_dicts_with_the_same_keys_are_two_suspects() {
    let texts = four(|round| {
        "module:m -> ns:dict -> s:dict('sessions')[232]; ns -> c:dict('carts')[232]\n".to_owned()
            + &each(0..10 + 10 * round, |n| {
                format!(
                    "s -> k{n}:str(key)[60]; s -> s{n}:m.Session([*])[300]\n\
                     c -> k{n}(key); c -> c{n}:m.Cart([*])[150]"
                )
            })
    });
    assert_eq!(named(&texts), "m.sessions: m.Session (container); m.carts: m.Cart (container)");
    let graphs = heaps(&texts);
    assert!(ask(&graphs).suspects.iter().all(|suspect| suspect.co_holders.is_empty()));
}

/// A view of a cache is made anew in each interval, and has the shorter path.
#[test]
fn a_cache_beside_a_list_that_is_made_from_it() {
    let texts = four(|round| {
        format!(
            "module:shop -> ns:dict -> s:shop.Store('store') -> by_id:dict(.by_id)[232]\n\
             ns -> v{round}:list('view')[{}]\n",
            56 + 80 * round
        ) + &each(0..10 + 10 * round, |n| {
            format!("by_id -> k{n}:str(key)[50]; by_id -> o{n}:shop.Order([*])[56]; v{round} -> o{n}([{n}])")
        })
    });
    assert_eq!(named(&texts), "shop.store.by_id: shop.Order (container)");
}

/// A large container may hold one object many times: it is recognised all the same.
#[test]
fn commands_that_each_hold_a_long_list_of_one_number() {
    let texts = four(|round| {
        "module:m -> ns:dict -> zero:int('zero')[28]; ns -> all:list('commands')\n".to_owned()
            + &each(0..10 + 10 * round, |n| {
                format!("all -> c{n}:m.Command([{n}])[56] -> l{n}:list(.counts)[200]\n")
                    + &each(0..20, |i| format!("l{n} -> zero([{i}])"))
            })
    });
    assert_eq!(named(&texts), "m.commands: m.Command (container)");
}

/// The newest items are in a bounded window, too, which has the shorter path.
#[test]
fn a_list_beside_a_window_of_the_newest_items() {
    let texts = four(|round| {
        "module:m -> ns:dict -> s:m.Store('store') -> i:m.Index(.index)[48] -> all:list(.all)[64]\n\
         ns -> recent:collections.deque('recent')<20\n"
            .to_owned()
            + &each(0..20 + 20 * round, |n| format!("all -> r{n}:m.Request([{n}])[156]"))
            + &each(0..20, |n| format!("recent -> r{}([{n}])", n + 20 * round))
    });
    assert_eq!(named(&texts), "m.store.index.all: m.Request (container)");
    assert_eq!(ask(&heaps(&texts)).suspects[0].growth, [20, 20, 20]);
}
