//! Hands out the facts about each heap and each interval, and decides which of them are kept.
//!
//! For heaps that are in memory anyway, all facts are kept, and are computed on threads beforehand. Of other heaps at
//! most two are held at once: released facts are computed again when asked for, which costs time and no memory.
//!
//! Invariant: facts that are computed again equal the first ones. The heaps are placed on path nodes in the order
//! of time, and a path that was placed before is the same node.

use std::sync::Arc;

use memtop_heap::CaptureInfo;

use super::identity::Step;
use super::thresholds::Thresholds;
use super::view::{View, on_threads};
use crate::heap_series::{HeapHandle, HeapSeries};
use crate::path_nodes::PathNodes;
use crate::shortest::{Costs, ShortestPaths};

/// See the module's header.
pub(super) struct Store<'a, S: ?Sized> {
    series: &'a S,
    /// The places of the heaps in the series, in the order of time.
    order: Vec<usize>,
    limits: &'a Thresholds,
    in_memory: bool,
    nodes: PathNodes,
    views: Vec<Option<Arc<View<'a>>>>,
    steps: Vec<Option<Arc<Step>>>,
}

impl<'a, S: HeapSeries + ?Sized> Store<'a, S> {
    /// Creates a store for the heaps of `series`, whose order of time is `order`.
    pub(super) fn new(series: &'a S, order: Vec<usize>, limits: &'a Thresholds) -> Self {
        let heaps = order.len();
        Self {
            series,
            order,
            limits,
            in_memory: series.is_in_memory(),
            nodes: PathNodes::new(),
            views: vec![None; heaps],
            steps: vec![None; heaps.saturating_sub(1)],
        }
    }

    /// How many heaps there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// How many intervals there are between heaps.
    pub(super) fn intervals(&self) -> usize {
        self.steps.len()
    }

    /// The path nodes of all heaps that were viewed so far.
    pub(super) fn nodes(&self) -> &PathNodes {
        &self.nodes
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// The captures, in the order of time.
    pub(super) fn captures(&self) -> Vec<&'a CaptureInfo> {
        let captures = self.series.captures();
        self.order.iter().map(|&place| captures[place]).collect()
    }

    /// The heap at `index` in the order of time.
    ///
    /// # Errors
    /// If the series cannot give it.
    pub(super) fn heap(&self, index: usize) -> Result<HeapHandle<'a>, S::Error> {
        match &self.views[index] {
            Some(view) => Ok(view.heap.clone()),
            None => self.series.heap(self.order[index]),
        }
    }

    /// Computes all facts at once, on threads, if they will be kept: those of one heap do not depend on another.
    ///
    /// # Errors
    /// As [`Store::heap`].
    pub(super) fn prepare(&mut self) -> Result<(), S::Error> {
        if !self.in_memory {
            return Ok(());
        }
        let heaps = (0..self.len()).map(|index| self.heap(index)).collect::<Result<Vec<_>, _>>()?;
        let paths = on_threads(heaps.clone(), |heap| ShortestPaths::new(&heap, &Costs::default()));
        let mut placed = Vec::with_capacity(heaps.len());
        for (heap, shortest) in heaps.into_iter().zip(paths) {
            let placement = self.nodes.place(&heap, &shortest);
            placed.push((heap, shortest, placement));
        }
        let nodes = self.nodes.len();
        let views = on_threads(placed, |(heap, shortest, placement)| {
            Arc::new(View::new(heap, shortest, placement, nodes))
        });
        let steps = on_threads((0..self.intervals()).collect(), |interval: usize| {
            let (old, new) = (&views[interval], &views[interval + 1]);
            Arc::new(Step::new(old, new, &self.nodes, self.limits))
        });
        self.views = views.into_iter().map(Some).collect();
        self.steps = steps.into_iter().map(Some).collect();
        Ok(())
    }

    /// Releases the facts about all other heaps, and the intervals that are not between these, unless they are kept.
    /// Memory is freed when all holders of a view have dropped it.
    pub(super) fn keep_only(&mut self, heaps: &[usize]) {
        if self.in_memory {
            return;
        }
        for (index, view) in self.views.iter_mut().enumerate() {
            if !heaps.contains(&index) {
                *view = None;
            }
        }
        for (interval, step) in self.steps.iter_mut().enumerate() {
            if !heaps.contains(&interval) || !heaps.contains(&(interval + 1)) {
                *step = None;
            }
        }
    }

    /// The view of a heap. The first time, heaps must be asked for in the order of time.
    ///
    /// # Errors
    /// As [`Store::heap`].
    pub(super) fn view(&mut self, index: usize) -> Result<Arc<View<'a>>, S::Error> {
        if let Some(view) = &self.views[index] {
            return Ok(Arc::clone(view));
        }
        let heap = self.heap(index)?;
        let shortest = ShortestPaths::new(&heap, &Costs::default());
        let placement = self.nodes.place(&heap, &shortest);
        let view = Arc::new(View::new(heap, shortest, placement, self.nodes.len()));
        self.views[index] = Some(Arc::clone(&view));
        Ok(view)
    }

    /// The matches between the heaps `interval` and `interval + 1`.
    ///
    /// # Errors
    /// As [`Store::heap`].
    pub(super) fn step(&mut self, interval: usize) -> Result<Arc<Step>, S::Error> {
        if let Some(step) = &self.steps[interval] {
            return Ok(Arc::clone(step));
        }
        let (old, new) = (self.view(interval)?, self.view(interval + 1)?);
        let step = Arc::new(Step::new(&old, &new, &self.nodes, self.limits));
        self.steps[interval] = Some(Arc::clone(&step));
        Ok(step)
    }
}
