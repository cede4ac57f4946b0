//! Copies the memory of a process.
//!
//! Before the stop, mappings and pages are read to plan the copy, and memory
//! for it is allocated and populated. While the process is stopped, mappings and pages are looked
//! at again, since they may have changed, and the present pages of private memory are copied on
//! several threads. A page that was never touched is not read, since reading it would create it.
//! Pages that are the same as in a file are read from the file later ([`crate::image`]).

use std::io;
use std::time::{Duration, Instant};

use memtop_heap::MemoryNumbers;
use memtop_procinfo::{self as procinfo, Status};
use rustc_hash::FxHashMap;

use crate::access::Access;
use crate::copy_plan::CopyPlan;
use crate::error::RemoteError;
use crate::image::{Backing, Image, Parts};
use crate::maps::{self, Region, around};
use crate::memory_check;
use crate::oom_guard::OomGuard;
use crate::options::CopyOptions;
use crate::pages;
use crate::parallel_read::read_all;
use crate::pointer_free;
use crate::ranges::{Ranges, total};
use crate::raw::{Buffer, PAGE_IS_PRESENT};
use crate::stop::{self, Stopped};
use crate::target::{Copied, Target, Thread};

/// How often a copy is attempted if the process outgrows the allocated memory, or a thread does not
/// stop in time.
const TRIES: usize = 3;

impl Target {
    /// Stops the process, copies its memory and resumes it.
    ///
    /// # Errors
    /// If it cannot be stopped or read, or the copy does not fit into memory. The process is
    /// resumed in any case.
    pub fn copy(&self, options: &CopyOptions) -> Result<Copied, RemoteError> {
        let mut in_time = true;
        for _ in 1..TRIES {
            match attempt(self, options) {
                Ok(copied) => return Ok(copied),
                // On a busy machine a thread may get no time to stop in. One that still sleeps is
                // refused the second time.
                Err(Failed::Error(RemoteError::DoesNotStop { .. })) if in_time => in_time = false,
                Err(Failed::Error(error)) => return Err(error),
                Err(Failed::Outgrown) => {}
            }
        }
        attempt(self, options).map_err(|failed| match failed {
            Failed::Error(error) => error,
            Failed::Outgrown => RemoteError::Unreadable {
                pid: self.pid,
                what: "its memory, which grows faster than it can be copied".to_owned(),
                source: io::Error::from(io::ErrorKind::OutOfMemory),
            },
        })
    }

    /// Checks that the process is the one that was found, by its start time. The system reuses
    /// numbers, and processes forked from the same parent have the same mappings.
    fn is_same_process(&self) -> Result<(), RemoteError> {
        match procinfo::started(self.pid) {
            None => Err(RemoteError::Exited { pid: self.pid }),
            Some(started) if started != self.identity.started => Err(RemoteError::Replaced { pid: self.pid }),
            Some(_) => Ok(()),
        }
    }

    /// Checks that the interpreter is still mapped where it was found.
    fn has_same_interpreter(&self, regions: &[Region]) -> Result<(), RemoteError> {
        let now = around(regions, self.runtime);
        let same = now.is_some_and(|region| {
            region.is_same_file(&self.region)
                && region.path == self.region.path
                && region.writable == self.region.writable
        });
        if same { Ok(()) } else { Err(RemoteError::Execed { pid: self.pid }) }
    }
}

/// The reason why an attempt failed.
enum Failed {
    Error(RemoteError),
    /// The process has more memory than was allocated for the copy.
    Outgrown,
}

impl From<RemoteError> for Failed {
    fn from(error: RemoteError) -> Self {
        Self::Error(error)
    }
}

fn attempt(target: &Target, options: &CopyOptions) -> Result<Copied, Failed> {
    let start = Instant::now();
    let mut prepared = Prepared::new(target, options)?;
    let (taken, pause) = prepared.stop_and_take()?;
    Ok(prepared.assemble(taken, pause, start)?)
}

