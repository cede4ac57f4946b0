//! Opens the memory of a process, its mappings and the files that it has mapped, or explains why it
//! cannot be opened.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use memtop_heap::ProgramImage;

use crate::budget::Budget;
use crate::elf::{self, MappedFile};
use crate::error::RemoteError;
use crate::mapped_files::read_from_file;
use crate::maps::{self, Region};
use crate::pages::Pagemap;
use crate::process_memory::ProcessMemory;
use crate::raw::{PAGE_IS_PRESENT, PAGE_IS_SWAPPED, PageRange};
use crate::rooted::{FoundFile, Sameness};
use memtop_procinfo::{self as procinfo, Status};

/// The number of `CAP_SYS_PTRACE` (`capabilities(7)`).
const CAP_SYS_PTRACE: u32 = 19;

/// A process that may be read.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) pid: u32,
    /// Its memory: that of the program that ran when this was opened, even if the process runs
    /// another program later.
    memory: File,
    /// Its page map, for the same program.
    pub(crate) pagemap: Pagemap,
    /// Its root directory, which differs from ours if it is in a container.
    root: Option<File>,
}

impl Access {
    /// Opens the memory of a process. This needs the same permission as stopping it.
    ///
    /// # Errors
    /// If there is no such process, or it may not be read.
    pub(crate) fn open(pid: u32) -> Result<Self, RemoteError> {
        let status = Status::of(pid).map_err(|_| RemoteError::NoSuchProcess { pid })?;
        if let Some(process) = status.number("Tgid")
            && process != u64::from(pid)
        {
            return Err(RemoteError::IsAThread { pid, process: u32::try_from(process).unwrap_or(0) });
        }
        if status.is_dead() {
            return Err(RemoteError::Zombie { pid });
        }
        if pid == std::process::id() {
            return Err(RemoteError::Itself { pid });
        }
        // A main thread that ended before the others has no memory.
        let thread = status.thread().unwrap_or(pid);
        let memory = File::open(format!("/proc/{pid}/task/{thread}/mem"));
        let memory = memory.map_err(|source| refusal(pid, "reading its memory", source))?;
        let directory = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY | libc::O_PATH)
            .open(format!("/proc/{pid}/task/{thread}/root"));
        let pagemap = Pagemap::open(pid, thread).map_err(|source| RemoteError::Unreadable {
            pid,
            what: "its page map".to_owned(),
            source,
        })?;
        Ok(Self { pid, memory, pagemap, root: directory.ok() })
    }

    /// The mappings of the process.
    ///
    /// # Errors
    /// If the process is gone, or has no memory.
    pub(crate) fn regions(&self) -> Result<Vec<Region>, RemoteError> {
        let thread = self.thread().map_err(|source| self.gone("its mappings", source))?;
        let text = procinfo::read(&format!("/proc/{}/task/{thread}/maps", self.pid));
        let regions = maps::parse(&text.map_err(|source| self.gone("its mappings", source))?);
        if regions.is_empty() {
            return Err(match Status::of(self.pid) {
                Ok(status) if status.is_dead() => RemoteError::Zombie { pid: self.pid },
                Ok(status) => RemoteError::NotPython { pid: self.pid, program: status.name() },
                Err(_) => RemoteError::Exited { pid: self.pid },
            });
        }
        Ok(regions)
    }

    /// A live thread, through which the memory is read: the main thread, unless it has ended.
    pub(crate) fn thread(&self) -> io::Result<u32> {
        Status::of(self.pid).map(|status| status.thread().unwrap_or(self.pid))
    }

    /// The error if something could not be read: the process is gone, or else `source`.
    pub(crate) fn gone(&self, what: &str, source: io::Error) -> RemoteError {
        match Status::of(self.pid) {
            Ok(status) if !status.is_dead() => {
                RemoteError::Unreadable { pid: self.pid, what: what.to_owned(), source }
            }
            _ => RemoteError::Exited { pid: self.pid },
        }
    }

    /// Reads the memory while the process may be running. Only pages that exist may be read:
    /// reading would create others.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        self.memory.read_exact_at(into, address)
    }

    /// The program that the process runs, if it can be read.
    pub(crate) fn image(&self) -> Option<ProgramImage> {
        ProgramImage::new(&procinfo::auxiliary_vector(self.pid), |at| {
            let mut bytes = [0; 16];
            self.read(at, &mut bytes).ok()?;
            Some(bytes)
        })
    }

    /// Opens the file of a mapping: through the mapping itself if that is permitted, else by its
    /// path within the process's root. Also returns whether the file certainly has the device and
    /// inode numbers of the mapping.
    pub(crate) fn file(&self, region: &Region) -> Option<(File, bool)> {
        let thread = self.thread().ok()?;
        let map = format!("/proc/{thread}/map_files/{:x}-{:x}", region.start, region.end);
        let by_mapping = || FoundFile::of(Path::new(&map)).ok();
        let by_path = || FoundFile::within(self.root.as_ref()?, &region.path).ok();
        let exe = format!("/proc/{}/task/{thread}/exe", self.pid);
        let by_program = || FoundFile::of(Path::new(&exe)).ok();
        let finders: [&dyn Fn() -> Option<FoundFile>; 3] = [&by_mapping, &by_path, &by_program];
        finders.iter().find_map(|find| {
            let found = find()?;
            match found.is_of(region) {
                Sameness::Same => Some((found.open().ok()?, true)),
                Sameness::Likely => {
                    let file = found.open().ok()?;
                    self.begins_as(&file, region).then_some((file, false))
                }
                Sameness::Other => None,
            }
        })
    }

    /// Whether the first page of a file is the same as the mapped one.
    fn begins_as(&self, file: &File, region: &Region) -> bool {
        const HEAD: usize = 4096;
        if region.offset != 0 || !region.readable {
            return false;
        }
        let (mut mapped, mut in_file) = ([0; HEAD], [0; HEAD]);
        // Beyond the end of a shorter file, both are zeros.
        self.read(region.start, &mut mapped).is_ok()
            && read_from_file(file, 0, &mut in_file) > 0
            && mapped == in_file
    }
}

