//! Builds a suspect from a finding: its path, the types that accumulate, its rate and its cause.

use memtop_heap::{Origin, RootKind};
use rustc_hash::FxHashMap;

use super::answer::{Cause, LeakStep, Rate, Suspect};
use super::assessment::assess;
use super::consistency::is_kept_alone;
use super::detect::Search;
use super::evidence::{Evidence, Headline, Per};
use super::finding::{Finding, GrowthKind};
use super::fingerprint::fingerprint;
use super::heap_facts::HeapFacts;
use super::slopes::theil_sen;
use super::thresholds::LEAST_MINUTES;
use crate::path::{Path, StepLabel};
use crate::path_nodes::{NodeKind, PathNodeId};

/// The longest path, in objects, that is given in full although its steps repeat.
const CHAIN: usize = 12;

/// The facts that the suspects of a series share.
pub(super) struct SuspectBuilder<'s, 'a, 'b> {
    pub(super) search: &'s Search<'a, 'b>,
    /// By finding: the retained sizes of its holders in the first and in the last heap.
    pub(super) retained: Option<Vec<(u64, u64)>>,
    /// When each heap was captured, in minutes.
    pub(super) minutes: Option<Vec<f64>>,
    /// The units of work done at each heap.
    pub(super) work: Option<Vec<f64>>,
    /// The growth of memory in use over the series, in bytes.
    pub(super) growth: i64,
    /// The growth of objects over the series, in bytes.
    pub(super) objects_growth: i64,
}

