//! A suspect in words: its summary, its evidence, its doubt, and the facts beside its path.

use memtop_analyze::{Doubt, Evidence, GrowthUnit, Headline, ItemWrapper, Per, SharedSuspect, Suspect};

use crate::numbers::{bytes, count, grouped, percent, rate, signed, signed_bytes, signed_rate};

/// A suspect in one sentence: `m.cache (a dict) gained 300 m.Row objects per minute in each of 4 intervals (93 % of all
/// growth) and retains 268.0 kB.`
#[must_use]
pub fn summary(one: &Suspect) -> String {
    summary_with(one, true)
}

/// The same without the share of growth and the retained size, for where there is little room.
#[must_use]
pub fn short_summary(one: &Suspect) -> String {
    summary_with(one, false)
}

fn summary_with(one: &Suspect, with_sizes: bool) -> String {
    let subject = match (one.name(), &one.holder_type) {
        (Some(holder), _) if matches!(one.headline, Headline::Retains { .. }) => holder.to_owned(),
        (Some(holder), Some(ty)) => format!("{holder} ({} {ty})", article(ty)),
        (Some(holder), None) => holder.to_owned(),
        (None, _) => "Native code".to_owned(),
    };
    let verb = if one.holder.is_none() { "took references to" } else { "gained" };
    let is_each = one.bytes_growth.iter().all(|&net| net >= 0);
    let is_rate = has_steady_rate(one);
    let grew = match &one.headline {
        Headline::Objects { type_name, amount, per } => {
            let noun = if is_one(*amount) { "object" } else { "objects" };
            let within =
                one.wrapper.as_ref().map_or_else(String::new, |wrapper| format!(" ({})", wrapped(wrapper)));
            format!("{verb} {} {type_name} {noun}{within}{}", rate(*amount), time(*per, is_each))
        }
        Headline::Bytes { amount, per } => format!("grew by {}{}", bytes(*amount), time(*per, is_each)),
        Headline::Retains { share } => {
            let size = one.retained.map_or_else(|| "an unknown size".to_owned(), bytes);
            return format!("{subject} retains {size}, {} of the heap.", percent(*share));
        }
    };
    // Two holders of the same items retain them together, neither does alone: the number would mislead.
    let holds = match (one.co_holders.as_slice(), one.retained) {
        ([], Some(size)) => format!(" and retains {}", bytes(size)),
        ([], None) => String::new(),
        ([other], _) => format!("; {other} holds them too"),
        ([other, more @ ..], _) => {
            format!("; {other} and {} hold them too", count(more.len() as u64, "more place", "more places"))
        }
    };
    let all = one.bytes_growth.len();
    let changes = if one.count.is_some() { &one.growth } else { &one.bytes_growth };
    let grew_in = changes.iter().filter(|&&change| change > 0).count();
    let when = match is_each && is_rate {
        true => format!("in {}", each(all)),
        false if grew_in > 0 && grew_in < all && !is_rate => {
            format!("in {} of {} intervals", grouped(grew_in as u64), grouped(all as u64))
        }
        false => format!("over {}", count(all as u64, "interval", "intervals")),
    };
    match with_sizes {
        true => format!("{subject} {grew} {when} ({} of all growth){holds}.", percent(one.share_of_growth)),
        false => format!("{subject} {grew} {when}."),
    }
}

/// Whether a suspect's rate describes each interval.
fn has_steady_rate(one: &Suspect) -> bool {
    match &one.headline {
        Headline::Objects { per, .. } | Headline::Bytes { per, .. } => {
            !matches!(per, Per::MinuteOnAverage | Per::Series)
        }
        Headline::Retains { .. } => false,
    }
}

/// ` per minute`; growth in each interval is per interval without saying so.
fn time(per: Per, is_each: bool) -> &'static str {
    match (per, is_each) {
        (Per::MinuteOnAverage, _) => " per minute on average",
        (Per::Interval, true) | (Per::Series, _) => "",
        (per, _) => per_word(per),
    }
}

fn per_word(per: Per) -> &'static str {
    match per {
        Per::Minute | Per::MinuteOnAverage => " per minute",
        Per::Second => " per second",
        Per::Unit => " per unit of work",
        Per::Interval => " per interval",
        Per::Series => " in total",
    }
}

fn each(intervals: usize) -> String {
    match intervals {
        1 => "one interval".to_owned(),
        all => format!("each of {} intervals", grouped(all as u64)),
    }
}

/// The items of which the named objects are parts: `in tuples of m.Engine, str, function`.
fn wrapped(wrapper: &ItemWrapper) -> String {
    let name = match wrapper.type_name.as_str() {
        plain if !plain.contains([' ', '_', '.']) => format!("{plain}s"),
        other => format!("{other} objects"),
    };
    let more = if wrapper.has_more { ", …" } else { "" };
    match wrapper.parts.as_slice() {
        [] => format!("in {name}"),
        parts => format!("in {name} of {}{more}", parts.join(", ")),
    }
}

