//! The processes of this machine as a trait, so that tests can use their own.

use memtop_heap::Heap;
use memtop_remote::CaptureOptions;

use crate::failure::Failure;

/// Processes that can be captured.
pub(crate) trait Processes {
    /// Captures the heap of a process as it is now.
    ///
    /// # Errors
    /// If the process cannot be captured.
    fn capture(&self, pid: u32, options: &CaptureOptions) -> Result<Heap, Failure>;

    /// Returns the PIDs of the Python processes among the descendants of a process.
    fn children(&self, pid: u32) -> Vec<u32>;

    /// Whether the process exists and has not ended.
    fn is_running(&self, pid: u32) -> bool;
}

/// The processes of this machine.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_runs_until_it_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        assert!(System.is_running(child.id()));
        child.kill().expect("it can be killed");
        // A zombie has ended, although its parent has not called wait() yet.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while System.is_running(child.id()) {
            assert!(std::time::Instant::now() < deadline, "a zombie counts as running");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().expect("it has ended");
        assert!(!System.is_running(child.id()));
        assert!(System.is_running(std::process::id()));
    }
}
