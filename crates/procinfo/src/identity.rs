//! The identity of a process, the machine and container that it runs on, and the time.
//!
//! Invariant: the identity of a process is the same whether the process reports it or another one,
//! except for the number in the PID namespace of the one that asks.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

use memtop_heap::{ProcessIdentity, ProgramImage, boot_digest};

use crate::files::read;
use crate::process::{START_TIME, stat};
use crate::status::Status;

/// The identity of another process, with interpreter 0. `started` is its start time, `image` the
/// program that it runs.
#[must_use]
pub fn identity(pid: u32, started: u64, image: Option<ProgramImage>) -> ProcessIdentity {
    ProcessIdentity {
        pid,
        namespace_pid: Status::of(pid).ok().and_then(|status| status.namespace_pid()),
        started,
        boot: boot(),
        interpreter: 0,
        image,
    }
}

/// The identity of the calling process, with one of its interpreters.
#[must_use]
pub fn own_identity(interpreter: u64) -> ProcessIdentity {
    let pid = std::process::id();
    ProcessIdentity {
        pid,
        // A process only knows its number in its own namespace.
        namespace_pid: Some(pid),
        started: stat("self", START_TIME).unwrap_or(0),
        boot: boot(),
        interpreter,
        image: own_image(),
    }
}

/// The program that the calling process runs. It is read by the thread's own entry of `/proc`,
/// because the entry of a main thread that ended is empty.
fn own_image() -> Option<ProgramImage> {
    let vector = fs::read("/proc/thread-self/auxv").ok()?;
    ProgramImage::new(&vector, |at| {
        let mut bytes = [0; 16];
        File::open("/proc/thread-self/mem").ok()?.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    })
}

fn boot() -> String {
    boot_digest(&read("/proc/sys/kernel/random/boot_id").unwrap_or_default())
}

/// The container of a process, if it is known.
#[must_use]
pub fn container(pid: u32) -> Option<String> {
    memtop_heap::container(&read(&format!("/proc/{pid}/cgroup")).ok()?)
}

/// The container of the calling process, if it is known.
#[must_use]
pub fn own_container() -> Option<String> {
    memtop_heap::container(&read("/proc/thread-self/cgroup").ok()?)
}

/// The name of this host, as the calling process sees it.
#[must_use]
pub fn host() -> Option<String> {
    let name = read("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The time in microseconds since 1970 (UTC), and on a clock that never goes back.
#[must_use]
pub fn clocks() -> (i64, Option<u64>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
    let uptime = fs::read_to_string("/proc/uptime").ok();
    let uptime = uptime.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    (now, uptime.map(|seconds| (seconds * 1e6) as u64))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::process::{auxiliary_vector, started};

    #[test]
    fn a_process_and_another_one_report_the_same_identity() {
        let pid = std::process::id();
        let own = own_identity(0);
        let vector = auxiliary_vector(pid);
        let image = ProgramImage::new(&vector, |at| {
            let mut bytes = [0; 16];
            File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(&mut bytes, at).ok()?;
            Some(bytes)
        });
        let other = identity(pid, started(pid).expect("it runs"), image);
        assert_eq!((own.started, &own.boot, own.image), (other.started, &other.boot, other.image));
        assert!(own.started > 0 && own.image.is_some());
        assert_eq!(own_container(), container(pid));
    }
}
