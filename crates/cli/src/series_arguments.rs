//! The series options of `mem_top leaks PID`: the number of captures, and the time between them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use memtop_report::duration;

use crate::failure::Failure;
use crate::input::refuse_options;
use crate::parse;

/// The options of a series.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Series options, for a running process")]
pub(crate) struct SeriesArguments {
    /// Number of snapshots to take [default: 5]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: Option<u32>,
    /// Time between two snapshots, such as 250ms, 30s, 5m or 1.5h [default: 30s]
    #[arg(short, long, value_name = "TIME", value_parser = parse::duration)]
    interval: Option<Duration>,
    /// Take the snapshots within this time, such as 10m: spread evenly, or with --interval as many as it has
    #[arg(short, long, value_name = "TIME", value_parser = parse::duration)]
    duration: Option<Duration>,
    /// Pause the process for at most this share of the time, by waiting longer if needed [default: 1%]
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    budget: Option<f64>,
    /// Include Python child processes, such as the workers of a server
    #[arg(long)]
    pub(crate) children: bool,
    /// Also save each snapshot in DIR as mem_top-PID-N.parquet, without replacing any file
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
}

/// The number of snapshots, unless `--count` is given.
const COUNT: u32 = 5;
/// The time between two snapshots, unless `--interval` is given.
const INTERVAL: Duration = Duration::from_secs(30);
/// The largest number of snapshots.
const MOST: usize = 1000;
/// The share of the time that a process may be paused, unless `--budget` is given.
const BUDGET: f64 = 0.01;

impl SeriesArguments {
    /// The number of snapshots, and the time between two.
    ///
    /// # Errors
    /// If the number, the time between two and the time of all are given, or that of all is less than that of two.
    pub(crate) fn plan(&self) -> Result<(usize, Duration), Failure> {
        let count = self.count.unwrap_or(COUNT);
        let Some(all) = self.duration else { return Ok((count as usize, self.interval.unwrap_or(INTERVAL))) };
        match (self.count, self.interval) {
            (Some(_), Some(_)) => Err(Failure::new(
                "--count, --interval and --duration cannot be used together",
                "leave one of them out: it follows from the other two",
            )),
            (None, Some(interval)) => {
                let intervals = all.as_nanos() / interval.as_nanos().max(1);
                if intervals == 0 {
                    return Err(Failure::new(
                        "--duration is shorter than --interval",
                        "give a longer --duration: four snapshots take three intervals",
                    ));
                }
                Ok((usize::try_from(intervals + 1).map_or(MOST, |count| count.min(MOST)), interval))
            }
            (_, None) => Ok((count as usize, all / (count - 1).max(1))),
        }
    }

    /// The share of the time that the process may be paused.
    pub(crate) fn budget(&self) -> f64 {
        self.budget.unwrap_or(BUDGET)
    }

    /// # Errors
    /// If an option was given, since none of them applies to files.
    pub(crate) fn refuse_for_files(&self) -> Result<(), Failure> {
        refuse_options(&[
            ("--count", self.count.is_some()),
            ("--interval", self.interval.is_some()),
            ("--duration", self.duration.is_some()),
            ("--budget", self.budget.is_some()),
            ("--children", self.children),
            ("--save", self.save.is_some()),
        ])
    }
}

/// Says how long a series takes, if that is long enough to wonder.
pub(crate) fn announcement(count: usize, interval: Duration) -> Option<String> {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let all = interval.saturating_mul(u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX));
    (all >= LONG_SERIES).then(|| {
        format!(
            "{} snapshots, {} apart, take {}",
            count,
            duration(nanoseconds(interval)),
            duration(nanoseconds(all))
        )
    })
}

/// A series that takes this long says so at its beginning.
const LONG_SERIES: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_gives_the_number_or_the_interval() {
        let seconds = Duration::from_secs;
        let plan = |count, interval: Option<u64>, all: Option<u64>| {
            let given = SeriesArguments {
                count,
                interval: interval.map(seconds),
                duration: all.map(seconds),
                ..SeriesArguments::default()
            };
            given.plan().map_err(|failure| failure.message)
        };
        assert_eq!(plan(None, None, None), Ok((5, seconds(30))));
        assert_eq!(plan(None, None, Some(600)), Ok((5, seconds(150))));
        assert_eq!(plan(Some(11), None, Some(600)), Ok((11, seconds(60))));
        assert_eq!(plan(Some(1), None, Some(600)), Ok((1, seconds(600))));
        assert_eq!(plan(None, Some(60), Some(600)), Ok((11, seconds(60))));
        assert_eq!(plan(None, Some(1), Some(100_000)), Ok((1000, seconds(1))));
        assert!(plan(None, Some(60), Some(59)).is_err_and(|message| message.contains("shorter")));
        assert!(plan(Some(3), Some(60), Some(600)).is_err_and(|message| message.contains("together")));
    }

    #[test]
    fn a_long_series_says_how_long_it_takes() {
        assert_eq!(announcement(5, INTERVAL).as_deref(), Some("5 snapshots, 30 s apart, take 2 min"));
        assert_eq!(announcement(5, Duration::from_secs(1)), None);
    }
}
