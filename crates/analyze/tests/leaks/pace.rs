//! Growth is judged by its pace: per unit of work or of time, also if it comes in bursts.

use memtop_analyze::{Doubt, Evidence, Headline, Leaks, Per, Reason, Verdict};
use memtop_heap::CaptureInfo;

use crate::series::{ask, considered, each, heaps_with};

/// The answer about a list of objects of `size` bytes that has so many of them at each time, in seconds.
fn list(size: usize, counts: &[(u64, usize)]) -> Leaks {
    list_with(size, &counts.iter().map(|of| of.1).collect::<Vec<_>>(), |index, info| {
        info.uptime = Some(1_000_000 * counts[index].0);
    })
}

fn list_with(size: usize, counts: &[usize], set: impl Fn(usize, &mut CaptureInfo)) -> Leaks {
    let texts: Vec<String> = counts
        .iter()
        .map(|&count| {
            "module:m -> ns:dict -> rows:list('rows')[56]\n".to_owned()
                + &each(0..count, |n| format!("rows -> r{n}:m.Row([{n}])[{size}]"))
        })
        .collect();
    let graphs = heaps_with(&texts, set);
    let answer = ask(&graphs);
    let is_named = answer.suspects.len() + answer.candidates.len() > 0;
    assert_eq!(is_named, answer.verdict != Verdict::NoGrowth, "{}", considered(&graphs));
    answer
}

fn doubt(answer: &Leaks) -> Option<&Doubt> {
    assert!(answer.suspects.is_empty(), "{:#?}", answer.suspects);
    answer.candidates.first().and_then(|candidate| candidate.doubt.as_ref())
}

#[test]
fn a_constant_rate_at_unequal_intervals_is_a_leak() {
    for times in [[0, 8, 12, 14], [0, 2, 6, 14], [0, 1, 401, 404]] {
        let counts = times.map(|at| (at, 100 + 20 * at as usize));
        let answer = list(50, &counts);
        assert_eq!(answer.verdict, Verdict::Leak, "{times:?}");
    }
}

#[test]
fn a_rate_at_unequal_intervals_is_given_per_second() {
    let answer = list(50, &[(0, 100), (8, 260), (12, 340), (14, 380)]);
    let suspect = &answer.suspects[0];
    let slope = suspect.evidence.iter().find_map(|fact| match fact {
        Evidence::Slope { mean, at_least, per, .. } => Some((mean.round(), at_least.round(), *per)),
        _ => None,
    });
    assert_eq!(slope, Some((20.0, 20.0, Per::Second)));
    // Nothing grew by the mean in each interval.
    assert!(matches!(suspect.headline, Headline::Objects { amount: 280.0, per: Per::Series, .. }));
}

#[test]
fn a_rate_that_falls_is_a_doubt_though_intervals_grow() {
    let answer = list(50, &[(0, 100), (2, 400), (6, 650), (14, 850)]);
    assert_eq!(doubt(&answer), Some(&Doubt::Slowing));
    let answer = list(50, &[(0, 100), (2, 977), (4, 1_408), (6, 1_674)]);
    assert_eq!(doubt(&answer), Some(&Doubt::Slowing));
}

#[test]
fn a_long_series_that_slows_down_unevenly_is_in_doubt() {
    let levels = [0, 900, 1_600, 2_320, 2_820, 3_120, 3_430, 3_550];
    let counts: Vec<(u64, usize)> = (0..).zip(levels).map(|(at, level)| (30 * at, 100 + level)).collect();
    assert_eq!(doubt(&list(50, &counts)), Some(&Doubt::Slowing));
}

#[test]
fn a_leak_that_slows_the_program_is_judged_by_its_work() {
    let set = |index: usize, info: &mut CaptureInfo| {
        info.uptime = Some(10_000_000 * index as u64);
        info.work = Some([0.0, 900.0, 1_300.0, 1_500.0][index]);
    };
    let answer = list_with(50, &[100, 1_000, 1_400, 1_600], set);
    assert_eq!(answer.verdict, Verdict::Leak);
    // The same growth by an even amount of work is a cache that fills up.
    let even = |index: usize, info: &mut CaptureInfo| {
        info.uptime = Some(10_000_000 * index as u64);
        info.work = Some(500.0 * index as f64);
    };
    assert_eq!(doubt(&list_with(50, &[100, 1_000, 1_400, 1_600], even)), Some(&Doubt::Slowing));
}

