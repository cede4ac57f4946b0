//! One process: its last capture, its histories, its baseline, and how it is shown.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::{Suspect, same_process};

use crate::observe::{Observation, TypeNumbers};
use crate::rate::{Forecast, forecast, per_minute};
use crate::source::{ProcessSample, Title};
use crate::state::details::DetailsView;
use crate::state::table::{Column, HOLDERS, TYPES, Table};
use crate::text::shown;
use crate::thinned_series::ThinnedSeries;
use crate::trends::{Trend, Trends};

/// The activity of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The process is being captured.
    Capturing,
    /// The process runs again, and its capture is being analysed.
    Analysing,
    /// The source waits for the next capture, which is due at this time.
    Waiting(Duration),
    /// The last capture failed: the reason, and the time of the next attempt.
    Failing(String, Duration),
    /// The process ended: the reason, and the time when that was noticed.
    Gone(String, Duration),
}

/// The numbers when the baseline was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The number of the capture.
    pub number: u64,
    /// Its start.
    pub at: Duration,
    /// Objects and bytes, by the type's key.
    types: HashMap<Arc<str>, (u64, u64)>,
    /// Resident memory.
    pub rss: Option<u64>,
    /// Items and retained bytes, by the holder's fingerprint.
    holders: HashMap<String, (Option<u64>, Option<u64>)>,
}

/// The tables of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// Its types.
    #[default]
    Types,
    /// The places that grow.
    Holders,
}

/// The number of points in a history.
const POINTS: usize = 64;
/// The longest time between two points.
const LONGEST_GAP: Duration = Duration::from_secs(30);
/// The shortest history that has a growth rate.
const SPAN: Duration = Duration::from_secs(4);

/// One process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its identity.
    pub title: Title,
    /// The activity of a source.
    pub status: Status,
    /// The last capture.
    pub latest: Option<Box<Observation>>,
    /// The time from the start of the last capture to the start of the next one.
    pub period: Duration,
    /// The last sample, taken without pausing the process.
    pub sample: ProcessSample,
    /// The time of the sample.
    pub sampled_at: Duration,
    /// Resident memory over time, in bytes.
    pub resident: ThinnedSeries<f64>,
    /// Python objects over time, in bytes.
    pub python: ThinnedSeries<f64>,
    /// The number of objects by type over time.
    pub trends: Trends,
    /// The baseline that growth is measured from, if one is set.
    pub baseline: Option<Baseline>,
    /// The table that is shown.
    pub tab: Tab,
    /// The table of types.
    pub types: Table,
    /// The table of holders.
    pub holders: Table,
    /// The details that were opened, the last one on top.
    pub details: Vec<DetailsView>,
}

impl Process {
    /// A process before its first capture.
    #[must_use]
    pub fn new(title: Title) -> Self {
        Self {
            title,
            status: Status::Waiting(Duration::ZERO),
            latest: None,
            period: Duration::ZERO,
            sample: ProcessSample::default(),
            sampled_at: Duration::ZERO,
            resident: ThinnedSeries::new(POINTS, LONGEST_GAP),
            python: ThinnedSeries::new(POINTS, LONGEST_GAP),
            trends: Trends::default(),
            baseline: None,
            tab: Tab::default(),
            types: Table::new(TYPES, Column::Retained),
            holders: Table::new(HOLDERS, Column::Confidence),
            details: Vec::new(),
        }
    }

    /// Returns the table that is shown.
    #[must_use]
    pub fn table(&self) -> &Table {
        match self.tab {
            Tab::Types => &self.types,
            Tab::Holders => &self.holders,
        }
    }

    /// Returns the table that is shown.
    pub fn table_mut(&mut self) -> &mut Table {
        match self.tab {
            Tab::Types => &mut self.types,
            Tab::Holders => &mut self.holders,
        }
    }

    /// Returns the types of the last capture.
    #[must_use]
    pub fn rows(&self) -> &[TypeNumbers] {
        self.latest.as_ref().map_or(&[], |latest| &latest.types)
    }

    /// Returns the suspects, followed by the candidates.
    pub fn suspects(&self) -> impl Iterator<Item = &Suspect> {
        self.latest.iter().flat_map(|latest| latest.leaks.suspects.iter().chain(&latest.leaks.candidates))
    }

