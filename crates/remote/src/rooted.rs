//! Files of other processes, opened so that neither a link nor a special file does harm.
//!
//! A path is looked up within the process's root: its links are the process's own, and followed from our root they would
//! lead to files that it cannot reach. What is found is looked at before it is opened, since opening is enough for harm:
//! a device may start to work, a pipe may wait for ever. Invariant: nothing but a regular file is ever opened.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use crate::maps::Region;
use crate::raw;

/// Kinds of file systems of `linux/magic.h` (and of ZFS and bcachefs) on which a file has one device number in a process's
/// mappings, that of the whole, and another when it is asked for: that of its subvolume, or of one of the layers.
const SEVERAL_NUMBERS: [u32; 4] = [0x794c_7630, 0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e];
/// Those whose files are made up by the kernel as they are read, which can have consequences: proc, sysfs, debugfs,
/// tracefs, configfs, securityfs, both versions of control groups, bpf, pstore, efivarfs, selinux.
const MADE_UP: [u32; 12] = [
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
/// More links than the kernel follows in one path.
const MOST_LINKS: usize = 40;
/// The longest path (`PATH_MAX`).
const LONGEST: usize = 4096;
/// How often a path is looked up that changes meanwhile.
const TRIES: usize = 8;

/// A file that was found and not opened: it may be anything.
#[derive(Debug)]
pub(crate) struct Place(File);

/// How sure it is that a file is the one which is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sameness {
    /// Device and inode are those of the mapping.
    Same,
    /// The inode is, and the file system is one that gives a file several device numbers.
    Likely,
    /// It is another file.
    Other,
}

impl Place {
    /// Finds a path as a process with this root does.
    pub(crate) fn within(root: &File, path: &str) -> io::Result<Self> {
        let text = CString::new(path)?;
        for _ in 0..TRIES {
            match raw::find_in_root(root, &text) {
                Ok(file) => return Ok(Self(file)),
                Err(error) => match error.raw_os_error() {
                    // Something was renamed while a `..` was looked up.
                    Some(libc::EAGAIN) => {}
                    // An older kernel, or a filter of system calls that does not know the call.
                    Some(libc::ENOSYS | libc::EPERM) => break,
                    _ => return Err(error),
                },
            }
        }
        walk(root, path).map(Self)
    }

    /// Finds a path of our own. A link of `/proc` that leads to a file itself, such as `/proc/PID/exe`, does.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path).map(Self)
    }

    /// Whether it is the file that is mapped there.
    pub(crate) fn is_of(&self, region: &Region) -> Sameness {
        let Ok(metadata) = self.0.metadata() else { return Sameness::Other };
        if metadata.ino() != region.inode {
            return Sameness::Other;
        }
        if (libc::major(metadata.dev()), libc::minor(metadata.dev())) == region.device {
            return Sameness::Same;
        }
        match raw::file_system(&self.0) {
            Some(kind) if SEVERAL_NUMBERS.contains(&kind) => Sameness::Likely,
            _ => Sameness::Other,
        }
    }

    /// Opens it for reading, if it is a regular file on a file system that holds files.
    pub(crate) fn open(&self) -> io::Result<File> {
        if !self.0.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        if raw::file_system(&self.0).is_none_or(|kind| MADE_UP.contains(&kind)) {
            return Err(io::Error::other("it is no file on a disk or in memory"));
        }
        // Without waiting for who has a lease on it.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        OpenOptions::new().read(true).custom_flags(flags).open(descriptor(&self.0))
    }
}

fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Finds a path below a root where the kernel cannot do it at once: name by name, never following a link, but reading
/// where it leads. `..` goes back to the directory that was come from, and no further than to the root.
fn walk(root: &File, path: &str) -> io::Result<File> {
    let find = |directory: &File, name: &Path| {
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        OpenOptions::new().read(true).custom_flags(flags).open(descriptor(directory).join(name))
    };
    // The names that are still to come, the last first.
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

/// Puts the names of a path before those that are still to come. Whether it begins at the root.
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
    /// Both ways, the second of which is that of older kernels.
    const WAYS: [(&str, Finder); 2] =
        [("openat2", |root, path| Place::within(root, path).map(|place| place.0)), ("names", walk)];

    fn said(place: io::Result<File>) -> Option<String> {
        let mut text = String::new();
        Place(place.ok()?).open().ok()?.read_to_string(&mut text).ok()?;
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
            assert_eq!(found("/absolute"), None, "{way}: it leads nowhere within the root");
            assert_eq!(found("/lib/up").as_deref(), Some("inside"), "{way}");
            assert_eq!(found("/lib/sub/secret").as_deref(), Some("inside"), "{way}");
            assert_eq!(found("/../../secret").as_deref(), Some("inside"), "{way}");
            assert_eq!(found("/lib/file/../../secret"), None, "{way}: a file is no directory");
            assert_eq!(found("/loop"), None, "{way}");
            assert_eq!(found("/none"), None, "{way}");
            assert_eq!(found("/"), None, "{way}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_found_and_never_opened() {
        let scratch = Scratch::new("special");
        let pipe = scratch.0.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        let root = File::open("/").expect("the root");
        for (way, find) in WAYS {
            for path in ["/dev/null", &pipe.display().to_string(), "/tmp", "/proc/version"] {
                // Opening the pipe would wait for somebody who writes.
                let place = Place(find(&root, path).expect("it is there"));
                assert!(place.open().is_err(), "{way}: {path}");
            }
        }
        assert!(Place::of(&pipe).expect("it is there").open().is_err());
        let own = format!("/proc/{}/exe", std::process::id());
        assert!(Place::of(Path::new(&own)).expect("a link of the system's").open().is_ok());
        for (way, find) in WAYS {
            let exe = find(&root, &own).and_then(|found| Place(found).open());
            // It is refused, or is what its text says: never more than that.
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
        let place = Place::of(&path).expect("it is there");
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
        assert_eq!(place.is_of(&region), Sameness::Same);
        region.device.1 += 1;
        let is_layered = raw::file_system(&place.0).is_some_and(|kind| SEVERAL_NUMBERS.contains(&kind));
        let expected = if is_layered { Sameness::Likely } else { Sameness::Other };
        assert_eq!(place.is_of(&region), expected, "an inode alone says nothing");
        region.inode += 1;
        assert_eq!(place.is_of(&region), Sameness::Other);
    }
}
