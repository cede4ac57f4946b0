//! Several processes at once: a row each, and the sum.

use std::sync::Arc;
use std::time::Duration;

use super::State;
use super::process::Process;
use super::table::Column;
use crate::rate::Forecast;
use crate::text::shown;

/// All processes together, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    /// How many there are.
    pub processes: usize,
    /// How many of them have ended.
    pub gone: usize,
    /// Resident memory of those that run; pages that they share count for each.
    pub rss: Option<u64>,
    /// Python objects of those that run.
    pub python: Option<u64>,
    /// How many bytes more a minute, or since the baseline.
    pub growth: Option<f64>,
}

impl Sum {
    /// The sum of the processes.
    #[must_use]
    pub fn of(processes: &[Process]) -> Self {
        let mut sum = Self {
            processes: processes.len(),
            gone: processes.iter().filter(|one| one.is_gone()).count(),
            ..Self::default()
        };
        for one in processes.iter().filter(|one| !one.is_gone()) {
            add(&mut sum.rss, one.rss());
            add(&mut sum.python, one.latest.as_ref().map(|latest| latest.memory.python));
            if let Some(growth) = one.growth_shown() {
                *sum.growth.get_or_insert(0.0) += growth;
            }
        }
        sum
    }
}

fn add(sum: &mut Option<u64>, part: Option<u64>) {
    if let Some(part) = part {
        *sum = Some(sum.unwrap_or(0).saturating_add(part));
    }
}

fn value(process: &Process, column: Column) -> Option<f64> {
    match column {
        Column::Pid => process.title.pid.map(f64::from),
        Column::Resident => process.rss().map(|bytes| bytes as f64),
        Column::Python => process.latest.as_ref().map(|latest| latest.memory.python as f64),
        Column::BytesGrowth | Column::Trend => process.growth_shown(),
        Column::Limit => match process.forecast()? {
            Forecast::Now => Some(0.0),
            Forecast::In(time) => Some(time.as_secs_f64()),
            Forecast::Never => Some(Duration::MAX.as_secs_f64()),
        },
        Column::Pause => process.stopped(),
        _ => None,
    }
}

pub(super) fn name(process: &Process) -> Arc<str> {
    shown(&process.title.name).into()
}

/// Sorts and filters the processes. The sum takes a line of the view.
pub(super) fn arrange(state: &mut State, height: usize) {
    let processes = &state.processes;
    state.process_group.arrange(
        processes.len(),
        height.saturating_sub(1),
        |row, column| value(&processes[row], column),
        |row| name(&processes[row]),
        key,
    );
}

/// What a row is followed by: its place, which never changes.
pub(super) fn key(row: usize) -> Arc<str> {
    row.to_string().into()
}