fn article(name: &str) -> &'static str {
    match name.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'A' | 'E' | 'I' | 'O') => "an",
        _ => "a",
    }
}

/// Whether [`rate`] writes a number as 1.
fn is_one(amount: f64) -> bool {
    amount > 0.95 && amount < 1.05
}

/// A fact that speaks for a suspect, as a sentence.
#[must_use]
pub fn evidence(fact: &Evidence) -> String {
    match fact {
        Evidence::Growth { unit, changes } => {
            let grew = changes.iter().filter(|&&change| change > 0).count();
            let listed: Vec<String> = changes.iter().map(|&change| signed(change)).collect();
            let times = match changes.len() {
                all if all == grew => each(all),
                all => format!("{} of {} intervals", grouped(grew as u64), grouped(all as u64)),
            };
            format!("it grew in {times}: {} {}", listed.join(", "), plural(*unit))
        }
        Evidence::Slope { unit: GrowthUnit::Items, mean, at_least, per } => format!(
            "about {} {}{}, at least {} (Theil–Sen, 95 %)",
            rate(*mean),
            items(*mean),
            per_word(*per),
            rate(*at_least)
        ),
        Evidence::Slope { unit: GrowthUnit::Bytes, mean, at_least, per } => {
            let size = |value: f64| bytes(value.round() as u64);
            format!(
                "about {}{}, at least {} (Theil–Sen, 95 %)",
                size(*mean),
                per_word(*per),
                size(*at_least)
            )
        }
        Evidence::Total { bytes: size, share } => {
            format!("{} in total, {} of all growth", bytes(*size), percent(*share))
        }
        Evidence::Retained { bytes: size, growth } => {
            format!("it retains {} ({})", bytes(*size), signed_bytes(*growth))
        }
        Evidence::RetainedShare { bytes: size, share } => {
            format!("it retains {}, {} of the heap", bytes(*size), percent(*share))
        }
        Evidence::NativeReferences => {
            "no Python object refers to the leaked objects, but their reference counts exceed the references found"
                .to_owned()
        }
        Evidence::HiddenReference { type_name } => format!(
            "the cycles pass through {type_name}, whose references the collector does not see: it never frees them"
        ),
        Evidence::HeldByFrames => {
            "frames, tracebacks or suspended generators hold its items".to_owned()
        }
        Evidence::PerUnitOfWork { unit: GrowthUnit::Items, amount } => {
            format!("about {} {} per unit of work", rate(*amount), items(*amount))
        }
        Evidence::PerUnitOfWork { unit: GrowthUnit::Bytes, amount } => {
            format!("about {} per unit of work", bytes(*amount as u64))
        }
        Evidence::CoHolder(other) => format!("{other} holds the same items"),
    }
}

fn plural(unit: GrowthUnit) -> &'static str {
    match unit {
        GrowthUnit::Items => "items",
        GrowthUnit::Bytes => "bytes",
    }
}

fn items(amount: f64) -> &'static str {
    if is_one(amount) { "item" } else { "items" }
}

/// Why a place is only a candidate, as a clause.
#[must_use]
pub fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::OneSnapshot => "one snapshot shows what is large, not what grows".to_owned(),
        Doubt::FewSnapshots { snapshots, wanted } => format!(
            "with only {}, its growth may be warm-up; take {} or more",
            count(*snapshots as u64, "snapshot", "snapshots"),
            grouped(*wanted as u64)
        ),
        Doubt::Limited => "it has a size limit and is not full yet, so its growth will end".to_owned(),
        Doubt::UnknownRoot => "its holder could not be determined".to_owned(),
        Doubt::Slowing => "it grows more slowly each time, like a cache that fills up".to_owned(),
        Doubt::Slowed => "it grew much more slowly in the last interval than before".to_owned(),
        Doubt::Bursts { grew, intervals } => format!(
            "it grew in only {} of {}, though it gave nothing back: watch it for longer",
            grouped(*grew as u64),
            count(*intervals as u64, "interval", "intervals")
        ),
        Doubt::CancelledTimers => {
            "most of its new items are cancelled timers, which event loops remove many at a time".to_owned()
        }
        Doubt::MayBeBatch { items } => format!(
            "it has only {}, and may be a buffer that is emptied when it is full",
            count(*items, "item", "items")
        ),
        Doubt::Turnover { new, lasting } => format!(
            "its items turn over: only {} of {} that were added before the last interval are still there",
            grouped(*lasting),
            grouped(*new)
        ),
        Doubt::RandomWalk => {
            "it grows unevenly and its items come and go, so it may have grown by chance".to_owned()
        }
        Doubt::Moved => "another place held its new items before, and memory did not grow".to_owned(),
        Doubt::WeakToGarbage => {
            "it holds its items weakly, and they may be garbage that awaits the collector".to_owned()
        }
        Doubt::InStepWithSuspect => {
            "it grows in step with a larger suspect, whose objects may hold it in a way that the capture does not see"
                .to_owned()
        }
        Doubt::InStepWithGarbage => {
            "it grows in step with garbage that awaits the collector, which may hold it in a way that the capture does not see"
                .to_owned()
        }
        Doubt::PartOfDoubted => "it is a small part of a place whose growth is itself in doubt".to_owned(),
    }
}

