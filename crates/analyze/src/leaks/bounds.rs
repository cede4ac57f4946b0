//! The bounds of containers: limits that they or their owners state, and items that are removed many at a time.

use memtop_heap::{LabelKind, ObjectId, Shape};

use super::detect::Search;
use super::finding::{Finding, GrowthKind};
use super::heap_facts::HeapFacts;

/// How many objects above a container may state its limit: its owner, and the owner's owner.
const OWNERS: usize = 2;
/// How many parts without a name may lie between a container and the object in C that it belongs to.
const PARTS: usize = 3;
/// A few references of an object in C are not its items.
const NOT_ITEMS: u64 = 8;
/// A buffer has no items but bytes. It is filled a piece at a time and its owner looks at the limit in between:
/// asyncio stops reading into a stream that has twice its limit.
const BUFFER_EXCESS: u64 = 2;

impl Search<'_, '_> {
    /// Whether all holders of a finding have a limit, each its own, and none has exceeded it.
    pub(super) fn is_limited(&self, finding: &Finding) -> bool {
        let chained = match finding.kind {
            GrowthKind::Chain => self.counts(finding.node).last().copied(),
            _ => None,
        };
        let held = |id: ObjectId| match (chained, finding.kind) {
            (Some(length), _) => length.unsigned_abs(),
            (None, GrowthKind::Size) => self.last.heap.objects().size(id) / BUFFER_EXCESS,
            (None, _) => held(self.last, id),
        };
        let is_limited = |&id: &ObjectId| {
            let held = held(id);
            self.own_limit(id).is_some_and(|limit| held <= limit.saturating_add(NOT_ITEMS))
                || self.limit_of_owner(id).is_some_and(|limit| held <= limit)
        };
        !finding.members.is_empty() && finding.members.iter().all(is_limited)
    }

    /// The limit of a container itself, or of the object in C that keeps its items in it. An instance is left out: it
    /// grows by attributes, and the limit that it states is of another container.
    fn own_limit(&self, id: ObjectId) -> Option<u64> {
        let last = self.last;
        let is_nameless = |&at: &ObjectId| {
            last.label(at)
                .is_some_and(|label| label.kind() == LabelKind::Unlabelled || label.kind().is_fold())
        };
        let above = |&at: &ObjectId| Some(at).filter(is_nameless).and_then(|at| last.before(at));
        let near = std::iter::successors(Some(id), above).take(PARTS);
        near.filter(|&at| !is_instance(last, at)).filter_map(|at| self.constant_limit(at)).next()
    }

    /// The limit that the owner of a container, or the owner's owner, states in an attribute. It must have been the
    /// same from the start: what changes is a counter.
    fn limit_of_owner(&self, id: ObjectId) -> Option<u64> {
        let last = self.last;
        let owner = |&at: &ObjectId| {
            // Storage has no name; an owner holds the container in an attribute.
            let named = std::iter::successors(Some(at), |&at| {
                last.label(at).filter(|label| label.kind().is_fold()).and_then(|_| last.before(at))
            });
            let at = named.take(PARTS).last()?;
            let is_attribute = matches!(last.label(at)?.kind(), LabelKind::Attribute | LabelKind::Key);
            let owner = last.owner_of(last.before(at)?);
            let is_instance = !matches!(
                last.shape(owner),
                Shape::Module
                    | Shape::Class
                    | Shape::Frame
                    | Shape::Function
                    | Shape::Dict
                    | Shape::Generator
            );
            (is_attribute && is_instance).then_some(owner)
        };
        let owners = std::iter::successors(Some(id), owner).skip(1).take(OWNERS);
        owners.filter_map(|owner| self.constant_limit(owner)).next()
    }

    fn constant_limit(&self, owner: ObjectId) -> Option<u64> {
        let limit = stated_limit(self.last, owner)?;
        let address = self.last.heap.objects().address(owner);
        let first = self.first;
        let place = first.by_address.binary_search_by_key(&address, |entry| entry.0);
        let before = place.ok().and_then(|place| ObjectId::from_raw(first.by_address[place].1));
        let changed =
            before.and_then(|before| stated_limit(first, before)).is_some_and(|before| before != limit);
        (!changed).then_some(limit)
    }

