//! Recognises the C type at an address by the file that defines it, never by its name alone.
//!
//! A name is a claim: Cython 0.29 calls its coroutines `coroutine`, and PyO3 puts every class without a
//! module into `builtins`. The claim holds if the type object itself (of a static type) or the function that
//! frees its objects (of a type made at run time) lies in the interpreter's own file, or in the extension
//! module that the name belongs to. Where the address of a type is certain, no other type has its name.
//!
//! Invariant: a [`CType`] is only made for an address, and is the only way to a definition in `objects/`. So
//! everything that depends on a definition has been recognised; every other type is opaque.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::c_string::c_string;
use crate::code_files::CodeFiles;
use crate::layout::type_object;
use crate::memory::Memory;
use crate::objects::definition::{DefinedIn, Definition};

/// A C type with a definition, recognised at an address.
#[derive(Debug, Clone, Copy)]
pub struct CType {
    name: &'static str,
    definition: &'static Definition,
}

impl CType {
    /// Its `tp_name`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Everything that is known of it.
    pub(crate) fn definition(self) -> &'static Definition {
        self.definition
    }
}

/// Recognises the C types of a process.
#[derive(Debug, Clone, Default)]
pub struct CTypes {
    definitions: &'static [&'static Definition],
    files: CodeFiles,
    /// The types whose address is known for certain, by name.
    certain: FxHashMap<String, u64>,
}

impl CTypes {
    /// Recognises the types of these definitions, by the mapped files of the process and the types whose
    /// address is `certain`, each with its `tp_name`.
    pub(crate) fn with_definitions(
        definitions: &'static [&'static Definition],
        files: CodeFiles,
        certain: impl IntoIterator<Item = (String, u64)>,
    ) -> Self {
        Self { definitions, files, certain: certain.into_iter().collect() }
    }

    /// The mapped files of the process.
    #[must_use]
    pub fn files(&self) -> &CodeFiles {
        &self.files
    }

    /// The C type at an address; `None` if it has no definition. O(definitions).
    pub fn recognise(&self, memory: &impl Memory, at: u64) -> Option<CType> {
        let word = |offset: usize| memory.word(at.wrapping_add(offset as u64));
        let is_heap_type = word(type_object::FLAGS)? & type_object::HEAP_TYPE != 0;
        let place = if is_heap_type { word(type_object::DEALLOC)? } else { at };
        if !self.is_certain(at) && !self.files.is_known(place) {
            return None;
        }
        let name = c_string(memory, word(type_object::NAME)?, !is_heap_type)?;
        let c_type = self.named(std::str::from_utf8(&name).ok()?)?;
        if let Some(&certain) = self.certain.get(c_type.name) {
            return (certain == at).then_some(c_type);
        }
        let may_be_heap_type = c_type.name.contains('.');
        self.is_defined_in(memory, at, c_type.definition.defined_in, may_be_heap_type).then_some(c_type)
    }

    /// The type that a name claims to be.
    fn named(&self, name: &str) -> Option<CType> {
        self.definitions.iter().find_map(|&definition| {
            let name = definition.names.iter().find(|&&known| known == name)?;
            Some(CType { name, definition })
        })
    }

    /// Whether a static type at an address belongs to the interpreter, its standard library, numpy or
    /// mem_top, so that its name is a string for certain.
    pub(crate) fn has_certain_name(&self, at: u64) -> bool {
        self.is_certain(at) || self.files.is_known(at)
    }

    /// Whether the address is one of the certain ones. O(certain types).
    fn is_certain(&self, at: u64) -> bool {
        self.certain.values().any(|&certain| certain == at)
    }

    /// Whether a type at an address is defined by mem_top's own extension module.
    pub fn is_mem_tops(&self, memory: &impl Memory, at: u64) -> bool {
        self.is_defined_in(memory, at, DefinedIn::MemTop, true)
    }

    /// Whether a type belongs to the interpreter, its standard library (whose modules have these names),
    /// numpy or mem_top, so that its sizes and slots are right. O(log mappings).
    pub fn is_trusted(&self, memory: &impl Memory, at: u64, modules: &FxHashSet<String>) -> bool {
        let word = |offset: usize| memory.word(at.wrapping_add(offset as u64));
        if self.is_certain(at) {
            return true;
        }
        let Some(flags) = word(type_object::FLAGS) else { return false };
        let place = if flags & type_object::HEAP_TYPE == 0 { Some(at) } else { word(type_object::DEALLOC) };
        place.is_some_and(|place| {
            self.files.is_standard(place, modules) || self.files.is_numpys_or_mem_tops(place)
        })
    }

    /// Whether the type itself, or the function that frees its objects, lies in the file. The interpreter's
    /// own types without a module in their names are not made at run time.
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEAP: u64 = 0x10_0000;
    const PYTHON: u64 = 0x20_0000;
    const DEQUE: u64 = 0x30_0000;
    const THEIRS: u64 = 0x40_0000;

    const DEFINITIONS: &[&Definition] = &[
        &Definition::interpreter(&["coroutine", "cell", "dict"]),
        &Definition::standard("_collections", &["collections.deque"]),
        &Definition::standard("_functools", &["functools.partial"]),
    ];

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
        let certain = [("cell".to_owned(), PYTHON + 0x80)];
        let types = CTypes::with_definitions(DEFINITIONS, CodeFiles::new(mappings, PYTHON + 8, &[]), certain);
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
        let types =
            CTypes::with_definitions(DEFINITIONS, CodeFiles::default(), [("cell".to_owned(), PYTHON)]);
        let cell = |at| Type { at, name: "cell", is_heap_type: false, dealloc: 0 };
        assert_eq!(types.recognise(&cell(PYTHON), PYTHON).map(CType::name), Some("cell"));
        assert!(types.recognise(&cell(HEAP), HEAP).is_none());
        let none = FxHashSet::default();
        assert!(types.is_trusted(&cell(PYTHON), PYTHON, &none));
        assert!(!types.is_trusted(&cell(HEAP), HEAP, &none));
    }
}
