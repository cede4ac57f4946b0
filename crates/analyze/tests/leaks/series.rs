//! Heaps in a series, in the text language: an object of one name lies at one address in all of them.

use std::collections::BTreeSet;
use std::fmt::Write;

use memtop_analyze::*;
use memtop_heap::testing::{Graph, graph, graph_with_accounts};
use memtop_heap::{CaptureInfo, Heap};

use crate::one_at_a_time::one_at_a_time;

/// The heaps that texts describe, a minute apart.
pub(crate) fn heaps(texts: &[String]) -> Vec<Graph> {
    heaps_with(texts, |_, _| ())
}

/// As [`heaps`], with what else is to be known of each capture.
pub(crate) fn heaps_with(texts: &[String], set: impl Fn(usize, &mut CaptureInfo)) -> Vec<Graph> {
    let parsed: Vec<Graph> = texts.iter().map(|text| graph(text)).collect();
    let names: BTreeSet<&str> = parsed.iter().flat_map(|graph| graph.names().map(|(name, _)| name)).collect();
    let declared = names.into_iter().fold(String::new(), |text, name| text + name + ";");
    let make = |(index, text): (usize, &String)| {
        let minutes = 60_000_000 * index as u64;
        let mut info =
            CaptureInfo { taken_at: minutes as i64, uptime: Some(minutes), ..CaptureInfo::default() };
        set(index, &mut info);
        graph_with_accounts(&format!("{declared}\n{text}"), info)
    };
    texts.iter().enumerate().map(make).collect()
}

/// The texts of rounds 0, 1, 2 and 3.
pub(crate) fn four(text: impl Fn(usize) -> String) -> Vec<String> {
    (0..4).map(text).collect()
}

/// A line for each number.
pub(crate) fn each(range: impl IntoIterator<Item = usize>, line: impl Fn(usize) -> String) -> String {
    range.into_iter().fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{}", line(n));
        text
    })
}

/// The answer. The containers of most tests are small, which is not to be a doubt.
pub(crate) fn ask(graphs: &[Graph]) -> Leaks {
    let thresholds = Thresholds { batch_items: 0, batch_weak_items: 0, ..Thresholds::default() };
    ask_with(graphs, &LeaksOptions { thresholds, ..LeaksOptions::default() })
}

/// The answer, which is the same whether the heaps are in memory or are handed out one at a time.
pub(crate) fn ask_with(graphs: &[Graph], options: &LeaksOptions) -> Leaks {
    let heaps: Vec<&Heap> = graphs.iter().map(Graph::heap).collect();
    let answer = leaks(&heaps, options).expect("one process");
    assert_eq!(answer, one_at_a_time(&heaps, options));
    answer
}

/// What became of everything, for a test that fails.
pub(crate) fn considered(graphs: &[Graph]) -> String {
    let heaps: Vec<&Heap> = graphs.iter().map(Graph::heap).collect();
    let all = explain(&heaps, &LeaksOptions::default()).expect("one process");
    all.iter().fold(String::new(), |text, one| text + &format!("{one:?}\n"))
}

/// The one suspect's holder, cause and first leaked type.
pub(crate) fn named(texts: &[String]) -> String {
    let graphs = heaps(texts);
    let answer = ask(&graphs);
    let told: Vec<String> = answer
        .suspects
        .iter()
        .map(|suspect| {
            let leaked = suspect.leaked.first().map_or("nothing", |leaked| leaked.type_name.as_str());
            let holder = suspect.holder.as_deref().unwrap_or("nothing in Python");
            format!("{holder}: {leaked} ({})", suspect.cause.word())
        })
        .collect();
    assert_eq!(answer.verdict == Verdict::Leak, !told.is_empty(), "{}", considered(&graphs));
    match told.is_empty() {
        true => format!("{:?}", answer.reason),
        false => told.join("; "),
    }
}

/// The reason of the verdict over an innocent program; panics if it accuses.
pub(crate) fn acquitted(texts: &[String]) -> Reason {
    let graphs = heaps(texts);
    let answer = ask(&graphs);
    assert!(answer.suspects.is_empty(), "{:#?}\n{}", answer.suspects, considered(&graphs));
    let is_in_doubt = matches!(answer.reason, Reason::InDoubt { .. });
    assert_eq!(answer.verdict, if is_in_doubt { Verdict::Inconclusive } else { Verdict::NoGrowth });
    answer.reason
}
