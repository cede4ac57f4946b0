//! The input of the walk: access to a heap that is held still, and facts about its interpreter.

use memtop_heap::HeapError;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::c_types::CTypes;
use crate::decoder::Decoder;
use crate::known_types::KnownTypes;
use crate::mapped_memory::MappedMemory;
use crate::memory::Memory;
use crate::type_info::TypeInfo;

/// Access to a heap that is held still, from inside its process or outside.
pub trait HeapAccess {
    /// How its memory is read.
    type Memory: Memory;
    /// How the objects of a type are sized and traversed.
    type TypePlan;

    /// Whether `tp_traverse` can be called. If not, the decoder finds all references by memory alone.
    const HAS_TRAVERSE: bool;

    /// Whether the sizes and slots of the type at `of` are right for certain. If not, its objects are read
    /// with checks.
    fn is_trusted(&self, of: u64) -> bool {
        let _ = of;
        true
    }

    /// Resolves how objects of the type at `of` are treated. If it is not trusted, the plan is used for
    /// [`Self::traverse`] only.
    fn plan(&mut self, of: u64, info: &TypeInfo, is_trusted: bool) -> Self::TypePlan;

    /// The shallow size of an object in bytes, as `sys.getsizeof()` reports it.
    fn size(
        &self,
        plan: &Self::TypePlan,
        info: &TypeInfo,
        at: u64,
        decoder: &mut Decoder<'_, Self::Memory>,
    ) -> u64;

    /// Whether the traverse of a type that is not trusted may be called. If not, its objects are read as
    /// unverified ones.
    fn may_traverse(&self, plan: &Self::TypePlan) -> bool {
        let _ = plan;
        Self::HAS_TRAVERSE
    }

    /// Adds what the type's `tp_traverse` visits to `into`, in its order. Used only with
    /// [`Self::HAS_TRAVERSE`].
    ///
    /// # Errors
    /// If memory for it cannot be allocated.
    fn traverse(&self, plan: &Self::TypePlan, at: u64, into: &mut Vec<u64>) -> Result<(), HeapError>;

    /// Prefetches the memory of objects that are copied soon. `lists` are the types of dicts and lists.
    fn prefetch(&self, near: Option<u64>, far: Option<u64>, lists: (u64, u64));

    /// The memory that is mapped now; `None` if that cannot have changed since the facts were collected.
    fn mapped(&self) -> Option<MappedMemory> {
        None
    }

    /// Visits all objects in the collector's lists, in any order. `samples` are some of them, far apart.
    ///
    /// # Errors
    /// The note for the capture, if the lists could not be walked to the end.
    fn walk_gc_lists(&mut self, samples: &[u64], visit: impl FnMut(u64)) -> Result<(), String>;
}

/// Facts about the interpreter, collected before the walk.
#[derive(Debug, Clone)]
pub struct InterpreterFacts {
    /// The types that are compared by address.
    pub types: KnownTypes,
    /// Recognises the other C types.
    pub c_types: CTypes,
    /// The process's interpreters, the main one first.
    pub interpreters: Vec<InterpreterRoots>,
    /// The directory of mem_top's package, whose frames are not roots.
    pub package: Option<String>,
    /// The directories of the standard library.
    pub standard: Vec<String>,
    /// The names of the standard library's modules.
    pub standard_modules: FxHashSet<String>,
    /// The namespaces of the interpreter's static types, where the type itself does not have them (from
    /// 3.12).
    pub static_namespaces: FxHashMap<u64, u64>,
    /// The offset of the limit of a bounded `lru_cache`.
    pub lru_limit: Option<u64>,
    /// The offset of the limit of a bounded deque.
    pub deque_limit: Option<u64>,
    /// The readable memory of the process: no object is larger than what it lies in.
    pub mapped: MappedMemory,
}

/// The addresses at which an interpreter's roots begin.
#[derive(Debug, Clone, Default)]
pub struct InterpreterRoots {
    /// `sys.modules`.
    pub modules: u64,
    /// The states of its threads.
    pub threads: Vec<u64>,
}