    /// Returns a suspect or candidate by its index.
    #[must_use]
    pub fn suspect(&self, place: usize) -> Option<&Suspect> {
        let leaks = &self.latest.as_ref()?.leaks;
        leaks.suspects.get(place).or_else(|| leaks.candidates.get(place.checked_sub(leaks.suspects.len())?))
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.status, Status::Gone(..))
    }

    /// Returns the latest number of resident memory.
    #[must_use]
    pub fn rss(&self) -> Option<u64> {
        let captured = self.latest.as_ref();
        let later = captured.is_none_or(|latest| self.sampled_at >= latest.at);
        let of_capture = captured.and_then(|latest| latest.memory.rss);
        if later { self.sample.rss.or(of_capture) } else { of_capture.or(self.sample.rss) }
    }

    /// Returns the growth of resident memory per minute; if it is unknown, that of Python objects.
    #[must_use]
    pub fn growth(&self) -> Option<f64> {
        per_minute(self.resident.points(), SPAN).or_else(|| per_minute(self.python.points(), SPAN))
    }

    /// Returns the growth of resident memory per minute, or since the baseline.
    #[must_use]
    pub fn growth_shown(&self) -> Option<f64> {
        match &self.baseline {
            Some(baseline) => Some(self.rss()? as f64 - baseline.rss? as f64),
            None => self.growth(),
        }
    }

    /// Returns when its limit is reached.
    #[must_use]
    pub fn forecast(&self) -> Option<Forecast> {
        let limit = self.sample.limit.as_ref()?;
        Some(forecast(self.rss()?, self.growth()?, limit.bytes))
    }

    /// Returns the share of the time for which it is paused.
    #[must_use]
    pub fn paused(&self) -> Option<f64> {
        let latest = self.latest.as_ref()?;
        let period = self.period.as_secs_f64();
        (period > 0.0).then(|| latest.pause().as_secs_f64() / period)
    }

    /// Adds a capture.
    pub fn captured(&mut self, observation: Box<Observation>, period: Duration) {
        let at = observation.at;
        let before = self.latest.as_ref();
        if before.is_some_and(|before| same_process(&before.info, &observation.info).is_err()) {
            // The process called exec: the histories belong to its former program.
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

    /// Adds a sample.
    pub fn sampled(&mut self, at: Duration, sample: ProcessSample) {
        if let Some(rss) = sample.rss {
            self.resident.push(at, rss as f64);
        }
        self.sample = sample;
        self.sampled_at = at;
    }

    /// Sets the baseline to the last capture. Returns whether there is one.
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

    /// Returns the growth of a type in objects and bytes, per minute or since the baseline.
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

    /// Returns the growth of a holder in items and retained bytes, per minute or since the baseline.
    #[must_use]
    pub fn holder_growth(&self, one: &Suspect) -> (Option<f64>, Option<f64>) {
        let Some(baseline) = &self.baseline else {
            return (one.rate.items_per_minute, one.rate.bytes_per_minute);
        };
        let before = baseline.holders.get(&one.fingerprint).copied().unwrap_or_default();
        let more = |now: Option<u64>, then: Option<u64>| Some(now? as f64 - then? as f64);
        (more(one.count, before.0), more(one.retained, before.1))
    }

    /// Returns the value by which a row of the table that is shown is sorted.
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
                    // Suspects come before candidates; there are never a thousand of either.
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

    /// Returns the name of a row of the table that is shown, escaped.
    #[must_use]
    pub fn name(&self, row: usize) -> Arc<str> {
        match self.tab {
            Tab::Types => self.rows().get(row).map_or_else(|| "".into(), |row| Arc::clone(&row.name)),
            Tab::Holders => self.suspect(row).map_or_else(|| "".into(), |one| holder_name(one).into()),
        }
    }

    /// Returns the key by which the cursor follows a row of the table that is shown.
    #[must_use]
    pub fn key(&self, row: usize) -> Arc<str> {
        match self.tab {
            Tab::Types => self.rows().get(row).map_or_else(|| "".into(), |row| Arc::clone(&row.key)),
            Tab::Holders => {
                self.suspect(row).map_or_else(|| "".into(), |one| one.fingerprint.as_str().into())
            }
        }
    }

    /// Sorts and filters the table that is shown, for a view of `height` rows.
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

/// Returns the name of a holder and its type; for a native reference, the type that it leaks.
#[must_use]
pub(crate) fn holder_name(one: &Suspect) -> String {
    let name = match (one.name(), &one.holder_type) {
        (Some(holder), Some(ty)) => format!("{holder} ({ty})"),
        (Some(holder), None) => holder.to_owned(),
        (None, _) => {
            let leaked =
                one.leaked.first().map_or_else(String::new, |leaked| format!(" to {}", leaked.type_name));
            format!("{}{leaked}", one.cause.word())
        }
    };
    shown(&name)
}
