//! A place that grows, and how it grows.

use memtop_heap::ObjectId;

use super::evidence::{Doubt, DropRule};
use crate::path_nodes::PathNodeId;

/// How a place grows. The most certain kind comes first, and growth that one kind accounts for is not counted again by
/// a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GrowthKind {
    /// One slot whose value is replaced by a larger one each time (`x = x + […]`, a stack of linked nodes).
    Replaced,
    /// An object that grows by itself, such as a buffer.
    Size,
    /// Holders that exist throughout and refer to more items each time.
    Items,
    /// Objects that nothing in Python holds, more each time.
    Native,
    /// Objects held by locals of frames and other roots that come and go, more each time.
    Roots,
    /// Objects that are chained (linked lists), more each time.
    Chain,
}

impl GrowthKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Size => "size",
            Self::Items => "items",
            Self::Native => "native",
            Self::Roots => "roots",
            Self::Chain => "chain",
        }
    }

    /// Whether its growth is counted in items; else in bytes.
    pub(super) fn is_by_items(self) -> bool {
        !matches!(self, Self::Replaced | Self::Size)
    }
}

/// A place that grows.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) kind: GrowthKind,
    /// The node that is shown as the holder.
    pub(super) node: PathNodeId,
    /// By interval: bytes, net.
    pub(super) net: Vec<i64>,
    /// By interval: items.
    pub(super) items: Vec<i64>,
    /// The rows of its growth.
    pub(super) rows: Vec<usize>,
    /// The holders, or the values of the slots, in the last heap.
    pub(super) members: Vec<ObjectId>,
    /// The same in the first heap.
    pub(super) firsts: Vec<ObjectId>,
    /// Whether it grew in some intervals only, and gave nothing back in the others.
    pub(super) in_bursts: bool,
    /// The rule that it did not pass, if it did not.
    pub(super) dropped: Option<DropRule>,
    /// Why it is only a candidate.
    pub(super) doubt: Option<Doubt>,
    /// Other holders of the same items.
    pub(super) co_holders: Vec<PathNodeId>,
    /// Places whose growth counts with it, since it keeps their items alive: their nodes and rows.
    pub(super) taken: Vec<(PathNodeId, Vec<usize>)>,
}

impl Finding {
    pub(super) fn new(kind: GrowthKind, node: PathNodeId, net: Vec<i64>, items: Vec<i64>) -> Self {
        Self {
            kind,
            node,
            net,
            items,
            rows: Vec::new(),
            members: Vec::new(),
            firsts: Vec::new(),
            in_bursts: false,
            dropped: None,
            doubt: None,
            co_holders: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// The bytes over all intervals.
    pub(super) fn bytes(&self) -> i64 {
        self.net.iter().sum()
    }

    /// Its growth by interval: items, or bytes if its items cannot be counted.
    pub(super) fn grown(&self) -> &[i64] {
        if self.kind.is_by_items() { &self.items } else { &self.net }
    }

    /// Drops it by a rule, unless an earlier rule did.
    pub(super) fn drop(&mut self, rule: DropRule) {
        self.dropped.get_or_insert(rule);
    }
}
