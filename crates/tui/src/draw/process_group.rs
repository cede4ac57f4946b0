//! The screen of several processes: a row for each, and their total.

use memtop_analyze::{MemoryTotal, Verdict};
use memtop_report::{bytes, percent, wording};
use ratatui::layout::Rect;

use super::head::{bar, growth_role, time};
use super::pen::{Pen, span};
use super::table::{Cell, cell, header, rows};
use super::tabs::filter;
use super::theme::Role;
use crate::areas::{Areas, columns};
use crate::rate::Forecast;
use crate::state::State;
use crate::state::process::Process;
use crate::state::table::Column;
use crate::state::totals::GroupTotals;
use crate::text::{bytes_change, left, right, shown, sparkline};

pub(super) fn draw(pen: &mut Pen<'_>, areas: &Areas, state: &State) {
    let totals = GroupTotals::of(&state.processes);
    title(pen, areas.title, state, &totals);
    let resident = totals.rss.map_or_else(|| "unknown".to_owned(), bytes);
    let mut spans = vec![span(" resident ", Role::Faint), span(resident, Role::Strong)];
    let baseline = state.processes.iter().any(|one| one.baseline.is_some());
    let per = if baseline { " since the baseline" } else { "/min" };
    if totals.growth.is_some() {
        spans.push(span(format!("  {}{per}", bytes_change(totals.growth)), growth_role(totals.growth)));
    }
    spans.push(span("  total; shared pages count for each process", Role::Faint));
    pen.line(areas.memory, 0, &spans);
    let running = state.processes.iter().filter(|one| !one.is_gone());
    let memory: Vec<&MemoryTotal> = running.filter_map(|one| Some(&one.latest.as_ref()?.memory)).collect();
    bar(pen, areas.bar, areas.legend, &memory);
    verdict(pen, areas.verdict, &state.processes);
    let used = pen.line(areas.tabs, 0, &[span(" Processes ", Role::Chosen)]);
    pen.line_right(areas.tabs, 0, used, &filter(state, &state.process_group));
    header(pen, areas.header, &state.process_group, |column| head(column, baseline));
    // The total has the last line.
    let body = Rect { height: areas.body.height.saturating_sub(1), ..areas.body };
    rows(pen, body, &state.process_group, |row, column, wide| {
        state.processes.get(row).map(|process| process_cell(process, column, wide))
    });
    if areas.body.height > 1 {
        let y = areas.body.bottom() - 1;
        for (column, begin, wide) in columns(state.process_group.columns, areas.body.width) {
            let known = |value: Option<u64>| value.map_or_else(|| "·".to_owned(), bytes);
            let text = match column {
                Column::Resident => known(totals.rss),
                Column::Python => known(totals.python),
                Column::BytesGrowth => bytes_change(totals.growth),
                Column::Name => "total".to_owned(),
                _ => String::new(),
            };
            let across = usize::from(wide);
            let text = if column == Column::Name { left(&text, across) } else { right(&text, across) };
            pen.text(begin, y, wide, &text, Role::Strong);
        }
    }
}

fn title(pen: &mut Pen<'_>, area: Rect, state: &State, totals: &GroupTotals) {
    let ended = if totals.gone > 0 { format!(", {} ended", totals.gone) } else { String::new() };
    let spans = [
        span(" mem_top  ", Role::Strong),
        span(format!("{} processes{ended}", totals.processes), Role::Name),
    ];
    let used = pen.line(area, 0, &spans);
    let (word, role) = match () {
        () if totals.gone == totals.processes => ("■ ended ", Role::Bad),
        () if state.frozen => ("■ frozen ", Role::Doubt),
        () => ("● live ", Role::Good),
    };
    pen.line_right(area, 0, used, &[span(word, role)]);
}

/// Draws the number of processes that leak, or that grow otherwise, and the first one's verdict.
fn verdict(pen: &mut Pen<'_>, area: Rect, processes: &[Process]) {
    let known: Vec<(&Process, &memtop_analyze::Leaks)> =
        processes.iter().filter_map(|one| Some((one, &one.latest.as_ref()?.leaks))).collect();
    let of = |verdict| known.iter().filter(move |(_, leaks)| leaks.verdict == verdict);
    let worst = known.iter().map(|(_, leaks)| leaks.verdict).filter(|verdict| verdict.severity() > 1);
    // A leak can be mended where it is named, so it comes before growth of another kind.
    let shown_verdict = worst.min_by_key(|&verdict| verdict != Verdict::Leak);
    let first = shown_verdict.and_then(|verdict| Some((verdict, of(verdict).next()?)));
    let spans = match first {
        Some((verdict, (process, leaks))) => {
            let reason = || wording::reasons(leaks);
            let summary = match verdict {
                Verdict::Leak => leaks.suspects.first().map_or_else(reason, wording::summary),
                _ => reason(),
            };
            let who = shown(&process.title.name);
            let count = of(verdict).count();
            vec![
                span(format!(" ● {} in {count} of {}: ", verdict.word(), processes.len()), Role::Bad),
                span(format!("{who}: {}", shown(&summary)), Role::Plain),
            ]
        }
        None if known.is_empty() => Vec::new(),
        None => {
            let steady = known.iter().filter(|(_, leaks)| leaks.verdict == Verdict::NoGrowth).count();
            let role = if steady == processes.len() { Role::Good } else { Role::Faint };
            vec![span(format!(" ○ no leak found; no growth in {steady} of {}", processes.len()), role)]
        }
    };
    pen.line(area, 0, &spans);
}

fn head(column: Column, baseline: bool) -> &'static str {
    match column {
        Column::Pid => "PID",
        Column::Resident => "RESIDENT",
        Column::Python => "PYTHON",
        Column::BytesGrowth if baseline => "+BYTES",
        Column::BytesGrowth => "BYTES/MIN",
        Column::Limit => "LIMIT IN",
        Column::Pause => "PAUSED",
        Column::Trend => "TREND",
        _ => "PROGRAM",
    }
}

fn process_cell(process: &Process, column: Column, wide: usize) -> Cell {
    let known = |value: Option<u64>| value.map_or_else(|| "·".to_owned(), bytes);
    let growth = process.growth_shown();
    let gone = process.is_gone();
    match column {
        Column::Pid => {
            cell(process.title.pid.map_or_else(|| "·".to_owned(), |pid| pid.to_string()), Role::Plain)
        }
        Column::Resident if gone => cell("ended", Role::Bad),
        Column::Resident => cell(known(process.rss()), Role::Strong),
        Column::Python => {
            cell(known(process.latest.as_ref().map(|latest| latest.memory.python)), Role::Plain)
        }
        Column::BytesGrowth => cell(bytes_change(growth), growth_role(growth)),
        Column::Limit => match process.forecast() {
            None => cell("·", Role::Faint),
            Some(Forecast::Now) => cell("reached", Role::Bad),
            Some(Forecast::Never) => cell("never", Role::Faint),
            Some(Forecast::In(left)) => cell(time(left), Role::Doubt),
        },
        Column::Pause => cell(process.paused().map_or_else(|| "·".to_owned(), percent), Role::Plain),
        Column::Trend => {
            let points: Vec<f64> = process.resident.points().iter().map(|point| point.1).collect();
            cell(sparkline(&points, wide), Role::Curve)
        }
        _ => {
            let leaks = process.latest.as_ref().is_some_and(|latest| latest.leaks.verdict == Verdict::Leak);
            cell(shown(&process.title.name), if leaks { Role::Bad } else { Role::Name })
        }
    }
}
