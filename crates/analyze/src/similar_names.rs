//! Suggestions for a name that is not in a heap.

use std::collections::BTreeSet;

use memtop_heap::Heap;

/// The names of types that are similar to `name`, the most similar first, at most `limit`: those that contain it, in
/// whatever case, then those with a similar spelling. Compares every type.
#[must_use]
pub fn types_like(heap: &Heap, name: &str, limit: usize) -> Vec<String> {
    let wanted = name.to_lowercase();
    let last_part = |text: &str| text.rsplit('.').next().unwrap_or(text).to_owned();
    let mut near: BTreeSet<(usize, String)> = BTreeSet::new();
    for (ty, _) in heap.types().iter() {
        let known = heap.types().name(ty);
        let lower = known.to_lowercase();
        let distance = if !wanted.is_empty() && lower.contains(&wanted) {
            0
        } else {
            let parts = strsim::damerau_levenshtein(&last_part(&lower), &last_part(&wanted));
            parts.min(strsim::damerau_levenshtein(&lower, &wanted))
        };
        // With more than a third of the letters wrong, it is not a typing error.
        if distance * 3 <= wanted.chars().count() {
            near.insert((distance, known.to_owned()));
        }
    }
    near.into_iter().take(limit).map(|(_, name)| name).collect()
}
