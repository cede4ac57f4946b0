//! What `/proc` tells of a process: its state, its user, which it is, its memory (`proc(5)`).

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use memtop_heap::{MemoryNumbers, ProcessIdentity, ProgramImage, boot_digest};

/// The fields of `/proc/PID/status`, or of a thread's.
pub(crate) struct Status(String);

impl Status {
    /// Those of a process: of its main thread, or, if that has ended before the others, of one that runs on.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let main = read(&format!("/proc/{pid}/status")).map(Self)?;
        if !main.is_dead() {
            return Ok(main);
        }
        let others = threads(pid).into_iter().filter_map(|thread| Self::of_thread(pid, thread).ok());
        Ok(others.into_iter().find(|status| !status.is_dead()).unwrap_or(main))
    }

    /// Those of a thread.
    pub(crate) fn of_thread(pid: u32, thread: u32) -> io::Result<Self> {
        read(&format!("/proc/{pid}/task/{thread}/status")).map(Self)
    }

    /// Those of this process.
    pub(crate) fn own() -> Self {
        Self(read("/proc/self/status").unwrap_or_default())
    }

    /// A field's text.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// A field's first number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.split_whitespace().next()?.parse().ok()
    }

    /// A field in kilobytes, as bytes.
    fn bytes(&self, name: &str) -> Option<u64> {
        self.number(name)?.checked_mul(1024)
    }

    /// The state's letter.
    pub(crate) fn state(&self) -> char {
        self.field("State").and_then(|state| state.chars().next()).unwrap_or('?')
    }

    /// The thread that they are of.
    pub(crate) fn thread(&self) -> Option<u32> {
        u32::try_from(self.number("Pid")?).ok()
    }

    /// Whether it has ended.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state(), 'Z' | 'X')
    }

    /// The program's name, or the thread's.
    pub(crate) fn name(&self) -> String {
        self.field("Name").unwrap_or("?").to_owned()
    }

    /// The real and the effective user.
    pub(crate) fn users(&self) -> Option<(u32, u32)> {
        let mut numbers = self.field("Uid")?.split_whitespace().map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// The thread that traces it, and the process which that thread is of, if there is one that can be told.
    pub(crate) fn tracer(&self) -> Option<(u32, Option<u32>)> {
        let tracer = u32::try_from(self.number("TracerPid")?).ok().filter(|&tracer| tracer != 0)?;
        let process = Self::of(tracer).ok().and_then(|status| status.number("Tgid"));
        Some((tracer, process.and_then(|process| u32::try_from(process).ok())))
    }

    /// Whether it has the capability of this number.
    pub(crate) fn may(&self, capability: u32) -> bool {
        let effective = self.field("CapEff").and_then(|mask| u64::from_str_radix(mask, 16).ok());
        effective.is_some_and(|mask| mask >> capability & 1 == 1)
    }

    /// Its number in its own PID namespace, which in a container is another than outside.
    pub(crate) fn namespace_pid(&self) -> Option<u32> {
        memtop_heap::namespace_pid(&self.0)
    }

    /// Its memory as the system counts it. What the allocators have is not known.
    pub(crate) fn memory(&self) -> MemoryNumbers {
        MemoryNumbers {
            rss: self.bytes("VmRSS"),
            peak_rss: self.bytes("VmHWM"),
            swapped: self.bytes("VmSwap"),
            file_backed: self.bytes("RssFile").map(|file| file + self.bytes("RssShmem").unwrap_or(0)),
            ..MemoryNumbers::default()
        }
    }
}

/// How long a file of `/proc` may be: some hundred thousand mappings. A process can have millions, with long paths.
const LONGEST: u64 = 1 << 26;
/// How much of a command line is read, which a process can make as long as it likes.
const LONGEST_LINE: u64 = 1 << 17;

/// A file of `/proc` as text; bytes that are no UTF-8 are replaced.
///
/// # Errors
/// If it cannot be read, or is too long.
pub(crate) fn read(path: &str) -> io::Result<String> {
    let text = read_up_to(path, LONGEST)?;
    if text.len() as u64 >= LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{path} is longer than 64 MiB")));
    }
    Ok(text)
}

fn read_up_to(path: &str, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The fields of `/proc/PID/stat` behind the name in brackets, which may have spaces: the first is the state.
fn stat(pid: u32) -> Option<String> {
    Some(read(&format!("/proc/{pid}/stat")).ok()?.rsplit_once(')')?.1.to_owned())
}

/// When the process began, in ticks since the boot.
pub(crate) fn started(pid: u32) -> Option<u64> {
    stat(pid)?.split_whitespace().nth(19)?.parse().ok()
}

/// The process's parent.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.split_whitespace().nth(1)?.parse().ok()
}

