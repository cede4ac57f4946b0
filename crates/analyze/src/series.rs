//! Whether heaps can be compared: only those of one process make a series, in the order of time.

use memtop_heap::{CaptureInfo, Heap};

/// Why heaps cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// They are of different processes.
    #[error(
        "snapshots {first} and {second} are of different processes (PID {first_pid} and PID {second_pid}): growth \
         can only be told within one process"
    )]
    OtherProcess {
        /// The place of one, from 1.
        first: usize,
        /// The place of the other.
        second: usize,
        /// The number of the process of one.
        first_pid: u32,
        /// The number of the process of the other.
        second_pid: u32,
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
    if (a.pid, a.started, &a.boot) != (b.pid, b.started, &b.boot) {
        return Err(SeriesError::OtherProcess { first, second, first_pid: a.pid, second_pid: b.pid });
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

/// The places of `heaps` in the order of time. By the clock that never goes back where all have one, else by the
/// time of day; of equal times, in the order given.
///
/// # Errors
/// If not all are of one process and interpreter.
pub fn in_order(heaps: &[&Heap]) -> Result<Vec<usize>, SeriesError> {
    order_of(&heaps.iter().map(|heap| heap.info()).collect::<Vec<_>>())
}

/// As [`in_order`], of what is known of each capture.
///
/// # Errors
/// As [`in_order`].
pub fn order_of(captures: &[&CaptureInfo]) -> Result<Vec<usize>, SeriesError> {
    for (index, info) in captures.iter().enumerate().skip(1) {
        compare(captures[0], info, 1, index + 1)?;
    }
    let steady = captures.iter().all(|info| info.uptime.is_some());
    let mut order: Vec<usize> = (0..captures.len()).collect();
    order.sort_by_key(|&index| {
        let info = captures[index];
        if steady { info.uptime.map_or(0, i128::from) } else { i128::from(info.taken_at) }
    });
    Ok(order)
}
