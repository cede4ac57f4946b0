//! The limits that keep a page small enough for a browser.

/// The largest page, in bytes.
const LARGEST: usize = 1_950_000;

/// The largest numbers of items on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    /// Suspects, candidates, large objects and other items of a list.
    pub(super) items: usize,
    /// Types.
    pub(super) types: usize,
    /// Places of the tree.
    pub(super) places: usize,
    /// Columns of a text.
    pub(super) text: usize,
}

/// The limits to try, in order. The first is enough for any heap without very long names.
pub(super) const CAPS: [Caps; 3] = [
    Caps { items: 60, types: 2000, places: 3000, text: 400 },
    Caps { items: 20, types: 500, places: 1000, text: 120 },
    Caps { items: 5, types: 100, places: 200, text: 60 },
];

/// The first page that is not too large.
pub(super) fn fitting(page: impl Fn(&Caps) -> String) -> String {
    let [first, smaller @ ..] = &CAPS;
    smaller.iter().fold(
        page(first),
        |page_so_far, caps| if page_so_far.len() <= LARGEST { page_so_far } else { page(caps) },
    )
}
