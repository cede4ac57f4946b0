//! The upper part of the screen: the process, its memory and the parts of it, the cost of captures, and the verdict.

use std::time::Duration;

use memtop_analyze::{MemoryTotal, Verdict};
use memtop_report::{bytes, duration, grouped, percent, signed_bytes, wording};
use ratatui::layout::Rect;

use super::parts::{MemoryPart, parts, widths};
use super::pen::{Pen, Span, span};
use super::theme::Role;
use crate::areas::Areas;
use crate::observe::Observation;
use crate::rate::Forecast;
use crate::state::State;
use crate::state::process::{Process, Status};
use crate::text::{bytes_change, columns, shown, sparkline, wrapped};

/// The separator between facts on a line.
const DOT: &str = " · ";

pub(super) fn draw(pen: &mut Pen<'_>, areas: &Areas, state: &State, process: &Process) {
    title(pen, areas, state, process);
    memory(pen, areas.memory, process);
    if let Some(latest) = &process.latest {
        bar(pen, areas.bar, areas.legend, &[&latest.memory]);
        verdict(pen, areas.verdict, latest);
    }
    cost(pen, areas.cost, state, process);
}

/// Returns a duration as text, in whole seconds if it is longer than one.
pub(super) fn time(time: Duration) -> String {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    if nanoseconds < 1_000_000_000 {
        return duration(nanoseconds);
    }
    duration(nanoseconds / 1_000_000_000 * 1_000_000_000)
}

fn title(pen: &mut Pen<'_>, areas: &Areas, state: &State, process: &Process) {
    let area = areas.title;
    let (word, role) = status(state, process);
    let right = [span("  ", Role::Plain), span(word, role), span(" ", Role::Plain)];
    let mut spans = vec![span(" mem_top  ", Role::Strong), span(shown(&process.title.name), Role::Name)];
    let mut facts = Vec::new();
    // If memory has no line of its own, it comes first here.
    if areas.memory.height == 0 {
        facts.extend(process.rss().map(bytes));
        spans.remove(0);
    }
    if let Some(pid) = process.title.pid {
        let own = process.latest.as_ref().and_then(|latest| latest.info.process.namespace_pid);
        facts.push(match own.filter(|own| *own != pid) {
            Some(own) => format!("PID {pid} ({own} in its namespace)"),
            None => format!("PID {pid}"),
        });
    }
    if let Some(latest) = &process.latest {
        let name = match latest.info.implementation.as_str() {
            "" | "cpython" => "CPython".to_owned(),
            other => shown(other),
        };
        facts.push(format!("{name} {}", shown(&latest.info.python.to_string())));
        facts.extend(latest.info.host.iter().map(|host| format!("on {}", shown(host))));
    }
    if let Some(uptime) = process.sample.uptime {
        facts.push(format!("up {}", time(uptime)));
    }
    spans.extend(facts.into_iter().map(|fact| span(format!("{DOT}{fact}"), Role::Plain)));
    let room: usize = right.iter().map(|span| columns(&span.0)).sum();
    let room = area.width.saturating_sub(u16::try_from(room).unwrap_or(u16::MAX));
    // On a very narrow screen, the name of the process matters more than its status.
    let room = if room < 12 { area.width } else { room };
    let used = pen.line(Rect { width: room, ..area }, 0, &spans);
    pen.line_right(area, 0, used, &right);
}

/// Returns the status in a few words.
fn status(state: &State, process: &Process) -> (String, Role) {
    match &process.status {
        Status::Gone(..) => ("■ ended".to_owned(), Role::Bad),
        _ if state.frozen => ("■ frozen".to_owned(), Role::Doubt),
        Status::Capturing => ("● capturing".to_owned(), Role::Doubt),
        Status::Analysing => ("● analysing".to_owned(), Role::Good),
        Status::Failing(_, again) => {
            (format!("○ failed, retry in {}", time(again.saturating_sub(state.now))), Role::Bad)
        }
        Status::Waiting(at) => match at.saturating_sub(state.now) {
            left if left.is_zero() => ("● live".to_owned(), Role::Good),
            // Counts down in whole seconds, and not to 0.
            left => (format!("● next in {}", time(Duration::from_secs(left.as_secs() + 1))), Role::Good),
        },
    }
}

