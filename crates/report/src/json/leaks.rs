//! Growth over a series of snapshots, as JSON. `docs/leaks.md` has the table of the fields.

use memtop_analyze::{
    AccountPart, AccountRow, Advice, GarbageCause, GarbageGrowth, GarbageType, GrowthVerdict, ItemWrapper,
    LeakStep, LeakedType, Leaks, MemoryTotal, SnapshotRow, Suspect,
};
use serde_json::{Value, json};

use super::parts::{SCHEMA_VERSION, capture, collector, rounded};
use crate::time::iso8601;
use crate::wording;

/// The answer over a series of snapshots.
#[must_use]
pub fn leaks(answer: &Leaks) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "command": "leaks",
        "capture": answer.info.as_ref().map(capture),
        "verdict": answer.verdict.word(),
        "reason": wording::reasons(answer),
        "verdicts": answer.verdicts.iter().map(verdict).collect::<Vec<_>>(),
        "detectable_growth_bytes": answer.detectable_growth,
        "snapshots": answer.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "suspects": answer.suspects.iter().map(suspect).collect::<Vec<_>>(),
        "candidates": answer.candidates.iter().map(suspect).collect::<Vec<_>>(),
        "omitted": answer.omitted,
        "memory": memory(&answer.memory),
        "garbage": answer.garbage.as_ref().map(garbage),
        "account": account(answer),
        "notes": answer.notes.iter().map(wording::note).collect::<Vec<_>>(),
    })
}

pub(super) fn verdict(one: &GrowthVerdict) -> Value {
    json!({"verdict": one.verdict.word(), "bytes": one.bytes, "reason": wording::reason(&one.reason)})
}

/// The growth of resident memory by part, and the state of malloc in the last snapshot.
pub(super) fn account(answer: &Leaks) -> Value {
    let account = &answer.account;
    let holder = |one: &Suspect| {
        let growth = one.bytes_growth.iter().fold(0_i64, |sum, &change| sum.saturating_add(change));
        json!({"holder": one.holder, "growth_bytes": growth})
    };
    let part = |row: &AccountRow| {
        let mut value = json!({
            "part": row.part.word(),
            "bytes": row.bytes,
            "growth_bytes": row.growth,
            "growth": row.steps,
        });
        if row.part == AccountPart::Objects
            && let Some(fields) = value.as_object_mut()
        {
            let holders = answer.suspects.iter().chain(&answer.candidates).map(holder);
            fields.insert("holders".to_owned(), json!(holders.collect::<Vec<_>>()));
        }
        value
    };
    let last = answer.memory.last();
    json!({
        "resident_growth_bytes": account.resident,
        "parts": account.rows.iter().map(part).collect::<Vec<_>>(),
        "malloc": {
            "library": account.malloc_library.map(memtop_heap::MallocLibrary::name),
            "in_use": last.and_then(|memory| memory.malloc_in_use),
            "free": last.and_then(|memory| memory.malloc_free),
            "trimmable": last.and_then(|memory| memory.malloc_trimmable),
            "summary": wording::malloc_of(answer),
        },
    })
}

/// The process's memory, one list for each part.
pub(crate) fn memory(totals: &[MemoryTotal]) -> Value {
    let memory = |part: &dyn Fn(&MemoryTotal) -> Value| totals.iter().map(part).collect::<Vec<_>>();
    json!({
        "rss": memory(&|of| json!(of.rss)),
        "python": memory(&|of| json!(of.python)),
        "allocator_free": memory(&|of| json!(of.allocator_free())),
        "native_known": memory(&|of| json!(of.native_known)),
        "unexplained": memory(&|of| json!(of.unexplained)),
        "pymalloc_free": memory(&|of| json!(of.pymalloc_free)),
        "malloc_free": memory(&|of| json!(of.malloc_free)),
        "file_backed": memory(&|of| json!(of.file_backed)),
        "native_malloc": memory(&|of| json!(of.native.malloc)),
        "native_pymalloc": memory(&|of| json!(of.native.pymalloc)),
        "interned_strings": memory(&|of| json!(of.native.interned)),
        "frame_stacks": memory(&|of| json!(of.native.frame_stacks)),
        "mappings": memory(&|of| json!(of.native.mapped)),
    })
}

