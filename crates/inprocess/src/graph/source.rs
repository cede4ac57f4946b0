//! Gives the walk access to this process's heap: sizes and references by the types' own C functions.

use memtop_cpython::layout::{gc_head, object, type_object};
use memtop_cpython::{CTypes, Decoder, HeapAccess, MappedMemory, Memory, ObjectKind, TypeInfo};
use memtop_heap::HeapError;

use crate::process::Mappings;
use crate::raw::{Frozen, Object, OwnMemory, Runtime, TypeSlots};

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

    fn word(&self, at: u64, offset: usize) -> u64 {
        self.memory.word(at + offset as u64).unwrap_or(0)
    }

    /// A type, its base, the base of that, and so on.
    fn bases(&self, of: u64) -> impl Iterator<Item = u64> + '_ {
        let base = |&at: &u64| Some(self.word(at, type_object::BASE)).filter(|&base| base != 0);
        std::iter::successors(Some(of), base).take(type_object::LONGEST_CHAIN)
    }

    /// Whether a type and each of its bases was made by a class statement, or is one of the interpreter's.
    fn has_trusted_bases(&self, of: u64) -> bool {
        let modules = &self.runtime.heap.standard_modules;
        let (_, class_dealloc) = self.runtime.heap.class;
        self.bases(of).all(|at| match self.word(at, type_object::DEALLOC) == class_dealloc {
            true => self.is_of_a_statement(at) || self.has_standard_methods(at),
            false => self.c_types.is_trusted(&self.memory, at, modules),
        })
    }

    #[inline(never)]
    fn other_size(
        &self,
        plan: &TypePlan,
        info: &TypeInfo,
        at: u64,
        decoder: &mut Decoder<'_, OwnMemory>,
    ) -> u64 {
        const HEAD: u64 = gc_head::SIZE as u64;
        if plan.sizing == Sizing::ByFormula {
            return decoder.size(at, info);
        }
        let size = self.heap.size(&plan.slots, Object(at as usize));
        if self.is_heap_type(at) { size } else { size.saturating_sub(HEAD) }
    }

    /// Whether the tables that a type was made from are in the standard library. Some of its types leave it to the
    /// interpreter to free their objects.
    fn has_standard_methods(&self, at: u64) -> bool {
        let modules = &self.runtime.heap.standard_modules;
        let tables = [type_object::METHODS, type_object::GETTERS].map(|offset| self.word(at, offset));
        tables.iter().any(|&table| self.c_types.files().is_standard(table, modules))
    }

    /// Whether a type was made by a class statement, and not by `PyType_FromSpec` without a function to free
    /// its objects. Then its `tp_name` points into its `__name__` (`type_new` in `typeobject.c`).
    fn is_of_a_statement(&self, at: u64) -> bool {
        let (Some(layout), true) = (&self.runtime.layout, self.is_heap_type(at)) else { return false };
        let text = self.word(at, layout.heap_type.name as usize);
        let name = self.word(at, type_object::NAME);
        let ascii = layout.ascii_text;
        // The encoded form of a text that is not ASCII is stored beside it.
        name == text + ascii || name == self.word(text, ascii as usize + 8)
    }
}

/// How a type's objects are treated.
pub(super) struct TypePlan {
    slots: TypeSlots,
    /// Whether its `tp_traverse` may be called.
    is_asked: bool,
    sizing: Sizing,
}

/// How a type's objects are sized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sizing {
    /// By the type's slots.
    BySlots,
    /// The same for types themselves, of which only those made at run time have a collector's head before them.
    WithoutHeads,
    /// By the decoder's formula: it is not one of the interpreter's types.
    ByFormula,
}

impl HeapAccess for InProcess<'_, '_> {
    type Memory = OwnMemory;
    type TypePlan = TypePlan;

    const HAS_TRAVERSE: bool = true;

    /// Whether the type was made by a class statement or is one of the interpreter's, and so are all its
    /// bases, and their metatypes, which determine the layout of a class.
    fn is_trusted(&self, of: u64) -> bool {
        self.has_trusted_bases(of)
            && self.bases(of).all(|at| self.has_trusted_bases(self.word(at, object::TYPE)))
    }

    fn plan(&mut self, of: u64, info: &TypeInfo, is_trusted: bool) -> TypePlan {
        if !is_trusted {
            let traverse = self.word(of, type_object::TRAVERSE);
            // The traverse of a class finds its slots by the size that its metatype claims.
            let is_asked = traverse != self.runtime.heap.class.0
                || self.bases(of).all(|at| self.has_trusted_bases(self.word(at, object::TYPE)));
            let slots = TypeSlots::of_traverse(traverse as usize);
            return TypePlan { slots, is_asked, sizing: Sizing::ByFormula };
        }
        let sizing = match info.is_numpys {
            true => Sizing::ByFormula,
            false if info.kind == ObjectKind::Type && self.runtime.heap.heads_differ => Sizing::WithoutHeads,
            false => Sizing::BySlots,
        };
        TypePlan { is_asked: true, slots: self.heap.slots_of(of as usize, false), sizing }
    }

    #[inline]
    fn size(&self, plan: &TypePlan, info: &TypeInfo, at: u64, decoder: &mut Decoder<'_, OwnMemory>) -> u64 {
        match plan.sizing {
            Sizing::BySlots => self.heap.size(&plan.slots, Object(at as usize)),
            _ => self.other_size(plan, info, at, decoder),
        }
    }

    fn mapped(&self) -> Option<MappedMemory> {
        Mappings::read().readable()
    }

    fn may_traverse(&self, plan: &TypePlan) -> bool {
        plan.is_asked
    }

    #[inline]
    fn traverse(&self, plan: &TypePlan, at: u64, into: &mut Vec<u64>) -> Result<(), HeapError> {
        self.heap.traverse(&plan.slots, Object(at as usize), into)
    }

    #[inline]
    fn prefetch(&self, near: Option<u64>, far: Option<u64>, lists: (u64, u64)) {
        self.heap.prefetch(near, far, lists);
    }

    fn walk_gc_lists(&mut self, samples: &[u64], mut visit: impl FnMut(u64)) -> Result<(), String> {
        match self.heap.walk_all(samples, |object| visit(object.0 as u64)) {
            true => Ok(()),
            false => Err(
                "the collector was running, so its lists could not be walked: objects that no root reaches are missing"
                    .to_owned(),
            ),
        }
    }
}
