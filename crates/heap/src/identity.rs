//! The identity of a process, and how it is read from the kernel's files about the process.
//!
//! Invariant: a capture from inside a process and one from outside of its namespaces find matching identities. So both
//! use the functions of this file, which take bytes and touch no process.

use std::fmt;

/// The identity of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessIdentity {
    /// The PID in the namespace of whoever captured the process.
    pub pid: u32,
    /// The PID in the process's own namespace, which differs in a container; `None` if unknown. It is the same from
    /// inside and from outside.
    pub namespace_pid: Option<u32>,
    /// The start time, in microseconds since 1970 (UTC) or in another unit that is the same for all captures of one
    /// process; 0 if unknown.
    pub started: u64,
    /// A digest of the boot ID of the machine, which reveals neither boot nor machine; empty if unknown.
    pub boot: String,
    /// The number of the interpreter within the process, 0 for the main one.
    pub interpreter: u64,
    /// The program that the process runs, since a process keeps its PID and start time when it calls `exec`; `None` if
    /// unknown.
    pub image: Option<ProgramImage>,
}

/// The relation of two captures with the same PID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameProcess {
    /// They are of one process, which ran one program.
    Yes,
    /// They are of one process, which called `exec` in between: its memory is entirely different.
    OtherImage,
    /// They are of different processes.
    No,
}

impl ProcessIdentity {
    /// The PID in the process's own namespace. Files of the first versions have it as `pid`.
    #[must_use]
    pub fn own_pid(&self) -> u32 {
        self.namespace_pid.unwrap_or(self.pid)
    }

    /// Compares two identities. A fact that is unknown for one of them is ignored, except for the start time:
    /// without it, as in a core file, both must have the same known image.
    #[must_use]
    pub fn compare(&self, other: &Self) -> SameProcess {
        let images = self.image.zip(other.image);
        let is_other_image = images.is_some_and(|(one, other)| one.differs(other));
        if (self.started, &self.boot) != (other.started, &other.boot) {
            let knows = |one: &Self| one.started != 0 && !one.boot.is_empty();
            let is_same_image = images.is_some_and(|(one, other)| one == other && one.random.is_some());
            let shares_number =
                [self.pid, self.own_pid()].iter().any(|pid| [other.pid, other.own_pid()].contains(pid));
            return match !(knows(self) && knows(other)) && is_same_image && shares_number {
                true => SameProcess::Yes,
                false => SameProcess::No,
            };
        }
        match (self.own_pid() == other.own_pid(), is_other_image) {
            (false, _) => SameProcess::No,
            (true, false) => SameProcess::Yes,
            // Two containers may start at the same moment, each with its process 1.
            (true, true) if self.pid != other.pid => SameProcess::No,
            (true, true) => SameProcess::OtherImage,
        }
    }
}

/// `PID 4711`, or `PID 4711 (1 in its namespace)`.
impl fmt::Display for ProcessIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PID {}", self.pid)?;
        match self.namespace_pid {
            Some(own) if own != self.pid => write!(f, " ({own} in its namespace)"),
            _ => Ok(()),
        }
    }
}

/// The program that a process runs from one `exec` to the next, as two digests of data that the kernel passes to it.
///
/// The auxiliary vector (`getauxval(3)`) has the addresses of the program, its loader and its stack, and
/// never changes. The 16 random bytes that it points to are new with each `exec`, even where addresses are
/// not randomised. But they are in the process's memory, and a runtime may clear them after using them, as
/// Go's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramImage {
    /// The digest of the auxiliary vector.
    pub layout: u64,
    /// The digest of the random bytes; `None` if they could not be read or were cleared. The C library
    /// derives its stack and pointer guards from these bytes. Only 32 bits of the digest are kept, so that
    /// neither guard can be guessed from it.
    pub random: Option<u32>,
}

/// Types of `getauxval(3)`: the end of the vector, and the address of 16 random bytes.
const AT_NULL: u64 = 0;
const AT_RANDOM: u64 = 25;

