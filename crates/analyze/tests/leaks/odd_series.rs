//! Series as they should not be: a process that was suspended, a clock that is set, a leak that ends, owners that change.

use memtop_analyze::{Leaks, Verdict};

use crate::series::{ask, each, four, heaps, heaps_with};

/// A list that has so many items in each heap.
fn rows(count: usize) -> String {
    "module:m -> ns:dict -> rows:list('rows')[56]\n".to_owned()
        + &each(0..count, |n| format!("rows -> r{n}:m.Row([{n}])[200]"))
}

fn counts(counts: &[usize]) -> Vec<String> {
    counts.iter().map(|&count| rows(count)).collect()
}

fn answer(texts: &[String]) -> Leaks {
    ask(&heaps(texts))
}

#[test]
fn a_leak_of_a_process_that_was_suspended_for_an_hour() {
    let times = [0, 10, 3_620, 3_630, 3_640];
    let texts = counts(&[100, 300, 500, 700, 900]);
    let answer = ask(&heaps_with(&texts, |index, info| info.uptime = Some(1_000_000 * times[index])));
    assert_eq!(answer.verdict, Verdict::Leak, "{:?}", answer.reason);
}

#[test]
fn a_leak_under_a_clock_that_is_set_back() {
    let hour = 3_600_000_000;
    let texts = counts(&[100, 300, 500, 700]);
    let graphs = heaps_with(&texts, |index, info| {
        info.uptime = Some(60_000_000 * index as u64);
        info.taken_at = 60_000_000 * index as i64 - if index > 1 { hour } else { 0 };
    });
    let answer = ask(&graphs);
    assert_eq!(answer.verdict, Verdict::Leak, "{:?}", answer.reason);
    assert_eq!(answer.suspects[0].growth, [200, 200, 200]);
}

#[test]
fn a_heap_in_which_everything_is_replaced_each_time() {
    let texts = four(|round| {
        "module:m -> ns:dict\n".to_owned()
            + &format!("ns -> rows{round}:list('rows')[2000]\n")
            + &each(0..200, |n| format!("rows{round} -> r{n}x{round}:m.Row([{n}])[200]"))
    });
    assert_eq!(answer(&texts).verdict, Verdict::NoGrowth);
}

#[test]
fn a_leak_that_is_cleared_half_way_is_no_suspect() {
    let answer = answer(&counts(&[100, 400, 700, 100, 100, 100]));
    assert!(answer.suspects.is_empty(), "{:#?}", answer.suspects);
}

#[test]
fn many_holders_that_each_gain_one_item() {
    const HOLDERS: usize = 3_000;
    let texts = four(|round| {
        "module:m -> ns:dict -> all:list('users')[80000]\n".to_owned()
            + &each(0..HOLDERS, |n| {
                let items = (0..=round).map(|i| format!("; l{n} -> i{n}x{i}:m.Visit([{i}])[64]"));
                format!("all -> l{n}:list([{n}])[88]") + &items.collect::<String>()
            })
    });
    let answer = answer(&texts);
    assert_eq!(answer.verdict, Verdict::Leak);
    let [suspect] = &answer.suspects[..] else { panic!("{:#?}", answer.suspects) };
    assert_eq!(suspect.holder.as_deref(), Some("m.users[*]"));
    assert_eq!(suspect.growth, [HOLDERS as i64; 3]);
}

#[test]
fn a_list_that_grows_while_it_moves_from_one_owner_to_another() {
    let texts = four(|round| {
        let owner = if round < 2 { "old" } else { "new" };
        "module:m -> ns:dict -> old:m.Owner('old')[56]; ns -> new:m.Owner('new')[56]\n".to_owned()
            + &format!("{owner} -> rows:list(.rows)[{}]\n", 200 + 800 * round)
            + &each(0..100 + 100 * round, |n| format!("rows -> r{n}:m.Row([{n}])[200]"))
    });
    let answer = answer(&texts);
    assert_ne!(answer.verdict, Verdict::NoGrowth);
    let all: Vec<_> =
        answer.suspects.iter().chain(&answer.candidates).map(|one| one.holder.as_deref()).collect();
    assert!(all.iter().flatten().any(|holder| holder.starts_with("m.new")), "{all:?}");
}
