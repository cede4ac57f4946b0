//! The processes of this machine, as the commands see them: a trait, so that tests can make up their own.

use memtop_heap::Heap;
use memtop_remote::{CaptureOptions, RemoteError};

use crate::failure::Failure;

/// Processes that can be looked into.
pub(crate) trait Processes {
    /// The heap of a process as it is now.
    ///
    /// # Errors
    /// If it cannot be captured, with the reason and a hint.
    fn capture(&self, pid: u32, options: &CaptureOptions) -> Result<Heap, Failure>;

    /// The descendants of a process that are Pythons, by their numbers.
    fn children(&self, pid: u32) -> Vec<u32>;

    /// Whether the process is there and has not ended.
    fn is_running(&self, pid: u32) -> bool;
}

/// Those of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Processes for System {
    fn capture(&self, pid: u32, options: &CaptureOptions) -> Result<Heap, Failure> {
        Ok(memtop_remote::capture(pid, options)?)
    }

    fn children(&self, pid: u32) -> Vec<u32> {
        memtop_remote::children(pid)
    }

    fn is_running(&self, pid: u32) -> bool {
        memtop_remote::process_stats(pid).is_some()
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self { message: error.to_string(), hint: error.hint(), status: crate::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_runs_until_it_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        assert!(System.is_running(child.id()));
        child.kill().expect("it can be killed");
        // A zombie has ended: nobody has asked yet how.
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while System.is_running(child.id()) {
            assert!(std::time::Instant::now() < patience, "a zombie counts as running");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().expect("it has ended");
        assert!(!System.is_running(child.id()));
        assert!(System.is_running(std::process::id()));
    }
}
