//! The lists in which the collector keeps every object that it knows.
//!
//! A list is a ring of heads, each right before its object. The ring's own head is in the collector's state:
//! those of the three generations side by side, and after them that of the permanent one, into which
//! `gc.freeze()` moves objects. The two low bits of both links are flags. 3.14.0 to 3.14.4 name the three
//! `young; old[2]`, in the same bytes.
//!
//! Invariant: while the collector runs, `_gc_prev` holds reference counts, and is not used.

use super::collector::{COUNT, THRESHOLD};
use super::error::RuntimeError;
use super::objects::Objects;
use super::table::{Collector, NEARBY};
use crate::cycle_detector::CycleDetector;
use crate::layout::{GENERATION, GENERATIONS, gc_head};
use crate::memory::Memory;

const MASK: u64 = gc_head::MASK as u64;
const NEXT: u64 = gc_head::NEXT as u64;
const PREVIOUS: u64 = gc_head::PREVIOUS as u64;
const HEAD: u64 = gc_head::SIZE as u64;
/// How many objects of a list are checked where only its forward links can be trusted.
const SAMPLE: usize = 32;
/// Offsets of the permanent generation from the first: right behind the three, or behind the pointer
/// `generation0`.
const PERMANENT: [u64; 2] = [72, 80];

/// The collector's lists of an interpreter, found and proved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcLists {
    /// The heads of the three generations and of the permanent one.
    pub heads: Vec<u64>,
    /// Whether the collector is running: some objects may then be in lists of its own, and are found only by
    /// reference.
    pub collecting: bool,
    /// The collector's `count` of each generation; of the youngest, the objects since the last collection.
    pub counts: Vec<i32>,
}

/// The result of walking the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListWalk {
    /// How many objects were visited.
    pub objects: u64,
    /// Whether every list led back to its head, and each link agreed with the link back.
    pub complete: bool,
    /// How many links were broken.
    pub broken: u64,
}

impl GcLists {
    /// The lists of the collector's state, which should be at `state` or nearby.
    pub(super) fn find<M: Memory>(
        objects: &Objects<'_, M>,
        state: u64,
        table: &Collector,
    ) -> Result<Self, RuntimeError> {
        let first = state.wrapping_add(table.generations);
        let collecting = |moved: u64| {
            let flag = objects.memory.half(state.wrapping_add(table.collecting).wrapping_add(moved))?;
            // `collecting` is 0 or 1; any other value belongs to another member.
            (flag <= 1).then_some(flag == 1)
        };
        let gap = table.permanent - table.generations;
        if let Some(running) = collecting(0)
            && let Some(lists) = Self::at(objects, first, gap, running, false)
        {
            return Ok(lists);
        }
        for by in (0..=NEARBY).step_by(8) {
            for moved in [by, by.wrapping_neg()] {
                for other in PERMANENT {
                    // Where the process states the offset of `collecting`, only the state itself can have
                    // moved.
                    let wider = if objects.layout.minor < 13 { other.wrapping_sub(gap) } else { 0 };
                    let shift = moved.wrapping_add(wider);
                    let found = collecting(shift).and_then(|running| {
                        Self::at(objects, first.wrapping_add(moved), other, running, true)
                    });
                    if let Some(lists) = found {
                        return Ok(lists);
                    }
                }
            }
        }
        Err(RuntimeError::Misfit { what: "the collector's lists" })
    }

    /// The lists whose first head is at an address, if they are proved to be there. A `probed` address has
    /// more to prove: no program sets a negative threshold.
    fn at<M: Memory>(
        objects: &Objects<'_, M>,
        first: u64,
        permanent: u64,
        collecting: bool,
        probed: bool,
    ) -> Option<Self> {
        let mut heads: Vec<u64> =
            (0..GENERATIONS).map(|place| first.wrapping_add((place * GENERATION) as u64)).collect();
        heads.push(first.wrapping_add(permanent));
        let mut counts = Vec::new();
        let mut lives = false;
        for &head in &heads {
            let number = |offset: u64| objects.memory.half(head.wrapping_add(offset)).map(|half| half as i32);
            let (threshold, count) = (number(THRESHOLD)?, number(COUNT)?);
            if probed && (threshold < 0 || count < 0) {
                return None;
            }
            counts.push(count);
            let next = objects.memory.word(head.wrapping_add(NEXT))? & MASK;
            if !is_head(objects, head, collecting) && (probed || !is_being_changed(objects, head)) {
                return None;
            }
            lives |= next != head && objects.is_plausible(next.wrapping_add(HEAD));
        }
        counts.truncate(GENERATIONS);
        lives.then_some(Self { heads, collecting, counts })
    }
}

