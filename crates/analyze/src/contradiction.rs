//! A contradiction within an answer: a mistake of mem_top, which the reader should know of.
//!
//! The answers check themselves: counts add up, shares are between 0 and 1, and no place is accused beside the place
//! that holds it. A check reads the answer alone, not the heaps, and does not depend on how the answer was found.

/// Two statements of an answer that cannot both be true. A place is a path, or `native code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contradiction {
    /// A share of a place is not a number from 0 to 1.
    Share {
        /// The place.
        place: String,
    },
    /// The shares of all places together exceed the whole.
    Shares,
    /// A place gained more items than it holds, though none were lost.
    MoreGainedThanHeld {
        /// The place.
        place: String,
        /// How many items it holds.
        held: u64,
        /// How many more it gained.
        gained: u64,
    },
    /// A place retains more than all objects together occupy.
    RetainsTooMuch {
        /// The place.
        place: String,
    },
    /// The growth of a place is not given for each interval.
    Intervals {
        /// The place.
        place: String,
    },
    /// A place is accused beside a larger place that holds it.
    PartBesideWhole {
        /// The part.
        part: String,
        /// The whole.
        whole: String,
    },
    /// A place is listed twice.
    Twice {
        /// The place.
        place: String,
    },
    /// Another place holds the same items, yet the place alone keeps them alive.
    KeptAloneAndShared {
        /// The place.
        place: String,
        /// The other place.
        other: String,
    },
    /// A suspect with a doubt, or a candidate without.
    Doubt {
        /// The place.
        place: String,
    },
    /// The verdict and the list of suspects disagree.
    Verdict,
    /// The parts of a place exceed it.
    PartsExceedWhole {
        /// The place.
        place: String,
    },
}
