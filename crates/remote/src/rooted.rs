//! Opens files of other processes by path, without following a link out of their root, and without
//! opening special files.
//!
//! A path is resolved within the process's root. The process chooses its links, and in our root
//! they could lead to files that the process cannot reach. A file is checked before it is opened,
//! because opening alone can do harm: a device may start an action, a pipe may block. Invariant:
//! only regular files are opened.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, fstatfs, openat2};
use rustix::io::Errno;

use crate::maps::Region;

/// File systems (`linux/magic.h`) on which the device number in `/proc/PID/maps` differs from the
/// one in `stat`, which belongs to a subvolume or a layer: overlay, btrfs, ZFS, bcachefs.
const SEVERAL_NUMBERS: [u32; 4] = [0x794c_7630, 0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e];
/// File systems whose files the kernel generates when they are read, which can have side effects:
/// proc, sysfs, debugfs, tracefs, configfs, securityfs, both versions of control groups, bpf,
/// pstore, efivarfs, selinux.
const GENERATED: [u32; 12] = [
    0x9fa0,
    0x6265_6572,
    0x6462_6720,
    0x7472_6163,
    0x6265_6570,
    0x7363_6673,
    0x0027_e0eb,
    0x6367_7270,
    0xcafe_4a11,
    0x6165_676c,
    0xde5e_81e4,
    0xf97c_ff8c,
];
/// The most links in one path. The kernel follows no more.
const MOST_LINKS: usize = 40;
/// The longest path (`PATH_MAX`).
const LONGEST: usize = 4096;
/// How often a lookup is repeated if the path changes meanwhile.
const TRIES: usize = 8;

/// A file that was found but not opened. It may have any type.
#[derive(Debug)]
pub(crate) struct FoundFile(File);

/// Whether a file is the mapped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sameness {
    /// Device and inode are those of the mapping.
    Same,
    /// The inode is the same, and the file system gives a file several device numbers.
    Likely,
    /// It is another file.
    Other,
}

impl FoundFile {
    /// Finds a path like a process with this root.
    pub(crate) fn within(root: &File, path: &str) -> io::Result<Self> {
        // No link and no `..` leaves the root, and the links of `/proc` that have no path are
        // refused.
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Ok(file) => return Ok(Self(file.into())),
                // Something was renamed while a `..` was looked up.
                Err(Errno::AGAIN) => {}
                // A kernel before Linux 5.6, or a seccomp filter that does not know the call.
                Err(Errno::NOSYS | Errno::PERM) => break,
                Err(error) => return Err(error.into()),
            }
        }
        walk(root, path).map(Self)
    }

    /// Finds a path in our own root. Links that the kernel resolves itself, such as
    /// `/proc/PID/exe`, are followed.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path).map(Self)
    }

    /// Compares it with the file of a mapping.
    pub(crate) fn is_of(&self, region: &Region) -> Sameness {
        let Ok(metadata) = self.0.metadata() else { return Sameness::Other };
        if metadata.ino() != region.inode {
            return Sameness::Other;
        }
        if (libc::major(metadata.dev()), libc::minor(metadata.dev())) == region.device {
            return Sameness::Same;
        }
        match file_system(&self.0) {
            Some(kind) if SEVERAL_NUMBERS.contains(&kind) => Sameness::Likely,
            _ => Sameness::Other,
        }
    }

    /// Whether it is a regular file.
    pub(crate) fn is_regular(&self) -> bool {
        self.0.metadata().is_ok_and(|metadata| metadata.is_file())
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// If it is not a regular file, or the kernel generates its contents.
    pub(crate) fn open(&self) -> io::Result<File> {
        if !self.is_regular() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if file_system(&self.0).is_none_or(|kind| GENERATED.contains(&kind)) {
            return Err(io::Error::other("it is a file that the kernel generates"));
        }
        // `O_NONBLOCK`: does not wait for the lease of another process.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        OpenOptions::new().read(true).custom_flags(flags).open(descriptor(&self.0))
    }
}

/// The number of the type of the file system that a file is on.
fn file_system(file: &File) -> Option<u32> {
    // The field is wider on some systems; the numbers have 32 bits.
    fstatfs(file).ok().map(|found| found.f_type as u32)
}

