//! The sentence of each fact, doubt, reason, rule and note.

use expect_test::{Expect, expect};
use memtop_analyze::*;
use memtop_heap::MallocLibrary;
use memtop_report::wording;

use crate::samples::{NO_RATE, suspect};

#[expect(clippy::needless_pass_by_value, reason = "an expected value reads best in place")]
fn check(sentences: impl IntoIterator<Item = String>, expected: Expect) {
    expected.assert_eq(&sentences.into_iter().fold(String::new(), |all, one| all + &one + "\n"));
}

#[test]
fn evidence_has_one_number_format() {
    use GrowthUnit::{Bytes, Items};
    let all = [
        Evidence::Growth { unit: Items, changes: vec![6485, 6490] },
        Evidence::Growth { unit: Bytes, changes: vec![1_500_000, -3, 12] },
        Evidence::Growth { unit: Items, changes: vec![1] },
        Evidence::Slope { unit: Items, mean: 1.0, at_least: 0.5, per: Per::Interval },
        Evidence::Slope { unit: Items, mean: 6487.5, at_least: 6485.0, per: Per::Second },
        Evidence::Slope { unit: Bytes, mean: 61_400_000.0, at_least: 999.0, per: Per::Unit },
        Evidence::Total { bytes: 61_400_000, share: 0.000_4 },
        Evidence::Retained { bytes: 1_300_000, growth: -2_000 },
        Evidence::RetainedShare { bytes: 1_300_000, share: 0.93 },
        Evidence::NativeReferences,
        Evidence::HeldByFrames,
        Evidence::PerUnitOfWork { unit: Items, amount: 1.04 },
        Evidence::PerUnitOfWork { unit: Items, amount: 12_345.6 },
        Evidence::PerUnitOfWork { unit: Bytes, amount: 12_345.6 },
        Evidence::CoHolder("shop.index".into()),
    ];
    check(
        all.iter().map(wording::evidence),
        expect![[r#"
            it grew in each of 2 intervals: +6,485, +6,490 items
            it grew in 2 of 3 intervals: +1,500,000, -3, +12 bytes
            it grew in one interval: +1 items
            about 1 item per interval, at least 0.5 (Theil–Sen, 95 %)
            about 6,488 items per second, at least 6,485 (Theil–Sen, 95 %)
            about 61.4 MB per unit of work, at least 999 B (Theil–Sen, 95 %)
            61.4 MB in total, < 0.1 % of all growth
            it retains 1.3 MB (-2.0 kB)
            it retains 1.3 MB, 93 % of the heap
            no Python object refers to the leaked objects, but their reference counts exceed the references found
            frames, tracebacks or suspended generators hold its items
            about 1 item per unit of work
            about 12,346 items per unit of work
            about 12.3 kB per unit of work
            shop.index holds the same items
        "#]],
    );
}

#[test]
fn a_summary_names_what_was_gained_and_what_is_retained() {
    let of = |amount: f64, per| Headline::Objects { type_name: "shop.Session".into(), amount, per };
    let alone = Suspect { co_holders: Vec::new(), ..suspect() };
    let all = [
        Suspect { headline: of(6485.0, Per::Minute), ..alone.clone() },
        Suspect { headline: of(1.0, Per::Interval), bytes_growth: vec![9, -1], ..alone.clone() },
        Suspect {
            headline: Headline::Bytes { amount: 1_500, per: Per::Minute },
            retained: None,
            ..alone.clone()
        },
        Suspect { headline: of(6485.0, Per::MinuteOnAverage), ..alone.clone() },
        Suspect { headline: of(1800.0, Per::Series), growth: vec![900, 0, 0, 0, 900, 0], ..alone.clone() },
        Suspect { headline: Headline::Retains { share: 0.5 }, ..alone.clone() },
        Suspect { holder: None, holder_type: None, retained: None, ..alone.clone() },
        Suspect { holder_type: Some("array.array".into()), ..suspect() },
        Suspect { co_holders: vec!["a".into(), "b".into(), "c".into()], rate: NO_RATE, ..suspect() },
    ];
    check(
        all.iter().map(wording::summary),
        expect![[r#"
            shop.sessions.by_token (a dict) gained 6,485 shop.Session objects per minute in each of 6 intervals (93 % of all growth) and retains 61.4 MB.
            shop.sessions.by_token (a dict) gained 1 shop.Session object per interval over 2 intervals (93 % of all growth) and retains 61.4 MB.
            shop.sessions.by_token (a dict) grew by 1.5 kB per minute in each of 6 intervals (93 % of all growth).
            shop.sessions.by_token (a dict) gained 6,485 shop.Session objects per minute on average over 6 intervals (93 % of all growth) and retains 61.4 MB.
            shop.sessions.by_token (a dict) gained 1,800 shop.Session objects in 2 of 6 intervals (93 % of all growth) and retains 61.4 MB.
            shop.sessions.by_token retains 61.4 MB, 50 % of the heap.
            Native code took references to 300 shop.sessions.Session objects per minute in each of 6 intervals (93 % of all growth).
            shop.sessions.by_token (an array.array) gained 300 shop.sessions.Session objects per minute in each of 6 intervals (93 % of all growth); shop.index holds them too.
            shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 6 intervals (93 % of all growth); a and 2 more places hold them too.
        "#]],
    );
}

#[test]
fn a_doubt_is_a_clause() {
    let all = [
        Doubt::OneSnapshot,
        Doubt::FewSnapshots { snapshots: 2, wanted: 4 },
        Doubt::Limited,
        Doubt::UnknownRoot,
        Doubt::Slowing,
        Doubt::Slowed,
        Doubt::Bursts { grew: 4, intervals: 6 },
        Doubt::CancelledTimers,
        Doubt::MayBeBatch { items: 60 },
        Doubt::Turnover { new: 12_345, lasting: 3 },
        Doubt::RandomWalk,
        Doubt::Moved,
        Doubt::WeakToGarbage,
        Doubt::InStepWithSuspect,
        Doubt::InStepWithGarbage,
        Doubt::PartOfDoubted,
    ];
    check(
        all.iter().map(wording::doubt),
        expect![[r#"
            one snapshot shows what is large, not what grows
            with only 2 snapshots, its growth may be warm-up; take 4 or more
            it has a size limit and is not full yet, so its growth will end
            its holder could not be determined
            it grows more slowly each time, like a cache that fills up
            it grew much more slowly in the last interval than before
            it grew in only 4 of 6 intervals, though it gave nothing back: watch it for longer
            most of its new items are cancelled timers, which event loops remove many at a time
            it has only 60 items, and may be a buffer that is emptied when it is full
            its items turn over: only 3 of 12,345 that were added before the last interval are still there
            it grows unevenly and its items come and go, so it may have grown by chance
            another place held its new items before, and memory did not grow
            it holds its items weakly, and they may be garbage that awaits the collector
            it grows in step with a larger suspect, whose objects may hold it in a way that the capture does not see
            it grows in step with garbage that awaits the collector, which may hold it in a way that the capture does not see
            it is a small part of a place whose growth is itself in doubt
        "#]],
    );
}

fn native(parts: &[(AccountPart, u64)], library: Option<MallocLibrary>, grew: usize) -> NativeEvidence {
    NativeEvidence { bytes: 45_000_000, parts: parts.to_vec(), library, grew, intervals: 3 }
}

#[test]
fn a_verdict_has_its_reason() {
    let holder = || Some("shop.by_token".to_owned());
    let all = [
        Reason::NoSnapshot,
        Reason::OneSnapshot,
        Reason::Growth { holder: holder(), places: 1, bytes: 1_234_567 },
        Reason::Growth { holder: holder(), places: 2, bytes: 1_234_567 },
        Reason::Growth { holder: None, places: 1, bytes: 999 },
        Reason::Growth { holder: None, places: 1_001, bytes: 999 },
        Reason::NativeInStep {
            holder: "m.pool".into(),
            type_name: "sqlite3.Connection".into(),
            native: 60_000_000,
        },
        Reason::Native(native(&[(AccountPart::Malloc, 44_000_000)], Some(MallocLibrary::Glibc), 3)),
        Reason::Native(native(&[(AccountPart::Unexplained, 45_000_000)], None, 3)),
        Reason::Native(native(
            &[(AccountPart::Mappings, 30_000_000), (AccountPart::FrameStacks, 14_000_000)],
            Some(MallocLibrary::Jemalloc),
            3,
        )),
        Reason::NativeInDoubt(native(
            &[(AccountPart::Pymalloc, 30_000_000), (AccountPart::Interned, 14_000_000)],
            None,
            2,
        )),
        Reason::NoPlace { part: AccountPart::Buffers, bytes: 7_000_000 },
        Reason::InDoubt { holder: holder(), doubt: Doubt::Slowed },
        Reason::InDoubt { holder: None, doubt: Doubt::UnknownRoot },
        Reason::NoGrowthBetweenTwo,
        Reason::NoGrowth { detectable: None },
        Reason::NoGrowth { detectable: Some(334) },
    ];
    check(
        all.iter().map(wording::reason),
        expect![[r#"
            there is no snapshot
            one snapshot shows where memory is, not where it grows: take three or more
            shop.by_token keeps growing: 1.2 MB in total
            shop.by_token and one more place keep growing: 1.2 MB in total
            native code holds more and more objects: 999 B in total
            native code and 1,000 more places hold more and more objects: 999 B in total
            m.pool keeps growing; memory outside Python objects grew by 60.0 MB, in step with its sqlite3.Connection objects
            memory outside Python objects grew by 45.0 MB in total, in each of 3 intervals, 44.0 MB of it in blocks of malloc (glibc) without objects
            memory outside Python objects grew by 45.0 MB in total, in each of 3 intervals, where is not known
            memory outside Python objects grew by 45.0 MB in total, in each of 3 intervals, 30.0 MB of it in anonymous mappings, with those of jemalloc, 14.0 MB of it in stacks of Python frames
            memory outside Python objects grew by 45.0 MB in total, in 2 of 3 intervals, 30.0 MB of it in blocks of pymalloc without objects, 14.0 MB of it in interned strings, which CPython 3.12 never frees; more snapshots would show whether it goes on
            stacks of threads grew by 7.0 MB in every interval, but no place was found that accounts for it
            shop.by_token grew, but it grew much more slowly in the last interval than before
            the number of objects that native code holds grew, but its holder could not be determined
            no place grew between the two snapshots
            no place grew in every interval
            no place grew in every interval; growth of 334 B per interval in one place would have been detected
        "#]],
    );
    let of = |count| ProcessCount { count, of: 5 };
    let group = [
        GroupReason::Growth { holder: holder(), processes: of(5), places: 1 },
        GroupReason::Growth { holder: holder(), processes: of(4), places: 2 },
        GroupReason::Growth { holder: None, processes: ProcessCount { count: 1, of: 1 }, places: 3 },
        GroupReason::Native { processes: of(2) },
        GroupReason::InDoubt { holder: holder(), processes: of(1), doubt: Doubt::Limited },
        GroupReason::MemoryInDoubt { processes: of(2), bytes: 3_000_000 },
        GroupReason::TooFewSnapshots,
        GroupReason::NoGrowth { processes: of(5) },
        GroupReason::NoGrowth { processes: of(3) },
    ];
    check(
        group.iter().map(wording::group_reason),
        expect![[r#"
            shop.by_token keeps growing in all 5 processes
            shop.by_token keeps growing in 4 of 5 processes, and so does one more place
            native code holds more and more objects in the only process, and so do 2 more places
            memory outside Python objects grew in 2 of 5 processes
            shop.by_token grew in 1 of 5 processes, but it has a size limit and is not full yet, so its growth will end
            memory in which no place was found grew by 3.0 MB in 2 of 5 processes; more snapshots would show whether it goes on
            no process has enough snapshots
            no place grew in any of 5 processes
            no place grew in 3 of 5 processes; the others have too few snapshots
        "#]],
    );
}

#[test]
fn a_rule_says_why_a_place_was_dropped() {
    let all = [
        DropRule::IdleIntervals,
        DropRule::FewBytes { bytes: -12 },
        DropRule::FewItems { items: 1 },
        DropRule::SlopeMayBeZero,
        DropRule::FewValuesGrew { grew: 2, values: 1_200 },
        DropRule::ValuesUnrelated,
        DropRule::UnsteadyValue,
        DropRule::Claimed,
        DropRule::CoHolder,
        DropRule::WeakSubclasses,
        DropRule::WeakAlongside,
        DropRule::Small { bytes: 1_500 },
    ];
    check(
        all.iter().map(wording::drop_rule),
        expect![[r#"
            its bytes did not grow in enough intervals
            it grew by too few bytes: -12 B
            it gained only 1 item
            its slope may be zero
            only 2 of 1,200 values here grew each time
            each new value holds other objects than the one before
            a plain value that grows unsteadily
            another place accounts for its growth
            it also holds the items of a larger place, which names it
            the interpreter's weak dict of the subclasses of a class
            it holds its items weakly, and grows alongside a suspect
            its growth is small beside the others: +1.5 kB
        "#]],
    );
}

#[test]
fn a_note_is_a_sentence() {
    let all = [
        Note::Sorted,
        Note::Approximate,
        Note::Damaged(1),
        Note::Dangling(2_000),
        Note::Text("4.2 MB are swapped out".into()),
    ];
    check(
        all.iter().map(wording::note),
        expect![[r#"
            the snapshots were not in chronological order, and were sorted
            the process kept running while a snapshot was taken: numbers are approximate
            1 object could not be read, in all snapshots together
            2,000 references lead to no object, in all snapshots together
            4.2 MB are swapped out
        "#]],
    );
}
