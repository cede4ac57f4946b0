//! Whether a copy fits into memory, before it is made: the machine's free memory, and the limits of the control groups
//! that this process is in, in which the process that is read may be too. And who goes first if it does not fit after
//! all: this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Memory that can still be taken, and what limits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeMemory {
    /// Bytes.
    pub bytes: u64,
    /// `the machine's free memory`, `the limit of the control group /x`, `the process's limit of address space`.
    pub limit: String,
}

/// How much memory this process can still take. What cannot be known limits nothing.
#[must_use]
pub fn free_memory() -> FreeMemory {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let machine =
        read(Path::new("/proc/meminfo")).and_then(|text| field(&text, "MemAvailable:")).map(|kilobytes| {
            FreeMemory {
                bytes: kilobytes.saturating_mul(1024),
                limit: "the machine's free memory".to_owned(),
            }
        });
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let mounts = read(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let groups = directories(&groups, &mounts).into_iter().filter_map(|group| group.free(&read));
    let limits = read(Path::new("/proc/self/limits")).unwrap_or_default();
    let status = read(Path::new("/proc/self/status")).unwrap_or_default();
    machine
        .into_iter()
        .chain(groups)
        .chain(resource_limits(&limits, &status))
        .min_by_key(|free| free.bytes)
        .unwrap_or(FreeMemory { bytes: u64::MAX, limit: "nothing".to_owned() })
}

/// What the limits of a process's own (`setrlimit(2)`) let it still take: of address space, and of private memory. By
/// its `/proc/PID/limits` and `/proc/PID/status`.
fn resource_limits(limits: &str, status: &str) -> impl Iterator<Item = FreeMemory> {
    let of = |limit: &str, used: &str, what: &str| {
        // `unlimited` is no number.
        let soft = limits.lines().find_map(|line| line.strip_prefix(limit)?.split_whitespace().next());
        let limit = soft?.parse::<u64>().ok()?;
        let used = field(status, used)?.saturating_mul(1024);
        Some(FreeMemory {
            bytes: limit.saturating_sub(used),
            limit: format!("the process's limit of {what}"),
        })
    };
    let space = of("Max address space", "VmSize:", "address space (RLIMIT_AS)");
    let data = of("Max data size", "VmData:", "private memory (RLIMIT_DATA)");
    space.into_iter().chain(data)
}

/// The machine's memory in bytes.
pub(crate) fn machine(read: &impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let text = read(Path::new("/proc/meminfo"))?;
    field(&text, "MemTotal:").map(|kilobytes| kilobytes.saturating_mul(1024))
}

/// The least limit of the control groups that `groups`, a process's `/proc/PID/cgroup`, names, in bytes.
pub(crate) fn limit(groups: &str, read: &impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let mounts = read(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let of = |group: Group| {
        let file = if group.unified { "memory.max" } else { "memory.limit_in_bytes" };
        read(&group.directory.join(file))?.trim().parse::<u64>().ok()
    };
    directories(groups, &mounts).into_iter().filter_map(of).min()
}

/// A control group's directory.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    directory: PathBuf,
    /// Its path among the groups.
    name: String,
    /// Whether it is of the second version.
    unified: bool,
}

impl Group {
    /// What it lets its processes still take: its limit less what they have, but for file pages that are given back.
    fn free(&self, read: &impl Fn(&Path) -> Option<String>) -> Option<FreeMemory> {
        let (limit, current, reclaimable) = match self.unified {
            true => ("memory.max", "memory.current", "inactive_file"),
            false => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        };
        let number = |file: &str| read(&self.directory.join(file))?.trim().parse::<u64>().ok();
        // `max` is no number: no limit.
        let limit = number(limit)?;
        let current = number(current)?;
        let files = read(&self.directory.join("memory.stat")).and_then(|text| field(&text, reclaimable));
        let bytes = limit.saturating_sub(current.saturating_sub(files.unwrap_or(0)));
        Some(FreeMemory { bytes, limit: format!("the limit of the control group {}", self.name) })
    }
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| if words.next()? == name { words.next()?.parse().ok() } else { None })
}

/// The directories of the control groups that limit this process's memory: its own, and all above
/// (`cgroups(7)`, `proc_pid_mountinfo(5)`).
fn directories(groups: &str, mounts: &str) -> Vec<Group> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        // Outside of this process's view of the groups. Its files would be looked for elsewhere.
        if path.split('/').any(|name| name == "..") {
            continue;
        }
        let unified = controllers.is_empty();
        if !unified && !controllers.split(',').any(|controller| controller == "memory") {
            continue;
        }
        let Some((root, mount)) = mounts.lines().find_map(|line| mount(line, unified)) else { continue };
        // In a container, the mount may begin at the container's own group.
        let below = path.strip_prefix(root.trim_end_matches('/')).unwrap_or(path).trim_start_matches('/');
        let mut name = PathBuf::from("/").join(below);
        loop {
            let directory = Path::new(&mount).join(name.strip_prefix("/").unwrap_or(&name));
            found.push(Group { directory, name: name.display().to_string(), unified });
            if !name.pop() {
                break;
            }
        }
    }
    found
}

