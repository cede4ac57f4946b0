//! Lists the Python processes of this machine, and the Python descendants of a process.

use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::RemoteError;
use crate::find::{KnownFiles, in_time};
use crate::maps::base;
use crate::target::{Process, Target};
use memtop_procinfo::{self as procinfo, Status};

/// How long the search in one of many processes may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The total time spent on processes that do not answer. After that, each gets less time.
const ALL_PATIENCE: Duration = Duration::from_secs(20);
const SHORT_PATIENCE: Duration = Duration::from_millis(500);

/// Searches processes one after the other, each with a deadline.
#[derive(Default)]
struct Searches {
    known: KnownFiles,
    unanswered: Duration,
}

impl Searches {
    /// Runs `search` in a process with the files known so far. Returns an error if it does not
    /// answer in time.
    fn run<R: Send + 'static>(
        &mut self,
        pid: u32,
        search: impl FnOnce(&mut KnownFiles) -> R + Send + 'static,
    ) -> Result<R, RemoteError> {
        let begun = Instant::now();
        let patience = if self.unanswered < ALL_PATIENCE { PATIENCE } else { SHORT_PATIENCE };
        // After a timeout the thread keeps the known files, and a new collection begins.
        let mut known = std::mem::take(&mut self.known);
        let answer = in_time(patience, move || {
            let answer = search(&mut known);
            (answer, known)
        });
        let Some((answer, known)) = answer else {
            self.unanswered += begun.elapsed();
            return Err(RemoteError::NoAnswer { pid, seconds: patience.as_secs().max(1) });
        };
        self.known = known;
        Ok(answer)
    }
}

/// The Python processes of this machine by number, except for this one. A process that may not be
/// read, or does not answer, is recognised by its name.
#[must_use]
pub fn processes() -> Vec<Process> {
    let mut searches = Searches::default();
    let mut users = FxHashMap::default();
    let all = procinfo::all().into_iter().filter(|&pid| pid != std::process::id());
    all.filter_map(|pid| process(pid, &mut searches, &mut users)).collect()
}

fn process(pid: u32, searches: &mut Searches, users: &mut FxHashMap<u32, String>) -> Option<Process> {
    let status = Status::of(pid).ok()?;
    let rss = status.memory().rss;
    // A kernel thread has no memory. Neither has a zombie, but it may have run Python.
    if rss.is_none() && !status.is_dead() {
        return None;
    }
    // The command line is in its memory, too, so reading it can block as well.
    let found = searches.run(pid, move |known| (procinfo::arguments(pid), Target::find_with(pid, known)));
    let (arguments, found) = match found {
        Ok((arguments, found)) => (arguments, found),
        Err(error) => (Vec::new(), Err(error)),
    };
    let is_called_python = || is_called_python(&arguments, &status);
    let (version, problem) = match found {
        Ok(target) => (Some(target.version), None),
        Err(
            RemoteError::NotPython { .. } | RemoteError::NoSuchProcess { .. } | RemoteError::Exited { .. },
        ) => {
            return None;
        }
        Err(
            RemoteError::OtherArchitecture { .. }
            | RemoteError::Zombie { .. }
            | RemoteError::TooMuchToRead { .. },
        ) if !is_called_python() => {
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
            if !may_be_read && !is_called_python() {
                return None;
            }
            (None, Some(error.to_string()))
        }
    };
    let user = status.users().map_or(u32::MAX, |(user, _)| user);
    Some(Process {
        pid,
        namespace_pid: status.namespace_pid(),
        container: procinfo::container(pid),
        version,
        rss: rss.unwrap_or(0),
        user: users.entry(user).or_insert_with(|| procinfo::user_name(user)).clone(),
        command: match arguments.join(" ") {
            nothing if nothing.is_empty() => status.name(),
            command => command,
        },
        problem,
    })
}

fn is_called_python(arguments: &[String], status: &Status) -> bool {
    let is_python = |name: &str| name.starts_with("python") || name.starts_with("pypy");
    arguments.first().is_some_and(|program| is_python(base(program))) || is_python(&status.name())
}

/// The descendants of a process that run Python and can be read, by number.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let mut below: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for child in procinfo::all() {
        if let Some(parent) = procinfo::parent(child) {
            below.entry(parent).or_default().push(child);
        }
    }
    let mut searches = Searches::default();
    let mut found = Vec::new();
    let (mut open, mut seen) = (vec![pid], FxHashSet::default());
    while let Some(parent) = open.pop() {
        for &child in below.get(&parent).into_iter().flatten() {
            if seen.insert(child) {
                open.push(child);
                if matches!(searches.run(child, move |known| Target::find_with(child, known)), Ok(Ok(_))) {
                    found.push(child);
                }
            }
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::elf::MappedFile;

    #[test]
    fn a_process_that_does_not_answer_is_reported_and_the_next_is_searched() {
        // As if other processes had used up the time, so that the test is fast.
        let mut searches = Searches { unanswered: ALL_PATIENCE, ..Searches::default() };
        let (_keep, never) = mpsc::channel::<()>();
        searches.known.insert(((1, 2), 3), MappedFile::Other);
        let error = searches.run(7, move |_| never.recv().is_ok()).expect_err("it never answers");
        assert!(matches!(error, RemoteError::NoAnswer { pid: 7, .. }), "{error}");
        assert!(error.hint().is_some());
        assert!(searches.known.is_empty(), "the known files are with the blocked thread");
        let answer = searches.run(8, |known| known.insert(((1, 2), 3), MappedFile::Other).is_none());
        assert!(matches!(answer, Ok(true)) && searches.known.len() == 1);
    }
}