/// The part of the path in the user's own code, where that is not all of it. What native code holds is in nobody's.
pub(crate) fn own_part(one: &Suspect) -> Option<&str> {
    let (holder, own) = (one.holder.as_deref()?, one.own_holder.as_deref()?);
    (holder != own).then_some(own)
}

/// How many items a suspect holds, and how fast it grew: `144,997 items  (+300 per minute, in each of 6 intervals)`.
/// `minutes` is how long the series took, if long enough for a rate.
pub(crate) fn growth(one: &Suspect, minutes: Option<f64>) -> String {
    if one.growth.is_empty() {
        // One snapshot: it knows no growth, and its count is of objects that hold, not of items.
        return String::new();
    }
    let by_items = one.count.is_some();
    let held = one.count.map(|held| count(held, "item", "items"));
    let changes = if by_items { &one.growth } else { &one.bytes_growth };
    let total: i64 = changes.iter().fold(0, |sum, &change| sum.saturating_add(change));
    let amount = |rate: f64| match by_items {
        true => signed_rate(rate),
        false => signed_bytes(rate.round() as i64),
    };
    let rate = &one.rate;
    let (per_unit, per_minute) = match by_items {
        true => (rate.items_per_unit, rate.items_per_minute),
        false => (rate.bytes_per_unit, rate.bytes_per_minute),
    };
    let usable = |rate: Option<f64>| rate.filter(|rate| rate.is_finite() && *rate != 0.0);
    let per_minute = minutes.and(usable(per_minute));
    let speed = match (usable(per_unit), per_minute) {
        (Some(unit), Some(minute)) => {
            format!("{} per unit of work, {} per minute", amount(unit), amount(minute))
        }
        (Some(unit), None) => format!("{} per unit of work", amount(unit)),
        (None, Some(minute)) => format!("{} per minute", amount(minute)),
        (None, None) if by_items => format!("{} in total", signed(total)),
        (None, None) => format!("{} in total", signed_bytes(total)),
    };
    let grew = changes.iter().filter(|&&change| change > 0).count();
    let has_rate = usable(per_unit).or(per_minute).is_some() && has_steady_rate(one);
    let times = match changes.len() {
        all if all > grew => format!(", in {} of {} intervals", grouped(grew as u64), grouped(all as u64)),
        all if all == 1 || has_rate => format!(", in {}", each(all)),
        all => format!(" over {} intervals", grouped(all as u64)),
    };
    held.into_iter().chain([format!("({speed}{times})")]).collect::<Vec<_>>().join("  ")
}

/// `retains 61.4 MB (+126.0 kB per minute) · 93 % of all growth`.
pub(crate) fn retained(one: &Suspect, minutes: Option<f64>) -> String {
    let mut parts = Vec::new();
    // Of items that other places hold too, the holder alone retains only a part.
    if let Some(retained) = one.retained.filter(|_| one.co_holders.is_empty()) {
        let growth = one.retained_growth.map(|growth| match minutes {
            Some(minutes) => {
                format!(" ({} per minute)", signed_bytes((growth as f64 / minutes).round() as i64))
            }
            None => format!(" ({})", signed_bytes(growth)),
        });
        parts.push(format!("retains {}{}", bytes(retained), growth.unwrap_or_default()));
    }
    if !one.bytes_growth.is_empty() {
        parts.push(format!("{} of all growth", percent(one.share_of_growth)));
    }
    parts.join(" · ")
}

/// The processes of a group in which a place grows, `listed` of them by PID, and the totals: `in 2 of 3 processes (11,
/// 13): +200 items, +42.0 kB in total; they retain 1.2 MB together`.
pub(crate) fn held_in_processes(place: &SharedSuspect, members: usize, listed: usize) -> String {
    let pids: Vec<String> = place.pids.iter().take(listed).map(u32::to_string).collect();
    let more = if place.pids.len() > listed { ", …" } else { "" };
    let items = place.suspect.count.map(|_| format!("{} items", signed(place.items_growth)));
    let grew: Vec<String> = items.into_iter().chain([signed_bytes(place.bytes_growth)]).collect();
    let retained =
        place.retained.map_or_else(String::new, |all| format!("; they retain {} together", bytes(all)));
    format!(
        "in {} of {} ({}{more}): {} in total{retained}",
        grouped(place.pids.len() as u64),
        count(members as u64, "process", "processes"),
        pids.join(", "),
        grew.join(", ")
    )
}
