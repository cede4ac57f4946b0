//! The files that a process has mapped, by whose C types they define.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::objects::definition::DefinedIn;

/// Whose types a mapped file defines.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CodeFile {
    /// The interpreter: its program or its shared library.
    Interpreter,
    /// An extension module in a directory of the interpreter's own, by its name.
    Extension(String),
    /// A library in the directory of one of [`PACKAGES`].
    Package(&'static str),
    /// mem_top's own.
    MemTop,
    /// Any other.
    Other,
}

/// The packages whose types may be recognised.
const PACKAGES: [&str; 5] = ["numpy", "pyarrow", "torch", "PIL", "greenlet"];
/// More bytes than a file has of variables that are zero at first.
const MAX_ZEROS: u64 = 1 << 20;
/// The name of the directory of the standard library's extension modules, wherever it is.
const LIBRARY: &str = "lib-dynload";

impl CodeFile {
    /// By its path; `prefixes` are directories of the interpreter's own.
    fn of_path(path: &str, prefixes: &[String]) -> Self {
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut parts = name.split('.');
        let module = parts.next().unwrap_or_default();
        if !parts.any(|part| ["so", "dylib", "pyd"].contains(&part)) {
            return Self::Other;
        }
        let within = |package: &str| directory.split('/').any(|part| part == package);
        if let Some(package) = PACKAGES.into_iter().find(|package| within(package)) {
            return Self::Package(package);
        }
        if module == "_native" && directory.rsplit('/').next() == Some("mem_top") {
            return Self::MemTop;
        }
        // A process with a root directory of its own sees its prefix below another path than its mappings do.
        let is_installed = within("site-packages") || within("dist-packages");
        let is_interpreters = directory.rsplit('/').next() == Some(LIBRARY)
            || prefixes.iter().any(|prefix| !prefix.is_empty() && directory.contains(prefix.as_str()));
        match is_interpreters && !is_installed {
            true => Self::Extension(module.to_owned()),
            false => Self::Other,
        }
    }
}

/// The mapped files of a process, by address.
#[derive(Debug, Clone, Default)]
pub struct CodeFiles {
    /// The start and the end of each mapping, ascending, and the index of its file.
    ranges: Vec<(u64, u64, u32)>,
    files: Vec<CodeFile>,
}

impl CodeFiles {
    /// Classifies a process's mappings, each with its start, end, and file (empty for a mapping without one).
    /// O(mappings × log mappings).
    ///
    /// The interpreter's file is the one in which `interpreter`, the address of one of its static types,
    /// lies; if that mapping has no file (a program that was unpacked into memory), the mapping alone is the
    /// interpreter.
    ///
    /// Extension modules of the standard library are in directories called `lib-dynload`, or below one of
    /// `prefixes`.
    pub fn new<'p>(
        mappings: impl IntoIterator<Item = (u64, u64, &'p str)>,
        interpreter: u64,
        prefixes: &[String],
    ) -> Self {
        let mut mappings: Vec<(u64, u64, &str)> = mappings.into_iter().collect();
        mappings.sort_unstable();
        let own = mappings.iter().find(|&&(start, end, _)| (start..end).contains(&interpreter));
        let Some(&(own_start, _, own_path)) = own else { return Self::default() };
        let mut found = Self::default();
        let mut known: FxHashMap<&str, u32> = FxHashMap::default();
        for (start, end, path) in mappings {
            let is_interpreter = start == own_start || !own_path.is_empty() && path == own_path;
            // Variables that are zero at first follow the file in memory, as a mapping without a file.
            if path.is_empty()
                && let Some(&(_, before, file)) = found.ranges.last()
                && before == start
            {
                found.ranges.push((start, end.min(start + MAX_ZEROS), file));
                continue;
            }
            if !is_interpreter && !path.starts_with('/') {
                continue;
            }
            let file = *known.entry(if is_interpreter { own_path } else { path }).or_insert_with(|| {
                found.files.push(match is_interpreter {
                    true => CodeFile::Interpreter,
                    false => CodeFile::of_path(path, prefixes),
                });
                found.files.len() as u32 - 1
            });
            found.ranges.push((start, end, file));
        }
        found
    }

    /// Whether an address lies in an extension module of numpy or mem_top.
    pub(crate) fn is_numpys_or_mem_tops(&self, address: u64) -> bool {
        matches!(self.file_at(address), Some(CodeFile::Package("numpy") | CodeFile::MemTop))
    }

    /// Whether an address lies in any mapped file.
    pub(crate) fn is_in_file(&self, address: u64) -> bool {
        self.file_at(address).is_some()
    }

    fn file_at(&self, address: u64) -> Option<&CodeFile> {
        let place = self.ranges.partition_point(|&(_, end, _)| end <= address);
        let &(_, _, file) = self.ranges.get(place).filter(|&&(start, ..)| start <= address)?;
        self.files.get(file as usize)
    }

