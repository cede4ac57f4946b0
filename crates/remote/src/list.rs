//! The Python processes of this machine.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::RemoteError;
use crate::find::{KnownFiles, base};
use crate::proc::{self, Status};
use crate::target::{Process, Target};

/// The Python processes of this machine, by their numbers, but for this one. One that may not be read is known by its
/// name alone.
#[must_use]
pub fn processes() -> Vec<Process> {
    let mut known = KnownFiles::default();
    let mut users = FxHashMap::default();
    let all = proc::all().into_iter().filter(|&pid| pid != std::process::id());
    all.filter_map(|pid| process(pid, &mut known, &mut users)).collect()
}

fn process(pid: u32, known: &mut KnownFiles, users: &mut FxHashMap<u32, String>) -> Option<Process> {
    let status = Status::of(pid).ok()?;
    let rss = status.memory().rss;
    // A thread of the kernel has no memory; neither has a zombie, which may have been a Python.
    if rss.is_none() && !status.is_dead() {
        return None;
    }
    let (version, problem) = match Target::find_with(pid, known) {
        Ok(target) => (Some(target.version), None),
        Err(
            RemoteError::NotPython { .. } | RemoteError::NoSuchProcess { .. } | RemoteError::Exited { .. },
        ) => {
            return None;
        }
        Err(error @ (RemoteError::OtherArchitecture { .. } | RemoteError::Zombie { .. }))
            if !is_called_python(pid, &status) =>
        {
            let _ = error;
            return None;
        }
        Err(error) => {
            let may_be_read = !matches!(
                error,
                RemoteError::OtherUser { .. }
                    | RemoteError::NotDumpable { .. }
                    | RemoteError::Yama { .. }
                    | RemoteError::Sandboxed { .. }
                    | RemoteError::Refused { .. }
            );
            if !may_be_read && !is_called_python(pid, &status) {
                return None;
            }
            (None, Some(error.to_string()))
        }
    };
    let user = status.users().map_or(u32::MAX, |(user, _)| user);
    Some(Process {
        pid,
        namespace_pid: status.namespace_pid(),
        container: proc::container(pid),
        version,
        rss: rss.unwrap_or(0),
        user: users.entry(user).or_insert_with(|| proc::user_name(user)).clone(),
        command: match proc::arguments(pid).join(" ") {
            nothing if nothing.is_empty() => status.name(),
            command => command,
        },
        problem,
    })
}

fn is_called_python(pid: u32, status: &Status) -> bool {
    let program = proc::arguments(pid).into_iter().next().unwrap_or_default();
    let is_python = |name: &str| name.starts_with("python") || name.starts_with("pypy");
    is_python(base(&program)) || is_python(&status.name())
}

/// The descendants of a process that are Pythons which can be read, by their numbers.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let mut below: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for child in proc::all() {
        if let Some(parent) = proc::parent(child) {
            below.entry(parent).or_default().push(child);
        }
    }
    let mut known = KnownFiles::default();
    let mut found = Vec::new();
    let (mut open, mut seen) = (vec![pid], FxHashSet::default());
    while let Some(parent) = open.pop() {
        for &child in below.get(&parent).into_iter().flatten() {
            if seen.insert(child) {
                open.push(child);
                if Target::find_with(child, &mut known).is_ok() {
                    found.push(child);
                }
            }
        }
    }
    found.sort_unstable();
    found
}
