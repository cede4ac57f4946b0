//! What the walk needs from whoever holds the heap still, inside the process or outside.

use memtop_heap::HeapError;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::c_types::CTypes;
use crate::decoder::Decoder;
use crate::known_types::KnownTypes;
use crate::memory::Memory;
use crate::type_info::TypeInfo;

/// Whoever holds the heap still.
pub trait HeapAccess {
    /// How its memory is read.
    type Memory: Memory;
    /// How the objects of a type are sized and traversed.
    type TypePlan;

    /// Whether a traverse can be asked; else the decoder has to know all.
    const HAS_TRAVERSE: bool;

    /// Whether what the type at `of` says of its objects is true for certain: else they are read with checks.
    fn is_trusted(&self, of: u64) -> bool {
        let _ = of;
        true
    }

    /// Resolves how objects of the type at `of` are treated. If it is not trusted, only [`Self::traverse`] is asked of it.
    fn plan(&mut self, of: u64, info: &TypeInfo, is_trusted: bool) -> Self::TypePlan;

    /// The shallow size of an object in bytes, as `sys.getsizeof` says it.
    fn size(
        &self,
        plan: &Self::TypePlan,
        info: &TypeInfo,
        at: u64,
        decoder: &mut Decoder<'_, Self::Memory>,
    ) -> u64;

    /// Whether the traverse of a type that is not trusted may be asked; else its objects are read as guesses are.
    fn is_asked(&self, plan: &Self::TypePlan) -> bool {
        let _ = plan;
        Self::HAS_TRAVERSE
    }

    /// Puts what the type's `tp_traverse` visits into `into`, in its order. Called only where one can be asked.
    ///
    /// # Errors
    /// If there is no memory for all of it.
    fn traverse(&self, plan: &Self::TypePlan, at: u64, into: &mut Vec<u64>) -> Result<(), HeapError>;

    /// Asks for the memory of objects that come soon. `lists` are the types of dicts and lists.
    fn prefetch(&self, near: Option<u64>, far: Option<u64>, lists: (u64, u64));

    /// How many bytes are mapped now, where that may have changed since the walk began.
    fn mapped(&self) -> Option<u64> {
        None
    }

    /// Visits all objects in the collector's lists, in any order. `samples` are some of them, far apart. Gives what is
    /// to be said if that was not possible, or not to the end.
    fn walk_gc_lists(&mut self, samples: &[u64], visit: impl FnMut(u64)) -> Result<(), String>;
}

/// What is needed of the interpreter, found out before the walk.
#[derive(Debug, Clone)]
pub struct InterpreterFacts {
    /// The types that are told by their address.
    pub types: KnownTypes,
    /// What recognises the other C types.
    pub c_types: CTypes,
    /// The process's interpreters, the main one first.
    pub interpreters: Vec<InterpreterRoots>,
    /// The directory of mem_top's package, whose frames are no roots.
    pub package: Option<String>,
    /// Where the standard library is.
    pub standard: Vec<String>,
    /// The names of the standard library's modules.
    pub standard_modules: FxHashSet<String>,
    /// The namespaces of the interpreter's static types, where the type does not tell (from 3.12).
    pub static_namespaces: FxHashMap<u64, u64>,
    /// Where a bounded `lru_cache` keeps its limit.
    pub lru_limit: Option<u64>,
    /// Where a bounded deque does.
    pub deque_limit: Option<u64>,
    /// How many bytes the process has mapped that can be read: no object is larger.
    pub mapped: u64,
}

/// Where an interpreter's roots begin.
#[derive(Debug, Clone, Default)]
pub struct InterpreterRoots {
    /// `sys.modules`.
    pub modules: u64,
    /// The states of its threads.
    pub threads: Vec<u64>,
}