#[test]
fn an_interval_without_work_is_not_counted() {
    let set = |index: usize, info: &mut CaptureInfo| {
        info.uptime = Some(10_000_000 * index as u64);
        info.work = Some([0.0, 100.0, 200.0, 200.0, 300.0][index]);
    };
    let answer = list_with(100, &[100, 200, 300, 300, 400], set);
    assert_eq!(answer.verdict, Verdict::Leak);
}

#[test]
fn growth_in_some_intervals_is_a_candidate() {
    let answer = list(100, &[(0, 10), (30, 10), (60, 150), (90, 150), (120, 300)]);
    assert_eq!(doubt(&answer), Some(&Doubt::Bursts { grew: 2, intervals: 4 }));
    let holder = Some("m.rows".to_owned());
    assert_eq!(answer.reason, Reason::InDoubt { holder, doubt: Doubt::Bursts { grew: 2, intervals: 4 } });
    // Traffic for half of the run.
    let answer = list(5_000, &[(0, 10), (30, 160), (60, 310), (90, 460), (120, 460), (150, 460), (180, 460)]);
    assert_eq!(doubt(&answer), Some(&Doubt::Bursts { grew: 3, intervals: 6 }));
    // A nightly job.
    let answer = list(1_000, &[(0, 10), (30, 10), (60, 110), (90, 110)]);
    assert_eq!(doubt(&answer), Some(&Doubt::Bursts { grew: 1, intervals: 3 }));
}

#[test]
fn megabytes_that_came_in_bursts_and_stayed_are_a_suspect() {
    let levels = [10, 10, 10, 400, 700, 1_000, 1_400];
    let counts: Vec<(u64, usize)> = (0..).zip(levels).map(|(at, level)| (2 * at, level)).collect();
    let answer = list(1_000, &counts);
    assert_eq!(answer.verdict, Verdict::Leak);
    assert!(matches!(answer.suspects[0].headline, Headline::Objects { per: Per::Series, .. }));
    // Kilobytes are not enough.
    assert_eq!(doubt(&list(100, &counts)), Some(&Doubt::Bursts { grew: 4, intervals: 6 }));
}

#[test]
fn megabytes_that_are_nearly_all_kept_are_a_candidate() {
    let answer = list(10_000, &[(0, 10), (30, 160), (60, 155), (90, 310), (120, 305)]);
    assert_eq!(doubt(&answer), Some(&Doubt::Bursts { grew: 2, intervals: 4 }));
    // Kilobytes are not.
    let answer = list(100, &[(0, 10), (30, 160), (60, 155), (90, 310), (120, 305)]);
    assert_eq!(answer.verdict, Verdict::NoGrowth);
}

#[test]
fn what_rises_and_falls_has_not_grown() {
    let answer = list(10_000, &[(0, 130), (30, 90), (60, 50), (90, 170)]);
    assert_eq!(answer.verdict, Verdict::NoGrowth);
}

#[test]
fn bursts_of_others_do_not_hide_a_leak() {
    let texts: Vec<String> = (0..5)
        .map(|round| {
            "module:m -> ns:dict -> rows:list('rows')[56]; ns -> loaded:list('loaded')[56]\n".to_owned()
                + &each(0..100 + 100 * round, |n| format!("rows -> r{n}:m.Row([{n}])[100]"))
                + &each(0..[10, 10, 400, 400, 400][round], |n| format!("loaded -> l{n}:m.Part([{n}])[2000]"))
        })
        .collect();
    let graphs = heaps_with(&texts, |_, _| ());
    let answer = ask(&graphs);
    assert_eq!(answer.suspects[0].holder.as_deref(), Some("m.rows"), "{}", considered(&graphs));
    assert_eq!(answer.candidates[0].holder.as_deref(), Some("m.loaded"));
}

#[test]
fn a_clock_that_stands_still_and_many_snapshots_give_an_answer() {
    for minutes in [|_: usize| 0, |index: usize| index as u64 / 2] {
        let set = |index: usize, info: &mut CaptureInfo| {
            (info.uptime, info.taken_at) = (None, minutes(index) as i64 * 60_000_000);
        };
        let counts: Vec<usize> = (0..50).map(|at| 100 + 20 * at).collect();
        assert_eq!(list_with(50, &counts, set).verdict, Verdict::Leak);
        assert_eq!(list_with(50, &counts[..2], set).verdict, Verdict::Inconclusive);
    }
}
