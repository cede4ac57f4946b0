//! A stopped Python program, read from outside through `/proc/PID/mem`.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use memtop_cpython::{CTypes, CodeFiles, KnownTypes, Memory};
use rustc_hash::FxHashMap;

const PAGE: u64 = 4096;

/// The memory of another process, page by page.
pub(crate) struct Foreign {
    file: File,
    pages: RefCell<FxHashMap<u64, Page>>,
    /// The pages read lately, by the low bits of their number.
    recent: RefCell<Vec<(u64, Page)>>,
}

/// None where nothing can be read.
type Page = Option<Rc<[u8]>>;
const RECENT: u64 = 256;

impl Foreign {
    fn of(process: u32) -> Self {
        let file = File::open(format!("/proc/{process}/mem")).expect("a child's memory may be read");
        let recent = vec![(u64::MAX, None); RECENT as usize];
        Self { file, pages: RefCell::default(), recent: RefCell::new(recent) }
    }

    fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut found = [0; N];
        let within = (address % PAGE) as usize;
        if within + N > PAGE as usize {
            for (index, byte) in found.iter_mut().enumerate() {
                *byte = self.read::<1>(address.checked_add(index as u64)?)?[0];
            }
            return Some(found);
        }
        let number = address / PAGE;
        let mut recent = self.recent.borrow_mut();
        let slot = &mut recent[(number % RECENT) as usize];
        if slot.0 != number {
            *slot = (number, self.page(number));
        }
        found.copy_from_slice(&slot.1.as_ref()?[within..within + N]);
        Some(found)
    }

    fn page(&self, number: u64) -> Page {
        let mut pages = self.pages.borrow_mut();
        let page = pages.entry(number).or_insert_with(|| {
            let mut bytes = vec![0; PAGE as usize];
            self.file.read_exact_at(&mut bytes, number * PAGE).ok()?;
            Some(bytes.into())
        });
        page.clone()
    }
}

impl Memory for Foreign {
    fn word(&self, address: u64) -> Option<u64> {
        self.read(address).map(u64::from_le_bytes)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.read(address).map(u32::from_le_bytes)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.read::<1>(address).map(|[byte]| byte)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        let (mut at, mut left) = (address, length);
        while left > 0 {
            let within = (at % PAGE) as usize;
            let here = left.min(PAGE as usize - within);
            into.extend_from_slice(&self.page(at / PAGE)?[within..within + here]);
            at = at.checked_add(here as u64)?;
            left -= here;
        }
        Some(())
    }
}

/// Recognises the C types of a process; `of` is the address of one of the interpreter's own.
fn c_types(process: u32, of: u64) -> CTypes {
    let text =
        std::fs::read_to_string(format!("/proc/{process}/maps")).expect("a child's mappings may be read");
    let mappings = text.lines().filter_map(|line| {
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some((number(start)?, number(end)?, fields.nth(4).unwrap_or_default().trim_start()))
    });
    CTypes::new(CodeFiles::new(mappings, of, &[]), [])
}

/// Python's own answers about one of its objects.
pub(crate) struct Object {
    pub(crate) address: u64,
    /// `sys.getsizeof()`; `None` if that would run code written in Python.
    pub(crate) size: Option<u64>,
    /// `gc.get_referents()`.
    pub(crate) referents: Vec<u64>,
}

/// A stopped program, and Python's own answers about its objects.
pub(crate) struct Still {
    child: Child,
    pub(crate) memory: Foreign,
    pub(crate) minor: u8,
    pub(crate) types: KnownTypes,
    pub(crate) c_types: CTypes,
    /// A type that a class statement made.
    pub(crate) class: u64,
    /// A deque and a cache that let themselves hold 4,242,421 items.
    pub(crate) limited: [u64; 2],
    pub(crate) objects: Vec<Object>,
}

impl Still {
    /// Starts the zoo with these packages beside it.
    pub(crate) fn start(python: &Path, packages: &[String]) -> Self {
        let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/untraced/zoo.py");
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("memtop-zoo-{}-{number}", std::process::id());
        let said = std::env::temp_dir().join(name);
        let mut child = Command::new(python)
            .arg(zoo)
            .arg(&said)
            .args(packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is an interpreter");
        let mut ready = [0];
        child.stdout.as_mut().expect("piped").read_exact(&mut ready).expect("the zoo was built");
        let text = std::fs::read_to_string(&said).expect("the zoo wrote its file");
        std::fs::remove_file(&said).expect("it is ours");
        let mut lines = text.lines();
        let numbers = |line: &str| -> Vec<u64> {
            line.split(' ').skip(1).map(|number| number.parse().expect("a number")).collect()
        };
        let minor = numbers(lines.next().expect("a version"))[0] as u8;
        let known = numbers(lines.next().expect("types"));
        let types = KnownTypes {
            string: known[0],
            integer: known[1],
            dict: known[2],
            list: known[3],
            set: known[4],
            tuple: known[5],
            cell: known[6],
            context_variable: known[7],
        };
        let objects = lines.map(|line| {
            let size = line.split(' ').next().and_then(|size| size.parse().ok());
            let numbers = numbers(line);
            Object { address: numbers[0], size, referents: numbers[1..].to_vec() }
        });
        let objects = objects.collect();
        let memory = Foreign::of(child.id());
        let c_types = c_types(child.id(), types.tuple);
        let (class, limited) = (known[8], [known[9], known[10]]);
        Self { child, memory, minor, types, c_types, class, limited, objects }
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        if let Some(stdin) = self.child.stdin.as_mut() {
            stdin.write_all(b"!").ok();
        }
        self.child.wait().ok();
    }
}

/// The interpreters to test with: those that `MEMTOP_PYTHONS` names (paths, separated by colons), else those
/// of pyenv and on the `PATH`, one a version.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("MEMTOP_PYTHONS") {
        return std::env::split_paths(&named).collect();
    }
    let mut found = Vec::new();
    let home = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let versions = home.and_then(|home| std::fs::read_dir(home.join("versions")).ok());
    let mut versions: Vec<PathBuf> =
        versions.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort();
    let directories: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    for minor in 8..=15 {
        let prefix = format!("3.{minor}.");
        let named = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| name.to_str().is_some_and(|name| name.starts_with(&prefix)))
        };
        let managed = versions.iter().filter(named).map(|version| version.join("bin/python")).next_back();
        let installed = directories.iter().map(|directory| directory.join(format!("python3.{minor}")));
        found.extend(managed.into_iter().chain(installed).find(|path| path.exists()));
    }
    found
}
