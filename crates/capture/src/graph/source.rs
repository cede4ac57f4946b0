//! This process's heap as the walk asks for it: sizes and references by the types' own functions of C.

use memtop_cpython::layout::{gc_head, type_object};
use memtop_cpython::{CTypes, Decoder, Kind, Memory, Source, TypeInfo};
use memtop_heap::HeapError;

use crate::process::Mappings;
use crate::raw::{Frozen, Object, OwnMemory, Plan};
use crate::runtime::Runtime;

/// See the module's header.
pub(super) struct InProcess<'f, 'py> {
    heap: &'f mut Frozen<'py>,
    runtime: &'f Runtime,
    c_types: &'f CTypes,
    memory: OwnMemory,
}

impl<'f, 'py> InProcess<'f, 'py> {
    pub(super) fn new(heap: &'f mut Frozen<'py>, runtime: &'f Runtime, c_types: &'f CTypes) -> Self {
        let memory = heap.memory();
        Self { heap, runtime, c_types, memory }
    }

    fn is_heap_type(&self, of: u64) -> bool {
        let flags = self.memory.word(of + type_object::FLAGS as u64);
        flags.is_some_and(|flags| flags & type_object::HEAP_TYPE != 0)
    }

    /// Whether all that a traverse of the type's objects calls is the interpreter's own: a class has the traverse of what
    /// it derives from called for it.
    fn has_standard_traverse(&self, of: u64) -> bool {
        let (class_traverse, _) = self.runtime.heap.class;
        let word = |at: u64| self.memory.word(at).unwrap_or(0);
        let mut at = of;
        while at != 0 && word(at + type_object::TRAVERSE as u64) == class_traverse {
            at = word(at + type_object::BASE as u64);
        }
        at == 0
            || word(at + type_object::TRAVERSE as u64) == 0
            || self.c_types.has_standard_traverse(&self.memory, at, &self.runtime.heap.standard_modules)
    }
}

/// How a type's objects are treated.
pub(super) struct TypePlan {
    plan: Plan,
    /// Whether its objects may be traversed that the collector does not track: a third party's may hold anything then.
    standard_traverse: bool,
    /// For a type of types: whether only those that are made at run time have a collector's head before them.
    heads_differ: bool,
    /// Whether its size is told by a formula alone: it is no type of the interpreter's.
    by_formula: bool,
}

impl Source for InProcess<'_, '_> {
    type Memory = OwnMemory;
    type Plan = TypePlan;

    const ASKS: bool = true;

    fn plan(&mut self, of: u64, info: &TypeInfo) -> TypePlan {
        TypePlan {
            plan: self.heap.plan(of as usize, false),
            standard_traverse: self.has_standard_traverse(of),
            heads_differ: info.kind == Kind::Type && self.runtime.heap.heads_differ,
            by_formula: info.is_numpys,
        }
    }

    #[inline]
    fn size(&self, plan: &TypePlan, info: &TypeInfo, at: u64, decoder: &mut Decoder<'_, OwnMemory>) -> u64 {
        const HEAD: u64 = gc_head::SIZE as u64;
        if plan.by_formula {
            return decoder.size(at, info);
        }
        let size = self.heap.size(&plan.plan, Object(at as usize));
        match plan.heads_differ && !self.is_heap_type(at) {
            true => size.saturating_sub(HEAD),
            false => size,
        }
    }

    fn mapped(&self) -> Option<u64> {
        Mappings::read().readable()
    }

    #[inline]
    fn visited(
        &self,
        plan: &TypePlan,
        at: u64,
        is_tracked: bool,
        into: &mut Vec<u64>,
    ) -> Result<(), HeapError> {
        match is_tracked || plan.standard_traverse {
            true => self.heap.visited(&plan.plan, Object(at as usize), into),
            false => Ok(()),
        }
    }

    #[inline]
    fn approach(&self, near: Option<u64>, far: Option<u64>, lists: (u64, u64)) {
        self.heap.approach(near, far, lists);
    }

    fn listed(&mut self, samples: &[u64], mut visit: impl FnMut(u64)) -> Result<(), String> {
        match self.heap.walk_all(samples, |object| visit(object.0 as u64)) {
            true => Ok(()),
            false => Err(
                "the collector was at work, so that its lists could not be walked: what no root reaches is missing"
                    .to_owned(),
            ),
        }
    }
}
