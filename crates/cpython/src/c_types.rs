//! Which C type lies at an address, told by the file that defines it and never by its name alone.
//!
//! A name is a claim: Cython 0.29 calls its coroutines `coroutine`, and PyO3 puts every class without a module into
//! `builtins`. The claim holds if the type object itself (of a static type) or the function that frees its objects (of a
//! type made at run time) lies in the interpreter's own file, or in the extension module that the name says. Where the
//! address of a type is known for certain, no other type has its name.
//!
//! Invariant: a [`CType`] is only given for an address, so that whatever is decided by it has been recognised. Everything
//! else is opaque.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::layout::type_object;
use crate::memory::Memory;
use crate::type_info::c_string;

/// A C type that the decoder knows and that was recognised, by its `tp_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CType(&'static str);

impl CType {
    /// Its `tp_name`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Which file defines a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DefinedIn {
    /// The interpreter's own.
    Interpreter,
    /// The extension module of the standard library with this name, or the interpreter where it is built in.
    Standard(&'static str),
    /// An extension module of numpy.
    Numpy,
    /// mem_top's own extension module.
    MemTop,
}

/// Every C type of which something is known, with the file that defines it.
const KNOWN: &[(DefinedIn, &[&str])] = &[
    (
        DefinedIn::Interpreter,
        &[
            "object",
            "int",
            "float",
            "complex",
            "bool",
            "str",
            "bytes",
            "bytearray",
            "NoneType",
            "ellipsis",
            "NotImplementedType",
            "range",
            "dict",
            "frozendict",
            "collections.OrderedDict",
            "list",
            "tuple",
            "set",
            "frozenset",
            "function",
            "code",
            "cell",
            "method",
            "builtin_function_or_method",
            "builtin_method",
            "module",
            "type",
            "generator",
            "coroutine",
            "async_generator",
            "frame",
            "traceback",
            "BaseException",
            "property",
            "staticmethod",
            "classmethod",
            "mappingproxy",
            "_contextvars.Context",
            "Context",
            "_contextvars.ContextVar",
            "ContextVar",
            "hamt",
            "hamt_bitmap_node",
            "hamt_array_node",
            "hamt_collision_node",
            "items",
            "keys",
            "values",
            "weakref",
            "weakref.ReferenceType",
            "weakproxy",
            "weakref.ProxyType",
            "weakcallableproxy",
            "weakref.CallableProxyType",
            "wrapper_descriptor",
            "method_descriptor",
            "classmethod_descriptor",
            "getset_descriptor",
            "member_descriptor",
            "method-wrapper",
            "symtable entry",
            "PyCapsule",
            "memory_iterator",
            "memoryview",
            "managedbuffer",
        ],
    ),
    (DefinedIn::Standard("array"), &["array.array"]),
    (DefinedIn::Standard("_decimal"), &["decimal.Decimal"]),
    (
        DefinedIn::Standard("_datetime"),
        &["datetime.date", "datetime.timedelta", "datetime.datetime", "datetime.time"],
    ),
    (DefinedIn::Standard("_random"), &["_random.Random"]),
    (DefinedIn::Standard("_collections"), &["collections.deque", "collections.defaultdict"]),
    (
        DefinedIn::Standard("_functools"),
        &["functools._lru_cache_wrapper", "functools._lru_list_elem", "functools.partial"],
    ),
    (DefinedIn::Standard("_queue"), &["_queue.SimpleQueue"]),
    (DefinedIn::Standard("_elementtree"), &["xml.etree.ElementTree.Element"]),
    (
        DefinedIn::Standard("_io"),
        &["_io.StringIO", "_io.BytesIO", "_io.BufferedReader", "_io.BufferedWriter", "_io.BufferedRandom"],
    ),
    (DefinedIn::Standard("_thread"), &["_thread._local"]),
    (
        DefinedIn::Standard("itertools"),
        &[
            "itertools._tee_dataobject",
            "itertools.groupby",
            "itertools.product",
            "itertools.combinations",
            "itertools.combinations_with_replacement",
            "itertools.permutations",
        ],
    ),
    (DefinedIn::Standard("_struct"), &["Struct", "_struct.Struct"]),
    (DefinedIn::Standard("_ctypes"), &["_ctypes._CData", "_ctypes.CType_Type", "StgDict"]),
    (DefinedIn::Standard("mmap"), &["mmap.mmap"]),
    (
        DefinedIn::Numpy,
        &[
            "numpy.ndarray",
            "numpy.bool",
            "numpy.bool_",
            "numpy.byte",
            "numpy.ubyte",
            "numpy.short",
            "numpy.ushort",
            "numpy.intc",
            "numpy.uintc",
            "numpy.longlong",
            "numpy.ulonglong",
            "numpy.datetime64",
            "numpy.timedelta64",
            "numpy.longdouble",
            "numpy.float128",
            "numpy.clongdouble",
            "numpy.complex256",
            "numpy.int8",
            "numpy.int16",
            "numpy.int32",
            "numpy.int64",
            "numpy.uint8",
            "numpy.uint16",
            "numpy.uint32",
            "numpy.uint64",
            "numpy.float16",
            "numpy.float32",
            "numpy.float64",
            "numpy.complex64",
            "numpy.complex128",
        ],
    ),
    (DefinedIn::MemTop, &["mem_top._native.Snapshot", "mem_top._native.Types"]),
];

/// What a mapped file is, as far as it tells whose types are defined in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CodeFile {
    /// The interpreter: its program or its shared library.
    Interpreter,
    /// An extension module in a directory of the interpreter's own, by its name.
    Extension(String),
    /// One of numpy's.
    Numpy,
    /// mem_top's own.
    MemTop,
    /// Any other.
    Other,
}

