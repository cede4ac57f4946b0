//! Growth in several processes of one program.

use expect_test::expect;
use memtop_analyze::{
    Doubt, GroupReason, GrowthVerdict, Leaks, MemberLeaks, NativeEvidence, ProcessCount, Reason, Suspect,
    Verdict, merge_members,
};
use memtop_report::{Style, text};

use crate::samples::{bare, suspect};

#[test]
fn a_leak_of_several_workers_is_named_once() {
    let grown = |bytes: i64| Suspect { bytes_growth: vec![bytes; 6], ..suspect() };
    let candidate = Suspect { doubt: Some(Doubt::Limited), ..grown(9_000) };
    let workers = vec![
        MemberLeaks { pid: 12, answer: bare(Verdict::Leak, vec![grown(5_000)], vec![]) },
        MemberLeaks { pid: 11, answer: bare(Verdict::Inconclusive, vec![], vec![candidate]) },
        MemberLeaks { pid: 13, answer: bare(Verdict::Leak, vec![grown(7_000)], vec![]) },
        MemberLeaks { pid: 10, answer: bare(Verdict::NoGrowth, vec![], vec![]) },
    ];
    let answer = merge_members(workers, 10);
    assert_eq!((answer.suspects.len(), answer.candidates.len()), (1, 0));
    let one = &answer.suspects[0];
    // The accusation that grew most is told, not the doubt that grew more.
    assert_eq!(one.suspect.bytes_growth, [7_000; 6]);
    assert_eq!((&one.pids[..], one.bytes_growth, one.items_growth), (&[11, 12, 13][..], 126_000, 5_400));
    expect![[r#"
        verdict: leak
        shop.sessions.by_token keeps growing in 3 of 4 processes

        suspect · confidence 98 % · cause: container
        shop.sessions.by_token (a dict) gained 300 shop.sessions.Session objects per minute in each of 6
        intervals (93 % of all growth); shop.index holds them too.

        ┬───
        │ module shop.sessions
        ├─ sessions → Sessions
        ╰→ .by_token → dict    144,997 items  (+300 per minute, in each of 6 intervals)
             93 % of all growth
             items by type              now  growth      bytes
             shop.sessions.Session  144,997  +1,800  +756.0 kB
             in your code: shop.sessions
             also held by shop.index
             - it grew in each of 6 intervals: +300, +300, +300, +300, +300, +300 items
             fingerprint 0123456789abcdef
             in 3 of 4 processes (11, 12, 13): +5,400 items, +126.0 kB in total; they retain 184.2 MB
             together

        processes
          PID  snapshots    objects  growth   Python  resident  growth  longest pause  verdict
           10          7  1,000,000       0  61.4 MB         ?       ?              ?  no growth
           11          7  1,000,000       0  61.4 MB         ?       ?              ?  inconclusive
           12          7  1,000,000       0  61.4 MB         ?       ?              ?  leak
           13          7  1,000,000       0  61.4 MB         ?       ?              ?  leak
    "#]]
    .assert_eq(&text::group_leaks(&answer, &Style::default()));
}

#[test]
fn memory_in_doubt_in_one_process_is_not_no_growth() {
    let evidence =
        NativeEvidence { bytes: 9_000_000, parts: Vec::new(), library: None, grew: 2, intervals: 6 };
    let reason = Reason::NativeInDoubt(evidence);
    let verdicts = vec![GrowthVerdict { verdict: Verdict::Inconclusive, bytes: 9_000_000, reason }];
    let in_doubt = Leaks { verdicts, ..bare(Verdict::Inconclusive, vec![], vec![]) };
    let members = vec![
        MemberLeaks { pid: 10, answer: bare(Verdict::NoGrowth, vec![], vec![]) },
        MemberLeaks { pid: 11, answer: in_doubt },
    ];
    let answer = merge_members(members, 10);
    let processes = ProcessCount { count: 1, of: 2 };
    let reason = GroupReason::MemoryInDoubt { processes, bytes: 9_000_000 };
    assert_eq!((answer.verdict, answer.reason), (Verdict::Inconclusive, reason));
}