/// The numbers of all processes, ascending.
pub(crate) fn all() -> Vec<u32> {
    numbers("/proc")
}

/// The numbers of a process's threads, ascending.
pub(crate) fn threads(pid: u32) -> Vec<u32> {
    numbers(&format!("/proc/{pid}/task"))
}

fn numbers(directory: &str) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Who owns the process's files in `/proc`: root's where the process is protected.
pub(crate) fn owner_of_files(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}/maps")).ok().map(|metadata| metadata.uid())
}

/// What a user is called; the number where it has no name.
pub(crate) fn user_name(user: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {user}"))
}

/// The words of the command line, which is in the process's memory.
pub(crate) fn arguments(pid: u32) -> Vec<String> {
    let thread = Status::of(pid).ok().and_then(|status| status.thread()).unwrap_or(pid);
    let line = read_up_to(&format!("/proc/{pid}/task/{thread}/cmdline"), LONGEST_LINE).unwrap_or_default();
    line.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

/// Which process it is, with interpreter 0: the process itself would say the same, but for the number in the namespace of
/// whoever asks.
pub(crate) fn identity(pid: u32, started: u64, image: Option<ProgramImage>) -> ProcessIdentity {
    ProcessIdentity {
        pid,
        namespace_pid: Status::of(pid).ok().and_then(|status| status.namespace_pid()),
        started,
        boot: boot_digest(&read("/proc/sys/kernel/random/boot_id").unwrap_or_default()),
        interpreter: 0,
        image,
    }
}

/// The auxiliary vector that the kernel gave the program which the process runs; empty if it has none (any more).
pub(crate) fn auxiliary_vector(pid: u32) -> Vec<u8> {
    let of = |path: String| fs::read(path).ok().filter(|bytes| !bytes.is_empty());
    let process = of(format!("/proc/{pid}/auxv"));
    // A thread that ended has none, though it be the first and others run on.
    let thread = || threads(pid).into_iter().find_map(|thread| of(format!("/proc/{pid}/task/{thread}/auxv")));
    process.or_else(thread).unwrap_or_default()
}

/// The container that the process is in, where that can be told.
pub(crate) fn container(pid: u32) -> Option<String> {
    memtop_heap::container(&read(&format!("/proc/{pid}/cgroup")).ok()?)
}

/// The name of this host, as this process sees it.
#[must_use]
pub fn host() -> Option<String> {
    let name = read("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The time in microseconds since 1970, and on a clock that never goes back.
pub(crate) fn clocks() -> (i64, Option<u64>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
    let uptime = fs::read_to_string("/proc/uptime").ok();
    let uptime = uptime.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    (now, uptime.map(|seconds| (seconds * 1e6) as u64))
}

/// How the process was called, without arguments.
pub(crate) fn program(pid: u32) -> String {
    let name = || Status::of(pid).map_or_else(|_| "?".to_owned(), |status| status.name());
    called(&arguments(pid)).unwrap_or_else(name)
}

/// What a command line calls: the script's name, the module's, or the program's.
pub(crate) fn called(arguments: &[String]) -> Option<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words = arguments.iter().map(String::as_str);
    let first = base(words.next()?);
    if !first.starts_with("python") {
        return (!first.is_empty()).then_some(first);
    }
    // The interpreter's own options come before the script (`python --help`); -c and -m end them.
    while let Some(word) = words.next() {
        match word {
            "-c" => return Some("-c".to_owned()),
            "-m" => return Some(words.next().map_or(first, str::to_owned)),
            "-W" | "-X" | "--check-hash-based-pycs" => {
                words.next();
            }
            option if option.len() > 1 && option.starts_with('-') => {}
            script => return Some(base(script)),
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::called;

    #[test]
    fn a_process_is_called_by_its_script() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            called(&words).unwrap_or_default()
        };
        assert_eq!(of("/usr/bin/python3 -X dev -u /srv/shop.py --port 80"), "shop.py");
        assert_eq!(of("python -m gunicorn shop:app"), "gunicorn");
        assert_eq!(of("python -c code"), "-c");
        assert_eq!(of("python3.11"), "python3.11");
        assert_eq!(of("/usr/sbin/uwsgi --ini x"), "uwsgi");
        assert_eq!(of(""), "");
    }
}