/// More bytes than a file's variables have that are zero at first.
const MOST_ZEROS: u64 = 1 << 20;
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
        if within("numpy") {
            return Self::Numpy;
        }
        if module == "_native" && directory.rsplit('/').next() == Some("mem_top") {
            return Self::MemTop;
        }
        // A process with a root of its own calls its prefix otherwise than its mappings do.
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
    /// Where each mapping begins and ends, ascending, and which of the files it is of.
    ranges: Vec<(u64, u64, u32)>,
    files: Vec<CodeFile>,
}

impl CodeFiles {
    /// From a process's mappings, each with its start, end, and file (empty for memory of no file).
    /// The interpreter's file is the one that `interpreter`, the address of one of its static types, lies in; if that is
    /// memory of no file (a program that was unpacked into memory), that mapping alone is. O(mappings × log mappings).
    ///
    /// Extension modules of the standard library are in directories called `lib-dynload`, or below one of `prefixes`.
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
            // What a file's variables take that are zero at first comes right behind it, as memory of no file.
            if path.is_empty()
                && let Some(&(_, before, file)) = found.ranges.last()
                && before == start
            {
                found.ranges.push((start, end.min(start + MOST_ZEROS), file));
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

    fn file_at(&self, address: u64) -> Option<&CodeFile> {
        let place = self.ranges.partition_point(|&(_, end, _)| end <= address);
        let &(_, _, file) = self.ranges.get(place).filter(|&&(start, ..)| start <= address)?;
        self.files.get(file as usize)
    }

    /// Whether an address lies in the interpreter or in an extension module of its standard library, whose modules have
    /// these names (`sys.stdlib_module_names`).
    #[must_use]
    pub fn is_standard(&self, address: u64, modules: &FxHashSet<String>) -> bool {
        match self.file_at(address) {
            Some(CodeFile::Interpreter) => true,
            Some(CodeFile::Extension(module)) => modules.contains(module),
            _ => false,
        }
    }

    /// Whether a place is in a file whose types may be recognised.
    fn is_known(&self, address: u64) -> bool {
        self.file_at(address).is_some_and(|file| *file != CodeFile::Other)
    }

    fn may_define(&self, address: u64, defined_in: DefinedIn) -> bool {
        match (self.file_at(address), defined_in) {
            (Some(CodeFile::Interpreter), DefinedIn::Interpreter | DefinedIn::Standard(_)) => true,
            (Some(CodeFile::Extension(module)), DefinedIn::Standard(name)) => module == name,
            (Some(CodeFile::Numpy), DefinedIn::Numpy) => true,
            (Some(CodeFile::MemTop), DefinedIn::MemTop) => true,
            _ => false,
        }
    }
}

/// What recognises the C types of a process.
#[derive(Debug, Clone, Default)]
pub struct CTypes {
    files: CodeFiles,
    /// The types whose address is known for certain, by name.
    certain: FxHashMap<String, u64>,
}

impl CTypes {
    /// By the mapped files of the process, and the types whose address is `certain`, each with its `tp_name`.
    #[must_use]
    pub fn new(files: CodeFiles, certain: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self { files, certain: certain.into_iter().collect() }
    }

