//! Processes and threads: which ones run, their parents, users, command lines and stacks.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::files::{numbers, read, read_up_to};
use crate::status::Status;

/// The part of a command line that is read. A process can make its command line as long as it
/// likes.
const LONGEST_LINE: u64 = 1 << 17;

/// The numbers of all processes, ascending.
#[must_use]
pub fn all() -> Vec<u32> {
    numbers("/proc")
}

/// The numbers of a process's threads, ascending.
#[must_use]
pub fn threads(pid: u32) -> Vec<u32> {
    numbers(&format!("/proc/{pid}/task"))
}

/// A field of `/proc/PID/stat`, counted from the state, which is field 0 (`proc_pid_stat(5)`).
pub(crate) fn stat(process: &str, field: usize) -> Option<u64> {
    let text = read(&format!("/proc/{process}/stat")).ok()?;
    // The name before the state is in parentheses and may contain spaces.
    text.rsplit_once(')')?.1.split_whitespace().nth(field)?.parse().ok()
}

/// The field of `stat` with the start time.
pub(crate) const START_TIME: usize = 19;

/// When the process started, in clock ticks since the boot.
#[must_use]
pub fn started(pid: u32) -> Option<u64> {
    stat(&pid.to_string(), START_TIME)
}

/// The process's parent.
#[must_use]
pub fn parent(pid: u32) -> Option<u32> {
    stat(&pid.to_string(), 1).and_then(|parent| u32::try_from(parent).ok())
}

/// The owner of the process's files in `/proc`: root if the process is protected.
#[must_use]
pub fn owner_of_files(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}/maps")).ok().map(|metadata| metadata.uid())
}

/// The name of a user, or `user 1000` if it has none.
#[must_use]
pub fn user_name(user: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {user}"))
}

/// The words of the command line. They are in the process's memory, so reading them can block.
#[must_use]
pub fn arguments(pid: u32) -> Vec<String> {
    let thread = Status::of(pid).ok().and_then(|status| status.thread()).unwrap_or(pid);
    let line = read_up_to(&format!("/proc/{pid}/task/{thread}/cmdline"), LONGEST_LINE).unwrap_or_default();
    line.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

/// The auxiliary vector that the kernel gave the program (`getauxval(3)`); empty if the process has
/// no memory.
#[must_use]
pub fn auxiliary_vector(pid: u32) -> Vec<u8> {
    let of = |path: String| fs::read(path).ok().filter(|bytes| !bytes.is_empty());
    let process = of(format!("/proc/{pid}/auxv"));
    // The entry of a main thread that ended is empty, although other threads run on.
    let thread = || threads(pid).into_iter().find_map(|thread| of(format!("/proc/{pid}/task/{thread}/auxv")));
    process.or_else(thread).unwrap_or_default()
}

/// The size of the largest mapping that is taken for a thread's stack, in bytes.
pub const LARGEST_STACK: u64 = 1 << 28;

/// The stack pointer of a thread, from the text of its `syscall` file (`proc_pid_syscall(5)`). Only
/// a thread that waits in the kernel shows it.
#[must_use]
pub fn stack_pointer(syscall: &str) -> Option<u64> {
    // The last two words are the stack pointer and the program counter.
    let pointer = syscall.split_whitespace().rev().nth(1)?.strip_prefix("0x")?;
    u64::from_str_radix(pointer, 16).ok()
}

/// The name under which the process was started, without arguments.
#[must_use]
pub fn program(pid: u32) -> String {
    let name = || Status::of(pid).map_or_else(|_| "?".to_owned(), |status| status.name());
    called(&arguments(pid)).unwrap_or_else(name)
}

/// The name of what a command line runs: a script, a module or a program.
#[must_use]
pub fn called(arguments: &[String]) -> Option<String> {
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
    use super::{called, stack_pointer};

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

    #[test]
    fn only_a_waiting_thread_shows_its_stack_pointer() {
        assert_eq!(stack_pointer("7 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffd10 0x7f20\n"), Some(0x7f_fd10));
        assert_eq!(stack_pointer("running\n"), None);
        assert_eq!(stack_pointer(""), None);
    }
}
