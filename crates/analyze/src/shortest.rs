//! The best path from a root to each object: the one that explains most.
//!
//! It is the shortest by cost, not by steps. A step that a person would name ("the module `shop` has `sessions`") costs
//! little; one that is true but explains nothing (every function has `__globals__`, every module is in `sys.modules`)
//! costs much. The walk is by rising cost with buckets (R. B. Dial: "Algorithm 360: Shortest-Path Forest with
//! Topological Ordering", CACM 12(11), 1969).
//!
//! Invariant: an object comes after the one it is reached from in [`ShortestPaths::in_order`]; of equal paths the one
//! found first stays, so equal heaps have equal paths. 16 bytes per object.
//!
//! Whatever the cost, everything that a root reaches has a path; mem_top's own objects have none.

use memtop_heap::{
    Flags, Heap, Label, LabelKind, ObjectId, Origin, Reference, Root, RootId, RootKind, Shape, StringId,
};
use rustc_hash::FxHashMap;

/// The costs of steps. The best path has the smallest sum. Each cost is below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    /// From a root in the user's own code, or of unknown origin.
    pub own_root: u8,
    /// From a root in an installed package.
    pub package_root: u8,
    /// From a root in the standard library.
    pub standard_root: u8,
    /// From a context variable or a thread local.
    pub context_root: u8,
    /// From a variable of a running frame, which is likely to be gone soon.
    pub frame_root: u8,
    /// From the interpreter, its builtins, native code or an unknown root.
    pub other_root: u8,
    /// An attribute, an item, a local, a variable closed over, a name of a namespace.
    pub named: u8,
    /// A value under a key, a member of a set, the key itself, an unknown reference.
    pub keyed: u8,
    /// A name of a module for an object of another module, or for a module: an import rather than a holder.
    pub imported: u8,
    /// From an instance to its type, from a function to its module's names, from a frame to its caller.
    pub detour: u8,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            own_root: 0,
            package_root: 1,
            standard_root: 2,
            context_root: 1,
            frame_root: 12,
            other_root: 40,
            named: 1,
            keyed: 2,
            imported: 15,
            detour: 40,
        }
    }
}

const BUCKETS: usize = 64;
const UNREACHED: u32 = u32::MAX;

/// How an object is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Directly from a root.
    Root(RootId),
    /// From another object.
    Object {
        /// That object.
        from: ObjectId,
        /// The label of the reference.
        label: Label,
    },
    /// Not at all.
    Not,
}

/// The best path to each object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortestPaths {
    /// By object: the cost of its path, or `UNREACHED`.
    cost: Vec<u32>,
    /// By object: the object before it; `u32::MAX` if a root is.
    before: Vec<u32>,
    /// By object: the label of the reference, or the root.
    via: Vec<u32>,
    order: Vec<ObjectId>,
}

impl ShortestPaths {
    /// Finds the paths in `heap`. Linear; the work takes some more bytes per object.
    ///
    /// # Panics
    /// If a cost is 64 or more.
    #[must_use]
    pub fn new(heap: &Heap, costs: &Costs) -> Self {
        Self::walk(heap, &StepCosts::new(heap, costs), 1, |_| Some(0), |_, _, _| Some(0))
    }

    /// Finds the paths in `heap` from the roots that have a phase, over the references for which `extra` returns a cost
    /// to add, given their holder and index. A root takes part from its phase on, which is below `phases`; what was
    /// reached in a phase before stays as it is. No step may cost 64 or more.
    pub(crate) fn walk(
        heap: &Heap,
        steps: &StepCosts<'_>,
        phases: u8,
        phase: impl Fn(&Root) -> Option<u8>,
        extra: impl Fn(ObjectId, usize, Reference) -> Option<u8>,
    ) -> Self {
        let count = heap.objects().len();
        let mut paths = Self {
            cost: vec![UNREACHED; count],
            before: vec![u32::MAX; count],
            via: vec![u32::MAX; count],
            order: Vec::new(),
        };
        let mut buckets: Vec<Vec<ObjectId>> = vec![Vec::new(); BUCKETS];
        let mut settled = vec![false; count];
        let mut current = 0_u32;
        let mut batch = Vec::new();
        for now in 0..phases {
            let mut waiting = 0_usize;
            for (id, root) in heap.roots().iter().filter(|(_, root)| phase(root) == Some(now)) {
                let to = root.object.index();
                let cost = current + u32::from(steps.root(root));
                if !settled[to] && !steps.own(root.object) && cost < paths.cost[to] {
                    paths.cost[to] = cost;
                    paths.via[to] = id.raw();
                    buckets[cost as usize % BUCKETS].push(root.object);
                    waiting += 1;
                }
            }
            while waiting > 0 {
                // Objects that a batch adds at the same cost come in the next round of the same bucket.
                std::mem::swap(&mut batch, &mut buckets[current as usize % BUCKETS]);
                if batch.is_empty() {
                    current += 1;
                    continue;
                }
                waiting -= batch.len();
                for from in batch.drain(..) {
                    let is_late = paths.cost[from.index()] != current;
                    if is_late || std::mem::replace(&mut settled[from.index()], true) {
                        continue;
                    }
                    paths.order.push(from);
                    let namespace = steps.namespace_of(from);
                    let first = heap.references().range(from).start;
                    for (index, reference) in heap.references().of(from).enumerate() {
                        let to = reference.to.index();
                        if settled[to] || steps.own(reference.to) {
                            continue;
                        }
                        let step = u32::from(steps.step(from, namespace, reference));
                        if current + step < paths.cost[to]
                            && let Some(extra) = extra(from, first + index, reference)
                            && let cost = current + step + u32::from(extra)
                            && cost < paths.cost[to]
                        {
                            paths.cost[to] = cost;
                            paths.before[to] = from.raw();
                            paths.via[to] = reference.label.raw();
                            buckets[cost as usize % BUCKETS].push(reference.to);
                            waiting += 1;
                        }
                    }
                }
            }
        }
        paths
    }