    /// The mapped files of the process.
    #[must_use]
    pub fn files(&self) -> &CodeFiles {
        &self.files
    }

    /// The C type at an address, if it is one that the decoder knows. O(length of its name).
    pub fn recognise(&self, memory: &impl Memory, at: u64) -> Option<CType> {
        let word = |offset: usize| memory.word(at.wrapping_add(offset as u64));
        let is_heap_type = word(type_object::FLAGS)? & type_object::HEAP_TYPE != 0;
        let place = if is_heap_type { word(type_object::DEALLOC)? } else { at };
        if !self.is_certain(at) && !self.files.is_known(place) {
            return None;
        }
        let name = c_string(memory, word(type_object::NAME)?, !is_heap_type)?;
        let (defined_in, name) = known(std::str::from_utf8(&name).ok()?)?;
        if let Some(&certain) = self.certain.get(name) {
            return (certain == at).then_some(CType(name));
        }
        self.is_defined_in(memory, at, defined_in, name.contains('.')).then_some(CType(name))
    }

    /// Whether a static type is one of the interpreter, its standard library, numpy or mem_top: its name is one.
    pub(crate) fn has_certain_name(&self, at: u64) -> bool {
        self.is_certain(at) || self.files.is_known(at)
    }

    /// Whether it is certain which type lies at an address, whatever is known of files. O(such types).
    fn is_certain(&self, at: u64) -> bool {
        self.certain.values().any(|&certain| certain == at)
    }

    /// Whether a type at an address is defined by mem_top's own extension module.
    pub fn is_mem_tops(&self, memory: &impl Memory, at: u64) -> bool {
        self.is_defined_in(memory, at, DefinedIn::MemTop, true)
    }

    /// Whether a type is one of the interpreter, its standard library (whose modules have these names), numpy or mem_top:
    /// what it says of its objects is true. O(log mappings).
    pub fn is_trusted(&self, memory: &impl Memory, at: u64, modules: &FxHashSet<String>) -> bool {
        let word = |offset: usize| memory.word(at.wrapping_add(offset as u64));
        if self.is_certain(at) {
            return true;
        }
        let Some(flags) = word(type_object::FLAGS) else { return false };
        let place = if flags & type_object::HEAP_TYPE == 0 { Some(at) } else { word(type_object::DEALLOC) };
        place.is_some_and(|place| {
            self.files.is_standard(place, modules)
                || matches!(self.files.file_at(place), Some(CodeFile::Numpy | CodeFile::MemTop))
        })
    }