impl SuspectBuilder<'_, '_, '_> {
    /// The suspect for a finding, the one at `place` among those kept. Its rank is to be set.
    pub(super) fn suspect(&self, place: usize, finding: &Finding) -> Suspect {
        let search = self.search;
        let last = search.last;
        let path = self.path(finding);
        let hidden_by = path.root.hidden_by().map(str::to_owned);
        let native = finding.kind == GrowthKind::Native && hidden_by.is_none();
        let leaked = search.leaked_types(finding);
        let holder_type = self.holder_type(&path);
        let retained = self.retained.as_ref().and_then(|retained| retained.get(place).copied());
        let share_of = |growth: i64| (finding.bytes() as f64 / growth.max(1) as f64).clamp(0.0, 1.0);
        let retained_growth = retained.map(|(from, to)| to.wrapping_sub(from).cast_signed());
        let mut suspect = Suspect {
            rank: 0,
            holder: (!native).then(|| path.to_string()),
            headline_holder: path.headline(&last.heap).filter(|_| !native && hidden_by.is_none()),
            holder_type: holder_type.filter(|_| !native && hidden_by.is_none()),
            cause: self.cause(finding, &path),
            wrapper: search.item_wrapper(finding, &leaked),
            leaked,
            count: search.items_held(finding),
            growth: finding.items.clone(),
            bytes_growth: finding.net.clone(),
            retained: retained.map(|sizes| sizes.1),
            retained_growth,
            share_of_growth: share_of(self.growth),
            confidence: 0.0,
            rate: self.rate(&finding.items, &finding.net),
            evidence: Vec::new(),
            own_holder: self.own_holder(&path, last),
            fingerprint: fingerprint(&self.node_path(finding.node)),
            path: LeakStep::of_path(&path),
            co_holders: self.co_holders(finding, retained_growth),
            headline: Headline::Bytes { amount: 0, per: Per::Interval },
            doubt: finding.doubt.clone(),
            advice: None,
        };
        let span = self.minutes.as_ref().map_or(0.0, |minutes| minutes[minutes.len() - 1] - minutes[0]);
        assess(&mut suspect, search, finding, share_of(self.objects_growth), span >= LEAST_MINUTES);
        suspect.evidence.extend(hidden_by.map(|type_name| Evidence::HiddenReference { type_name }));
        suspect
    }

    pub(super) fn node_path(&self, node: PathNodeId) -> Path {
        let last = self.search.last;
        self.search.nodes.path(&last.heap, &last.placement, node)
    }

    /// The path to a finding, with the keys and indexes that all its members share.
    pub(super) fn path(&self, finding: &Finding) -> Path {
        let search = self.search;
        let mut path = self.node_path(finding.node);
        let last = search.last;
        let mut nodes: Vec<PathNodeId> =
            std::iter::successors(Some(finding.node), |&node| search.nodes.get(node).parent).collect();
        nodes.reverse();
        if nodes.len() != path.steps.len() + 1 {
            return path;
        }
        // A short path to one holder, such as dicts within dicts, is not a chain: it is given step by step.
        if let (GrowthKind::Items, [member]) = (finding.kind, finding.members.as_slice())
            && path.steps.iter().any(|step| step.repeated)
            && last.shortest.chain(*member).len() <= CHAIN
            && let Some(exact) = crate::paths::path_to(&last.heap, &last.shortest, *member)
        {
            return exact;
        }
        // By node: the one label that leads to it on the paths to the members.
        let mut labels: FxHashMap<PathNodeId, Option<StepLabel>> = FxHashMap::default();
        for &member in finding.members.iter().take(1000) {
            let mut at = Some(member);
            let mut steps = 0;
            while let Some(id) = at.filter(|_| steps < 1000) {
                if let (Some(node), Some(label)) = (last.placement.of(id), last.label(id)) {
                    let label = StepLabel::exact(&last.heap, label, false);
                    let known = labels.entry(node).or_insert_with(|| Some(label.clone()));
                    if known.as_ref() != Some(&label) {
                        *known = None;
                    }
                }
                at = last.before(id);
                steps += 1;
            }
        }
        for (step, node) in path.steps.iter_mut().zip(&nodes[1..]) {
            if search.nodes.get(*node).kind == NodeKind::Any && !step.repeated {
                step.label = labels.get(node).cloned().flatten().unwrap_or(StepLabel::Any);
            }
        }
        path
    }

    fn holder_type(&self, path: &Path) -> Option<String> {
        match path.steps.last() {
            Some(step) => Some(step.type_name.clone()),
            None => Some(path.root.kind.word().to_owned()),
        }
    }

    fn cause(&self, finding: &Finding, path: &Path) -> Cause {
        let search = self.search;
        if path.root.hidden_by().is_some() {
            return Cause::UncollectableCycle;
        }
        if finding.kind == GrowthKind::Native || path.root.kind == RootKind::Native {
            return Cause::NativeReference;
        }
        let last = search.last;
        let framed = path.root.kind == RootKind::Frame
            || finding.members.first().is_some_and(|&id| last.framed[id.index()]);
        let rows = finding.rows.iter().map(|&row| &search.gains.rows[row]);
        let (gained, through) = rows.fold((0, 0), |sum, row| (sum.0 + row.gained, sum.1 + row.framed));
        if framed || (gained > 0 && 2 * through > gained) { Cause::Frames } else { Cause::Container }
    }

    /// The paths of other holders of the same items. If the holder alone retains what it gained, there are none.
    fn co_holders(&self, finding: &Finding, retained_growth: Option<i64>) -> Vec<String> {
        if is_kept_alone(finding.bytes(), retained_growth) {
            return Vec::new();
        }
        finding.co_holders.iter().map(|&node| self.node_path(node).to_string()).collect()
    }

    /// How fast it grows, by time and by work.
    fn rate(&self, items: &[i64], bytes: &[i64]) -> Rate {
        let slope = |x: &Option<Vec<f64>>, changes: &[i64]| {
            let x = x.as_ref()?;
            let mut level = 0.0;
            let mut points = vec![(x[0], 0.0)];
            for (&x, &change) in x[1..].iter().zip(changes) {
                level += change as f64;
                points.push((x, level));
            }
            theil_sen(&points).map(|slope| slope.median)
        };
        Rate {
            items_per_minute: slope(&self.minutes, items),
            bytes_per_minute: slope(&self.minutes, bytes),
            items_per_unit: slope(&self.work, items),
            bytes_per_unit: slope(&self.work, bytes),
        }
    }

    /// The first part of a path that is in the user's own code.
    fn own_holder(&self, path: &Path, last: &HeapFacts<'_>) -> Option<String> {
        let named = |step: &crate::path::PathStep| step.label != StepLabel::Start;
        let until = if path.root.origin == Origin::Own {
            path.steps.iter().position(named).map_or(path.steps.len(), |index| index + 1)
        } else {
            let types = last.heap.types();
            let own: std::collections::BTreeSet<&str> = types
                .iter()
                .filter(|(_, ty)| ty.origin == Origin::Own)
                .map(|(id, _)| types.name(id))
                .collect();
            path.steps.iter().position(|step| own.contains(step.type_name.as_str()))? + 1
        };
        let part = Path { root: path.root.clone(), steps: path.steps[..until].to_vec() };
        Some(part.to_string())
    }
}