fn memory(pen: &mut Pen<'_>, area: Rect, process: &Process) {
    if area.height == 0 {
        return;
    }
    let mut spans = vec![span(" resident ", Role::Faint)];
    let resident = process.rss().map_or_else(|| "unknown".to_owned(), bytes);
    spans.push(span(resident, Role::Strong));
    if let Some(baseline) = &process.baseline {
        let change = process.growth_shown();
        let now = process.latest.as_ref().map_or(baseline.at, |latest| latest.at);
        let since = time(now.saturating_sub(baseline.at));
        spans.push(span(
            format!("  {} since the baseline, {since} ago", bytes_change(change)),
            growth_role(change),
        ));
    } else if let Some(growth) = process.growth() {
        spans.push(span(format!("  {}/min", bytes_change(Some(growth))), growth_role(Some(growth))));
    }
    let points: Vec<f64> = process.resident.points().iter().map(|point| point.1).collect();
    if points.len() > 1 {
        let wide = usize::from(area.width / 8).min(points.len()).min(32);
        spans.push(span(format!("  {}", sparkline(&points, wide)), Role::Curve));
    }
    spans.extend(limit(process));
    pen.line(area, 0, &spans);
}

fn limit(process: &Process) -> Vec<Span> {
    let Some(limit) = &process.sample.limit else { return Vec::new() };
    let name = format!("  {} {} limit", bytes(limit.bytes), shown(&limit.name));
    let (text, role) = match process.forecast() {
        None => (String::new(), Role::Plain),
        Some(Forecast::Now) => (" reached".to_owned(), Role::Bad),
        Some(Forecast::Never) => (" not in sight".to_owned(), Role::Good),
        Some(Forecast::In(left)) => {
            let role = if left < Duration::from_secs(3600) { Role::Bad } else { Role::Doubt };
            (format!(" in {}", time(left)), role)
        }
    };
    vec![span(name, Role::Plain), span(text, role)]
}

/// Returns the role of a growth: the absence of growth draws no attention.
pub(super) fn growth_role(growth: Option<f64>) -> Role {
    match growth {
        Some(growth) if growth >= 0.5 => Role::Doubt,
        Some(growth) if growth <= -0.5 => Role::Good,
        _ => Role::Faint,
    }
}

/// Draws the bar of the parts of memory, and their names.
pub(super) fn bar(pen: &mut Pen<'_>, area: Rect, legend: Rect, totals: &[&MemoryTotal]) {
    let parts = parts(totals);
    let theme = pen.theme;
    if area.height > 0 && area.width > 2 {
        let across = Rect { x: area.x + 1, width: area.width - 2, ..area };
        let widths = widths(&parts, usize::from(across.width));
        let spans: Vec<Span> = parts
            .iter()
            .zip(widths)
            .map(|(part, width)| {
                span(part.part.glyph(theme).to_string().repeat(width), Role::Part(part.part))
            })
            .collect();
        pen.line(across, 0, &spans);
    }
    // Parts that are too small to be seen in the bar are not named.
    let seen: Vec<&MemoryPart> = parts
        .iter()
        .zip(widths(&parts, usize::from(area.width)))
        .filter(|part| part.1 > 0)
        .map(|part| part.0)
        .collect();
    let whole: u128 = parts.iter().map(|part| u128::from(part.bytes)).sum();
    let named = |shares: bool| {
        let share = |part: &MemoryPart| match shares {
            true => format!(" {}", percent(part.bytes as f64 / whole.max(1) as f64)),
            false => String::new(),
        };
        seen.iter()
            .map(|part| format!(" {} {}{}", short_kind(&part.name), bytes(part.bytes), share(part)))
            .collect()
    };
    let with_shares: Vec<String> = named(true);
    let fit = places(&with_shares, legend).iter().all(Option::is_some);
    let texts = if fit { with_shares } else { named(false) };
    for ((part, text), place) in seen.iter().zip(&texts).zip(places(&texts, legend)) {
        let Some((x, line)) = place else { continue };
        let glyph = if theme.color && theme.unicode { '■' } else { part.part.glyph(theme) };
        let room = Rect { x: legend.x + x, width: legend.width - x, ..legend };
        pen.line(room, line, &[span(glyph, Role::Part(part.part)), span(text.as_str(), Role::Plain)]);
    }
}