impl ProgramImage {
    /// The image of a process with this auxiliary vector, in the format of `/proc/PID/auxv` on 64-bit systems
    /// and of core files. `read` reads 16 bytes of the process's memory.
    #[must_use]
    pub fn new(auxv: &[u8], read: impl FnOnce(u64) -> Option<[u8; 16]>) -> Option<Self> {
        let word = |pair: &[u8], at: usize| Some(u64::from_ne_bytes(pair.get(at..at + 8)?.try_into().ok()?));
        let mut random = None;
        let mut length = 0;
        for pair in auxv.chunks_exact(16) {
            match word(pair, 0)? {
                AT_NULL => break,
                AT_RANDOM => random = word(pair, 8),
                _ => {}
            }
            length += 16;
        }
        let used = auxv.get(..length).filter(|used| !used.is_empty())?;
        let bytes = random.and_then(read).filter(|bytes| *bytes != [0; 16]);
        let folded = |bytes: [u8; 16]| {
            let digest = digest(&bytes);
            (digest >> 32) as u32 ^ digest as u32
        };
        Some(Self { layout: digest(used), random: bytes.map(folded) })
    }

    /// True if `exec` was called between the two.
    #[must_use]
    pub fn differs(self, other: Self) -> bool {
        self.layout != other.layout || self.random.zip(other.random).is_some_and(|(one, other)| one != other)
    }

    /// Parses an image as [`Display`](fmt::Display) writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (layout, random) =
            text.split_once('-').map_or((text, None), |(layout, random)| (layout, Some(random)));
        Some(Self {
            layout: u64::from_str_radix(layout, 16).ok()?,
            random: match random {
                None => None,
                Some(random) => Some(u32::from_str_radix(random, 16).ok()?),
            },
        })
    }
}

impl fmt::Display for ProgramImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.layout)?;
        self.random.map_or(Ok(()), |random| write!(f, "-{random:08x}"))
    }
}

/// The digest of a boot ID (`/proc/sys/kernel/random/boot_id`); empty for an empty ID.
#[must_use]
pub fn boot_digest(boot_id: &str) -> String {
    match boot_id.trim() {
        "" => String::new(),
        boot => format!("{:016x}", digest(boot.as_bytes())),
    }
}

/// FNV-1a with 64 bits: distinguishes inputs without revealing them.
fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The PID of a process in its own namespace, from its `/proc/PID/status`: the last number of `NSpid`.
#[must_use]
pub fn namespace_pid(status: &str) -> Option<u32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_whitespace().last()?.parse().ok()
}

/// The container of a process, from its `/proc/PID/cgroup`: the ID that Docker, containerd, CRI-O and Podman
/// put into the path (64 hexadecimal digits), or the name that LXC puts there. `None` if the path has
/// neither, as within a container with its own cgroup namespace.
#[must_use]
pub fn container(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.filter_map(innermost).next()
}