impl ProcessMemory for Access {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn word(&self, address: u64) -> io::Result<u64> {
        let last = address.checked_add(7).ok_or(io::ErrorKind::InvalidInput)?;
        for at in [address, last] {
            // Reading any other page would request it from the file system or from the process
            // itself (`userfaultfd(2)`), and either may not answer.
            if self.pagemap.page(at)? & (PAGE_IS_PRESENT | PAGE_IS_SWAPPED) == 0 {
                return Err(io::ErrorKind::NotFound.into());
            }
        }
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn gone(&self, error: io::Error) -> Option<RemoteError> {
        // Its memory is gone: the process runs another program, or has ended.
        let is_gone = error.kind() == io::ErrorKind::UnexpectedEof;
        is_gone.then(|| match Access::gone(self, "its memory", error) {
            RemoteError::Unreadable { pid, .. } => RemoteError::Execed { pid },
            gone => gone,
        })
    }

    fn file(&self, region: &Region) -> Option<(File, bool)> {
        Access::file(self, region)
    }

    fn mapped(&self, region: &Region, budget: &Budget) -> MappedFile {
        let elf = elf::read_mapped(region.start, budget, |address, into| self.read(address, into));
        elf.filter(|_| region.offset == 0).map_or(MappedFile::Other, |elf| MappedFile::Elf(Box::new(elf)))
    }

    fn present(&self, regions: &[Region], wanted: &dyn Fn(&Region) -> bool, budget: &Budget) -> Vec<u8> {
        let pages = self.pagemap.find(regions, wanted);
        let mut bytes = Vec::new();
        for PageRange { start, end, categories } in pages.map(|found| found.ranges).unwrap_or_default() {
            if categories & PAGE_IS_PRESENT == 0 {
                continue;
            }
            if !budget.of_memory(end - start) {
                break;
            }
            let begins = bytes.len();
            bytes.resize(begins + (end - start) as usize, 0);
            if self.read(start, &mut bytes[begins..]).is_err() {
                bytes.truncate(begins);
            }
        }
        bytes
    }
}

/// The error if the system refused access to a process: the process is gone, or the rule that
/// forbids it.
pub(crate) fn refusal(pid: u32, what: &'static str, source: io::Error) -> RemoteError {
    let Ok(status) = Status::of(pid) else { return RemoteError::Exited { pid } };
    if status.is_dead() {
        return RemoteError::Zombie { pid };
    }
    let refused = matches!(source.raw_os_error(), Some(libc::EPERM | libc::EACCES));
    let own = Status::own();
    let (Some((user, _)), Some((_, own_user))) = (status.users(), own.users()) else {
        return RemoteError::Refused { pid, what, source };
    };
    let is_capable = own.has_capability(CAP_SYS_PTRACE);
    if source.raw_os_error() == Some(libc::ESRCH) {
        // Its memory is gone, and the process will be soon.
        return RemoteError::Exited { pid };
    }
    if !refused {
        // A seccomp filter may claim that there is no such call.
        return match source.raw_os_error() {
            Some(libc::ENOSYS) => RemoteError::Sandboxed { pid, source },
            _ => RemoteError::Refused { pid, what, source },
        };
    }
    if own_user != 0 && !is_capable {
        if user != own_user {
            let (owner, user) = (procinfo::user_name(user), procinfo::user_name(own_user));
            return RemoteError::OtherUser { pid, owner, user };
        }
        if procinfo::owner_of_files(pid).is_some_and(|owner| owner != own_user) {
            return RemoteError::NotDumpable { pid };
        }
    }
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let scope = scope.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if scope == 3 || scope > 0 && !is_capable {
        return RemoteError::Yama { pid, scope };
    }
    let filtered = own.number("Seccomp").is_some_and(|mode| mode != 0);
    if filtered || !is_capable {
        return RemoteError::Sandboxed { pid, source };
    }
    RemoteError::Refused { pid, what, source }
}