/// Returns the column and line of each name within `area`; none for names without room.
fn places(texts: &[String], area: Rect) -> Vec<Option<(u16, u16)>> {
    let (mut x, mut line) = (1_usize, 0_u16);
    let mut places = Vec::new();
    for text in texts {
        let wide = columns(text) + 1;
        if x > 1 && x + wide > usize::from(area.width) {
            (x, line) = (1, line.saturating_add(1));
        }
        let fits = line < area.height && x + wide <= usize::from(area.width);
        places.push(fits.then_some((x as u16, line)));
        x += wide + 2;
    }
    places
}

/// Returns a short name for a kind of object.
fn short_kind(name: &str) -> String {
    match name {
        "classes of the program" => "own classes".to_owned(),
        "classes of packages" => "packages".to_owned(),
        "classes of the standard library" => "stdlib".to_owned(),
        other => shown(other),
    }
}

fn cost(pen: &mut Pen<'_>, area: Rect, state: &State, process: &Process) {
    if let Status::Gone(reason, at) = &process.status {
        let ago = time(state.now.saturating_sub(*at));
        let text = format!(" the process ended {ago} ago: {reason}");
        pen.line(
            area,
            0,
            &[span(text, Role::Bad), span(format!("{DOT}showing its last state"), Role::Plain)],
        );
        return;
    }
    if let Status::Failing(reason, _) = &process.status {
        pen.line(area, 0, &[span(format!(" capture failed: {reason}"), Role::Bad)]);
        return;
    }
    let Some(latest) = &process.latest else {
        pen.line(area, 0, &[span(" taking the first capture …", Role::Faint)]);
        return;
    };
    let mut facts = Vec::new();
    let pause = match latest.info.pause {
        _ if latest.info.approximate => "not paused, so the numbers are approximate".to_owned(),
        None => "pause unknown".to_owned(),
        Some(pause) => {
            let share = process
                .paused()
                .map_or_else(String::new, |share| format!(", {} of the time", percent(share)));
            format!("paused for {}{share} (at most {})", duration(pause), percent(state.pace.budget()))
        }
    };
    facts.push(format!("capture {}: {pause}", latest.number));
    facts.push(format!("{} objects", grouped(latest.total.objects)));
    if latest.garbage.objects > 0 {
        facts.push(format!("garbage {}", bytes(latest.garbage.bytes)));
    }
    if latest.info.damaged > 0 {
        facts.push(format!("{} unreadable", grouped(latest.info.damaged)));
    }
    if let Some(rest) = latest.memory.unexplained.filter(|rest| *rest < 0) {
        facts.push(format!("{} not resident", signed_bytes(rest).trim_start_matches('-')));
    }
    pen.line(area, 0, &[span(format!(" {}", facts.join(DOT)), Role::Faint)]);
}

fn verdict(pen: &mut Pen<'_>, area: Rect, latest: &Observation) {
    let leaks = &latest.leaks;
    let (mark, role) = match leaks.verdict {
        Verdict::Leak | Verdict::NativeGrowth | Verdict::GarbageGrowth | Verdict::UncollectableCycles => {
            ("●", Role::Bad)
        }
        Verdict::NoGrowth => ("●", Role::Good),
        Verdict::Inconclusive => ("○", Role::Doubt),
    };
    let word = leaks.verdict.word();
    let reason = || wording::reasons(leaks);
    let word = format!(" {mark} {word}: ");
    let indent = columns(&word);
    let room = usize::from(area.width).saturating_sub(indent + 1);
    let height = usize::from(area.height);
    // Another verdict may come before the suspects.
    let suspect = leaks.suspects.first().filter(|_| leaks.verdict == Verdict::Leak);
    let mut text = shown(&suspect.map_or_else(reason, wording::summary));
    if let Some(suspect) = suspect.filter(|_| wrapped(&text, room, height + 1).len() > height) {
        // The table has the numbers that are left out.
        text = shown(&wording::short_summary(suspect));
    }
    for (line, text) in (0..).zip(wrapped(&text, room, height)) {
        let first = if line == 0 { word.clone() } else { " ".repeat(indent) };
        pen.line(area, line, &[span(first, role), span(text, Role::Plain)]);
    }
}
