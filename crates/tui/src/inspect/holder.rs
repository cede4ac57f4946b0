//! The details of a holder: a place that grows, as the leak finder reports it.

use memtop_analyze::{PathOptions, Suspect, paths_to_types};
use memtop_heap::TypeId;
use memtop_report::wording;

use super::details::{DetailRow, Details, Section, Subject, section, sentence};
use super::examined::{Examined, MOST_EXAMPLES, MOST_TYPES};

/// Returns the details of a suspect.
pub(super) fn details(examined: &Examined, one: &Suspect) -> Details {
    let mut sections = Vec::new();
    let steps = one.path.iter().enumerate().map(|(depth, step)| DetailRow {
        text: match depth {
            0 if step.label.starts_with(&step.type_name) => step.label.clone(),
            0 => format!("{} {}", step.type_name, step.label),
            _ if step.label.is_empty() => format!("{}╰ {}", "  ".repeat(depth.min(20)), step.type_name),
            _ => format!("{}╰ {} → {}", "  ".repeat(depth.min(20)), step.label, step.type_name),
        },
        ..DetailRow::default()
    });
    let advice = one.advice.iter().flat_map(|advice| {
        let title = format!("{} ({}).", advice.title, advice.pattern);
        [Some(title), Some(advice.text.clone()), advice.link.clone()].into_iter().flatten()
    });
    sections.push(section("What to do", advice.map(|line| sentence(&line)).collect()));
    sections.push(section("What keeps it alive", steps.collect()));
    let leaked = one.leaked.iter().take(MOST_TYPES).map(|leaked| {
        let grown: i64 = leaked.growth.iter().fold(0, |sum: i64, &change| sum.saturating_add(change));
        let growth = match leaked.growth.is_empty() {
            true => String::new(),
            false => format!("  {}", memtop_report::signed(grown)),
        };
        DetailRow {
            objects: Some(leaked.count),
            bytes: Some(leaked.bytes),
            text: format!("{}{growth}", leaked.type_name),
            link: examined.type_named(&leaked.type_name),
        }
    });
    let unit = if one.growth.is_empty() { "shallow" } else { "grown" };
    sections.push(Section { unit, ..section("What accumulates in it", leaked.collect()) });
    let evidence = one.evidence.iter().map(|fact| sentence(&wording::evidence(fact)));
    sections.push(section("Why it is suspected", evidence.collect()));
    sections.push(examples_below(examined, one));
    let co_holders = one.co_holders.iter().map(|text| sentence(text));
    sections.push(section("Other holders of the same items", co_holders.collect()));
    sections.retain(|section| !section.rows.is_empty());
    let mut facts = vec![("cause", one.cause.word().to_owned())];
    if one.confidence > 0.0 {
        facts.push(("confidence", memtop_report::percent(one.confidence)));
    }
    if let Some(count) = one.count {
        facts.push(("items", memtop_report::grouped(count)));
    }
    if let Some(retained) = one.retained {
        facts.push(("retained", memtop_report::bytes(retained)));
    }
    if !one.growth.is_empty() {
        facts.push(("share of growth", memtop_report::percent(one.share_of_growth)));
        let changes: Vec<String> = one.growth.iter().map(|&change| memtop_report::signed(change)).collect();
        facts.push(("items by interval", changes.join(" ")));
    }
    facts.push(("fingerprint", one.fingerprint.clone()));
    let doubt = one.doubt.iter().map(|doubt| format!("In doubt: {}", wording::doubt(doubt)));
    Details {
        subject: Subject::Holder(one.fingerprint.as_str().into()),
        title: one.name().unwrap_or(one.cause.word()).to_owned(),
        capture: examined.number,
        facts,
        sentences: std::iter::once(wording::summary(one)).chain(doubt).collect(),
        sections,
    }
}

/// Returns one example for each path below the holder that leads to leaked objects.
fn examples_below(examined: &Examined, one: &Suspect) -> Section {
    let (Some(holder), Some(leaked)) = (&one.holder, one.leaked.first()) else {
        return Section::default();
    };
    let types: Vec<TypeId> = examined.heap.types().find(&leaked.type_name);
    let options = PathOptions { limit: 200 };
    let paths = paths_to_types(&examined.heap, examined.shortest(), &types, &options);
    let rows = paths.clusters.iter().filter_map(|cluster| {
        let text = cluster.path.to_string();
        // Its path continues the path of the holder.
        let under = text.strip_prefix(holder.as_str())?;
        under.starts_with(['.', '[', ' ']).then(|| DetailRow {
            objects: Some(cluster.objects),
            bytes: Some(cluster.bytes),
            link: Some(examined.link(cluster.example)),
            text,
        })
    });
    Section { unit: "shallow", ..section("Examples", rows.take(MOST_EXAMPLES).collect()) }
}
