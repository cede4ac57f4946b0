//! Figures about a process that can be read without stopping it: memory, run time, and the limit of
//! its memory.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::identity::clocks;
use crate::memory_limit;
use crate::process::started;
use crate::status::Status;

/// Figures about a process that can be read without stopping it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessStats {
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// How long the process has run.
    pub uptime: Option<Duration>,
    /// The limit of its memory in bytes, and where it comes from: `cgroup` or `machine`.
    pub limit: Option<(u64, &'static str)>,
}

/// Clock ticks in a second as `/proc` counts them (`USER_HZ`), the same on every Linux.
const TICKS: u64 = 100;

/// Returns the figures of a process, or `None` if it does not exist or has ended. Reads a few files
/// of `/proc`.
#[must_use]
pub fn process_stats(pid: u32) -> Option<ProcessStats> {
    let status = Status::of(pid).ok().filter(|status| !status.is_dead())?;
    let (_, now) = clocks();
    let started = started(pid).map(|ticks| Duration::from_millis(ticks * 1000 / TICKS));
    let uptime =
        now.map(Duration::from_micros).zip(started).and_then(|(now, started)| now.checked_sub(started));
    Some(ProcessStats { rss: status.memory().rss, uptime, limit: limit(pid) })
}

/// The lower of the limits of its control groups and the size of the machine's memory.
fn limit(pid: u32) -> Option<(u64, &'static str)> {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let groups = read(Path::new(&format!("/proc/{pid}/cgroup"))).unwrap_or_default();
    let group = memory_limit::limit(&groups, &read).map(|bytes| (bytes, "cgroup"));
    let machine = memory_limit::machine(&read).map(|bytes| (bytes, "machine"));
    group.into_iter().chain(machine).min_by_key(|(bytes, _)| *bytes)
}
