//! Suspects and candidates, one card each: its path, its growth, its items by type, and the evidence.

use memtop_analyze::{
    Accumulation, AccumulationSuspect, Evidence, GroupLeaks, LeakStep, Leaks, SharedSuspect, SnapshotRow,
    Suspect,
};

use super::Caps;
use super::parts::{Cell, Section, shortened, table};
use crate::html_fragment::{code, name, text};
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
        card(one, &chart, places.len(), minutes(&answer.snapshots), "")
    });
    whole(list, title, places.len(), cards.take(caps.items).collect(), caps)
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
        let sentence = held_in_processes(place, answer.members.len(), PIDS);
        let sentence = format!("It grows {sentence}. The rest of this card describes it in one of them.");
        let of = format!("<p class=\"processes\">{}</p>", text(&sentence));
        card(&place.suspect, &Chart { list, index, series: at, rows }, places.len(), minutes(rows), &of)
    });
    whole(list, title, places.len(), cards.take(caps.items).collect(), caps)
}

fn whole(
    id: &'static str,
    title: &'static str,
    places: usize,
    cards: String,
    caps: &Caps,
) -> Option<Section> {
    if places == 0 {
        return None;
    }
    let mut body = cards;
    if let Some(more) = places.checked_sub(caps.items).filter(|&more| more > 0) {
        let more = count(more as u64, "more place is", "more places are");
        body.push_str(&format!("<p class=\"hint\">{} left out, since the page would be too large: mem_top leaks --json has them.</p>", text(&more)));
    }
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

fn card(one: &Suspect, chart: &Chart<'_>, of: usize, minutes: Option<f64>, more: &str) -> String {
    let what = if one.doubt.is_some() { "Candidate" } else { "Suspect" };
    let rank = if of == 1 { what.to_owned() } else { format!("{what} {} of {of}", one.rank) };
    let holder = match one.holder.as_deref() {
        Some(holder) => code(holder),
        None => "held by native code".to_owned(),
    };
    let mut chips = Vec::new();
    if one.confidence > 0.0 {
        chips.push(format!("confidence {}", percent(one.confidence)));
    }
    chips.push(format!("cause: {}", one.cause.word()));
    let facts = [wording::growth(one, minutes), wording::retained(one, minutes)];
    chips.extend(facts.into_iter().filter(|fact| !fact.is_empty()));
    let chips: String = chips.iter().map(|chip| format!("<li>{}</li>", text(chip))).collect();
    let doubt = one.doubt.as_ref().map_or_else(String::new, |doubt| {
        format!(
            "<p class=\"doubted\"><strong>In doubt:</strong> {}</p>",
            text(&shortened(&wording::doubt(doubt)))
        )
    });
    let mut held = path(&one.path);
    if let Some(own) = own_part(one) {
        held.push_str(&format!("<p>In your code: {}</p>", code(own)));
    }
    for other in &one.co_holders {
        held.push_str(&format!("<p>Also held by {}</p>", code(other)));
    }
    // Co-holders are listed with the path.
    let evidence: String = one
        .evidence
        .iter()
        .filter(|fact| !matches!(fact, Evidence::CoHolder(_)))
        .map(|fact| format!("<li>{}</li>", text(&shortened(&wording::evidence(fact)))))
        .collect();
    let reasons = match evidence.is_empty() {
        true => String::new(),
        false => format!("<h4>Evidence</h4><ol class=\"evidence\">{evidence}</ol>"),
    };
    format!(
        "<article class=\"card\" id=\"{}-{}\"><header><p class=\"rank\">{}</p><h3>{holder}</h3>\
         <ul class=\"chips\">{chips}</ul></header><p class=\"said\">{}</p>{more}{doubt}\
         <div class=\"columns\"><div><h4>Where it is held</h4>{held}</div><div>{}</div></div>{}{reasons}\
         <p class=\"fingerprint\">Fingerprint <code>{}</code>: the same for this leak in every run.</p></article>",
        chart.list,
        chart.index + 1,
        text(&rank),
        text(&shortened(&wording::summary(one))),
        growth(one, chart),
        items(one),
        name(&one.fingerprint),
    )
}

/// The path, one step on each line.
fn path(steps: &[LeakStep]) -> String {
    let (first, last) = STEPS;
    let cut = if steps.len() > first + last { first..steps.len() - last } else { steps.len()..steps.len() };
    let mut out = String::new();
    for (place, step) in steps.iter().enumerate() {
        if place == cut.start {
            out.push_str(&format!("<li class=\"more\">… {} more steps …</li>", cut.len()));
        }
        if cut.contains(&place) {
            continue;
        }
        let class = if place + 1 == steps.len() { " class=\"holder\"" } else { "" };
        let label = step.label.trim();
        out.push_str(&match place {
            0 if label.starts_with(&step.type_name) => format!("<li{class}>{}</li>", code(label)),
            0 => format!(
                "<li{class}><span class=\"type\">{}</span> {}</li>",
                name(&step.type_name),
                code(label)
            ),
            _ => format!(
                "<li{class}>{} <span class=\"type\">{}</span></li>",
                code(label),
                name(&step.type_name)
            ),
        });
    }
    if out.is_empty() { out } else { format!("<ol class=\"path\">{out}</ol>") }
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
fn growth(one: &Suspect, chart: &Chart<'_>) -> String {
    let (by_items, held) = held_after(one);
    if held.len() < 2 {
        return String::new();
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
    format!(
        "<figure class=\"chart\" data-chart=\"growth\" data-list=\"{}\" data-index=\"{}\" data-series=\"{}\">\
         <figcaption>{title}</figcaption><details open><summary>The numbers</summary>{}</details></figure>",
        chart.list,
        chart.index,
        chart.series,
        table(title, &headings, rows)
    )
}

/// Its items by type.
fn items(one: &Suspect) -> String {
    if one.leaked.is_empty() {
        return String::new();
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
    let more = one.leaked.len().saturating_sub(TYPES);
    let more = match more {
        0 => String::new(),
        more => format!("<p class=\"hint\">and {}</p>", count(more as u64, "more type", "more types")),
    };
    format!("<h4>What it holds</h4>{}{more}", table("What it holds, by type", &headings, rows))
}

/// The points where memory accumulates in one heap.
pub(super) fn points(answer: &Accumulation, caps: &Caps) -> Option<Section> {
    if answer.suspects.is_empty() {
        return None;
    }
    let card = |(index, one): (usize, &AccumulationSuspect)| {
        let point = &one.point;
        let items = point.items.iter().take(TYPES).map(|(name, objects, retained)| {
            vec![Cell::Name(name.clone()), Cell::Number(grouped(*objects)), Cell::Number(bytes(*retained))]
        });
        let headings = [("Type", false), ("Objects", true), ("Retained", true)];
        let held = match point.items.is_empty() {
            true => String::new(),
            false => format!("<h4>What it holds</h4>{}", table("What it holds, by type", &headings, items)),
        };
        let rank = match answer.suspects.len() {
            1 => "Place".to_owned(),
            of => format!("Place {} of {of}", index + 1),
        };
        format!(
            "<article class=\"card\" id=\"place-{0}\"><header><p class=\"rank\">{rank}</p><h3>{1}</h3>\
             <ul class=\"chips\"><li>{2} of the heap</li><li>retains {3}</li><li>{4}</li></ul></header>\
             <p class=\"said\">{5}</p>{held}</article>",
            index + 1,
            code(&point.path.to_string()),
            percent(one.share),
            bytes(one.retained),
            name(&point.type_name),
            text(&shortened(&wording::accumulation(one))),
        )
    };
    let mut body: String = answer.suspects.iter().enumerate().take(caps.items).map(card).collect();
    let omitted = answer.omitted + answer.suspects.len().saturating_sub(caps.items);
    if omitted > 0 {
        let more = count(omitted as u64, "more place", "more places");
        body.push_str(&format!("<p class=\"hint\">and {more}, left out</p>"));
    }
    Some(Section {
        id: "suspects",
        title: "Where memory accumulates",
        lead: "Each place retains a tenth of the heap or more: that much would be freed with it.".to_owned(),
        body,
    })
}
