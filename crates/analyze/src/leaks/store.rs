//! Hands out the facts about each heap and each interval, and decides which of them are kept.
//!
//! For heaps that are in memory anyway, all facts are kept, and are computed on threads beforehand. Of other heaps at
//! most two are held at once: released facts are computed again when asked for, which costs time and no memory.
//!
//! Invariant: facts that are computed again equal the first ones. The heaps are placed on path nodes in the order
//! of time, and a path that was placed before is the same node.

use std::sync::Arc;

use memtop_heap::CaptureInfo;

use super::heap_facts::{HeapFacts, on_threads};
use super::object_matches::ObjectMatches;
use super::thresholds::Thresholds;
use crate::durable_paths::DurablePaths;
use crate::heap_series::{HeapHandle, HeapSeries};
use crate::path_nodes::PathNodes;
use crate::shortest::Costs;

/// The facts about the heaps and intervals of a series.
pub(super) struct Store<'a, S: ?Sized> {
    series: &'a S,
    /// The places of the heaps in the series, in the order of time.
    order: Vec<usize>,
    limits: &'a Thresholds,
    in_memory: bool,
    nodes: PathNodes,
    durable: DurablePaths,
    facts: Vec<Option<Arc<HeapFacts<'a>>>>,
    matches: Vec<Option<Arc<ObjectMatches>>>,
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
            durable: DurablePaths::default(),
            facts: vec![None; heaps],
            matches: vec![None; heaps.saturating_sub(1)],
        }
    }

    /// How many heaps there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// How many intervals there are between heaps.
    pub(super) fn intervals(&self) -> usize {
        self.matches.len()
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
        match &self.facts[index] {
            Some(facts) => Ok(facts.heap.clone()),
            None => self.series.heap(self.order[index]),
        }
    }

    /// Finds the paths that are valid in all heaps, and computes all facts at once, on threads, if they will be kept:
    /// with these paths, those of one heap do not depend on another.
    ///
    /// # Errors
    /// As [`Store::heap`].
    pub(super) fn prepare(&mut self) -> Result<(), S::Error> {
        self.durable = DurablePaths::find(self.len(), &Costs::default(), |index| self.heap(index))?;
        if !self.in_memory {
            return Ok(());
        }
        let heaps = (0..self.len()).map(|index| self.heap(index)).collect::<Result<Vec<_>, _>>()?;
        let paths = on_threads(heaps.clone(), |heap| self.durable.in_heap(&heap, &Costs::default()));
        let mut placed = Vec::with_capacity(heaps.len());
        for (heap, shortest) in heaps.into_iter().zip(paths) {
            let placement = self.nodes.place(&heap, &shortest);
            placed.push((heap, shortest, placement));
        }
        let nodes = self.nodes.len();
        let facts = on_threads(placed, |(heap, shortest, placement)| {
            Arc::new(HeapFacts::new(heap, shortest, placement, nodes))
        });
        let matches = on_threads((0..self.intervals()).collect(), |interval: usize| {
            let (old, new) = (&facts[interval], &facts[interval + 1]);
            Arc::new(ObjectMatches::new(old, new, &self.nodes, self.limits))
        });
        self.facts = facts.into_iter().map(Some).collect();
        self.matches = matches.into_iter().map(Some).collect();
        Ok(())
    }

    /// Releases the facts about all other heaps, and the intervals that are not between these, unless they are kept.
    /// Memory is freed when all holders of the facts have dropped them.
    pub(super) fn keep_only(&mut self, heaps: &[usize]) {
        if self.in_memory {
            return;
        }
        for (index, facts) in self.facts.iter_mut().enumerate() {
            if !heaps.contains(&index) {
                *facts = None;
            }
        }
        for (interval, matches) in self.matches.iter_mut().enumerate() {
            if !heaps.contains(&interval) || !heaps.contains(&(interval + 1)) {
                *matches = None;
            }
        }
    }

    /// The facts of a heap, after [`Store::prepare`]. The first time, heaps must be asked for in the order of time.
    ///
    /// # Errors
    /// As [`Store::heap`].
    pub(super) fn facts(&mut self, index: usize) -> Result<Arc<HeapFacts<'a>>, S::Error> {
        if let Some(facts) = &self.facts[index] {
            return Ok(Arc::clone(facts));
        }
        let heap = self.heap(index)?;
        let shortest = self.durable.in_heap(&heap, &Costs::default());
        let placement = self.nodes.place(&heap, &shortest);
        let facts = Arc::new(HeapFacts::new(heap, shortest, placement, self.nodes.len()));
        self.facts[index] = Some(Arc::clone(&facts));
        Ok(facts)
    }

    /// The matches between the heaps `interval` and `interval + 1`.
    ///
    /// # Errors
    /// As [`Store::heap`].
    pub(super) fn matches(&mut self, interval: usize) -> Result<Arc<ObjectMatches>, S::Error> {
        if let Some(matches) = &self.matches[interval] {
            return Ok(Arc::clone(matches));
        }
        let (old, new) = (self.facts(interval)?, self.facts(interval + 1)?);
        let matches = Arc::new(ObjectMatches::new(&old, &new, &self.nodes, self.limits));
        self.matches[interval] = Some(Arc::clone(&matches));
        Ok(matches)
    }
}
