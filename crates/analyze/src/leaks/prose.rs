//! What is said of a suspect in sentences, and how sure it is.

use super::answer::{Cause, Suspect};
use super::detect::{Finding, GrowthKind, Search};

/// Fills in confidence, evidence and summary. Of a series that is shorter than some seconds, nothing is told by the
/// minute.
pub(super) fn complete(
    suspect: &mut Suspect,
    search: &Search<'_, '_>,
    finding: &Finding,
    by_the_minute: bool,
) {
    let intervals = search.intervals();
    let by_items = !matches!(finding.kind, GrowthKind::Replaced | GrowthKind::Size);
    let grown = if by_items { &finding.items } else { &finding.net };
    let grew = Search::grew(grown);
    suspect.confidence = confidence(suspect, finding, grew, intervals);

    let what = if by_items { "items" } else { "bytes" };
    let listed = grown.iter().map(|value| format!("{value:+}")).collect::<Vec<_>>().join(", ");
    suspect.evidence.push(match grew == intervals {
        true => format!("it grew in {}: {listed} {what}", each(intervals)),
        false => format!("it grew in {grew} of {intervals} intervals: {listed} {what}"),
    });
    if let Some(lower) = search.lower_slope(grown).filter(|&lower| lower > 0.0 && intervals > 1) {
        let mean = grown.iter().sum::<i64>() as f64 / intervals as f64;
        suspect.evidence.push(format!(
            "about {} {} an interval, and at least {} (Theil–Sen, 95 %)",
            number(mean),
            if by_items { item(mean) } else { what },
            number(lower)
        ));
    }
    suspect.evidence.push(format!(
        "{} in all, {} of all growth",
        bytes(finding.bytes().unsigned_abs()),
        percent(suspect.share_of_growth)
    ));
    if let (Some(retained), Some(growth)) = (suspect.retained, suspect.retained_growth) {
        let sign = if growth < 0 { "-" } else { "+" };
        suspect.evidence.push(format!(
            "it alone keeps {} alive ({sign}{})",
            bytes(retained),
            bytes(growth.unsigned_abs())
        ));
    }
    match suspect.cause {
        Cause::NativeReference => suspect.evidence.push(
            "nothing in Python refers to what leaks, and its reference counts are higher than the references found"
                .to_owned(),
        ),
        Cause::Frames => suspect
            .evidence
            .push("what it holds is kept by frames, tracebacks or suspended generators".to_owned()),
        Cause::Container => {}
    }
    if let Some(rate) = suspect.rate.items_per_unit.filter(|&rate| by_items && rate > 0.0) {
        suspect.evidence.push(format!("about {} {} for each unit of work", number(rate), item(rate)));
    } else if let Some(rate) = suspect.rate.bytes_per_unit.filter(|&rate| rate > 0.0) {
        suspect.evidence.push(format!("about {} for each unit of work", bytes(rate as u64)));
    }
    for other in &suspect.co_holders {
        suspect.evidence.push(format!("{other} holds the same items"));
    }
    suspect.summary = summary(suspect, finding, intervals, by_the_minute);
}

/// How sure it is: growth by chance in all of n intervals has a probability of one half to the n-th; what grows
/// evenly, and is most of the growth, is surer; a doubt halves it.
fn confidence(suspect: &Suspect, finding: &Finding, grew: usize, intervals: usize) -> f64 {
    let chance = 0.5_f64.powi(i32::try_from(grew).unwrap_or(i32::MAX));
    let misses = (intervals - grew) as f64 / intervals.max(1) as f64;
    let mean = finding.bytes() as f64 / intervals.max(1) as f64;
    let least = finding.net.iter().copied().min().unwrap_or(0).max(0) as f64;
    let even = if mean > 0.0 { (least / mean).clamp(0.0, 1.0) } else { 0.0 };
    let share = suspect.share_of_growth;
    let sure = (1.0 - chance) * (0.8 + 0.1 * even + 0.1 * share) * (1.0 - misses);
    let sure = if suspect.doubt.is_some() { sure / 2.0 } else { sure };
    (sure * 100.0).round() / 100.0
}