/// Everything that is ready before the process is stopped.
struct Prepared<'t> {
    target: &'t Target,
    options: &'t CopyOptions,
    access: Access,
    /// The stack pointers of the threads that wait in the kernel, which are most.
    stacks: FxHashMap<u32, u64>,
    was_stopped: bool,
    /// Parts of large mappings that contain no addresses and need not be copied.
    skippable: Ranges,
    buffer: Buffer,
    oom_guard: OomGuard,
}

impl<'t> Prepared<'t> {
    fn new(target: &'t Target, options: &'t CopyOptions) -> Result<Self, RemoteError> {
        let pid = target.pid;
        if target.is_core {
            return Err(RemoteError::NoSuchProcess { pid });
        }
        let access = Access::open(pid)?;
        target.is_same_process()?;
        let regions = access.regions()?;
        target.has_same_interpreter(&regions)?;
        // After the same program is run again, the mappings are the same if addresses are not
        // random.
        let images = access.image().zip(target.identity.image);
        if images.is_some_and(|(now, then)| now.differs(then)) {
            return Err(RemoteError::Execed { pid });
        }
        let thread = access.thread().map_err(|_| RemoteError::Exited { pid })?;
        // Read before the stop: reading them would make the stop longer, and right after a stop
        // they are hardly known.
        let stacks = procinfo::threads(pid)
            .into_iter()
            .filter_map(|thread| Some((thread, stack_pointer(pid, thread)?)))
            .collect();
        let was_stopped = Status::of(pid).is_ok_and(|status| status.state() == 'T');
        let found = find_pages(&access, &regions)?;
        let skippable = || pointer_free::find(thread, &regions, &found.ranges);
        let (skippable, large) = match options.large_mappings {
            false => (skippable(), None),
            true => (Ranges::new(), Some(skippable)),
        };
        let plan = CopyPlan::new(&regions, &found.ranges, &skippable, options);
        let planned = total(&plan.copy);
        memory_check::check(
            pid,
            planned,
            Image::table_size(&plan.copy),
            &procinfo::free_memory(),
            &options.memory,
            || large.map_or(0, |large| total(&large())),
        )?;
        let oom_guard = OomGuard::raise();
        let buffer = memory_check::allocate(pid, planned)?;
        Ok(Self { target, options, access, stacks, was_stopped, skippable, buffer, oom_guard })
    }

    /// Takes the memory, while the process is stopped if the options say so. Also returns how long
    /// it was stopped.
    fn stop_and_take(&mut self) -> Result<(Taken, Option<Duration>), Failed> {
        if !self.options.pause {
            return Ok((self.take(None)?, None));
        }
        let pid = self.target.pid;
        let take = |stopped: &Stopped| self.take(Some(stopped)).map(|taken| (taken, stopped.calls));
        let (taken, pause) = stop::stopped(pid, take)?;
        let (mut taken, calls) = taken?;
        // Each thread is released by one more call.
        taken.calls += calls + taken.threads.len() as u64;
        Ok((taken, Some(pause)))
    }

    /// Takes everything that has to be from the same moment.
    fn take(&mut self, stopped: Option<&Stopped>) -> Result<Taken, Failed> {
        let pid = self.target.pid;
        // From now on, the number of a stopped process cannot become another process's.
        self.target.is_same_process()?;
        let regions = self.access.regions()?;
        self.target.has_same_interpreter(&regions)?;
        let found = find_pages(&self.access, &regions)?;
        let thread = self.access.thread().map_err(|_| RemoteError::Exited { pid })?;
        let skippable = pointer_free::confirm(thread, &regions, &found.ranges, &self.skippable);
        let plan = CopyPlan::new(&regions, &found.ranges, &skippable, self.options);
        let bytes = total(&plan.copy) as usize;
        let Some(into) = self.buffer.get_mut(..bytes) else { return Err(Failed::Outgrown) };
        let begun = Instant::now();
        let (calls, unread) = read_all(&self.access, thread, &plan.copy, into)?;
        let copying = begun.elapsed();
        if stopped.is_none() {
            self.target.is_same_process()?;
        }
        let memory = Status::of(pid).map(|status| status.memory()).unwrap_or_default();
        let threads = match stopped {
            Some(stopped) => stopped.threads().collect(),
            None => procinfo::threads(pid),
        };
        // Mappings, status and the clock take some calls each.
        let calls = found.calls + calls + 12;
        Ok(Taken { plan, regions, unread, memory, threads, clocks: procinfo::clocks(), calls, copying })
    }

