//! Why a process could not be looked into. Each error names the process, says what failed, and hints at a way out.

use std::io;
use std::path::PathBuf;

/// Why a process could not be looked into. The text is one line without the hint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no such process.
    #[error("process {pid}: no such process")]
    NoSuchProcess {
        /// The number that was given.
        pid: u32,
    },
    /// The number is that of a thread, not of its process.
    #[error("{pid} is a thread of process {process}")]
    IsAThread {
        /// The number that was given.
        pid: u32,
        /// The process that the thread is of.
        process: u32,
    },
    /// It is the process that asks.
    #[error("process {pid} is mem_top itself")]
    Itself {
        /// The process.
        pid: u32,
    },
    /// This system lets no process be looked into.
    #[error("process {pid} cannot be looked into: that is possible on Linux only")]
    OtherSystem {
        /// The process.
        pid: u32,
    },
    /// It has no Python in it.
    #[error(
        "process {pid} ({program}) is no Python process: no file that it has mapped holds a CPython interpreter"
    )]
    NotPython {
        /// The process.
        pid: u32,
        /// Its program's name.
        program: String,
    },
    /// No Python was found in the part of its files and memory that is searched.
    #[error(
        "process {pid} ({program}): no CPython interpreter was found in the first 256 MiB of the symbols of its files"
    )]
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
        /// How long was waited.
        seconds: u64,
    },
    /// It is another implementation of Python.
    #[error("process {pid} runs {implementation}, not CPython")]
    OtherImplementation {
        /// The process.
        pid: u32,
        /// `PyPy`, `GraalPy`.
        implementation: &'static str,
    },
    /// It is a process of 32 bits, or of another byte order.
    #[error("process {pid} ({file}) is {what}; only 64-bit little-endian processes can be read")]
    OtherArchitecture {
        /// The process.
        pid: u32,
        /// The program.
        file: String,
        /// `a 32-bit program`.
        what: &'static str,
    },
    /// A build without the GIL.
    #[error("process {pid} runs a free-threaded build of CPython {version}, which mem_top cannot read")]
    FreeThreaded {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
    },
    /// A debug build, whose structures have other members.
    #[error("process {pid} runs a debug build of CPython {version}, which mem_top cannot read")]
    DebugBuild {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
    },
    /// A version whose layout is in no table.
    #[error("process {pid} runs CPython {version}, whose layout mem_top does not know ({known} are known)")]
    UnknownVersion {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
        /// Those that are known: `3.8 to 3.15`.
        known: String,
    },
    /// The interpreter is there and its version cannot be told.
    #[error("process {pid}: {file} has a CPython interpreter whose version cannot be told")]
    NoVersion {
        /// The process.
        pid: u32,
        /// The mapped file.
        file: String,
    },
    /// What is in memory is not as the tables of its version say.
    #[error("process {pid} runs CPython {version}, but its memory is not laid out as that version's: {what}")]
    OtherLayout {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
        /// What does not fit.
        what: String,
    },
    /// It is another user's.
    #[error("process {pid} belongs to {owner}, and mem_top runs as {user}")]
    OtherUser {
        /// The process.
        pid: u32,
        /// Whose it is.
        owner: String,
        /// Who asks.
        user: String,
    },
    /// The same user's, but it gave up rights, so that the system protects it.
    #[error("process {pid} is protected: it changed its user or rights, and is not dumpable")]
    NotDumpable {
        /// The process.
        pid: u32,
    },
    /// Another process traces it.
    #[error("process {pid} is being traced by {tracer} (process {tracer_pid})")]
    AlreadyTraced {
        /// The process.
        pid: u32,
        /// The tracer's name.
        tracer: String,
        /// The tracer.
        tracer_pid: u32,
    },
    /// Yama's setting forbids it.
    #[error("process {pid}: the system forbids ptrace (kernel.yama.ptrace_scope is {scope})")]
    Yama {
        /// The process.
        pid: u32,
        /// The setting: 1 to 3.
        scope: u8,
    },
    /// A container's filter of system calls, or its lack of a capability, forbids it.
    #[error("process {pid}: this container or sandbox forbids ptrace ({source})")]
    Sandboxed {
        /// The process.
        pid: u32,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused for a reason that it does not tell.
    #[error("process {pid}: {what} was refused: {source}")]
    Refused {
        /// The process.
        pid: u32,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It has ended and waits for its parent.
    #[error("process {pid} has ended and is a zombie: its memory is gone")]
    Zombie {
        /// The process.
        pid: u32,
    },
    /// Its interpreter is not there yet.
    #[error("process {pid} is just starting: its interpreter is not set up yet")]
    Starting {
        /// The process.
        pid: u32,
    },
    /// Its interpreter is being taken down.
    #[error("process {pid} is ending: its interpreter is being finalized")]
    Finalizing {
        /// The process.
        pid: u32,
    },
    /// It ended meanwhile.
    #[error("process {pid} exited while it was read")]
    Exited {
        /// The process.
        pid: u32,
    },
    /// It ended meanwhile, and its number is another process's now.
    #[error("process {pid} ended, and its number is another process's now, of which nothing was read")]
    Replaced {
        /// The number.
        pid: u32,
    },
    /// It became another program meanwhile.
    #[error("process {pid} became another program (exec) while it was read")]
    Execed {
        /// The process.
        pid: u32,
    },
    /// A thread did not stop.
    #[error(
        "process {pid}: thread {thread} ({name}) did not stop within {milliseconds} ms{waits}; all threads run on"
    )]
    DoesNotStop {
        /// The process.
        pid: u32,
        /// The thread.
        thread: u32,
        /// The thread's name.
        name: String,
        /// How long was waited.
        milliseconds: u64,
        /// What it waits for in the kernel: `, waiting in nfs_wait`; or nothing.
        waits: String,
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
        /// Bytes that are needed: the copy, and the tables made of it.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// What limits them: `the machine's free memory`, `limit of the control group /x`.
        limit: String,
        /// How many of the needed bytes are for large mappings, which need not be copied.
        large: u64,
    },
    /// What was found makes no heap.
    #[error("process {pid}: no heap can be made of what was found: {what}")]
    NoHeap {
        /// The process.
        pid: u32,
        /// Why not.
        what: String,
    },
    /// A core file that cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    CoreUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is no core file, or none that can be understood.
    #[error("{}: no core file of a 64-bit process: {what}", path.display())]
    NoCore {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// A core file of a process one of whose files is missing, and no interpreter was found in the others.
    #[error("{}: no CPython was found: {file}, which the process ran, is gone or another now", path.display())]
    CoreWithoutFile {
        /// The core file.
        path: PathBuf,
        /// The missing file.
        file: String,
    },
    /// A file that was given for one that the process ran, and is another.
    #[error("{}: not the file that the process ran: {file} was another one", exe.display())]
    NotItsFile {
        /// What was given.
        exe: PathBuf,
        /// What it was to stand for, as the process called it.
        file: String,
    },
    /// Something could not be read.
    #[error("process {pid}: {what} cannot be read: {source}")]
    Unreadable {
        /// The process.
        pid: u32,
        /// What was read.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl RemoteError {
    /// What the user can do, a line each, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoSuchProcess { .. } => "mem_top ps lists the Python processes that can be read".to_owned(),
            Self::IsAThread { process, .. } => format!("give the process: mem_top {process}"),
            Self::Itself { .. } | Self::OtherSystem { .. } => "from within a program, mem_top.snapshot() captures it".to_owned(),
            Self::NotPython { .. } => "mem_top ps lists the Python processes; a launcher's Python may be one of its children (--children)".to_owned(),
            Self::TooMuchToRead { .. } => "if it embeds Python, strip the program or link it with libpython as a shared library".to_owned(),
            Self::NoAnswer { .. } => "check the network disks and FUSE file systems that it uses, and try again".to_owned(),
            Self::Replaced { .. } => "mem_top ps lists the running Python processes".to_owned(),
            Self::OtherImplementation { .. } => "mem_top reads CPython alone".to_owned(),
            Self::OtherArchitecture { .. } => "run the program with a 64-bit Python".to_owned(),
            Self::FreeThreaded { .. } => "run the program with the build that has the GIL: python3.14 rather than python3.14t".to_owned(),
            Self::DebugBuild { .. } => "run the program with the release build: python3.14 rather than python3.14-dbg".to_owned(),
            Self::UnknownVersion { .. } => "a newer mem_top may know it".to_owned(),
            Self::NoVersion { .. } => "is the interpreter's file still the one that the process was started with? restart the process after an upgrade".to_owned(),
            Self::OtherLayout { .. } => "is it a patched interpreter? please report it with the output of python -VV".to_owned(),
            Self::OtherUser { pid, owner, .. } => format!("run it as {owner} or as root: sudo mem_top {pid}"),
            Self::NotDumpable { pid } => format!("run it as root: sudo mem_top {pid}"),
            Self::AlreadyTraced { .. } => "only one program can trace a process: end the debugger, strace or profiler first".to_owned(),
            Self::Yama { scope: 3, .. } => "3 cannot be undone before the next boot; from within the process, mem_top.snapshot() works".to_owned(),
            Self::Yama { pid, scope: 2 } => format!("run it as root: sudo mem_top {pid}"),
            Self::Yama { pid, .. } => format!("run it as root: sudo mem_top {pid}\nor allow it until the next boot: sudo sysctl kernel.yama.ptrace_scope=0"),
            Self::Sandboxed { .. } => "run mem_top outside of the container, as root, on the process's number there\nor start the container with the capability: docker run --cap-add SYS_PTRACE; in Kubernetes, capabilities: add: [SYS_PTRACE]".to_owned(),
            Self::Refused { pid, .. } => format!("run it as root: sudo mem_top {pid}"),
            Self::Zombie { .. } => "its parent has not asked how it ended".to_owned(),
            Self::Starting { .. } => "try again in a moment".to_owned(),
            Self::Execed { .. } => "try again: it may be a Python still".to_owned(),
            Self::DoesNotStop { .. } => "it sleeps uninterruptibly, mostly waiting for a disk, a network file system or a child of vfork; try again\nor take an approximate answer without a stop: --no-pause".to_owned(),
            Self::NotEnoughMemory { needed, free, large, .. } => not_enough(*needed, *free, *large),
            Self::NoHeap { .. } => "if the process is that large, look at one of its workers, or report it".to_owned(),
            Self::CoreWithoutFile { .. } => "give the interpreter that the process ran: --exe PYTHON".to_owned(),
            Self::NotItsFile { .. } => "give the same build of it, as on the machine that the core file is of; without --exe, the file is taken from where it was".to_owned(),
            Self::NoCore { .. } => "a snapshot ends in .parquet; a running process is given by its number".to_owned(),
            Self::CoreUnreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => "check the path".to_owned(),
            Self::CoreUnreadable { .. } => "a core file can be read by the user whose process it was of".to_owned(),
            Self::Finalizing { .. } | Self::Exited { .. } | Self::Unreadable { .. } => return None,
        };
        Some(hint)
    }

    /// The process that it is about; 0 if it is about a core file.
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

fn not_enough(needed: u64, free: u64, large: u64) -> String {
    let missing = needed.saturating_sub(free).div_ceil(1 << 20);
    let mut hint = format!(
        "free or allow {missing} MiB more, or run mem_top outside of the process's control group: on the host; \
             `mem_top dump` needs least, and what it saves can be looked at elsewhere"
    );
    if large > 0 && needed.saturating_sub(large) <= free {
        hint.push_str("\nit would fit without --large-mappings");
    }
    hint
}