fn summary(suspect: &Suspect, finding: &Finding, intervals: usize, by_the_minute: bool) -> String {
    let headline = suspect.leaked.first();
    let items: i64 = finding.items.iter().sum();
    let by_items = !matches!(finding.kind, GrowthKind::Replaced | GrowthKind::Size);
    // What is told is counted, where it is not the items themselves: two methods of each listener, many events in a block.
    let grown = match headline.map(|leaked| leaked.growth.iter().sum::<i64>()) {
        Some(counted) if !by_items || counted > 0 && items.abs_diff(counted) > items.unsigned_abs() / 10 => {
            counted
        }
        _ => items,
    };
    let times = if suspect.bytes_growth.iter().all(|&net| net >= 0) {
        format!("in {}", each(intervals))
    } else {
        format!("over {intervals} intervals")
    };
    let per_interval = grown as f64 / intervals.max(1) as f64;
    let per_minute =
        |value: Option<f64>| value.filter(|value| by_the_minute && value.is_finite() && *value > 0.0);
    let name = headline.map_or("", |leaked| leaked.type_name.as_str());
    let subject = match (&suspect.holder, &suspect.holder_type) {
        (Some(holder), Some(ty)) => format!("{holder} ({} {ty})", article(ty)),
        (Some(holder), None) => holder.clone(),
        (None, _) => "Native code".to_owned(),
    };
    let verb = if suspect.holder.is_none() { "took references to" } else { "gained" };
    let gained = if grown > 0 && !name.is_empty() {
        match per_minute(suspect.rate.items_per_minute) {
            Some(rate) if by_items && grown == items => {
                format!("{verb} {} {} a minute {times}", number(rate), objects(name, rate))
            }
            _ => format!("{verb} {} {} {times}", number(per_interval), objects(name, per_interval)),
        }
    } else {
        let mean = finding.bytes() as f64 / intervals.max(1) as f64;
        match per_minute(suspect.rate.bytes_per_minute) {
            Some(rate) => format!("grew by {} a minute {times}", bytes(rate as u64)),
            None => format!("grew by {} {times}", bytes(mean.max(0.0) as u64)),
        }
    };
    // What two hold together is retained by neither, so the number would mislead.
    let keeps = match (suspect.co_holders.as_slice(), suspect.retained) {
        ([], Some(size)) => format!(" and keeps {} alive", bytes(size)),
        ([], None) => String::new(),
        ([other], _) => format!("; {other} holds them too"),
        ([other, more @ ..], _) => format!("; {other} and {} more hold them too", more.len()),
    };
    format!("{subject} {gained}{keeps}, {} of all growth.", percent(suspect.share_of_growth))
}

fn each(intervals: usize) -> String {
    match intervals {
        1 => "the one interval".to_owned(),
        count => format!("each of {count} intervals"),
    }
}

fn article(name: &str) -> &'static str {
    match name.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'A' | 'E' | 'I' | 'O') => "an",
        _ => "a",
    }
}

fn objects(name: &str, count: f64) -> String {
    if is_one(count) { format!("{name} object") } else { format!("{name} objects") }
}

fn item(count: f64) -> &'static str {
    if is_one(count) { "item" } else { "items" }
}

/// Whether a number is told as 1.
fn is_one(count: f64) -> bool {
    count > 0.95 && count < 1.05
}

/// A number as it is told: whole from ten on, else with one digit after the point where that is not zero.
fn number(value: f64) -> String {
    let text = if value.abs() >= 9.95 { format!("{value:.0}") } else { format!("{value:.1}") };
    let text = text.strip_suffix(".0").unwrap_or(&text);
    let digits = text.trim_start_matches('-');
    if text.contains('.') || digits.len() < 5 {
        return text.to_owned();
    }
    let grouped: Vec<&str> = (0..digits.len().div_ceil(3))
        .rev()
        .map(|group| {
            let end = digits.len() - 3 * group;
            &digits[end.saturating_sub(3)..end]
        })
        .collect();
    format!("{}{}", if text.starts_with('-') { "-" } else { "" }, grouped.join(","))
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// Bytes as they are told: powers of ten, one digit after the point.
pub(super) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if value < 1000 {
        return format!("{value} B");
    }
    let mut scaled = value as f64 / 1000.0;
    let mut unit = 0;
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_a_person_would() {
        let told = [0.0, 0.25, 1.0, 3.2, 9.99, 299.7, 4200.0, 12_345.6, -1_234_567.0].map(number);
        assert_eq!(told, ["0", "0.2", "1", "3.2", "10", "300", "4200", "12,346", "-1,234,567"]);
        let told = [0, 999, 1000, 61_400_000, 999_999, 5_000_000_000].map(bytes);
        assert_eq!(told, ["0 B", "999 B", "1.0 kB", "61.4 MB", "1.0 MB", "5.0 GB"]);
        assert_eq!([0.004, 0.93, 1.0].map(percent), ["0.4 %", "93 %", "100 %"]);
    }
}