    /// Builds the image and its description after the process was resumed.
    fn assemble(
        mut self,
        taken: Taken,
        pause: Option<Duration>,
        start: Instant,
    ) -> Result<Copied, RemoteError> {
        let table = Image::table_size(&taken.plan.copy);
        // The process may have spread its pages over more addresses since the first check.
        let free = procinfo::free_memory();
        memory_check::check(self.target.pid, 0, table, &free, &self.options.memory, || 0)?;
        let notes = self.notes(&taken);
        let Taken { plan, regions, unread, memory, threads, clocks, calls, copying } = taken;
        self.buffer.truncate(total(&plan.copy) as usize);
        let bytes = total(&plan.copy) - total(&unread);
        let (swapped, skipped) = (total(&plan.swapped), total(&plan.skipped));
        let threads = threads.into_iter().map(|id| {
            let pointer = self.stacks.get(&id).copied();
            Thread { id, stack: pointer.and_then(|pointer| maps::stack_around(&regions, pointer)) }
        });
        let threads = threads.collect();
        let resident_in_files = self.pages_in_files(&regions, plan.of_files);
        let parts = Parts {
            data: self.buffer,
            copied: plan.copy,
            unread,
            skipped: plan.skipped,
            swapped: plan.swapped,
            resident: plan.resident,
            resident_in_files,
            regions,
        };
        Ok(Copied {
            image: Image::new(parts, Backing::Process(self.access), self.oom_guard),
            pause,
            duration: start.elapsed(),
            bytes,
            copying,
            system_calls: calls,
            swapped,
            skipped,
            was_stopped: self.was_stopped,
            taken_at: clocks.0,
            uptime: clocks.1,
            memory,
            identity: self.target.identity.clone(),
            threads,
            notes,
        })
    }

    /// The present pages of shared memory, beside `of_files`: those of private mappings. They are found while
    /// the process runs again, since they are not copied.
    fn pages_in_files(&self, regions: &[Region], of_files: Ranges) -> Ranges {
        let is_shared = |region: &Region| region.shared && !region.is_kernels();
        let found = self.access.pagemap.find(regions, is_shared).unwrap_or_default().ranges;
        let present = found.into_iter().filter(|range| range.categories & PAGE_IS_PRESENT != 0);
        let mut all: Ranges = of_files;
        all.extend(present.map(|range| (range.start, range.end)));
        all.sort_unstable();
        all
    }

    /// Remarks about what was copied.
    fn notes(&self, taken: &Taken) -> Vec<String> {
        let mut notes = Vec::new();
        if self.options.pause && self.was_stopped {
            notes.push("the process was already stopped by a signal, and still is".to_owned());
        }
        if !self.options.pause {
            notes.push(
                "the process was not stopped while it was copied: the answer is approximate".to_owned(),
            );
        }
        let swapped = total(&taken.plan.swapped);
        if swapped > 0 {
            notes.push(format!(
                "{swapped} bytes are swapped out and were not read, so the objects in them are missing (--include-swapped reads them)"
            ));
        }
        if !taken.unread.is_empty() {
            notes.push(format!("{} bytes could not be read", total(&taken.unread)));
        }
        notes
    }
}

/// The memory and facts that were taken while the process was stopped.
struct Taken {
    plan: CopyPlan,
    regions: Vec<Region>,
    /// The pages that could not be read.
    unread: Ranges,
    memory: MemoryNumbers,
    threads: Vec<u32>,
    clocks: (i64, Option<u64>),
    calls: u64,
    copying: Duration,
}

fn find_pages(access: &Access, regions: &[Region]) -> Result<pages::Found, RemoteError> {
    let wanted = |region: &Region| region.readable && !region.shared && !region.is_kernels();
    access.pagemap.find(regions, wanted).map_err(|source| access.gone("its page map", source))
}

fn stack_pointer(pid: u32, thread: u32) -> Option<u64> {
    procinfo::stack_pointer(&procinfo::read(&format!("/proc/{pid}/task/{thread}/syscall")).ok()?)
}
