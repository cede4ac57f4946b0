//! One process as it is known: its last capture, its histories, its baseline, and how it is looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::{Suspect, same_process};

use crate::observe::{Observation, TypeNumbers};
use crate::rate::{Forecast, forecast, per_minute};
use crate::series::Series;
use crate::source::{ProcessSample, Title};
use crate::state::details::DetailsView;
use crate::state::table::{Column, HOLDERS, TYPES, Table};
use crate::text::shown;
use crate::trends::{Trend, Trends};

/// What its source is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is being captured.
    Capturing,
    /// It runs on, and what the capture shows is being found out.
    Analysing,
    /// The next capture comes at this time.
    Waiting(Duration),
    /// The last capture failed: why, and when it is tried again.
    Failing(String, Duration),
    /// The process ended: why, and when that was seen.
    Gone(String, Duration),
}

/// What there was when the baseline was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The capture's number.
    pub number: u64,
    /// When it began.
    pub at: Duration,
    /// Objects and bytes, by the type's key.
    types: HashMap<Arc<str>, (u64, u64)>,
    /// Resident memory.
    pub rss: Option<u64>,
    /// Items and retained bytes, by the holder's fingerprint.
    holders: HashMap<String, (Option<u64>, Option<u64>)>,
}

/// Which table of a process is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// Its types.
    #[default]
    Types,
    /// The places that grow.
    Holders,
}

/// How many points of a history are kept, and how far apart they are in the end.
const POINTS: usize = 64;
const APART: Duration = Duration::from_secs(30);
/// Growth is told from so long on.
const SPAN: Duration = Duration::from_secs(4);

/// One process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Which it is.
    pub title: Title,
    /// What its source is doing.
    pub status: Status,
    /// The last capture.
    pub latest: Option<Box<Observation>>,
    /// From the start of the last capture to the start of the next one.
    pub period: Duration,
    /// What was known last without stopping it, and when.
    pub sample: ProcessSample,
    /// When that was.
    pub pulse_at: Duration,
    /// Resident memory over time, in bytes.
    pub resident: Series<f64>,
    /// Python objects over time, in bytes.
    pub python: Series<f64>,
    /// The number of objects by type over time.
    pub trends: Trends,
    /// What growth is compared with.
    pub baseline: Option<Baseline>,
    /// Which table is shown.
    pub tab: Tab,
    /// How the types are looked at.
    pub types: Table,
    /// How the holders are looked at.
    pub holders: Table,
    /// What is being looked into, the last on top.
    pub details: Vec<DetailsView>,
}

impl Process {
    /// A process of which nothing is known yet.
    #[must_use]
    pub fn new(title: Title) -> Self {
        Self {
            title,
            status: Status::Waiting(Duration::ZERO),
            latest: None,
            period: Duration::ZERO,
            sample: ProcessSample::default(),
            pulse_at: Duration::ZERO,
            resident: Series::new(POINTS, APART),
            python: Series::new(POINTS, APART),
            trends: Trends::default(),
            baseline: None,
            tab: Tab::default(),
            types: Table::new(TYPES, Column::Retained),
            holders: Table::new(HOLDERS, Column::Confidence),
            details: Vec::new(),
        }
    }

    /// The table that is shown.
    #[must_use]
    pub fn table(&self) -> &Table {
        match self.tab {
            Tab::Types => &self.types,
            Tab::Holders => &self.holders,
        }
    }

    /// The table that is shown.
    pub fn table_mut(&mut self) -> &mut Table {
        match self.tab {
            Tab::Types => &mut self.types,
            Tab::Holders => &mut self.holders,
        }
    }

    /// The types of the last capture.
    #[must_use]
    pub fn rows(&self) -> &[TypeNumbers] {
        self.latest.as_ref().map_or(&[], |latest| &latest.types)
    }

    /// Suspects first, then candidates.
    pub fn suspects(&self) -> impl Iterator<Item = &Suspect> {
        self.latest.iter().flat_map(|latest| latest.leaks.suspects.iter().chain(&latest.leaks.candidates))
    }