/// Whether a list's head is at an address.
fn is_head<M: Memory>(objects: &Objects<'_, M>, head: u64, collecting: bool) -> bool {
    let link = |at: u64| {
        objects.memory.word(at).map(|word| word & MASK).filter(|&to| to != 0 && to.is_multiple_of(8))
    };
    let (Some(next), Some(previous)) = (link(head.wrapping_add(NEXT)), link(head.wrapping_add(PREVIOUS)))
    else {
        return false;
    };
    let agrees =
        link(next.wrapping_add(PREVIOUS)) == Some(head) && link(previous.wrapping_add(NEXT)) == Some(head);
    if agrees || !collecting {
        return agrees && (next == head || objects.is_plausible(next.wrapping_add(HEAD)));
    }
    let mut at = next;
    for _ in 0..SAMPLE {
        if at == head {
            return true;
        }
        if !objects.is_plausible(at.wrapping_add(HEAD)) {
            return false;
        }
        match link(at.wrapping_add(NEXT)) {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}

/// Whether the head of a list is at an address, whose first or last object is being put in or taken out: some
/// links are set before others (`_PyObject_GC_TRACK`, `_PyObject_GC_UNTRACK`).
fn is_being_changed<M: Memory>(objects: &Objects<'_, M>, head: u64) -> bool {
    let link = |at: u64, offset: u64| objects.memory.word(at.wrapping_add(offset)).map(|word| word & MASK);
    let links = |at: u64| {
        let found = (link(at, NEXT)?, link(at, PREVIOUS)?);
        objects.is_plausible(at.wrapping_add(HEAD)).then_some(found)
    };
    let (Some(next), Some(last)) = (link(head, NEXT), link(head, PREVIOUS)) else { return false };
    // It is taken out: the head leads past it, and the second object back to it.
    let is_taken_out = |second: u64| {
        let first = link(second, PREVIOUS)?;
        let (after, before) = links(first)?;
        Some(after == second && before == head)
    };
    // It is put in: the one before it leads to it, and the head not yet.
    let is_put_in = |before: u64| {
        let new = link(before, NEXT)?;
        let (after, _) = links(new)?;
        Some(after == head || after == 0)
    };
    let begins = link(next, PREVIOUS) == Some(head) || is_taken_out(next) == Some(true);
    let ends = link(last, NEXT) == Some(head) || is_put_in(last) == Some(true);
    begins && ends
}

/// Visits the address of every object in the lists, in their order.
///
/// Ends for any memory, in time linear in the length of the lists, since rings that do not lead back to their
/// head are detected. Where a list is broken, the objects behind the break are visited from its other end,
/// unless the collector is running. In that case, or in a false ring, an object may be visited twice.
pub fn list_objects<M: Memory>(memory: &M, lists: &GcLists, mut visit: impl FnMut(u64)) -> ListWalk {
    let mut walk = ListWalk { complete: true, ..ListWalk::default() };
    for &head in &lists.heads {
        let (last, whole) = chain(memory, lists, head, NEXT, None, &mut walk, &mut visit);
        if !whole && !lists.collecting {
            chain(memory, lists, head, PREVIOUS, Some(last), &mut walk, &mut visit);
        }
    }
    walk.complete = walk.broken == 0;
    walk
}

/// Follows a list in one direction. Returns the last address, and whether the list led back to its head or to
/// `until`.
fn chain<M: Memory>(
    memory: &M,
    lists: &GcLists,
    head: u64,
    direction: u64,
    until: Option<u64>,
    walk: &mut ListWalk,
    visit: &mut impl FnMut(u64),
) -> (u64, bool) {
    let back = if direction == NEXT { PREVIOUS } else { NEXT };
    let link =
        |at: u64, offset: u64| at.checked_add(offset).and_then(|at| memory.word(at)).map(|to| to & MASK);
    let mut at = head;
    let mut cycle = CycleDetector::default();
    loop {
        let next = match link(at, direction) {
            Some(next) if next == head || Some(next) == until => return (at, true),
            Some(next)
                if next != 0
                    && next.is_multiple_of(8)
                    && !cycle.repeats(next)
                    && !lists.heads.contains(&next) =>
            {
                next
            }
            _ => break,
        };
        match link(next, back) {
            None => break,
            Some(returns) if returns != at && !lists.collecting => walk.broken += 1,
            Some(_) => {}
        }
        walk.objects += 1;
        visit(next.wrapping_add(HEAD));
        at = next;
    }
    walk.broken += 1;
    (at, false)
}
