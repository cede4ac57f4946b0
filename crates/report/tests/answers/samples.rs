//! Heaps and answers that several tests look at.

use std::fmt::Write;

use memtop_analyze::*;
use memtop_heap::testing::{Graph, graph_with_accounts};
use memtop_heap::{
    CaptureInfo, CaptureMethod, CollectorState, MemoryNumbers, ProcessIdentity, PythonVersion,
};

/// A shop that keeps sessions: 100 more in each round of a minute.
pub(crate) fn shop(round: usize) -> Graph {
    let minutes = 60_000_000 * round as u64;
    let info = CaptureInfo {
        taken_at: 1_795_420_213_000_000 + minutes.cast_signed(),
        uptime: Some(minutes),
        process: ProcessIdentity { pid: 4711, started: 1, boot: "b".into(), ..ProcessIdentity::default() },
        host: Some("web-1".into()),
        python: PythonVersion { major: 3, minor: 11, micro: 7, suffix: String::new() },
        implementation: "cpython".into(),
        program: "worker.py".into(),
        method: CaptureMethod::InProcess,
        pause: Some(12_300_000 + 100_000 * round as u64),
        duration: Some(45_000_000),
        memory: MemoryNumbers {
            rss: Some(9_000_000 + 25_600 * round as u64),
            peak_rss: None,
            swapped: None,
            allocator_free: Some(300_000),
            malloc_in_use: None,
            malloc_free: Some(200_000),
            native_known: Some(0),
            file_backed: Some(6_000_000),
            ..MemoryNumbers::default()
        },
        ..CaptureInfo::default()
    };
    let mut text = "module:shop.sessions!own -> globals:dict[360] -> sessions:shop.Sessions('sessions')[56]
        globals -> limits:dict('limits')[232] -> limit:int('orders')[28]
        sessions -> by_token:dict(.by_token)[2000]
        frame:handle@views.py:42!own -> s0(local session)
        lost_a:list[56] -> lost_b:list([0])[56] -> lost_a([0])
        held:bytes[5000]#1
        "
    .to_owned();
    for number in 0..400 {
        // All objects are named in every round, so that one keeps its address; those to come are nobody's yet.
        if number < 100 * (round + 1) {
            let _ =
                writeln!(text, "by_token -> s{number}:shop.Session([*])[56] -> c{number}:list(.cart)[200]");
        } else {
            let _ = writeln!(text, "s{number}:shop.Session[0]!memtop; c{number}:list[0]!memtop");
        }
    }
    graph_with_accounts(&text, info)
}

/// The finder's answer for four rounds of the shop.
pub(crate) fn shop_leaks() -> Leaks {
    let graphs: Vec<Graph> = (0..4).map(shop).collect();
    let heaps: Vec<_> = graphs.iter().map(Graph::heap).collect();
    leaks(&heaps, &LeaksOptions::default()).expect("one process")
}

/// No rate is known.
pub(crate) const NO_RATE: Rate =
    Rate { items_per_minute: None, bytes_per_minute: None, items_per_unit: None, bytes_per_unit: None };

/// A suspect with a holder; what a test is about is set by it.
pub(crate) fn suspect() -> Suspect {
    let step = |label: &str, type_name: &str| LeakStep { label: label.into(), type_name: type_name.into() };
    Suspect {
        rank: 1,
        holder: Some("shop.sessions.by_token".into()),
        headline_holder: None,
        holder_type: Some("dict".into()),
        cause: Cause::Container,
        leaked: vec![LeakedType {
            type_name: "shop.sessions.Session".into(),
            count: 144_997,
            growth: vec![300; 6],
            bytes: 756_000,
        }],
        wrapper: None,
        count: Some(144_997),
        growth: vec![300; 6],
        bytes_growth: vec![126_000; 6],
        retained: Some(61_400_000),
        retained_growth: Some(756_000),
        share_of_growth: 0.93,
        confidence: 0.98,
        rate: Rate { items_per_minute: Some(300.0), bytes_per_minute: Some(126_000.0), ..NO_RATE },
        evidence: vec![
            Evidence::Growth { unit: GrowthUnit::Items, changes: vec![300; 6] },
            Evidence::CoHolder("shop.index".into()),
        ],
        own_holder: Some("shop.sessions".into()),
        fingerprint: "0123456789abcdef".into(),
        path: vec![step("shop.sessions", "module"), step(".sessions", "Sessions"), step(".by_token", "dict")],
        co_holders: vec!["shop.index".into()],
        headline: Headline::Objects {
            type_name: "shop.sessions.Session".into(),
            amount: 300.0,
            per: Per::Minute,
        },
        doubt: None,
        advice: None,
    }
}

/// What to do about the leak of [`suspect`], with what a page and a terminal must not take as it is.
pub(crate) fn advice() -> Advice {
    Advice {
        pattern: "sessions-kept".into(),
        title: "Sessions are kept <b>for ever</b>".into(),
        text: "Call Session.end()\u{1b}[31m in a finally block.".into(),
        link: Some("https://wiki.example.com/?a=1&b=\"2\"".into()),
    }
}

/// The state of a collector that ran 45 times.
pub(crate) fn collector() -> CollectorState {
    CollectorState {
        enabled: true,
        thresholds: [700, 10, 10],
        counts: [12, 3, 1],
        collections: [40, 4, 1],
        collected: [1000, 200, 30],
        ..CollectorState::default()
    }
}

/// Garbage that grew by 3 MB over seven heaps.
pub(crate) fn garbage(cause: GarbageCause) -> GarbageGrowth {
    let one = |name: &str, growth: i64, bytes_growth: i64| GarbageType {
        type_name: name.to_owned(),
        objects: growth.unsigned_abs() + 10,
        growth,
        bytes_growth,
    };
    GarbageGrowth {
        bytes: (0..7).map(|round| 500_000 * round).collect(),
        grown: 3_000_000,
        cause,
        collector: Some(CollectorState { enabled: false, ..collector() }),
        types: vec![one("str", 1200, 2_800_000), one("shop.Message", 1200, 200_000)],
    }
}

/// Seven heaps a minute apart, of which little is known.
pub(crate) fn bare(verdict: Verdict, suspects: Vec<Suspect>, candidates: Vec<Suspect>) -> Leaks {
    let row = |minute: i64| SnapshotRow {
        taken_at: 60_000_000 * minute,
        objects: 1_000_000,
        bytes: 61_400_000,
        tracked_garbage: 0,
        rss: None,
        pause: None,
        work: None,
    };
    let memory = MemoryTotal {
        rss: None,
        python: 61_400_000,
        kinds: Vec::new(),
        pymalloc_free: None,
        malloc_free: None,
        native_known: None,
        file_backed: None,
        unexplained: None,
        ..MemoryTotal::default()
    };
    Leaks {
        info: None,
        verdict,
        reason: Reason::NoGrowthBetweenTwo,
        verdicts: vec![GrowthVerdict { verdict, bytes: 0, reason: Reason::NoGrowthBetweenTwo }],
        detectable_growth: None,
        snapshots: (0..7).map(row).collect(),
        suspects,
        candidates,
        omitted: 0,
        memory: vec![memory; 7],
        garbage: None,
        account: Account::default(),
        notes: Vec::new(),
    }
}