    /// The memory that they take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let columns =
            [self.cost.capacity(), self.before.capacity(), self.via.capacity(), self.order.capacity()];
        4 * columns.iter().sum::<usize>() as u64
    }

    /// How `id` is reached.
    #[must_use]
    pub fn of(&self, id: ObjectId) -> Reached {
        let index = id.index();
        if self.cost[index] == UNREACHED {
            return Reached::Not;
        }
        match (ObjectId::from_raw(self.before[index]), Label::from_raw(self.via[index])) {
            (Some(from), label) => Reached::Object { from, label: label.unwrap_or_default() },
            (None, _) => RootId::from_raw(self.via[index]).map_or(Reached::Not, Reached::Root),
        }
    }

    /// The cost of the path to `id`; none if nothing reaches it.
    #[must_use]
    pub fn cost(&self, id: ObjectId) -> Option<u32> {
        Some(self.cost[id.index()]).filter(|&cost| cost != UNREACHED)
    }

    /// The objects that are reached, each after the one that it is reached from.
    #[must_use]
    pub fn in_order(&self) -> &[ObjectId] {
        &self.order
    }

    /// The objects on the path to `id`, from the one that a root holds to `id` itself; none if nothing reaches it.
    /// As long as the path.
    #[must_use]
    pub fn chain(&self, id: ObjectId) -> Vec<ObjectId> {
        let mut chain = Vec::new();
        let mut next = Some(id).filter(|&id| self.cost(id).is_some());
        while let Some(at) = next {
            chain.push(at);
            next = ObjectId::from_raw(self.before[at.index()]);
        }
        chain.reverse();
        chain
    }
}

/// The cost of each step in one heap.
pub(crate) struct StepCosts<'a> {
    heap: &'a Heap,
    costs: &'a Costs,
    /// The namespaces of modules, with the names of the modules.
    namespaces: FxHashMap<ObjectId, StringId>,
    /// Attributes that lead from an object to its surroundings.
    detours: Vec<StringId>,
}

impl<'a> StepCosts<'a> {
    pub(crate) fn new(heap: &'a Heap, costs: &'a Costs) -> Self {
        let Costs { own_root, package_root, standard_root, context_root, frame_root, .. } = *costs;
        let Costs { other_root, named, keyed, imported, detour, .. } = *costs;
        let all = [own_root, package_root, standard_root, context_root, frame_root, other_root];
        let steps = [named, keyed, imported, detour];
        assert!(
            all.iter().chain(&steps).all(|&cost| usize::from(cost) < BUCKETS),
            "a cost is below {BUCKETS}"
        );
        let modules = heap.roots().iter().filter(|(_, root)| root.kind == RootKind::Module);
        let surroundings = ["__globals__", "f_globals", "__builtins__", "f_builtins", "f_back"];
        Self {
            heap,
            costs,
            namespaces: modules.map(|(_, root)| (root.object, root.name)).collect(),
            detours: surroundings.iter().filter_map(|name| heap.strings().find(name)).collect(),
        }
    }

    fn own(&self, id: ObjectId) -> bool {
        self.heap.objects().flags(id).contains(Flags::OWN)
    }

    pub(crate) fn root(&self, root: &Root) -> u8 {
        match root.kind {
            RootKind::Module | RootKind::Class => match root.origin {
                Origin::Package => self.costs.package_root,
                Origin::Standard => self.costs.standard_root,
                _ => self.costs.own_root,
            },
            RootKind::ContextVariable | RootKind::ThreadLocal => self.costs.context_root,
            RootKind::Frame => self.costs.frame_root,
            _ => self.costs.other_root,
        }
    }

    fn shape(&self, id: ObjectId) -> Shape {
        self.heap.types().get(self.heap.objects().type_of(id)).shape
    }

    /// The name of the module whose namespace `id` is.
    pub(crate) fn namespace_of(&self, id: ObjectId) -> Option<StringId> {
        if self.namespaces.is_empty() || self.shape(id) != Shape::Dict {
            return None;
        }
        self.namespaces.get(&id).copied()
    }

    pub(crate) fn step(&self, from: ObjectId, namespace: Option<StringId>, reference: Reference) -> u8 {
        let kind = reference.label.kind();
        if let Some(module) = namespace {
            return match kind {
                _ if self.is_import(module, reference.to) => self.costs.imported,
                LabelKind::Key if reference.label.text().is_some_and(|text| self.detours.contains(&text)) => {
                    self.costs.detour
                }
                _ => self.costs.named,
            };
        }
        match kind {
            LabelKind::Dict | LabelKind::Storage => 0,
            LabelKind::Attribute => match reference.label.text() {
                Some(text) if self.detours.contains(&text) => self.costs.detour,
                _ => self.costs.named,
            },
            LabelKind::Index | LabelKind::Local | LabelKind::Closure => self.costs.named,
            LabelKind::Type => self.costs.detour,
            LabelKind::Base => self.costs.imported,
            _ => {
                let ty = self.heap.types().get(self.heap.objects().type_of(from));
                if ty.object() == Some(reference.to) { self.costs.detour } else { self.costs.keyed }
            }
        }
    }

    /// Whether an object in the namespace of `module` is only imported there.
    fn is_import(&self, module: StringId, to: ObjectId) -> bool {
        match self.shape(to) {
            Shape::Module => true,
            Shape::Class | Shape::Function => self
                .heap
                .objects()
                .name(to)
                .is_some_and(|name| name.module != module && !self.heap.text(name.module).is_empty()),
            _ => false,
        }
    }
}
