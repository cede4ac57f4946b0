//! The live view: what `top` is for processes, for the heap of one or several Python processes, in a terminal.
//!
//! Its caller gives a [`CaptureSource`] for each process, and [`run`] shows it until the person leaves. A source is captured
//! again and again, so seldom that it stands still for at most a budget's share of the time ([`Pace`]).
//!
//! State and drawing are pure: [`State::update`] takes events, [`draw`] reads the state, and one loop brings both
//! together with the terminal. So all that a person can do and see is tested without a terminal.
//!
//! Invariants: the terminal is given back as it was, whatever ends the view. Memory is bounded: a few heaps, and
//! histories of numbers of a fixed length. No text of a heap reaches the terminal that was not made harmless. It captures
//! nothing itself, writes no file, and prints nothing but its screen.
#![forbid(unsafe_code)]

mod app;
mod areas;
mod draw;
mod inspect;
mod observe;
mod pace;
mod rate;
mod series;
mod signals;
mod source;
mod state;
mod terminal;
mod text;
mod trends;
mod worker;

pub use app::{Ended, LiveOptions, TuiError, run, run_all};
pub use draw::{Theme, draw};
pub use inspect::{DetailRow, Details, Examined, Section, Subject};
pub use observe::{Observation, TypeNumbers, observe};
pub use pace::{Costs, Pace, after_failure};
pub use rate::{Forecast, forecast, per_minute};
pub use series::Series;
pub use source::{CaptureSource, Limit, ProcessSample, SourceError, Title};
pub use state::details::{Answer, DetailsView};
pub use state::process::{Baseline, Process, Status, Tab};
pub use state::table::{Column, Cursor, Table};
pub use state::{Effect, Event, Screen, State, Sum, Tone};
pub use trends::{Trend, Trends};
pub use worker::{Command, Update};
