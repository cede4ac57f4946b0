//! The table of several processes, and their totals.

use std::sync::Arc;
use std::time::Duration;

use super::process::Process;
use super::table::{Column, Table};
use crate::rate::Forecast;
use crate::text::shown;

/// The totals of all processes, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GroupTotals {
    /// The number of processes.
    pub processes: usize,
    /// The number of processes that have ended.
    pub gone: usize,
    /// Resident memory of running processes; shared pages are counted for each of them.
    pub rss: Option<u64>,
    /// Python objects of running processes, in bytes.
    pub python: Option<u64>,
    /// The growth of resident memory per minute, or since the baseline, in bytes.
    pub growth: Option<f64>,
}

impl GroupTotals {
    /// Returns the totals of the processes.
    #[must_use]
    pub fn of(processes: &[Process]) -> Self {
        let mut totals = Self {
            processes: processes.len(),
            gone: processes.iter().filter(|one| one.is_gone()).count(),
            ..Self::default()
        };
        for one in processes.iter().filter(|one| !one.is_gone()) {
            add(&mut totals.rss, one.rss());
            add(&mut totals.python, one.latest.as_ref().map(|latest| latest.memory.python));
            if let Some(growth) = one.growth_shown() {
                *totals.growth.get_or_insert(0.0) += growth;
            }
        }
        totals
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
        Column::Pause => process.paused(),
        _ => None,
    }
}

pub(super) fn name(process: &Process) -> Arc<str> {
    shown(&process.title.name).into()
}

/// Sorts and filters the processes. The totals take one line of the view.
pub(super) fn arrange_processes(table: &mut Table, processes: &[Process], height: usize) {
    table.arrange(
        processes.len(),
        height.saturating_sub(1),
        |row, column| value(&processes[row], column),
        |row| name(&processes[row]),
        key,
    );
}

/// Returns the key by which the cursor follows a row: its index, which never changes.
pub(super) fn key(row: usize) -> Arc<str> {
    row.to_string().into()
}
