//! Errors of reading a process or a core file. Each names the process or file, says what failed,
//! and has a hint.
//!
//! The file is long because each error has a text, its fields and a hint.

use std::io;
use std::path::PathBuf;

/// The reason why a process or a core file could not be read. The text is one line; the hint is
/// separate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no such process.
    #[error("process {pid}: no such process")]
    NoSuchProcess {
        /// The number that was given.
        pid: u32,
    },
    /// The number belongs to a thread, not to a process.
    #[error("{pid} is a thread of process {process}")]
    IsAThread {
        /// The number that was given.
        pid: u32,
        /// The process that the thread belongs to.
        process: u32,
    },
    /// It is the calling process.
    #[error("process {pid} is mem_top itself")]
    Itself {
        /// The process.
        pid: u32,
    },
    /// Reading other processes is not supported on this system.
    #[error("process {pid} cannot be read: reading other processes is supported on Linux only")]
    OtherSystem {
        /// The process.
        pid: u32,
    },
    /// It does not run Python.
    #[error("process {pid} ({program}) is not a Python process: no mapped file contains CPython")]
    NotPython {
        /// The process.
        pid: u32,
        /// Its program's name.
        program: String,
    },
    /// No interpreter was found in the part of its files and memory that is searched.
    #[error("process {pid} ({program}): found no CPython in the first 256 MiB of the symbols of its files")]
    TooMuchToRead {
        /// The process.
        pid: u32,
        /// Its program's name.
        program: String,
    },
    /// Its files or its memory could not be read in time.
    #[error("process {pid} did not answer: its files or its memory could not be read within {seconds} s")]
    NoAnswer {
        /// The process.
        pid: u32,
        /// The time limit.
        seconds: u64,
    },
    /// It runs another implementation of Python.
    #[error("process {pid} runs {implementation}, not CPython")]
    OtherImplementation {
        /// The process.
        pid: u32,
        /// `PyPy`, `GraalPy`.
        implementation: &'static str,
    },
    /// It is a 32-bit or big-endian process.
    #[error("process {pid} ({file}) is {what}; only 64-bit little-endian processes can be read")]
    OtherArchitecture {
        /// The process.
        pid: u32,
        /// The name of the program.
        file: String,
        /// `a 32-bit program`.
        what: &'static str,
    },
    /// It runs a build without the GIL.
    #[error("process {pid} runs a free-threaded build of CPython {version}, which mem_top cannot read")]
    FreeThreaded {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
    },
    /// It runs a debug build, whose structs have other members.
    #[error("process {pid} runs a debug build of CPython {version}, which mem_top cannot read")]
    DebugBuild {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
    },
    /// It runs a version that is not supported.
    #[error("process {pid} runs CPython {version}, which mem_top does not support (supported: {known})")]
    UnknownVersion {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
        /// The supported versions: `3.8 to 3.15`.
        known: String,
    },
    /// The version of its interpreter cannot be determined.
    #[error("process {pid}: cannot determine the version of the CPython interpreter in {file}")]
    NoVersion {
        /// The process.
        pid: u32,
        /// The mapped file.
        file: String,
    },
    /// Its memory does not have the layout of its version.
    #[error(
        "process {pid} runs CPython {version}, but its memory does not have that version's layout: {what}"
    )]
    OtherLayout {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
        /// The difference.
        what: String,
    },
    /// It belongs to another user.
    #[error("process {pid} belongs to {owner}, and mem_top runs as {user}")]
    OtherUser {
        /// The process.
        pid: u32,
        /// The user that it belongs to.
        owner: String,
        /// The user that mem_top runs as.
        user: String,
    },
    /// It belongs to the same user, but the system protects it because it gave up privileges.
    #[error("process {pid} is protected: it changed its user or privileges, and is not dumpable")]
    NotDumpable {
        /// The process.
        pid: u32,
    },
    /// It is traced by another process.
    #[error("process {pid} is being traced by {tracer} (process {tracer_pid})")]
    AlreadyTraced {
        /// The process.
        pid: u32,
        /// The tracer's name.
        tracer: String,
        /// The tracer.
        tracer_pid: u32,
    },
    /// The setting of the Yama security module forbids it.
    #[error("process {pid}: the system forbids ptrace (kernel.yama.ptrace_scope is {scope})")]
    Yama {
        /// The process.
        pid: u32,
        /// The setting, 1 to 3.
        scope: u8,
    },
    /// The seccomp filter of a container, or a missing capability, forbids it.
    #[error("process {pid}: this container or sandbox forbids ptrace ({source})")]
    Sandboxed {
        /// The process.
        pid: u32,
        /// The system's error.
        source: io::Error,
    },
    /// The system refused for an unknown reason.
    #[error("process {pid}: {what} was refused: {source}")]
    Refused {
        /// The process.
        pid: u32,
        /// The attempt that failed.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// It has ended, and its parent has not waited for it.
    #[error("process {pid} is a zombie: it has ended, and its memory is gone")]
    Zombie {
        /// The process.
        pid: u32,
    },
    /// Its interpreter is not initialized yet.
    #[error("process {pid} is just starting: its interpreter is not initialized yet")]
    Starting {
        /// The process.
        pid: u32,
    },
    /// Its interpreter is being finalized.
    #[error("process {pid} is ending: its interpreter is being finalized")]
    Finalizing {
        /// The process.
        pid: u32,
    },
    /// It ended meanwhile.
    #[error("process {pid} exited while it was being read")]
    Exited {
        /// The process.
        pid: u32,
    },
    /// It ended meanwhile, and another process has its number.
    #[error("process {pid} ended, and its number was given to another process, which was not read")]
    Replaced {
        /// The number.
        pid: u32,
    },
    /// It became another program meanwhile.
    #[error("process {pid} became another program (exec) while it was being read")]
    Execed {
        /// The process.
        pid: u32,
    },
    /// A thread did not stop in time.
    #[error(
        "process {pid}: thread {thread} ({name}) did not stop within {milliseconds} ms{waits}; all threads were resumed"
    )]
    DoesNotStop {
        /// The process.
        pid: u32,
        /// The thread.
        thread: u32,
        /// The thread's name.
        name: String,
        /// The time limit.
        milliseconds: u64,
        /// Where it waits in the kernel: `, waiting in nfs_wait`, or empty.
        waits: String,
        /// Whether it only waits for a processor.
        is_runnable: bool,
    },
    /// The copy does not fit into memory.
    #[error(
        "process {pid}: about {} MiB are needed to read it, and {} MiB are free ({limit})",
        needed >> 20,
        free >> 20
    )]
    NotEnoughMemory {
        /// The process.
        pid: u32,
        /// The bytes that are needed, for the copy and for the heap.
        needed: u64,
        /// The bytes that are free.
        free: u64,
        /// The limit: `the machine's free memory`, `the limit of the control group /x`.
        limit: String,
        /// How many of the needed bytes are for large mappings that need not be copied.
        large: u64,
    },
    /// The objects that were found do not form a valid heap.
    #[error("process {pid}: cannot build a heap from its memory: {what}")]
    NoHeap {
        /// The process.
        pid: u32,
        /// Why not.
        what: String,
    },
    /// The core file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    CoreUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not a core file, or not a valid one.
    #[error("{}: not a core file of a 64-bit process: {what}", path.display())]
    NoCore {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// No interpreter was found in a core file, and a file that the process had mapped is missing.
    #[error("{}: found no CPython: {file}, which the process ran, is missing or was replaced", path.display())]
    CoreWithoutFile {
        /// The core file.
        path: PathBuf,
        /// The missing file.
        file: String,
    },
    /// The file that was passed for one that the process ran is a different one.
    #[error("{}: not the file that the process ran as {file}", exe.display())]
    NotItsFile {
        /// The file that was passed.
        exe: PathBuf,
        /// The path of the file that it was passed for.
        file: String,
    },
    /// A file of the process, or its memory, cannot be read.
    #[error("process {pid}: cannot read {what}: {source}")]
    Unreadable {
        /// The process.
        pid: u32,
        /// The thing that cannot be read: `its memory`.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

impl RemoteError {
    /// Suggestions to the user, one a line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoSuchProcess { .. } => "mem_top ps lists the Python processes that can be read".to_owned(),
            Self::IsAThread { process, .. } => format!("pass the process: mem_top {process}"),
            Self::Itself { .. } | Self::OtherSystem { .. } => "call mem_top.snapshot() in a program to capture that program".to_owned(),
            Self::NotPython { .. } => "mem_top ps lists the Python processes; a launcher may run Python as a child process (--children)".to_owned(),
            Self::TooMuchToRead { .. } => "if it embeds Python, strip the program, or link it with libpython as a shared library".to_owned(),
            Self::NoAnswer { .. } => "check the network and FUSE file systems that it uses, and try again".to_owned(),
            Self::Replaced { .. } => "mem_top ps lists the Python processes".to_owned(),
            Self::OtherImplementation { .. } => "mem_top reads CPython only".to_owned(),
            Self::OtherArchitecture { .. } => "run the program with a 64-bit Python".to_owned(),
            Self::FreeThreaded { .. } => "run the program with the build that has the GIL: python3.14 rather than python3.14t".to_owned(),
            Self::DebugBuild { .. } => "run the program with the release build: python3.14 rather than python3.14-dbg".to_owned(),
            Self::UnknownVersion { version, .. } if is_older(version) => "versions before 3.8 ended long ago, and no mem_top reads them".to_owned(),
            Self::UnknownVersion { .. } => "a newer mem_top may support it".to_owned(),
            Self::NoVersion { .. } => "if Python was upgraded since the process started, restart the process".to_owned(),
            Self::OtherLayout { .. } => "please report it with the output of python -VV, and say whether the interpreter is patched".to_owned(),
            Self::OtherUser { pid, owner, .. } if owner == "root" => format!("run it as root: sudo mem_top {pid}"),
            Self::OtherUser { pid, owner, .. } => format!("run it as {owner} or as root: sudo mem_top {pid}"),
            Self::NotDumpable { pid } => format!("run it as root: sudo mem_top {pid}"),
            Self::AlreadyTraced { .. } => "only one program can trace a process: stop the debugger, strace or profiler first\nor get an approximate answer without stopping the process: --no-pause".to_owned(),
            Self::Yama { scope: 3, .. } => "this setting cannot be changed before the next boot; mem_top.snapshot() works from within the process".to_owned(),
            Self::Yama { pid, scope: 2 } => format!("run it as root: sudo mem_top {pid}"),
            Self::Yama { pid, .. } => format!("run it as root: sudo mem_top {pid}\nor allow it until the next boot: sudo sysctl kernel.yama.ptrace_scope=0"),
            Self::Sandboxed { .. } => "run mem_top outside of the container, as root, with the process's number there\nor start the container with the capability: docker run --cap-add SYS_PTRACE; in Kubernetes, capabilities: add: [SYS_PTRACE]".to_owned(),
            Self::Refused { pid, .. } => format!("run it as root: sudo mem_top {pid}"),
            Self::Zombie { .. } => "its parent has not called wait()".to_owned(),
            Self::Starting { .. } => "try again in a moment".to_owned(),
            Self::Execed { .. } => "try again if it still runs Python".to_owned(),
            Self::DoesNotStop { is_runnable: true, .. } => "the machine is busy, and the thread gets no processor; try again\nor get an approximate answer without stopping the process: --no-pause".to_owned(),
            Self::DoesNotStop { .. } => "it is in uninterruptible sleep, usually waiting for a disk, a network file system or a child of vfork; try again\nor get an approximate answer without stopping the process: --no-pause".to_owned(),
            Self::NotEnoughMemory { needed, free, large, .. } => not_enough(*needed, *free, *large),
            Self::NoHeap { .. } => "if the process is too large, capture one of its workers; otherwise, please report it".to_owned(),
            Self::CoreWithoutFile { .. } => "pass the interpreter that the process ran: --exe PYTHON".to_owned(),
            Self::NotItsFile { .. } => "pass the exact build that produced the core file; without --exe, the file is read from its original path".to_owned(),
            Self::NoCore { .. } => "pass a core file, a snapshot (its name ends in .parquet) or the number of a running process".to_owned(),
            Self::CoreUnreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => "check the path".to_owned(),
            Self::CoreUnreadable { .. } => "a core file can be read by the user whose process dumped it".to_owned(),
            Self::Finalizing { .. } | Self::Exited { .. } | Self::Unreadable { .. } => return None,
        };
        Some(hint)
    }

    /// The process; 0 if the error is about a core file.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match self {
            Self::CoreUnreadable { .. }
            | Self::NoCore { .. }
            | Self::CoreWithoutFile { .. }
            | Self::NotItsFile { .. } => 0,
            Self::NoSuchProcess { pid }
            | Self::IsAThread { pid, .. }
            | Self::Itself { pid }
            | Self::OtherSystem { pid }
            | Self::NotPython { pid, .. }
            | Self::TooMuchToRead { pid, .. }
            | Self::NoAnswer { pid, .. }
            | Self::Replaced { pid }
            | Self::OtherImplementation { pid, .. }
            | Self::OtherArchitecture { pid, .. }
            | Self::FreeThreaded { pid, .. }
            | Self::DebugBuild { pid, .. }
            | Self::UnknownVersion { pid, .. }
            | Self::NoVersion { pid, .. }
            | Self::OtherLayout { pid, .. }
            | Self::OtherUser { pid, .. }
            | Self::NotDumpable { pid }
            | Self::AlreadyTraced { pid, .. }
            | Self::Yama { pid, .. }
            | Self::Sandboxed { pid, .. }
            | Self::Refused { pid, .. }
            | Self::Zombie { pid }
            | Self::Starting { pid }
            | Self::Finalizing { pid }
            | Self::Exited { pid }
            | Self::Execed { pid }
            | Self::DoesNotStop { pid, .. }
            | Self::NotEnoughMemory { pid, .. }
            | Self::NoHeap { pid, .. }
            | Self::Unreadable { pid, .. } => *pid,
        }
    }
}

/// Whether a version is older than the oldest that can be read.
fn is_older(version: &str) -> bool {
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) < (Some(3), Some(8))
}

/// The hint if a copy does not fit into memory.
fn not_enough(needed: u64, free: u64, large: u64) -> String {
    let missing = needed.saturating_sub(free).div_ceil(1 << 20);
    let mut hint = format!(
        "free or allow {missing} MiB more, or run mem_top on the host, outside of the process's control group; \
             `mem_top dump` needs the least memory, and its file can be analyzed on another machine"
    );
    if large > 0 && needed.saturating_sub(large) <= free {
        hint.push_str("\nit would fit without --large-mappings");
    }
    hint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_too_old_has_no_newer_mem_top() {
        let hint = |version: &str| {
            let known = "3.8 to 3.15".to_owned();
            RemoteError::UnknownVersion { pid: 7, version: version.to_owned(), known }
                .hint()
                .unwrap_or_default()
        };
        for old in ["2.7.18", "3.6.15", "3.7.0"] {
            assert!(hint(old).contains("before 3.8"), "{old}");
        }
        for new in ["3.16.0a1", "4.0.0", "3.20"] {
            assert!(hint(new).contains("a newer mem_top"), "{new}");
        }
    }
}