    /// Whether the type itself, or the function that frees its objects, lies in the file. The interpreter's own types that
    /// have no module in their names are not made at run time.
    fn is_defined_in(&self, memory: &impl Memory, at: u64, file: DefinedIn, may_be_heap_type: bool) -> bool {
        let word = |offset: usize| memory.word(at.wrapping_add(offset as u64));
        let Some(flags) = word(type_object::FLAGS) else { return false };
        if flags & type_object::HEAP_TYPE == 0 {
            return self.files.may_define(at, file);
        }
        let may_be_heap_type = may_be_heap_type || file != DefinedIn::Interpreter;
        may_be_heap_type
            && word(type_object::DEALLOC).is_some_and(|dealloc| self.files.may_define(dealloc, file))
    }
}

/// What is known under a name.
fn known(name: &str) -> Option<(DefinedIn, &'static str)> {
    KNOWN.iter().find_map(|&(defined_in, names)| {
        names.iter().find(|&&known| known == name).map(|&known| (defined_in, known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAP: u64 = 0x10_0000;
    const PYTHON: u64 = 0x20_0000;
    const DEQUE: u64 = 0x30_0000;
    const THEIRS: u64 = 0x40_0000;

    /// A type object of this name, with its flags and the function that frees its objects.
    struct Type {
        at: u64,
        name: &'static str,
        is_heap_type: bool,
        dealloc: u64,
    }

    impl Memory for Type {
        fn word(&self, address: u64) -> Option<u64> {
            match address.checked_sub(self.at)? as usize {
                type_object::NAME => Some(self.at + 0x1000),
                type_object::FLAGS => Some(if self.is_heap_type { type_object::HEAP_TYPE } else { 0 }),
                type_object::DEALLOC => Some(self.dealloc),
                _ => None,
            }
        }

        fn half(&self, _: u64) -> Option<u32> {
            None
        }

        fn byte(&self, address: u64) -> Option<u8> {
            let offset = address.checked_sub(self.at + 0x1000)? as usize;
            Some(self.name.as_bytes().get(offset).copied().unwrap_or(0))
        }

        fn bytes(&self, _: u64, _: usize, _: &mut Vec<u8>) -> Option<()> {
            None
        }
    }

    fn recognised(at: u64, name: &'static str, is_heap_type: bool, dealloc: u64) -> Option<&'static str> {
        let mappings = [
            (HEAP, HEAP + 0x10000, ""),
            (PYTHON, PYTHON + 0x10000, "/usr/lib/libpython3.12.so.1.0"),
            (DEQUE, DEQUE + 0x10000, "/usr/lib/python3.12/lib-dynload/_collections.cpython-312.so"),
            (THEIRS, THEIRS + 0x10000, "/app/site-packages/grpc/_cython/cygrpc.cpython-312.so"),
        ];
        let types =
            CTypes::new(CodeFiles::new(mappings, PYTHON + 8, &[]), [("cell".to_owned(), PYTHON + 0x80)]);
        types.recognise(&Type { at, name, is_heap_type, dealloc }, at).map(CType::name)
    }

    #[test]
    fn a_static_type_is_recognised_by_the_file_that_it_lies_in() {
        assert_eq!(recognised(PYTHON + 0x100, "coroutine", false, 0), Some("coroutine"));
        assert_eq!(recognised(THEIRS + 0x100, "coroutine", false, PYTHON), None);
        assert_eq!(recognised(HEAP + 0x100, "coroutine", false, PYTHON), None);
        assert_eq!(recognised(PYTHON + 0x100, "no such type", false, 0), None);
    }

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
    fn a_type_made_at_run_time_is_recognised_by_the_function_that_frees_its_objects() {
        assert_eq!(recognised(HEAP, "collections.deque", true, DEQUE), Some("collections.deque"));
        assert_eq!(recognised(HEAP, "collections.deque", true, PYTHON), Some("collections.deque"));
        assert_eq!(recognised(HEAP, "collections.deque", true, THEIRS), None);
        assert_eq!(recognised(HEAP, "functools.partial", true, DEQUE), None, "of another module");
        assert_eq!(recognised(HEAP, "dict", true, PYTHON), None, "the interpreter's dict is static");
    }

    #[test]
    fn where_the_address_is_certain_no_other_type_has_the_name() {
        assert_eq!(recognised(PYTHON + 0x80, "cell", false, 0), Some("cell"));
        assert_eq!(recognised(PYTHON + 0x100, "cell", false, 0), None);
    }

    #[test]
    fn a_certain_type_is_recognised_where_no_mappings_are_known() {
        let types = CTypes::new(CodeFiles::default(), [("cell".to_owned(), PYTHON)]);
        let cell = |at| Type { at, name: "cell", is_heap_type: false, dealloc: 0 };
        assert_eq!(types.recognise(&cell(PYTHON), PYTHON).map(CType::name), Some("cell"));
        assert_eq!(types.recognise(&cell(HEAP), HEAP), None);
        let none = FxHashSet::default();
        assert!(types.is_trusted(&cell(PYTHON), PYTHON, &none));
        assert!(!types.is_trusted(&cell(HEAP), HEAP, &none));
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
            ("/v/lib/python3.12/site-packages/numpy/core/_multiarray_umath.cpython-312.so", CodeFile::Numpy),
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