/// The last container in a path, the innermost of nested ones.
fn innermost(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    while let Some(part) = parts.pop() {
        let bare = part.strip_suffix(".scope").unwrap_or(part);
        let id = bare.rsplit(['-', ':']).next().unwrap_or(bare);
        if id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Some(id.to_owned());
        }
        let name =
            part.strip_prefix("lxc.payload.").or_else(|| (parts.last() == Some(&"lxc")).then_some(part));
        let is_plain = |name: &&str| {
            (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if let Some(name) = name.filter(is_plain) {
            return Some(name.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, own: u32) -> ProcessIdentity {
        let image = Some(ProgramImage { layout: 1, random: Some(2) });
        ProcessIdentity {
            pid,
            namespace_pid: Some(own),
            started: 9,
            boot: "b".to_owned(),
            interpreter: 0,
            image,
        }
    }

    #[test]
    fn a_process_is_the_same_from_inside_and_from_outside_of_its_namespace() {
        assert_eq!(process(4711, 1).compare(&process(1, 1)), SameProcess::Yes);
        // A file of the first versions has the number in its own namespace, and no image.
        let old = ProcessIdentity { pid: 1, namespace_pid: None, image: None, ..process(0, 0) };
        assert_eq!(old.compare(&process(4711, 1)), SameProcess::Yes);
        assert_eq!(process(4711, 1).compare(&old), SameProcess::Yes);
        assert_eq!(process(4711, 1).compare(&process(4711, 4711)), SameProcess::No);
        let later = ProcessIdentity { started: 10, ..process(4711, 1) };
        assert_eq!(later.compare(&process(4711, 1)), SameProcess::No);
    }

    #[test]
    fn exec_makes_another_image_of_a_process() {
        let image = |layout, random| Some(ProgramImage { layout, random });
        let with = |image| ProcessIdentity { image, ..process(7, 7) };
        let first = with(image(1, Some(2)));
        assert_eq!(first.compare(&with(image(1, Some(3)))), SameProcess::OtherImage);
        assert_eq!(first.compare(&with(image(4, None))), SameProcess::OtherImage);
        // The random bytes were cleared, or nothing is known: that says nothing.
        assert_eq!(first.compare(&with(image(1, None))), SameProcess::Yes);
        assert_eq!(first.compare(&with(None)), SameProcess::Yes);
        // The first processes of two containers that started at the same moment.
        let other = ProcessIdentity { image: image(4, Some(5)), ..process(4712, 1) };
        assert_eq!(process(4711, 1).compare(&other), SameProcess::No);
    }

    #[test]
    fn a_core_file_is_of_the_process_whose_image_it_has() {
        let core = ProcessIdentity { started: 0, boot: String::new(), namespace_pid: None, ..process(1, 1) };
        assert_eq!(core.compare(&process(4711, 1)), SameProcess::Yes);
        let other =
            ProcessIdentity { image: Some(ProgramImage { layout: 1, random: Some(3) }), ..core.clone() };
        assert_eq!(other.compare(&process(4711, 1)), SameProcess::No);
        let unknown = ProcessIdentity { image: None, ..core };
        assert_eq!(unknown.compare(&process(4711, 1)), SameProcess::No);
    }

    #[test]
    fn an_image_is_made_of_the_auxiliary_vector_and_the_random_bytes() {
        let vector = |pairs: &[(u64, u64)]| -> Vec<u8> {
            pairs.iter().flat_map(|&(key, value)| [key.to_ne_bytes(), value.to_ne_bytes()].concat()).collect()
        };
        let auxv = vector(&[(3, 0x400040), (AT_RANDOM, 0x7fff_0000), (0, 0)]);
        let of = |auxv: &[u8], bytes: Option<[u8; 16]>| {
            let read = |at| {
                assert_eq!(at, 0x7fff_0000);
                bytes
            };
            ProgramImage::new(auxv, read)
        };
        let image = of(&auxv, Some([7; 16])).expect("an image");
        assert!(image.random.is_some());
        // A core file pads the vector.
        assert_eq!(of(&[auxv.clone(), vec![0; 64]].concat(), Some([7; 16])), Some(image));
        assert!(of(&auxv, Some([8; 16])).expect("an image").differs(image));
        assert_eq!(of(&auxv, Some([0; 16])), Some(ProgramImage { random: None, ..image }));
        assert_eq!(of(&auxv, None), Some(ProgramImage { random: None, ..image }));
        assert_eq!(ProgramImage::new(&[], |_| Some([1; 16])), None);
        for image in [image, ProgramImage { random: None, ..image }] {
            assert_eq!(ProgramImage::parse(&image.to_string()), Some(image));
        }
        assert_eq!(ProgramImage::parse("later"), None);
    }

    #[test]
    fn a_number_within_a_namespace_is_the_innermost_one() {
        assert_eq!(namespace_pid("Name:\tpython\nNSpid:\t4711\t17\t1\nNSpgid:\t4711"), Some(1));
        assert_eq!(namespace_pid("Name:\tpython\nNSpid:\t4711\n"), Some(4711));
        // Before Linux 4.1.
        assert_eq!(namespace_pid("Name:\tpython\n"), None);
    }

    #[test]
    fn a_container_is_named_by_the_path_of_its_cgroup() {
        let id = "0123456789abcdef".repeat(4);
        let named = |path: &str| container(&path.replace("ID", &id));
        for path in [
            "0::/docker/ID",
            "0::/system.slice/docker-ID.scope",
            "12:cpuset:/docker/ID\n0::/system.slice/containerd.service",
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ID.scope",
            "0::/kubepods/besteffort/pod1-2/ID",
            "0::/machine.slice/libpod-ID.scope/container",
            "0::/../ID",
            "0::/kubepods-pod1.slice:cri-containerd:ID",
        ] {
            assert_eq!(named(path), Some(id.clone()), "{path}");
        }
        let inner = "f".repeat(64);
        assert_eq!(named(&format!("0::/docker/ID/docker/{inner}")), Some(inner));
        assert_eq!(named("0::/lxc.payload.web-1/system.slice"), Some("web-1".to_owned()));
        assert_eq!(named("4:cpu:/lxc/web-1"), Some("web-1".to_owned()));
        for none in
            ["0::/", "", "0::/user.slice/user-1000.slice/session-1.scope", "0::/system.slice/cron.service"]
        {
            assert_eq!(named(none), None, "{none}");
        }
        assert_eq!(container("0::/lxc/\u{1b}[31m"), None);
    }
}