    /// Whether an address lies in the interpreter or in an extension module of its standard library, whose
    /// modules have these names (`sys.stdlib_module_names`).
    #[must_use]
    pub fn is_standard(&self, address: u64, modules: &FxHashSet<String>) -> bool {
        match self.file_at(address) {
            Some(CodeFile::Interpreter) => true,
            Some(CodeFile::Extension(module)) => modules.contains(module),
            _ => false,
        }
    }

    /// Whether an address lies in a file whose types may be recognised.
    pub(crate) fn is_known(&self, address: u64) -> bool {
        self.file_at(address).is_some_and(|file| *file != CodeFile::Other)
    }

    /// Whether a type or function at an address may belong to a type that is defined there.
    pub(crate) fn may_define(&self, address: u64, defined_in: DefinedIn) -> bool {
        match (self.file_at(address), defined_in) {
            (Some(CodeFile::Interpreter), DefinedIn::Interpreter | DefinedIn::Standard(_)) => true,
            (Some(CodeFile::Extension(module)), DefinedIn::Standard(name)) => module == name,
            (Some(CodeFile::Package(package)), DefinedIn::Package(name)) => *package == name,
            (Some(CodeFile::MemTop), DefinedIn::MemTop) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAP: u64 = 0x10_0000;
    const PYTHON: u64 = 0x20_0000;
    const DEQUE: u64 = 0x30_0000;
    const THEIRS: u64 = 0x40_0000;

    #[test]
    fn memory_right_behind_a_file_is_its_own() {
        let mappings = [
            (PYTHON, PYTHON + 0x1000, "/usr/bin/python3.12"),
            (PYTHON + 0x1000, PYTHON + 0x3000, ""),
            (DEQUE, DEQUE + 0x1000, ""),
        ];
        let files = CodeFiles::new(mappings, PYTHON, &[]);
        let none = FxHashSet::default();
        let places = [PYTHON + 0x1000, PYTHON + 0x2FFF, PYTHON + 0x3000, DEQUE];
        assert_eq!(places.map(|at| files.is_standard(at, &none)), [true, true, false, false]);
    }

    #[test]
    fn an_extension_module_is_known_by_its_file() {
        let extension = |name: &str| CodeFile::Extension(name.to_owned());
        for (path, expected) in [
            (
                "/usr/lib/python3.12/lib-dynload/_decimal.cpython-312-x86_64-linux-gnu.so",
                extension("_decimal"),
            ),
            ("/tmp/_MEI123/lib-dynload/_decimal.so (deleted)", extension("_decimal")),
            ("/srv/root/opt/app/_decimal.so", extension("_decimal")),
            ("/home/me/build/_decimal.cpython-312.so", CodeFile::Other),
            ("/opt/app/lib/python3.12/site-packages/_decimal.so", CodeFile::Other),
            (
                "/v/lib/python3.12/site-packages/numpy/core/_multiarray_umath.cpython-312.so",
                CodeFile::Package("numpy"),
            ),
            ("/v/lib/python3.12/site-packages/pyarrow/libarrow.so.2600", CodeFile::Package("pyarrow")),
            ("/v/lib/python3.12/site-packages/x/_decimal.cpython-312.so", CodeFile::Other),
            ("/v/lib/python3/dist-packages/_queue.so", CodeFile::Other),
            ("/v/site-packages/mem_top/_native.abi3.so", CodeFile::MemTop),
            ("/v/site-packages/other/_native.abi3.so", CodeFile::Other),
            ("/usr/bin/_decimal", CodeFile::Other),
        ] {
            assert_eq!(CodeFile::of_path(path, &["/opt/app".to_owned()]), expected, "{path}");
        }
    }

    #[test]
    fn a_function_is_standard_in_the_interpreter_and_in_modules_of_the_standard_library() {
        let modules = FxHashSet::from_iter(["_decimal".to_owned()]);
        let mappings = [
            (PYTHON, PYTHON + 64, "/usr/bin/python3.12"),
            (DEQUE, DEQUE + 64, "/usr/lib/python3.12/lib-dynload/_decimal.cpython-312.so"),
            (THEIRS, THEIRS + 64, "/app/build/their.cpython-312.so"),
            (HEAP, HEAP + 64, "/app/site-packages/x/_decimal.cpython-312.so"),
        ];
        let files = CodeFiles::new(mappings, PYTHON, &[]);
        let standard = [PYTHON, DEQUE, THEIRS, HEAP, 8].map(|at| files.is_standard(at, &modules));
        assert_eq!(standard, [true, true, false, false, false]);
    }

    #[test]
    fn an_interpreter_in_memory_of_no_file_is_the_mapping_alone() {
        let files = CodeFiles::new([(HEAP, HEAP + 64, ""), (PYTHON, PYTHON + 64, "")], PYTHON, &[]);
        let none = FxHashSet::default();
        assert!(files.is_standard(PYTHON + 8, &none) && !files.is_standard(HEAP + 8, &none));
        assert!(!CodeFiles::new([(HEAP, HEAP + 64, "/x")], PYTHON, &[]).is_standard(HEAP, &none));
    }
}