/// Garbage that the collector does not free.
pub(super) fn garbage(growth: &GarbageGrowth) -> Value {
    let cause = match growth.cause {
        GarbageCause::Off => "off",
        GarbageCause::Frozen => "frozen",
        GarbageCause::HighThreshold { .. } => "high threshold",
        GarbageCause::PutOff { .. } => "put off",
        GarbageCause::NotYet => "not yet",
        GarbageCause::Survived { .. } => "survived",
        GarbageCause::Unknown => "unknown",
    };
    let one = |of: &GarbageType| {
        json!({
            "type": of.type_name,
            "count": of.objects,
            "growth": of.growth,
            "bytes_growth": of.bytes_growth,
        })
    };
    json!({
        "bytes": growth.bytes,
        "growth_bytes": growth.grown,
        "cause": cause,
        "types": growth.types.iter().map(one).collect::<Vec<_>>(),
        "collector": growth.collector.as_ref().map(collector),
    })
}

pub(super) fn snapshot(row: &SnapshotRow) -> Value {
    json!({
        "taken_at": iso8601(row.taken_at),
        "objects": row.objects,
        "bytes": row.bytes,
        "rss": row.rss,
        "pause_ms": row.pause.map(|nanoseconds| rounded(nanoseconds as f64 / 1e6)),
        "work": row.work,
    })
}

/// One suspect or candidate; a candidate has a `doubt` too.
#[must_use]
pub fn suspect(one: &Suspect) -> Value {
    let mut value = json!({
        "rank": one.rank,
        "holder": one.holder,
        "headline_holder": one.headline_holder,
        "holder_type": one.holder_type,
        "cause": one.cause.word(),
        "leaked": one.leaked.iter().map(leaked).collect::<Vec<_>>(),
        "items_are": one.wrapper.as_ref().map(wrapper),
        "count": one.count,
        "growth": one.growth,
        "retained_bytes": one.retained,
        "retained_growth_bytes": one.retained_growth,
        "share_of_growth": rounded(one.share_of_growth),
        "confidence": rounded(one.confidence),
        "evidence": one.evidence.iter().map(wording::evidence).collect::<Vec<_>>(),
        "own_holder": one.own_holder,
        "fingerprint": one.fingerprint,
        "path": one.path.iter().map(step).collect::<Vec<_>>(),
        "summary": wording::summary(one),
        "bytes_growth": one.bytes_growth,
        "rate": {
            "items_per_minute": one.rate.items_per_minute.map(rounded),
            "bytes_per_minute": one.rate.bytes_per_minute.map(rounded),
            "items_per_unit": one.rate.items_per_unit.map(rounded),
            "bytes_per_unit": one.rate.bytes_per_unit.map(rounded),
        },
        "co_holders": one.co_holders,
        "advice": one.advice.as_ref().map(advice),
    });
    if let (Some(doubt), Some(fields)) = (&one.doubt, value.as_object_mut()) {
        fields.insert("doubt".to_owned(), json!(wording::doubt(doubt)));
    }
    value
}

/// The advice on it.
fn advice(one: &Advice) -> Value {
    json!({"pattern": one.pattern, "title": one.title, "text": one.text, "link": one.link})
}

fn leaked(one: &LeakedType) -> Value {
    json!({"type": one.type_name, "count": one.count, "growth": one.growth, "bytes": one.bytes})
}

fn wrapper(one: &ItemWrapper) -> Value {
    json!({"type": one.type_name, "parts": one.parts, "more_parts": one.has_more})
}

fn step(one: &LeakStep) -> Value {
    json!({"label": one.label, "type": one.type_name})
}
