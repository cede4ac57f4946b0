//! Suspects and candidates, one card each: its path, its growth, its items by type, and the evidence.

use maud::{Markup, html};
use memtop_analyze::{
    Accumulation, AccumulationSuspect, Advice, Evidence, GroupLeaks, LeakStep, Leaks, SharedSuspect,
    SnapshotRow, Suspect,
};

use super::caps::Caps;
use super::parts::{Cell, Section, table};
use crate::escape::escape;
use crate::markup::{code, name, sentence, text};
use crate::numbers::{bytes, count, duration, grouped, percent, signed, signed_bytes};
use crate::time::{minutes, span};
use crate::wording::{self, held_in_processes, own_part};

/// How many types of a suspect are shown.
const TYPES: usize = 12;
/// How many PIDs are listed.
const PIDS: usize = 20;
/// The steps of a long path that are shown: from its start, and to its end.
const STEPS: (usize, usize) = (12, 6);

const SUSPECTED: &str = "Each place gained objects and kept them. The chart shows how much it held after each \
                         snapshot: a leak rises steadily, a cache levels off.";
const DOUBTED: &str = "These places grew too, but there is a reason to doubt that they leak: each gives it.";

pub(super) fn section(
    list: &'static str,
    title: &'static str,
    places: &[Suspect],
    answer: &Leaks,
    caps: &Caps,
) -> Option<Section> {
    let cards = places.iter().enumerate().map(|(index, one)| {
        let chart = Chart { list, index, series: 0, rows: &answer.snapshots };
        card(one, &chart, places.len(), minutes(&answer.snapshots), &html! {})
    });
    whole(list, title, places.len(), &cards.take(caps.items).collect::<Vec<_>>(), caps)
}

/// The suspects of a process group.
pub(super) fn shared(
    list: &'static str,
    title: &'static str,
    places: &[SharedSuspect],
    answer: &GroupLeaks,
    caps: &Caps,
) -> Option<Section> {
    let cards = places.iter().enumerate().map(|(index, place)| {
        let at = answer.members.iter().position(|member| place.pids.contains(&member.pid)).unwrap_or(0);
        let rows = answer.members.get(at).map_or(&[][..], |member| &member.answer.snapshots);
        let processes = held_in_processes(place, answer.members.len(), PIDS);
        let of = html! {
            p.processes { "It grows " (text(&processes)) ". The rest of this card describes it in one of them." }
        };
        card(&place.suspect, &Chart { list, index, series: at, rows }, places.len(), minutes(rows), &of)
    });
    whole(list, title, places.len(), &cards.take(caps.items).collect::<Vec<_>>(), caps)
}

fn whole(
    id: &'static str,
    title: &'static str,
    places: usize,
    cards: &[Markup],
    caps: &Caps,
) -> Option<Section> {
    if places == 0 {
        return None;
    }
    let body = html! {
        @for card in cards { (card) }
        @if let Some(more) = places.checked_sub(caps.items).filter(|&more| more > 0) {
            p.hint {
                (count(more as u64, "more place is", "more places are"))
                " left out, since the page would be too large: mem_top leaks --json has them."
            }
        }
    };
    let lead = if id == "candidates" { DOUBTED } else { SUSPECTED };
    Some(Section { id, title, lead: lead.to_owned(), body })
}

/// The place of a chart's numbers in the data, and the snapshots that they belong to.
struct Chart<'a> {
    list: &'static str,
    index: usize,
    series: usize,
    rows: &'a [SnapshotRow],
}

fn card(one: &Suspect, chart: &Chart<'_>, of: usize, minutes: Option<f64>, processes: &Markup) -> Markup {
    html! {
        article.card id={ (chart.list) "-" (chart.index + 1) } {
            header {
                p.rank { (rank(if one.doubt.is_some() { "Candidate" } else { "Suspect" }, one.rank, of)) }
                h3 {
                    @match one.name() {
                        Some(holder) => { (code(holder)) },
                        None => { "held by native code" },
                    }
                }
                ul.chips { @for chip in chips(one, minutes) { li { (text(&chip)) } } }
            }
            p.said { (sentence(&wording::summary(one))) }
            (processes)
            @if let Some(doubt) = &one.doubt {
                p.doubted { strong { "In doubt:" } " " (sentence(&wording::doubt(doubt))) }
            }
            @if let Some(advice) = &one.advice { (what_to_do(advice)) }
            div.columns {
                div { h4 { "Where it is held" } (held(one)) }
                div { (growth(one, chart)) }
            }
            (items(one))
            (evidence(one))
            p.fingerprint { "Fingerprint " code { (name(&one.fingerprint)) } ": the same for this leak in every run." }
        }
    }
}

