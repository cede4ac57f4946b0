//! Stopped Python programs, read through `/proc/PID/mem`, and their own answers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use memtop_cpython::{CTypes, CodeFiles, Memory};
use object::{Object, ObjectSegment, ObjectSymbol};

const PAGE: u64 = 4096;
type Page = Option<Rc<[u8]>>;

/// The memory of another process, page by page.
pub(crate) struct Foreign {
    file: File,
    pages: RefCell<HashMap<u64, Page>>,
}

impl Foreign {
    fn page(&self, number: u64) -> Page {
        let mut pages = self.pages.borrow_mut();
        let page = pages.entry(number).or_insert_with(|| {
            let mut bytes = vec![0; PAGE as usize];
            self.file.read_exact_at(&mut bytes, number.checked_mul(PAGE)?).ok()?;
            Some(bytes.into())
        });
        page.clone()
    }

    fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut found = [0; N];
        for (index, byte) in found.iter_mut().enumerate() {
            let at = address.checked_add(index as u64)?;
            *byte = self.page(at / PAGE)?[(at % PAGE) as usize];
        }
        Some(found)
    }
}

impl Memory for Foreign {
    fn word(&self, address: u64) -> Option<u64> {
        let within = (address % PAGE) as usize;
        if within + 8 > PAGE as usize {
            return self.read(address).map(u64::from_le_bytes);
        }
        let page = self.page(address / PAGE)?;
        page[within..within + 8].try_into().ok().map(u64::from_le_bytes)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.read(address).map(u32::from_le_bytes)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.read(address).map(|[byte]| byte)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        for offset in 0..length as u64 {
            into.push(self.byte(address.checked_add(offset)?)?);
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

/// A stopped program.
pub(crate) struct Still {
    child: Child,
    pub(crate) memory: Foreign,
    /// The address of `_PyRuntime`.
    pub(crate) runtime: u64,
    said: Vec<(String, Vec<String>)>,
}

impl Still {
    pub(crate) fn c_types(&self, of: u64) -> CTypes {
        c_types(self.child.id(), of)
    }

    pub(crate) fn start(python: &Path, scenario: &str) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("memtop-image-{}-{number}", std::process::id()));
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/child.py"))
            .args([scenario.as_ref(), file.as_os_str()])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is an interpreter");
        child.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("it came to its end");
        let text = std::fs::read_to_string(&file).expect("it wrote its file");
        std::fs::remove_file(&file).expect("it is ours");
        let said = text.lines().map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            (words.next().unwrap_or_default(), words.collect())
        });
        let said = said.collect();
        let mem = File::open(format!("/proc/{}/mem", child.id())).expect("a child's memory may be read");
        let runtime = symbol(child.id(), "_PyRuntime").expect("it is an interpreter");
        Self { child, memory: Foreign { file: mem, pages: RefCell::default() }, runtime, said }
    }

    /// The lines that it wrote under a keyword.
    pub(crate) fn all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a [String]> {
        self.said.iter().filter(move |(said, _)| said == word).map(|(_, words)| words.as_slice())
    }

    /// The numbers in the first line that it wrote under a keyword.
    pub(crate) fn numbers(&self, word: &str) -> Vec<u64> {
        let words = self.all(word).next().unwrap_or_default();
        words.iter().map(|number| number.parse().expect("a number")).collect()
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

/// The address of a symbol of one of a process's files.
fn symbol(process: u32, name: &str) -> Option<u64> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let mut tried = Vec::new();
    for line in maps.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [range, _, offset, _, _, path] = fields[..] else { continue };
        if !path.starts_with('/') || tried.contains(&path) {
            continue;
        }
        tried.push(path);
        let start = u64::from_str_radix(range.split('-').next()?, 16).ok()?;
        let offset = u64::from_str_radix(offset, 16).ok()?;
        let Ok(bytes) = std::fs::read(path) else { continue };
        let Ok(file) = object::File::parse(&*bytes) else { continue };
        let found = file
            .dynamic_symbols()
            .chain(file.symbols())
            .find(|symbol| symbol.is_definition() && symbol.name() == Ok(name));
        let Some(found) = found else { continue };
        let segment = file.segments().find(|segment| segment.file_range().0 & !(PAGE - 1) == offset)?;
        return Some(found.address().wrapping_add(start.wrapping_sub(segment.address() & !(PAGE - 1))));
    }
    None
}

/// The interpreters to test with: those that `MEMTOP_PYTHONS` names (paths, separated by colons), else the
/// newest patch release of each version in pyenv.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("MEMTOP_PYTHONS") {
        return std::env::split_paths(&named).collect();
    }
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let listed = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let mut versions: Vec<PathBuf> =
        listed.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort();
    let paths: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let one = |minor: u8| {
        let prefix = format!("3.{minor}.");
        let is_it = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        };
        let managed = versions.iter().rfind(is_it).map(|version| version.join("bin/python"));
        let installed = paths.iter().map(|path| path.join(format!("python3.{minor}")));
        managed.into_iter().chain(installed).find(|path| path.exists())
    };
    (8..=15).filter_map(one).collect()
}
