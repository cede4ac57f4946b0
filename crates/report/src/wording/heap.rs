//! Places in one heap in words: where memory accumulates, and where an object is.

use memtop_analyze::{AccumulationSuspect, Path};
use memtop_heap::CollectorState;

use crate::numbers::{bytes, count, grouped, percent};

/// Where memory accumulates, in sentences.
pub(crate) fn accumulation(one: &AccumulationSuspect) -> String {
    let share = percent(one.share);
    let (path, point) = (&one.path, &one.point);
    let mut text = match one.object {
        Some(_) => format!(
            "One {} object, at {path}, retains {} ({share} of the heap).",
            one.type_name,
            bytes(one.retained)
        ),
        None => format!(
            "{}, held through {path}, {} {} ({share} of the heap).",
            of_type(one.objects, &one.type_name),
            if one.objects == 1 { "retains" } else { "retain" },
            bytes(one.retained)
        ),
    };
    if one.object.is_some() && point.object != one.object {
        text.push_str(&format!(
            " The memory accumulates in {} ({}), which retains {}.",
            point.path,
            point.type_name,
            bytes(point.retained)
        ));
    }
    let items: Vec<String> = point
        .items
        .iter()
        .map(|(name, objects, retained)| format!("{} ({})", of_type(*objects, name), bytes(*retained)))
        .collect();
    if let Some(chain) = chain(point.chain) {
        // The only object that it holds directly is the next one.
        text.push_str(&format!(" It is {chain}."));
    } else if !items.is_empty() && one.object.is_some() {
        text.push_str(&format!(" It holds {}.", items.join(", ")));
    }
    text
}

/// The chain that begins with an object: `the first of a chain of 300,000`.
pub(crate) fn chain(links: u64) -> Option<String> {
    (links > 1).then(|| format!("the first of a chain of {}", grouped(links)))
}

/// The path of a large object, and the chain that begins with it.
pub(crate) fn path_and_chain(path: Option<&Path>, links: u64) -> String {
    let chain = chain(links).map_or_else(String::new, |chain| format!(" ({chain})"));
    format!("{}{chain}", self::path(path))
}

/// `1 shop.Order object`, `12 shop.Order objects`.
fn of_type(objects: u64, name: &str) -> String {
    format!("{} {name} {}", grouped(objects), if objects == 1 { "object" } else { "objects" })
}

/// The types that uncollectable cycles pass through: `through datetime.datetime and 2 more types`.
pub(crate) fn cycles_through(types: &[String]) -> String {
    match types {
        [] => "through a type that is not known".to_owned(),
        [one] => format!("through {one}"),
        [first, more @ ..] => {
            format!("through {first} and {}", count(more.len() as u64, "more type", "more types"))
        }
    }
}

/// The state of the garbage collector, in a sentence.
pub(crate) fn collector(state: &CollectorState) -> String {
    let numbers = |values: [i32; 3]| values.map(|value| value.to_string()).join(", ");
    let is = match (state.enabled, state.thresholds[0], state.frozen) {
        (false, ..) => "is off",
        (true, 0, _) => "is off: its threshold is 0",
        (true, _, true) => "is on, and gc.freeze() has put objects out of its reach",
        (true, _, false) => "is on",
    };
    format!(
        "the collector {is}; thresholds {}, counts {}; {} so far, {}",
        numbers(state.thresholds),
        numbers(state.counts),
        count(state.collections.iter().sum(), "collection", "collections"),
        match state.full_collections() {
            0 => "none of them full".to_owned(),
            full => format!("{} of them full", grouped(full)),
        }
    )
}

/// A path, or that there is none.
pub(crate) fn path(path: Option<&Path>) -> String {
    path.map_or_else(|| "no root reaches it".to_owned(), Path::to_string)
}