/// `Suspect`, or `Suspect 2 of 5`.
fn rank(what: &str, rank: usize, of: usize) -> String {
    if of == 1 { what.to_owned() } else { format!("{what} {rank} of {of}") }
}

/// The advice of the pattern that it fits.
fn what_to_do(advice: &Advice) -> Markup {
    html! {
        section.advice {
            h4 { "What to do" }
            p { strong { (sentence(&advice.title)) "." } " " (sentence(&advice.text)) }
            p.hint {
                "Known as " code { (name(&advice.pattern)) }
                @if let Some(link) = &advice.link { ": " a href=(escape(link)) rel="noreferrer" { (name(link)) } }
            }
        }
    }
}

/// The facts at the head of a card.
fn chips(one: &Suspect, minutes: Option<f64>) -> Vec<String> {
    let confidence = (one.confidence > 0.0).then(|| format!("confidence {}", percent(one.confidence)));
    let cause = format!("cause: {}", one.cause.word());
    let facts = [cause, wording::growth(one, minutes), wording::retained(one, minutes)];
    confidence.into_iter().chain(facts).filter(|fact| !fact.is_empty()).collect()
}

/// The path to the holder, and other holders.
fn held(one: &Suspect) -> Markup {
    html! {
        (path(&one.path))
        @if let Some(own) = own_part(one) { p { "In your code: " (code(own)) } }
        @for other in &one.co_holders { p { "Also held by " (code(other)) } }
    }
}

/// The evidence; co-holders are listed with the path.
fn evidence(one: &Suspect) -> Markup {
    let facts: Vec<&Evidence> =
        one.evidence.iter().filter(|fact| !matches!(fact, Evidence::CoHolder(_))).collect();
    html! {
        @if !facts.is_empty() {
            h4 { "Evidence" }
            ol.evidence { @for fact in facts { li { (sentence(&wording::evidence(fact))) } } }
        }
    }
}

/// The path, one step on each line.
fn path(steps: &[LeakStep]) -> Markup {
    let (first, last) = STEPS;
    let cut = if steps.len() > first + last { first..steps.len() - last } else { steps.len()..steps.len() };
    html! {
        @if !steps.is_empty() {
            ol.path {
                @for (place, step) in steps.iter().enumerate() {
                    @if place == cut.start { li.more { "… " (cut.len()) " more steps …" } }
                    @if !cut.contains(&place) {
                        li class=[(place + 1 == steps.len()).then_some("holder")] { (path_step(place, step)) }
                    }
                }
            }
        }
    }
}

/// A step with its type, which comes first for a root.
fn path_step(place: usize, step: &LeakStep) -> Markup {
    let label = step.label.trim();
    let type_name = html! { span.type { (name(&step.type_name)) } };
    match place {
        0 if label.starts_with(&step.type_name) => code(label),
        0 => html! { (type_name) " " (code(label)) },
        _ => html! { (code(label)) " " (type_name) },
    }
}

/// How much it held after each snapshot: in items, or in bytes since the first snapshot if items cannot be counted.
fn held_after(one: &Suspect) -> (bool, Vec<i64>) {
    let by_items = one.count.is_some();
    let changes = if by_items { &one.growth } else { &one.bytes_growth };
    let all = changes.iter().fold(0_i64, |sum, &change| sum.saturating_add(change));
    let mut held = one.count.map_or(0, |count| count.cast_signed().saturating_sub(all));
    let mut out = vec![held];
    for &change in changes {
        held = held.saturating_add(change);
        out.push(held);
    }
    (by_items, out)
}

