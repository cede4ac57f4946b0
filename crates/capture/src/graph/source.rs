//! This process's heap as the walk asks for it: sizes and references by the types' own functions of C.

use memtop_cpython::layout::{gc_head, type_object};
use memtop_cpython::{Decoder, Kind, Memory, Source, TypeInfo};
use memtop_heap::HeapError;

use crate::raw::{Frozen, Object, OwnMemory, Plan};

/// See the module's header.
pub(super) struct InProcess<'f, 'py> {
    heap: &'f mut Frozen<'py>,
    /// Whether `sys.getsizeof` adds a collector's head to types made at run time alone.
    heads_differ: bool,
    memory: OwnMemory,
}

impl<'f, 'py> InProcess<'f, 'py> {
    pub(super) fn new(heap: &'f mut Frozen<'py>, heads_differ: bool) -> Self {
        let memory = heap.memory();
        Self { heap, heads_differ, memory }
    }

    fn has_head(&self, of: u64) -> bool {
        let flags = self.memory.word(of + type_object::FLAGS as u64);
        flags.is_some_and(|flags| flags & type_object::HEAP_TYPE != 0)
    }
}

/// How a type's objects are treated.
pub(super) struct TypePlan {
    plan: Plan,
    /// For a type of types: whether the one that the plan was made from has a collector's head before it.
    sample_has_head: Option<bool>,
}

impl Source for InProcess<'_, '_> {
    type Memory = OwnMemory;
    type Plan = TypePlan;

    const ASKS: bool = true;

    fn plan(&mut self, of: u64, sample: u64, info: &TypeInfo) -> TypePlan {
        let plan = self.heap.plan(of as usize, Object(sample as usize), false);
        let differ = info.kind == Kind::Type && self.heads_differ;
        TypePlan { plan, sample_has_head: differ.then(|| self.has_head(sample)) }
    }

    #[inline]
    fn size(&self, plan: &TypePlan, _: &TypeInfo, at: u64, _: &mut Decoder<'_, OwnMemory>) -> u64 {
        const HEAD: u64 = gc_head::SIZE as u64;
        let size = self.heap.size(&plan.plan, Object(at as usize));
        match plan.sample_has_head {
            Some(sample_has_head) => {
                size + HEAD * u64::from(self.has_head(at)) - HEAD * u64::from(sample_has_head)
            }
            None => size,
        }
    }

    #[inline]
    fn visited(&self, plan: &TypePlan, at: u64, into: &mut Vec<u64>) -> Result<(), HeapError> {
        self.heap.visited(&plan.plan, Object(at as usize), into)
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
