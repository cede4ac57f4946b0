//! Plans for reading the objects of a type where no traverse can be called. The plans are made in `untraced.rs`.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::objects::definition::CStruct;

/// How much of an object of unknown layout is scanned without its items, in bytes.
const LARGEST_SCANNED: u64 = 1 << 12;
/// Larger than the C struct of any type.
pub(crate) const LARGEST_STRUCT: u64 = 1 << 20;
/// Smaller objects are scanned whole, whatever lies around them.
const LARGE: u64 = 256;

/// Up to where an object of unknown layout is scanned whose type says that it takes so many bytes. Where this cannot be
/// true, nothing is scanned: it would be the memory of others, and of what was freed.
pub(crate) fn scanned_size(basic_size: u64) -> u64 {
    if basic_size >= LARGEST_STRUCT { 0 } else { basic_size.min(LARGEST_SCANNED) }
}

/// How the objects of a type are read.
#[derive(Debug, Clone)]
pub(crate) struct ScanPlan {
    /// The C struct of the nearest base that has one.
    pub(crate) c_struct: CStruct,
    /// How many fields the object has, if it is a named tuple defined in C.
    pub(crate) fields: Option<u64>,
    /// Offsets of words that may hold a reference without a label.
    pub(crate) words: Rc<[u64]>,
    /// The state of the module that defines the type, 0 if there is none. Objects may point to it, and as it begins
    /// with two types as a rule, it looks like an object itself: of the second type.
    pub(crate) module_state: u64,
    /// Whether such a word is a reference for certain if an object lies there.
    pub(crate) certain: bool,
    /// Whether each object holds a reference to its type, a C type made at run time.
    pub(crate) holds_type: bool,
    /// Whether the dict is among the members.
    pub(crate) dict_is_member: bool,
    /// The offset of the first item, where each item is a word.
    pub(crate) items: Option<u64>,
}

/// The plans of all types that were met.
#[derive(Debug, Default)]
pub(crate) struct ScanPlans {
    plans: FxHashMap<u64, ScanPlan>,
    /// The large objects that were met: the address of each, and the end of what was scanned of it.
    large: BTreeMap<u64, u64>,
}

impl ScanPlans {
    /// The plan of the type at an address.
    pub(crate) fn get(&self, of: u64) -> Option<ScanPlan> {
        self.plans.get(&of).cloned()
    }

    /// Adds the plan of a type.
    pub(crate) fn insert(&mut self, of: u64, plan: ScanPlan) {
        self.plans.insert(of, plan);
    }

    /// Shortens the plan of a type whose objects, as the one at `at`, reach into others. Objects do not
    /// overlap, so that such a type is damaged. This bounds all that is scanned by little more than the
    /// memory that there is.
    #[inline]
    pub(crate) fn fit(&mut self, of: u64, at: u64, plan: &mut ScanPlan) {
        if let Some(&last) = plan.words.last()
            && last >= LARGE
        {
            self.fit_large(of, at, plan, last);
        }
    }

    #[cold]
    fn fit_large(&mut self, of: u64, at: u64, plan: &mut ScanPlan, last: u64) {
        let within = self.large.range(..at).next_back().is_some_and(|(_, &end)| end > at);
        let next = self.large.range(at + 1..).next().map_or(u64::MAX, |(&next, _)| next - at);
        let most = if within { LARGE.min(next) } else { next };
        if last >= most {
            plan.words = plan.words.iter().copied().filter(|&offset| offset < most).collect();
            self.plans.insert(of, plan.clone());
        }
        self.large.insert(at, at + most.min(last + 8));
    }
}
