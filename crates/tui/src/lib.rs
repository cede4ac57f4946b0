//! The live view: like `top`, but for the heaps of Python processes.
//!
//! The caller passes a [`CaptureSource`] for each process, and [`run`] shows it until the user quits. A source is
//! captured repeatedly, and seldom enough that its process is paused for at most a share of the time, the budget
//! ([`Pace`]).
//!
//! State and drawing are pure: [`State::update`] takes events, [`draw`] reads the state, and one loop connects both
//! with the terminal. So everything that a user can do and see is tested without a terminal.
//!
//! Invariants: the terminal is restored, whatever ends the view. Memory is bounded: a few heaps, and histories of a
//! fixed length. Every text of a heap is escaped before it reaches the terminal. This crate captures nothing itself,
//! writes no file, and prints nothing but its screen.
#![forbid(unsafe_code)]

mod app;
mod areas;
mod draw;
mod inspect;
mod messages;
mod observe;
mod pace;
mod rate;
mod signals;
mod source;
mod state;
mod terminal;
mod text;
mod thinned_series;
mod trends;
mod worker;

pub use app::{Ended, LiveOptions, TuiError, run, run_all};
pub use draw::{Theme, draw};
pub use inspect::{DetailRow, Details, Examined, Section, Subject};
pub use messages::{Command, Update};
pub use observe::{Observation, TypeNumbers, observe};
pub use pace::{Costs, Pace, after_failure};
pub use rate::{Forecast, forecast, per_minute};
pub use source::{CaptureSource, Limit, ProcessSample, SourceError, Title};
pub use state::details::{Answer, DetailsView};
pub use state::process::{Baseline, Process, Status, Tab};
pub use state::table::{Column, Cursor, Table};
pub use state::totals::GroupTotals;
pub use state::{Effect, Event, Screen, State, Tone};
pub use thinned_series::ThinnedSeries;
pub use trends::{Trend, Trends};
