//! Checks that heaps can be compared: only those of one process make a series, in the order of time.

use memtop_heap::{CaptureInfo, Heap, SameProcess};

/// The reason why heaps cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// They are of different processes.
    #[error(
        "snapshots {first} and {second} are of different processes ({first_process} and {second_process}): growth \
         can only be measured within one process"
    )]
    OtherProcess {
        /// The place of one, from 1.
        first: usize,
        /// The place of the other.
        second: usize,
        /// The process of one: its PID, and the facts that distinguish it from the other.
        first_process: String,
        /// The process of the other.
        second_process: String,
    },
    /// They are of one process, which called `exec` in between.
    #[error(
        "snapshots {first} and {second} are of {process}, which called exec in between and so became another program \
         ({programs}): growth can only be measured within one program"
    )]
    OtherProgram {
        /// The place of one, from 1.
        first: usize,
        /// The place of the other.
        second: usize,
        /// The process.
        process: String,
        /// The name of the program in each.
        programs: String,
    },
    /// Their interpreters are of different versions.
    #[error(
        "snapshots {first} and {second} are of different versions of Python ({first_version} and {second_version})"
    )]
    OtherVersion {
        /// The place of one, from 1.
        first: usize,
        /// The place of the other.
        second: usize,
        /// The version of one.
        first_version: String,
        /// The version of the other.
        second_version: String,
    },
    /// They are of different interpreters within one process.
    #[error("snapshots {first} and {second} are of different interpreters of one process")]
    OtherInterpreter {
        /// The place of one, from 1.
        first: usize,
        /// The place of the other.
        second: usize,
    },
}

/// Whether two captures are of one process and interpreter.
///
/// # Errors
/// If they are not, with the reason; the places are 1 and 2.
pub fn same_process(one: &CaptureInfo, other: &CaptureInfo) -> Result<(), SeriesError> {
    compare(one, other, 1, 2)
}

fn compare(one: &CaptureInfo, other: &CaptureInfo, first: usize, second: usize) -> Result<(), SeriesError> {
    let (a, b) = (&one.process, &other.process);
    match a.compare(b) {
        SameProcess::Yes => {}
        SameProcess::OtherImage => {
            let programs = match (one.program.as_str(), other.program.as_str()) {
                (first, second) if first == second => format!("{first} both times"),
                (first, second) => format!("{first} and {second}"),
            };
            return Err(SeriesError::OtherProgram { first, second, process: a.to_string(), programs });
        }
        SameProcess::No => {
            let (first_process, second_process) = distinguished(one, other);
            return Err(SeriesError::OtherProcess { first, second, first_process, second_process });
        }
    }
    if one.python != other.python {
        let (first_version, second_version) = (one.python.to_string(), other.python.to_string());
        return Err(SeriesError::OtherVersion { first, second, first_version, second_version });
    }
    if a.interpreter != b.interpreter {
        return Err(SeriesError::OtherInterpreter { first, second });
    }
    Ok(())
}

/// Two processes, each with the facts that distinguish it from the other.
fn distinguished(one: &CaptureInfo, other: &CaptureInfo) -> (String, String) {
    let (first, second) = (one.process.to_string(), other.process.to_string());
    let on = |process: &str, info: &CaptureInfo| match &info.host {
        Some(host) => format!("{process} on {host}"),
        None => process.to_owned(),
    };
    match (first == second, one.host == other.host) {
        (false, true) => (first, second),
        (_, false) => (on(&first, one), on(&second, other)),
        (true, true) => {
            let second = format!("another process that had PID {}", other.process.pid);
            (first, second)
        }
    }
}

/// The indexes of `heaps` in the order of time: by the monotonic clock if all have it, else by the time of day; of
/// equal times, in the order given.
///
/// # Errors
/// If not all are of one process and interpreter.
pub fn in_order(heaps: &[&Heap]) -> Result<Vec<usize>, SeriesError> {
    order_of(&heaps.iter().map(|heap| heap.info()).collect::<Vec<_>>())
}

/// As [`in_order`], from the captures alone.
///
/// # Errors
/// As [`in_order`].
pub fn order_of(captures: &[&CaptureInfo]) -> Result<Vec<usize>, SeriesError> {
    // A fact that a capture lacks does not distinguish it from another: the captures that have a program are compared
    // with the first that has one, too.
    let knows = captures.iter().position(|info| info.process.image.is_some()).unwrap_or(0);
    for (index, info) in captures.iter().enumerate() {
        compare(captures[0], info, 1, index + 1)?;
        compare(captures[knows], info, knows + 1, index + 1)?;
    }
    let steady = captures.iter().all(|info| info.uptime.is_some());
    let mut order: Vec<usize> = (0..captures.len()).collect();
    order.sort_by_key(|&index| {
        let info = captures[index];
        if steady { info.uptime.map_or(0, i128::from) } else { i128::from(info.taken_at) }
    });
    Ok(order)
}
