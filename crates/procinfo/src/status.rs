//! The fields of `/proc/PID/status`: state, users, tracer, capabilities, memory
//! (`proc_pid_status(5)`).

use std::io;

use memtop_heap::MemoryNumbers;

use crate::files::{numbers, read};

/// The fields of `/proc/PID/status`, or of the same file of a thread.
pub struct Status(String);

impl Status {
    /// The status of a process: of its main thread, or of another one if the main thread ended
    /// first.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        let main = read(&format!("/proc/{pid}/status")).map(Self)?;
        if !main.is_dead() {
            return Ok(main);
        }
        let threads = numbers(&format!("/proc/{pid}/task"));
        let mut others = threads.into_iter().filter_map(|thread| Self::of_thread(pid, thread).ok());
        Ok(others.find(|status| !status.is_dead()).unwrap_or(main))
    }

    /// The status of a thread.
    ///
    /// # Errors
    /// If there is no such thread.
    pub fn of_thread(pid: u32, thread: u32) -> io::Result<Self> {
        read(&format!("/proc/{pid}/task/{thread}/status")).map(Self)
    }

    /// The status of the calling process.
    #[must_use]
    pub fn own() -> Self {
        Self(read("/proc/self/status").unwrap_or_default())
    }

    /// The text of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// The first number of a field.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.split_whitespace().next()?.parse().ok()
    }

    /// A field in kilobytes, as bytes.
    fn bytes(&self, name: &str) -> Option<u64> {
        self.number(name)?.checked_mul(1024)
    }

    /// The letter of the state.
    #[must_use]
    pub fn state(&self) -> char {
        self.field("State").and_then(|state| state.chars().next()).unwrap_or('?')
    }

    /// The thread that this is the status of.
    #[must_use]
    pub fn thread(&self) -> Option<u32> {
        u32::try_from(self.number("Pid")?).ok()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.state(), 'Z' | 'X')
    }

    /// The name of the program or of the thread.
    #[must_use]
    pub fn name(&self) -> String {
        self.field("Name").unwrap_or("?").to_owned()
    }

    /// The real and the effective user.
    #[must_use]
    pub fn users(&self) -> Option<(u32, u32)> {
        let mut numbers = self.field("Uid")?.split_whitespace().map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// The thread that traces it, and the process of that thread if it is known.
    #[must_use]
    pub fn tracer(&self) -> Option<(u32, Option<u32>)> {
        let tracer = u32::try_from(self.number("TracerPid")?).ok().filter(|&tracer| tracer != 0)?;
        let process = Self::of(tracer).ok().and_then(|status| status.number("Tgid"));
        Some((tracer, process.and_then(|process| u32::try_from(process).ok())))
    }

    /// Whether it has the capability with this number (`capabilities(7)`).
    #[must_use]
    pub fn has_capability(&self, number: u32) -> bool {
        let effective = self.field("CapEff").and_then(|mask| u64::from_str_radix(mask, 16).ok());
        effective.is_some_and(|mask| mask >> number & 1 == 1)
    }

    /// The number in its own PID namespace, which differs from the one outside if it is in a
    /// container.
    #[must_use]
    pub fn namespace_pid(&self) -> Option<u32> {
        memtop_heap::namespace_pid(&self.0)
    }

    /// Its memory as the system counts it. The fields about allocators stay `None`.
    #[must_use]
    pub fn memory(&self) -> MemoryNumbers {
        MemoryNumbers {
            rss: self.bytes("VmRSS"),
            peak_rss: self.bytes("VmHWM"),
            swapped: self.bytes("VmSwap"),
            file_backed: self
                .bytes("RssFile")
                .map(|file| file.saturating_add(self.bytes("RssShmem").unwrap_or(0))),
            ..MemoryNumbers::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes_and_file_backed_memory_includes_shared_memory() {
        let text = "Name:\tpy thon\nState:\tS (sleeping)\nUid:\t1000\t0\t0\t0\nVmHWM:\t     900 kB\n\
                    VmRSS:\t     800 kB\nRssFile:\t     200 kB\nRssShmem:\t      50 kB\nVmSwap:\t       0 kB\n";
        let status = Status(text.to_owned());
        let memory = status.memory();
        assert_eq!((memory.rss, memory.peak_rss), (Some(800 << 10), Some(900 << 10)));
        assert_eq!((memory.swapped, memory.file_backed), (Some(0), Some(250 << 10)));
        assert_eq!(
            (status.name().as_str(), status.state(), status.users()),
            ("py thon", 'S', Some((1000, 0)))
        );
        assert_eq!(Status(String::new()).memory(), MemoryNumbers::default());
    }
}