/// The path of an open file, to open it again.
fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Finds a path below a root on kernels that cannot do it in one call: name by name, without
/// following links. Their text is read and resolved in the same way. `..` returns to the directory
/// before, and never leaves the root.
fn walk(root: &File, path: &str) -> io::Result<File> {
    let find = |directory: &File, name: &Path| {
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        OpenOptions::new().read(true).custom_flags(flags).open(descriptor(directory).join(name))
    };
    // The remaining names, the last one first.
    let mut names = Vec::new();
    if !push(&mut names, Path::new(path)) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut above: Vec<File> = Vec::new();
    let (mut links, mut length) = (0, path.len());
    while let Some(name) = names.pop() {
        if name.as_os_str() == ".." {
            if above.pop().is_some_and(|left| !left.metadata().is_ok_and(|metadata| metadata.is_dir())) {
                return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
            }
            continue;
        }
        let directory = above.last().unwrap_or(root);
        let found = find(directory, &name)?;
        if !found.metadata()?.is_symlink() {
            above.push(found);
            continue;
        }
        let leads = fs::read_link(descriptor(directory).join(&name))?;
        (links, length) = (links + 1, length + leads.as_os_str().len());
        if links > MOST_LINKS || length > LONGEST * 2 {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        if push(&mut names, &leads) {
            above.clear();
        }
    }
    above.pop().ok_or_else(|| io::Error::from_raw_os_error(libc::EISDIR))
}

/// Adds the names of a path before the remaining ones. Returns whether the path is absolute.
fn push(names: &mut Vec<PathBuf>, path: &Path) -> bool {
    for part in path.components().rev() {
        match part {
            Component::Normal(name) => names.push(PathBuf::from(name)),
            Component::ParentDir => names.push(PathBuf::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    path.is_absolute()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory that is removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("memtop-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    type Finder = fn(&File, &str) -> io::Result<File>;
    /// Both implementations; the second one is for older kernels.
    const WAYS: [(&str, Finder); 2] =
        [("openat2", |root, path| FoundFile::within(root, path).map(|found| found.0)), ("names", walk)];

    fn said(found: io::Result<File>) -> Option<String> {
        let mut text = String::new();
        FoundFile(found.ok()?).open().ok()?.read_to_string(&mut text).ok()?;
        Some(text)
    }

    #[test]
    fn no_link_leads_out_of_the_root() {
        let scratch = Scratch::new("rooted");
        let root = scratch.0.join("root");
        fs::create_dir_all(root.join("lib/sub")).expect("a directory");
        fs::write(scratch.0.join("secret"), "outside").expect("a file");
        fs::write(root.join("secret"), "inside").expect("a file");
        fs::write(root.join("lib/file"), "file").expect("a file");
        let outside = scratch.0.join("secret");
        symlink(&outside, root.join("absolute")).expect("a link");
        symlink("../../../../../../secret", root.join("lib/up")).expect("a link");
        symlink("/secret", root.join("lib/sub/secret")).expect("a link");
        symlink("/lib", root.join("library")).expect("a link");
        symlink("lib/sub/..", root.join("around")).expect("a link");
        symlink("loop", root.join("loop")).expect("a link");
        let directory = File::open(&root).expect("its own");
        for (way, find) in WAYS {
            let found = |path: &str| said(find(&directory, path));
            assert_eq!(found("/lib/file").as_deref(), Some("file"), "{way}");
            assert_eq!(found("/library/file").as_deref(), Some("file"), "{way}");
            assert_eq!(found("/around/file").as_deref(), Some("file"), "{way}");
            assert_eq!(found("/absolute"), None, "{way}: no such file within the root");
            assert_eq!(found("/lib/up").as_deref(), Some("inside"), "{way}");
            assert_eq!(found("/lib/sub/secret").as_deref(), Some("inside"), "{way}");
            assert_eq!(found("/../../secret").as_deref(), Some("inside"), "{way}");
            assert_eq!(found("/lib/file/../../secret"), None, "{way}: a file is not a directory");
            assert_eq!(found("/loop"), None, "{way}");
            assert_eq!(found("/none"), None, "{way}");
            assert_eq!(found("/"), None, "{way}");
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        let scratch = Scratch::new("special");
        let pipe = scratch.0.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        let root = File::open("/").expect("the root");
        for (way, find) in WAYS {
            for path in ["/dev/null", &pipe.display().to_string(), "/tmp", "/proc/version"] {
                // Opening the pipe would wait for a writer.
                let found = FoundFile(find(&root, path).expect("it is there"));
                assert!(found.open().is_err(), "{way}: {path}");
            }
        }
        assert!(FoundFile::of(&pipe).expect("it is there").open().is_err());
        let own = format!("/proc/{}/exe", std::process::id());
        assert!(FoundFile::of(Path::new(&own)).expect("a link of the system").open().is_ok());
        for (way, find) in WAYS {
            let exe = find(&root, &own).and_then(|found| FoundFile(found).open());
            // It is refused, or the text of the link is resolved within the root.
            let by_text = fs::read_link(&own).expect("a link");
            let same = |file: File| {
                file.metadata().ok().map(|found| found.ino())
                    == fs::metadata(&by_text).ok().map(|at| at.ino())
            };
            assert!(exe.map_or(true, same), "{way}");
        }
    }

    #[test]
    fn a_file_is_the_mapped_one_by_device_and_inode() {
        let scratch = Scratch::new("numbers");
        let path = scratch.0.join("file");
        fs::write(&path, "file").expect("a file");
        let found = FoundFile::of(&path).expect("it is there");
        let metadata = fs::metadata(&path).expect("it is there");
        let device = (libc::major(metadata.dev()), libc::minor(metadata.dev()));
        let mut region = Region {
            start: 0,
            end: 4096,
            readable: true,
            writable: false,
            executable: false,
            shared: false,
            offset: 0,
            device,
            inode: metadata.ino(),
            path: path.display().to_string(),
        };
        assert_eq!(found.is_of(&region), Sameness::Same);
        region.device.1 += 1;
        let is_layered = file_system(&found.0).is_some_and(|kind| SEVERAL_NUMBERS.contains(&kind));
        let expected = if is_layered { Sameness::Likely } else { Sameness::Other };
        assert_eq!(found.is_of(&region), expected, "an inode alone says nothing");
        region.inode += 1;
        assert_eq!(found.is_of(&region), Sameness::Other);
    }
}