/// A place for the chart, with its numbers as a table.
fn growth(one: &Suspect, chart: &Chart<'_>) -> Markup {
    let (by_items, held) = held_after(one);
    if held.len() < 2 {
        return html! {};
    }
    let title =
        if by_items { "Items held after each snapshot" } else { "Bytes gained since the first snapshot" };
    let value = |number: i64| match by_items {
        true => grouped(number.max(0).unsigned_abs()),
        false => signed_bytes(number),
    };
    let rows = held.iter().enumerate().map(|(place, &number)| {
        let after = chart.rows.first().zip(chart.rows.get(place));
        let after = after.and_then(|(first, row)| span(first.taken_at, row.taken_at));
        let change = place.checked_sub(1).map(|before| number.saturating_sub(held[before]));
        let change = change.map_or_else(String::new, |change| match by_items {
            true => signed(change),
            false => signed_bytes(change),
        });
        vec![
            Cell::Number((place + 1).to_string()),
            Cell::Number(after.map_or_else(
                || "?".to_owned(),
                |after| if after == 0 { "0 s".to_owned() } else { duration(after) },
            )),
            Cell::Number(value(number)),
            Cell::Number(change),
        ]
    });
    let headings = [("Snapshot", true), ("After", true), ("Held", true), ("Change", true)];
    html! {
        figure.chart data-chart="growth" data-list=(chart.list) data-index=(chart.index) data-series=(chart.series) {
            figcaption { (title) }
            details open { summary { "The numbers" } (table(title, &headings, rows)) }
        }
    }
}

/// Its items by type.
fn items(one: &Suspect) -> Markup {
    if one.leaked.is_empty() {
        return html! {};
    }
    let rows = one.leaked.iter().take(TYPES).map(|leaked| {
        let grown = leaked.growth.iter().fold(0_i64, |sum, &change| sum.saturating_add(change));
        let (growth, size) = match leaked.growth.is_empty() {
            true => ("?".to_owned(), bytes(leaked.bytes)),
            false => (signed(grown), format!("+{}", bytes(leaked.bytes))),
        };
        vec![
            Cell::Name(leaked.type_name.clone()),
            Cell::Number(grouped(leaked.count)),
            Cell::Number(growth),
            Cell::Number(size),
        ]
    });
    let headings = [("Type", false), ("Now", true), ("Growth", true), ("Bytes", true)];
    html! {
        h4 { "What it holds" }
        (table("What it holds, by type", &headings, rows))
        @if one.leaked.len() > TYPES {
            p.hint { "and " (count((one.leaked.len() - TYPES) as u64, "more type", "more types")) }
        }
    }
}

/// The points where memory accumulates in one heap.
pub(super) fn points(answer: &Accumulation, caps: &Caps) -> Option<Section> {
    if answer.suspects.is_empty() {
        return None;
    }
    let all = answer.suspects.len();
    let omitted = answer.omitted + all.saturating_sub(caps.items);
    let body = html! {
        @for (index, one) in answer.suspects.iter().enumerate().take(caps.items) { (point(one, index + 1, all)) }
        @if omitted > 0 { p.hint { "and " (count(omitted as u64, "more place", "more places")) ", left out" } }
    };
    Some(Section {
        id: "suspects",
        title: "Where memory accumulates",
        lead: "Each place retains a tenth of the heap or more: that much would be freed with it.".to_owned(),
        body,
    })
}

/// The card of an accumulation point.
fn point(one: &AccumulationSuspect, place: usize, of: usize) -> Markup {
    let point = &one.point;
    let items = point.items.iter().take(TYPES).map(|(name, objects, retained)| {
        vec![Cell::Name(name.clone()), Cell::Number(grouped(*objects)), Cell::Number(bytes(*retained))]
    });
    let headings = [("Type", false), ("Objects", true), ("Retained", true)];
    html! {
        article.card id={ "place-" (place) } {
            header {
                p.rank { (rank("Place", place, of)) }
                h3 { (code(&point.path.to_string())) }
                ul.chips {
                    li { (percent(one.share)) " of the heap" }
                    li { "retains " (bytes(one.retained)) }
                    li { (name(&point.type_name)) }
                }
            }
            p.said { (sentence(&wording::accumulation(one))) }
            @if !point.items.is_empty() {
                h4 { "What it holds" }
                (table("What it holds, by type", &headings, items))
            }
        }
    }
}