    /// A suspect or candidate by its place.
    #[must_use]
    pub fn suspect(&self, place: usize) -> Option<&Suspect> {
        let leaks = &self.latest.as_ref()?.leaks;
        leaks.suspects.get(place).or_else(|| leaks.candidates.get(place.checked_sub(leaks.suspects.len())?))
    }

    /// Whether the process is still there.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.status, Status::Gone(..))
    }

    /// Resident memory, as it was last seen.
    #[must_use]
    pub fn rss(&self) -> Option<u64> {
        let captured = self.latest.as_ref();
        let later = captured.is_none_or(|latest| self.pulse_at >= latest.at);
        let of_capture = captured.and_then(|latest| latest.memory.rss);
        if later { self.sample.rss.or(of_capture) } else { of_capture.or(self.sample.rss) }
    }

    /// By how many bytes resident memory grows in a minute; where it is not known, Python's objects.
    #[must_use]
    pub fn growth(&self) -> Option<f64> {
        per_minute(self.resident.points(), SPAN).or_else(|| per_minute(self.python.points(), SPAN))
    }

    /// By how many bytes resident memory grows in a minute, or grew since the baseline.
    #[must_use]
    pub fn growth_shown(&self) -> Option<f64> {
        match &self.baseline {
            Some(baseline) => Some(self.rss()? as f64 - baseline.rss? as f64),
            None => self.growth(),
        }
    }

    /// When its limit is reached.
    #[must_use]
    pub fn forecast(&self) -> Option<Forecast> {
        let limit = self.sample.limit.as_ref()?;
        Some(forecast(self.rss()?, self.growth()?, limit.bytes))
    }

    /// For what share of the time it stands still.
    #[must_use]
    pub fn stopped(&self) -> Option<f64> {
        let latest = self.latest.as_ref()?;
        let period = self.period.as_secs_f64();
        (period > 0.0).then(|| latest.pause().as_secs_f64() / period)
    }

    /// Takes in a capture.
    pub fn captured(&mut self, observation: Box<Observation>, period: Duration) {
        let at = observation.at;
        let before = self.latest.as_ref();
        if before.is_some_and(|before| same_process(&before.info, &observation.info).is_err()) {
            // It called exec: what was before is no past of the program that it became.
            self.resident.clear();
            self.python.clear();
            self.trends = Trends::default();
            self.baseline = None;
            self.title.name = observation.info.program.clone();
        }
        if let Some(rss) = observation.memory.rss {
            self.resident.push(at, rss as f64);
        }
        self.python.push(at, observation.memory.python as f64);
        self.trends.add(at, &observation.types);
        self.status = Status::Waiting(at + period);
        self.period = period;
        self.latest = Some(observation);
    }

    /// Takes in what is known without stopping it.
    pub fn pulsed(&mut self, at: Duration, sample: ProcessSample) {
        if let Some(rss) = sample.rss {
            self.resident.push(at, rss as f64);
        }
        self.sample = sample;
        self.pulse_at = at;
    }

    /// Compares with the last capture from now on. Whether there is one.
    pub fn set_baseline(&mut self) -> bool {
        let Some(latest) = &self.latest else { return false };
        let types = latest.types.iter().map(|row| (Arc::clone(&row.key), (row.objects, row.bytes)));
        let holders = self.suspects().map(|one| (one.fingerprint.clone(), (one.count, one.retained)));
        self.baseline = Some(Baseline {
            number: latest.number,
            at: latest.at,
            types: types.collect(),
            rss: latest.memory.rss,
            holders: holders.collect(),
        });
        true
    }

    /// How many objects of a type, and bytes, there are more: a minute, or since the baseline.
    #[must_use]
    pub fn type_growth(&self, row: &TypeNumbers) -> (Option<f64>, Option<f64>) {
        match &self.baseline {
            Some(baseline) => {
                let (objects, bytes) = baseline.types.get(&row.key).copied().unwrap_or_default();
                (Some(row.objects as f64 - objects as f64), Some(row.bytes as f64 - bytes as f64))
            }
            None => {
                let trend = self.trends.of(&row.key);
                (trend.and_then(Trend::objects_per_minute), trend.and_then(Trend::bytes_per_minute))
            }
        }
    }

    /// How many items of a holder, and retained bytes, there are more: a minute, or since the baseline.
    #[must_use]
    pub fn holder_growth(&self, one: &Suspect) -> (Option<f64>, Option<f64>) {
        let Some(baseline) = &self.baseline else {
            return (one.rate.items_per_minute, one.rate.bytes_per_minute);
        };
        let before = baseline.holders.get(&one.fingerprint).copied().unwrap_or_default();
        let more = |now: Option<u64>, then: Option<u64>| Some(now? as f64 - then? as f64);
        (more(one.count, before.0), more(one.retained, before.1))
    }

    /// What a row of the table that is shown is sorted by.
    fn value(&self, row: usize, column: Column) -> Option<f64> {
        match self.tab {
            Tab::Types => {
                let row = self.rows().get(row)?;
                match column {
                    Column::Objects => Some(row.objects as f64),
                    Column::Shallow => Some(row.bytes as f64),
                    Column::Retained => Some(row.retained as f64),
                    Column::Growth | Column::Trend => self.type_growth(row).0,
                    Column::BytesGrowth => self.type_growth(row).1,
                    _ => None,
                }
            }
            Tab::Holders => {
                let one = self.suspect(row)?;
                match column {
                    // Who is accused comes before who only may be; there are never a thousand.
                    Column::Confidence => {
                        Some(1000.0 * f64::from(u8::from(one.doubt.is_none())) - one.rank as f64)
                    }
                    Column::Objects => one.count.map(|count| count as f64),
                    Column::Growth | Column::Trend => self.holder_growth(one).0,
                    Column::Retained => one.retained.map(|bytes| bytes as f64),
                    Column::BytesGrowth => self.holder_growth(one).1,
                    Column::Share => Some(one.share_of_growth),
                    _ => None,
                }
            }
        }
    }

    /// The name of a row of the table that is shown, made harmless.
    #[must_use]
    pub fn name(&self, row: usize) -> Arc<str> {
        match self.tab {
            Tab::Types => self.rows().get(row).map_or_else(|| "".into(), |row| Arc::clone(&row.name)),
            Tab::Holders => self.suspect(row).map_or_else(|| "".into(), |one| holder_name(one).into()),
        }
    }

    /// What a row of the table that is shown is followed by.
    #[must_use]
    pub fn key(&self, row: usize) -> Arc<str> {
        match self.tab {
            Tab::Types => self.rows().get(row).map_or_else(|| "".into(), |row| Arc::clone(&row.key)),
            Tab::Holders => {
                self.suspect(row).map_or_else(|| "".into(), |one| one.fingerprint.as_str().into())
            }
        }
    }

    /// Sorts and filters the table that is shown, for a view of so many rows.
    pub(crate) fn arrange(&mut self, height: usize) {
        let mut table = self.table().clone();
        let count = match self.tab {
            Tab::Types => self.rows().len(),
            Tab::Holders => self.suspects().count(),
        };
        table.arrange(
            count,
            height,
            |row, column| self.value(row, column),
            |row| self.name(row),
            |row| self.key(row),
        );
        *self.table_mut() = table;
    }
}

/// The path of a holder and its type; of a native reference, what it leaks.
#[must_use]
pub(crate) fn holder_name(one: &Suspect) -> String {
    let name = match (&one.holder, &one.holder_type) {
        (Some(holder), Some(ty)) => format!("{holder} ({ty})"),
        (Some(holder), None) => holder.clone(),
        (None, _) => {
            let leaked =
                one.leaked.first().map_or_else(String::new, |leaked| format!(" to {}", leaked.type_name));
            format!("{}{leaked}", one.cause.word())
        }
    };
    shown(&name)
}
