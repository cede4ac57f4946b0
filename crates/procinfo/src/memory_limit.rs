//! Free memory and limits of memory: of the machine, of control groups (`cgroups(7)`) and of
//! resource limits (`setrlimit(2)`).

use std::fs;
use std::path::{Path, PathBuf};

/// Memory that a process can still allocate, and the limit that applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeMemory {
    /// The number of bytes.
    pub bytes: u64,
    /// The limit: `the machine's free memory`, `the limit of the control group /x`, `the process's
    /// limit of address space`.
    pub limit: String,
}

/// The memory that the calling process can still allocate. A limit that cannot be read is ignored.
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

/// The address space and private memory that a process's resource limits still allow, from its
/// `/proc/PID/limits` and `/proc/PID/status`.
fn resource_limits(limits: &str, status: &str) -> impl Iterator<Item = FreeMemory> {
    let of = |limit: &str, used: &str, what: &str| {
        // `unlimited` is not a number.
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

/// The lowest memory limit in bytes of the control groups named in `groups`, a process's
/// `/proc/PID/cgroup`.
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
    /// Its path in the hierarchy of groups.
    name: String,
    /// Whether it belongs to version 2.
    unified: bool,
}

impl Group {
    /// The memory that its processes can still allocate: the limit minus the usage. Inactive file
    /// pages do not count as usage, since the kernel drops them when needed.
    fn free(&self, read: &impl Fn(&Path) -> Option<String>) -> Option<FreeMemory> {
        let (limit, current, reclaimable) = match self.unified {
            true => ("memory.max", "memory.current", "inactive_file"),
            false => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        };
        let number = |file: &str| read(&self.directory.join(file))?.trim().parse::<u64>().ok();
        // `max` is not a number: there is no limit.
        let limit = number(limit)?;
        let current = number(current)?;
        let files = read(&self.directory.join("memory.stat")).and_then(|text| field(&text, reclaimable));
        let bytes = limit.saturating_sub(current.saturating_sub(files.unwrap_or(0)));
        Some(FreeMemory { bytes, limit: format!("the limit of the control group {}", self.name) })
    }
}

/// The number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| if words.next()? == name { words.next()?.parse().ok() } else { None })
}

/// The directories of the control groups that limit this process's memory: its own group and all
/// that contain it (`cgroups(7)`, `proc_pid_mountinfo(5)`).
fn directories(groups: &str, mounts: &str) -> Vec<Group> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        // The group is outside of this process's cgroup namespace, so this path does not lead to
        // its files.
        if path.split('/').any(|name| name == "..") {
            continue;
        }
        let unified = controllers.is_empty();
        if !unified && !controllers.split(',').any(|controller| controller == "memory") {
            continue;
        }
        let Some((root, mount)) = mounts.lines().find_map(|line| mount(line, unified)) else { continue };
        // In a container, the root of the mount may be the container's own group.
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

/// The root and the mount point of a line of `mountinfo`, if it mounts the given version of control
/// groups.
fn mount(line: &str, unified: bool) -> Option<(String, String)> {
    let (fields, kind) = line.split_once(" - ")?;
    let mut fields = fields.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let mut kind = kind.split(' ');
    let fits = match kind.next()? {
        "cgroup2" => unified,
        "cgroup" => !unified && kind.nth(1)?.split(',').any(|option| option == "memory"),
        _ => false,
    };
    fits.then(|| (root.to_owned(), point.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_group_and_its_ancestors_are_found() {
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
    fn the_free_memory_of_a_group_is_its_limit_minus_its_usage() {
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
    fn resource_limits_bound_the_free_memory() {
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
}