    /// Whether most of the new items are timers that were cancelled. asyncio removes those many at a time, once there
    /// are more than 100 and more than half are cancelled (`_run_once` in `base_events.py`); so does Twisted, when the
    /// next timer fires (`runUntilCurrent` in `base.py`).
    pub(super) fn are_cancelled_timers(&self, finding: &Finding) -> bool {
        if finding.kind != GrowthKind::Items {
            return false;
        }
        let count = |facts: &HeapFacts<'_>, members: &[ObjectId]| -> (i64, i64) {
            let items = members.iter().flat_map(|&id| facts.items(id, false, MOST_TIMERS));
            items.fold((0, 0), |sum, item| (sum.0 + 1, sum.1 + i64::from(is_cancelled_timer(facts, item))))
        };
        let (before, now) = (count(self.first, &finding.firsts), count(self.last, &finding.members));
        let (items, cancelled) = (now.0 - before.0, now.1 - before.1);
        cancelled > 0 && 2 * cancelled >= items
    }

    /// How many items all holders of a finding have now.
    pub(super) fn held_now(&self, finding: &Finding) -> u64 {
        finding.members.iter().map(|&id| u64::from(self.last.degree[id.index()])).sum()
    }

    /// How many items the largest of the holders has now.
    pub(super) fn most_held_now(&self, finding: &Finding) -> u64 {
        finding.members.iter().map(|&id| u64::from(self.last.degree[id.index()])).max().unwrap_or(0)
    }
}

/// The number of timers that are looked at in one container.
const MOST_TIMERS: usize = 100_000;

/// A timer that is cancelled drops its callback: asyncio's has none then, Twisted's no longer has the attribute.
fn is_cancelled_timer(facts: &HeapFacts<'_>, id: ObjectId) -> bool {
    let (heap, objects, references) = (&facts.heap, facts.heap.objects(), facts.heap.references());
    let type_name = |id| heap.types().name(objects.type_of(id));
    let own = || references.of(id);
    let dicts = own().filter(|reference| reference.label.kind() == LabelKind::Dict);
    let attribute = |name: &str| {
        let mut all = own().chain(dicts.flat_map(|dict| references.of(dict.to)));
        all.find(|reference| reference.label.text().is_some_and(|text| heap.strings().get(text) == name))
    };
    match type_name(id) {
        "asyncio.events.TimerHandle" => {
            attribute("_callback").is_some_and(|callback| type_name(callback.to) == "NoneType")
        }
        "twisted.internet.base.DelayedCall" => attribute("func").is_none(),
        _ => false,
    }
}

/// How many items a container has: entries, members or indexes, in itself or in the part that has most of them.
fn held(facts: &HeapFacts<'_>, id: ObjectId) -> u64 {
    let is_item = |kind| {
        matches!(
            kind,
            LabelKind::Key | LabelKind::KeyText | LabelKind::AnyKey | LabelKind::Member | LabelKind::Index
        )
    };
    let references = facts.heap.references();
    let count = |id| references.of(id).filter(|reference| is_item(reference.label.kind())).count() as u64;
    let parts = references.of(id).filter(|reference| reference.label.kind().is_fold());
    parts.map(|part| count(part.to)).fold(count(id), u64::max)
}

/// Whether an object has attributes, and no items that its type is known for.
fn is_instance(facts: &HeapFacts<'_>, id: ObjectId) -> bool {
    let mut kinds = facts.heap.references().of(id).map(|reference| reference.label.kind());
    facts.shape(id) == Shape::Other
        && kinds.any(|kind| matches!(kind, LabelKind::Attribute | LabelKind::Key | LabelKind::Dict))
}

/// The limit among the attributes of an object, in itself or in its `__dict__`.
fn stated_limit(facts: &HeapFacts<'_>, id: ObjectId) -> Option<u64> {
    let limit = |id| facts.heap.objects().limit(id);
    let dicts = facts.heap.references().of(id).filter(|reference| reference.label.kind() == LabelKind::Dict);
    limit(id).or_else(|| dicts.filter_map(|dict| limit(dict.to)).next())
}