/// The root and the place of a mount of the wanted version of control groups.
fn mount(line: &str, unified: bool) -> Option<(String, String)> {
    let (place, kind) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, at) = (place.next()?, place.next()?);
    let mut kind = kind.split(' ');
    let fits = match kind.next()? {
        "cgroup2" => unified,
        "cgroup" => !unified && kind.nth(1)?.split(',').any(|option| option == "memory"),
        _ => false,
    };
    fits.then(|| (root.to_owned(), at.to_owned()))
}

/// While one of these lives, this process is the first that the system ends when memory runs out.
#[derive(Debug)]
pub(crate) struct OomGuard(());

/// Counts them and keeps the score from before the first one: captures may overlap and end in any order.
#[derive(Debug)]
struct Guards {
    count: usize,
    before: Option<String>,
}

static GUARDS: Mutex<Guards> = Mutex::new(Guards { count: 0, before: None });
const SCORE: &str = "/proc/self/oom_score_adj";

impl OomGuard {
    pub(crate) fn raise() -> Self {
        GUARDS.lock().unwrap_or_else(PoisonError::into_inner).come(Path::new(SCORE));
        Self(())
    }
}

impl Drop for OomGuard {
    fn drop(&mut self) {
        GUARDS.lock().unwrap_or_else(PoisonError::into_inner).go(Path::new(SCORE));
    }
}

impl Guards {
    fn come(&mut self, score: &Path) {
        self.count += 1;
        if self.count == 1 {
            let before = fs::read_to_string(score).ok();
            // One that cannot volunteer works all the same.
            let done = fs::write(score, "1000").is_ok();
            self.before = before.filter(|_| done);
        }
    }

    fn go(&mut self, score: &Path) {
        self.count -= 1;
        if self.count == 0
            && let Some(before) = self.before.take()
        {
            let _ = fs::write(score, before.trim());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_group_and_those_above_are_asked() {
        let mounts = "25 1 0:20 / /sys rw - sysfs sysfs rw\n30 25 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";
        let groups = directories("1:name=systemd:/x\n0::/a/b\n", mounts);
        let names: Vec<_> = groups.iter().map(|group| group.directory.display().to_string()).collect();
        assert_eq!(names, ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup/"]);
        let v1 = "31 25 0:27 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let groups = directories("9:cpu,memory:/docker/1\n", v1);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].directory, Path::new("/sys/fs/cgroup/memory/"));
        assert!(!groups[0].unified);
    }

    #[test]
    fn what_a_group_lets_take_is_its_limit_less_what_is_in_use() {
        let read = |path: &Path| {
            let text = match path.file_name()?.to_str()? {
                "memory.max" => "1000000",
                "memory.current" => "700000",
                "memory.stat" => "inactive_file_x 7\nanon 5\ninactive_file 100000\n",
                _ => return None,
            };
            Some(format!("{text}\n"))
        };
        let group = Group { directory: PathBuf::from("/g"), name: "/g".to_owned(), unified: true };
        assert_eq!(group.free(&read).map(|free| free.bytes), Some(400_000));
        let none = |path: &Path| path.ends_with("memory.max").then(|| "max\n".to_owned());
        assert_eq!(group.free(&none), None);
    }

    #[test]
    fn what_a_process_may_take_by_its_own_limits_is_known() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         300000000            unlimited            bytes     \n";
        let status = "Name:\tpython\nVmSize:\t  100000 kB\nVmData:\t   50000 kB\n";
        let free: Vec<FreeMemory> = resource_limits(limits, status).collect();
        let limit = "the process's limit of address space (RLIMIT_AS)".to_owned();
        assert_eq!(free, [FreeMemory { bytes: 300_000_000 - 102_400_000, limit }]);
    }

    #[test]
    fn this_machine_has_some_memory_free() {
        assert!(free_memory().bytes > 1 << 20);
    }

    #[test]
    fn the_score_is_as_before_when_the_last_of_several_copies_ends() {
        let path = std::env::temp_dir().join(format!("memtop-score-{}", std::process::id()));
        let score = || fs::read_to_string(&path).expect("its own");
        fs::write(&path, "-17\n").expect("a file");
        let mut volunteers = Guards { count: 0, before: None };
        for _ in 0..2 {
            volunteers.come(&path);
            volunteers.come(&path);
            assert_eq!(score(), "1000");
            // Whichever of them it is that ends.
            volunteers.go(&path);
            assert_eq!(score(), "1000");
            volunteers.come(&path);
            volunteers.go(&path);
            volunteers.go(&path);
            assert_eq!(score(), "-17");
        }
        fs::remove_file(&path).expect("its own");
    }
}
