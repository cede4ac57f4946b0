//! Snapshots for Python: conversions between Python and the questions of `memtop_analyze`.
//!
//! Each answer is passed as three texts: plain text, JSON, and a fragment of HTML.
//!
//! The file is long because each question is a method of `Snapshot`, and PyO3 wants them in one block.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use memtop_analyze::{
    Costs, DiffOptions, HeapHandle, HeapSeries, Histogram, HistogramOptions, HistogramOrder, Leaks,
    LeaksError, LeaksOptions, Note, PathOptions, Patterns, Retained, SeriesError, ShortestPaths, TopBy,
    TopOptions, histogram, memory_total, paths_to_object, paths_to_types, top, types_like,
};
use memtop_heap::{CaptureInfo, HEADROOM, Heap, ObjectId, TypeId, headroom};
use memtop_inprocess::graph;
use memtop_report::{
    HeapReport, HeapReportOptions, ObjectFacts, Style, TopObject, html_fragment, json, text,
};
use memtop_snapshot::{SaveOptions, SnapshotError, StoredHeap, StoredHeaps};
use pyo3::exceptions::{PyFileNotFoundError, PyLookupError, PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;

/// An answer as text, as JSON, and as HTML.
type Answer = (String, String, String);

/// The memory of this process's snapshots, in bytes, which is not the program's.
static OWN_BYTES: AtomicU64 = AtomicU64::new(0);

/// The heap of a process at one moment. Indexes are built when they are first needed, without the GIL.
#[pyclass(frozen, weakref, module = "mem_top._native")]
pub(crate) struct Snapshot {
    heap: Arc<Heap>,
    totals: OnceLock<Histogram>,
    retained: OnceLock<Arc<Retained>>,
    shortest: OnceLock<Arc<ShortestPaths>>,
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        OWN_BYTES.fetch_sub(self.bytes_taken(), Ordering::Relaxed);
    }
}

impl Snapshot {
    fn new(heap: Heap) -> Self {
        let snapshot = Self {
            heap: Arc::new(heap),
            totals: OnceLock::new(),
            retained: OnceLock::new(),
            shortest: OnceLock::new(),
        };
        OWN_BYTES.fetch_add(snapshot.bytes_taken(), Ordering::Relaxed);
        snapshot
    }

    /// The memory that it takes, with the indexes built so far, in bytes.
    fn bytes_taken(&self) -> u64 {
        let retained = self.retained.get().map_or(0, |index| index.memory_bytes());
        let shortest = self.shortest.get().map_or(0, |index| index.memory_bytes());
        self.heap.memory_bytes() + retained + shortest
    }

    /// Checks that there is memory for the indexes of the whole heap that are not built yet.
    ///
    /// # Errors
    /// `MemoryError`, before any of it is taken.
    fn check_memory(&self) -> PyResult<()> {
        let mut needed = 0;
        if self.retained.get().is_none() {
            needed += bytes_of(&self.heap, RETAINED_BYTES);
        }
        if self.shortest.get().is_none() {
            needed += bytes_of(&self.heap, PATH_BYTES);
        }
        check_memory(needed)
    }

    fn totals(&self) -> &Histogram {
        self.totals.get_or_init(|| {
            let options = HistogramOptions { limit: Some(0), ..HistogramOptions::default() };
            histogram(&self.heap, None, &options)
        })
    }

    fn retained(&self) -> Arc<Retained> {
        Arc::clone(self.retained.get_or_init(|| {
            let index = Retained::new(&self.heap);
            OWN_BYTES.fetch_add(index.memory_bytes(), Ordering::Relaxed);
            Arc::new(index)
        }))
    }

    fn shortest(&self) -> Arc<ShortestPaths> {
        Arc::clone(self.shortest.get_or_init(|| {
            let index = ShortestPaths::new(&self.heap, &Costs::default());
            OWN_BYTES.fetch_add(index.memory_bytes(), Ordering::Relaxed);
            Arc::new(index)
        }))
    }

    /// An answer as text, with a first line that names the process.
    fn text(&self, answer: &str) -> String {
        text::of_process(self.heap.info(), answer, &Style::default())
    }

    /// An answer as a fragment of HTML, with a first line that names the process.
    fn html(&self, answer: &str) -> String {
        html_fragment::of_process(self.heap.info(), answer)
    }

    fn why_object(&self, id: ObjectId, limit: Option<usize>) -> Answer {
        let heap = &*self.heap;
        let (costs, shortest) = (Costs::default(), self.shortest());
        let options = PathOptions { limit: limit.unwrap_or(usize::MAX) };
        let answer = paths_to_object(heap, &shortest, &costs, id, &options);
        let keeper = ObjectFacts::of(heap, &self.retained(), &shortest, id);
        (
            text::object_paths(heap, &answer, &keeper, &Style::default()),
            json::to_text(&json::object_paths(heap, &answer, &keeper)),
            self.html(&html_fragment::object_paths(heap, &answer, &keeper)),
        )
    }

    fn why_types(&self, types: &[TypeId], limit: Option<usize>) -> Answer {
        let heap = &*self.heap;
        let options = PathOptions { limit: limit.unwrap_or(usize::MAX) };
        let answer = paths_to_types(heap, &self.shortest(), types, &options);
        let mut names: Vec<&str> = types.iter().map(|&ty| heap.types().name(ty)).collect();
        names.sort_unstable();
        names.dedup();
        let name = names.join(", ");
        (
            text::type_paths(heap, &name, &answer, &Style::default()),
            json::to_text(&json::type_paths(heap, &name, &answer)),
            self.html(&html_fragment::type_paths(heap, &name, &answer)),
        )
    }
}

/// The most memory that finding retained sizes takes while it works, per object and per reference, in bytes.
const RETAINED_BYTES: (u64, u64) = (57, 4);
/// The same for finding the shortest paths.
const PATH_BYTES: (u64, u64) = (21, 8);
/// The same for finding growth, for each snapshot.
const LEAKS_BYTES: (u64, u64) = (110, 8);

fn bytes_of(heap: &Heap, (object, reference): (u64, u64)) -> u64 {
    object * heap.objects().len() as u64 + reference * heap.references().len() as u64
}

/// Checks that so many more bytes are free. Without them, the analysis would abort the process.
fn check_memory(needed: u64) -> PyResult<()> {
    let needed = needed + HEADROOM as u64;
    let free = memtop_remote::free_memory();
    let refused = usize::try_from(needed).is_ok_and(|needed| headroom(needed).is_err());
    if needed <= free.bytes && !refused {
        return Ok(());
    }
    Err(PyMemoryError::new_err(format!(
        "mem_top: not enough memory: this needs about {} MB, and {} leaves {} MB\n\
         hint: save the snapshot with snapshot.save(FILE), and run `mem_top report FILE` elsewhere",
        needed.div_ceil(1_000_000),
        free.limit,
        free.bytes / 1_000_000
    )))
}

#[pymethods]
impl Snapshot {
    /// The time for which the process was paused, in seconds.
    #[getter]
    fn pause(&self) -> Option<f64> {
        self.heap.info().pause.map(|nanoseconds| nanoseconds as f64 / 1e9)
    }

    /// The number of objects, without garbage and mem_top's own.
    #[getter]
    fn objects(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.totals().total.objects)
    }

    /// The sum of their shallow sizes, in bytes.
    #[getter]
    fn bytes(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.totals().total.bytes)
    }

    /// The time of the capture, in microseconds since 1970 (UTC).
    #[getter]
    fn taken_at(&self) -> i64 {
        self.heap.info().taken_at
    }

    /// The units of work done.
    #[getter]
    fn work(&self) -> Option<f64> {
        self.heap.info().work
    }

    /// Resident memory in bytes, without the memory of snapshots.
    #[getter]
    fn rss(&self) -> Option<u64> {
        self.heap.info().memory.rss
    }

    /// The PID, and the version of Python.
    #[getter]
    fn process(&self) -> (u32, String) {
        (self.heap.info().process.pid, self.heap.info().python.to_string())
    }

    /// The name of the program.
    #[getter]
    fn program(&self) -> &str {
        &self.heap.info().program
    }

    /// Remarks about the capture.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.heap.info().notes.clone()
    }

    fn types(&self, py: Python<'_>, limit: Option<usize>) -> PyResult<Answer> {
        self.check_memory()?;
        Ok(py.detach(|| {
            let options = HistogramOptions { order: HistogramOrder::Retained, limit };
            let answer = histogram(&self.heap, Some(&self.retained()), &options);
            (
                self.text(&text::histogram(&answer, &Style::default())),
                json::to_text(&json::of_process(self.heap.info(), json::histogram(&answer))),
                self.html(&html_fragment::histogram(&answer)),
            )
        }))
    }

    fn top(&self, py: Python<'_>, by: &str, limit: Option<usize>) -> PyResult<Answer> {
        let by = match by {
            "retained" => TopBy::Retained,
            "shallow" => TopBy::Shallow,
            "refs" => TopBy::References,
            other => {
                return Err(PyValueError::new_err(format!(
                    "by must be 'retained', 'shallow' or 'refs', not {other:?}"
                )));
            }
        };
        self.check_memory()?;
        Ok(py.detach(|| {
            let options = TopOptions { by, limit: limit.unwrap_or(usize::MAX) };
            let rows = top(&self.heap, Some(&self.retained()), &options);
            let rows = TopObject::of(&self.heap, &self.shortest(), rows);
            (
                self.text(&text::top(&rows, by, &Style::default())),
                json::to_text(&json::of_process(self.heap.info(), json::top(&rows, by))),
                self.html(&html_fragment::top(&rows, by)),
            )
        }))
    }

    /// Paths to the object at an address; of a class, if its address is given.
    fn why_address(
        &self,
        py: Python<'_>,
        address: u64,
        class_: Option<u64>,
        limit: Option<usize>,
    ) -> PyResult<Answer> {
        self.check_memory()?;
        // Another object may have been at the address when the snapshot was taken.
        let is_of_class = |id: &ObjectId| {
            let objects = self.heap.objects();
            let class =
                self.heap.types().get(objects.type_of(*id)).object().map(|class| objects.address(class));
            class_.zip(class).is_none_or(|(wanted, found)| wanted == found)
        };
        let why = || {
            let found = self.heap.objects().at_address(address).filter(is_of_class);
            found.map(|id| self.why_object(id, limit))
        };
        py.detach(why).ok_or_else(|| {
            PyLookupError::new_err(format!(
                "no such object at address {address:#x} in this snapshot\n\
                 hint: it may have died before the snapshot, been created after it, or had another class; values \
                 without references, such as small ints, may be missing too"
            ))
        })
    }

    /// Paths to the objects of a type, given by its name, or by the address of the class.
    fn why_type(
        &self,
        py: Python<'_>,
        name: &str,
        class_: Option<u64>,
        limit: Option<usize>,
    ) -> PyResult<Answer> {
        self.check_memory()?;
        let answer = py.detach(|| {
            let heap = &*self.heap;
            let of_class = |class: u64| -> Vec<TypeId> {
                let is_it = |object: ObjectId| heap.objects().address(object) == class;
                heap.types()
                    .iter()
                    .filter(|(_, ty)| ty.object().is_some_and(is_it))
                    .map(|(id, _)| id)
                    .collect()
            };
            let types = match class_.map(of_class) {
                Some(types) if !types.is_empty() => types,
                Some(_) => return Err(Vec::new()),
                None => heap.types().find(name),
            };
            if types.is_empty() { Err(types_like(heap, name, 3)) } else { Ok(self.why_types(&types, limit)) }
        });
        answer.map_err(|similar| {
            let hint = match similar.as_slice() {
                [] => "list the types with snapshot.types()".to_owned(),
                similar => format!("did you mean {}?", similar.join(", or ")),
            };
            PyLookupError::new_err(format!("no object in this snapshot has the type {name}\nhint: {hint}"))
        })
    }

    fn diff(
        &self,
        py: Python<'_>,
        older: &Bound<'_, Self>,
        limit: Option<usize>,
        any_process: bool,
    ) -> PyResult<Answer> {
        let older = Arc::clone(&older.get().heap);
        py.detach(|| {
            let options = DiffOptions { limit, any_process };
            let answer = memtop_analyze::diff(&older, &self.heap, &options)?;
            let (old, new) = (older.info(), self.heap.info());
            Ok((
                text::diff(&answer, old, new, &Style::default()),
                json::to_text(&json::diff(&answer, old, new)),
                self.html(&html_fragment::diff(&answer)),
            ))
        })
        .map_err(|error: SeriesError| PyValueError::new_err(error.to_string()))
    }

    fn memory(&self, py: Python<'_>) -> Answer {
        py.detach(|| {
            let answer = memory_total(&self.heap);
            (
                self.text(&text::memory(&answer, &Style::default())),
                json::to_text(&json::of_process(self.heap.info(), json::memory(&answer))),
                self.html(&html_fragment::memory(&answer)),
            )
        })
    }

    fn report(&self, py: Python<'_>, limit: Option<usize>) -> PyResult<Answer> {
        self.check_memory()?;
        Ok(py.detach(|| {
            let answer = HeapReport::new(&self.heap, &HeapReportOptions { limit });
            (
                text::heap_report(&answer, &Style::default()),
                json::to_text(&json::heap_report(&answer)),
                self.html(&html_fragment::heap_report(&answer)),
            )
        }))
    }

    /// Writes the snapshot to a file; returns its size in bytes.
    fn save(&self, py: Python<'_>, path: PathBuf, retained: bool) -> PyResult<u64> {
        py.detach(|| {
            let sizes = retained.then(|| self.retained());
            let of = sizes.as_ref().map(|sizes| |id| sizes.of(id));
            let of = of.as_ref().map(|of| of as &dyn Fn(ObjectId) -> Option<u64>);
            let options = SaveOptions { with_keys: self.heap.info().with_keys };
            memtop_snapshot::save(&self.heap, of, &path, &options).map(|saved| saved.bytes)
        })
        .map_err(|error| file_error(&error))
    }

    // For tests, which compare a snapshot with what Python itself answers. Not part of the API.

    /// All objects: address, type, size, reference count, flags (tracked 1, garbage 2, immortal 4, own 8).
    fn _rows(&self) -> Vec<(u64, &str, u64, u32, u8)> {
        self.heap.objects().ids().map(|id| self.row(id)).collect()
    }

    /// The object at an address, as in `_rows`.
    fn _object(&self, address: u64) -> Option<(u64, &str, u64, u32, u8)> {
        self.heap.objects().at_address(address).map(|id| self.row(id))
    }

    /// The references of the object at an address: kind of the label, its text or index, address, type.
    fn _references(&self, address: u64) -> Vec<(String, Option<String>, u64, &str)> {
        let heap = &*self.heap;
        let Some(id) = heap.objects().at_address(address) else { return Vec::new() };
        heap.references()
            .of(id)
            .map(|reference| {
                let label = reference.label;
                let text = label.text().map(|text| heap.text(text).to_owned());
                let text = text.or_else(|| label.index().map(|index| index.to_string()));
                let to = reference.to;
                (format!("{:?}", label.kind()), text, heap.objects().address(to), heap.type_name(to))
            })
            .collect()
    }
}

impl Snapshot {
    fn row(&self, id: ObjectId) -> (u64, &str, u64, u32, u8) {
        let object = self.heap.objects().get(id);
        (object.address, self.heap.type_name(id), object.size, object.refcount, object.flags.bits())
    }
}

fn file_error(error: &SnapshotError) -> PyErr {
    let message = match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    };
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    match (error, source.map(std::io::Error::kind)) {
        (SnapshotError::NotFound { .. }, _) | (_, Some(std::io::ErrorKind::NotFound)) => {
            PyFileNotFoundError::new_err(message)
        }
        (SnapshotError::NotAFile { .. }, _) | (_, Some(_)) => PyOSError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

/// Captures the heap of this process.
#[pyfunction]
pub(crate) fn snapshot(py: Python<'_>, work: Option<f64>, with_keys: bool) -> PyResult<Snapshot> {
    let options = graph::SnapshotOptions {
        work,
        with_keys,
        own_bytes: OWN_BYTES.load(Ordering::Relaxed),
        most_bytes: memtop_remote::free_memory().bytes.saturating_sub(HEADROOM as u64),
    };
    graph::capture(py, &options).map(Snapshot::new)
}

/// A snapshot that is kept outside of memory until it is analysed together with others.
#[pyclass(frozen, module = "mem_top._native")]
pub(crate) struct StoredSnapshot {
    stored: StoredHeap,
    /// A remark for the answer about how it is kept.
    note: Option<String>,
    /// The memory that finding growth in it takes, the loaded heap included, in bytes.
    needed: u64,
}

impl Drop for StoredSnapshot {
    fn drop(&mut self) {
        OWN_BYTES.fetch_sub(self.stored.memory_bytes(), Ordering::Relaxed);
    }
}

#[pymethods]
impl StoredSnapshot {
    /// The time for which the process was paused, in seconds.
    #[getter]
    fn pause(&self) -> Option<f64> {
        self.stored.info().pause.map(|nanoseconds| nanoseconds as f64 / 1e9)
    }

    /// The units of work done.
    #[getter]
    fn work(&self) -> Option<f64> {
        self.stored.info().work
    }
}

/// Moves a snapshot to a temporary file. It stays in memory if none can be written.
#[pyfunction]
pub(crate) fn store(py: Python<'_>, snapshot: &Bound<'_, Snapshot>) -> StoredSnapshot {
    let heap = Arc::clone(&snapshot.get().heap);
    let needed = heap.memory_bytes() + bytes_of(&heap, LEAKS_BYTES);
    let (stored, error) = py.detach(|| StoredHeap::new(heap));
    OWN_BYTES.fetch_add(stored.memory_bytes(), Ordering::Relaxed);
    let note = error.map(|error| {
        format!("snapshots are kept in memory, because a temporary file could not be written ({error})")
    });
    StoredSnapshot { stored, note, needed }
}

/// Stored snapshots as a series.
struct StoredSeries<'a>(StoredHeaps<&'a StoredHeap>);

impl HeapSeries for StoredSeries<'_> {
    type Error = SnapshotError;

    fn captures(&self) -> Vec<&CaptureInfo> {
        self.0.captures()
    }

    fn heap(&self, index: usize) -> Result<HeapHandle<'_>, SnapshotError> {
        self.0.heap(index).map(HeapHandle::Owned)
    }

    fn is_in_memory(&self) -> bool {
        self.0.are_kept()
    }
}

/// Finds leaks in a series of stored snapshots, of which at most two are loaded at once, unless they are small.
#[pyfunction]
pub(crate) fn leaks_of_stored(
    py: Python<'_>,
    snapshots: Vec<Py<StoredSnapshot>>,
    limit: Option<usize>,
) -> PyResult<Answer> {
    let snapshots: Vec<&StoredSnapshot> = snapshots.iter().map(Py::get).collect();
    check_memory(2 * snapshots.iter().map(|one| one.needed).max().unwrap_or(0))?;
    let series = StoredSeries(StoredHeaps::new(snapshots.iter().map(|one| &one.stored).collect()));
    let note = snapshots.iter().find_map(|one| one.note.clone());
    let answer = py.detach(|| {
        let options = LeaksOptions { limit: limit.unwrap_or(usize::MAX), ..LeaksOptions::default() };
        memtop_analyze::leaks_of(&series, &options).map(|mut answer| {
            answer.notes.extend(note.map(Note::Text));
            leaks_answer(&answer)
        })
    });
    answer.map_err(|error| match error {
        LeaksError::Series(error) => series_error(&error),
        LeaksError::Heap(error) => file_error(&error),
    })
}

fn leaks_answer(answer: &Leaks) -> Answer {
    (
        text::leaks(answer, &Style::default()),
        json::to_text(&json::leaks(answer)),
        match &answer.info {
            Some(info) => html_fragment::of_process(info, &html_fragment::leaks(answer)),
            None => html_fragment::leaks(answer),
        },
    )
}

fn series_error(error: &SeriesError) -> PyErr {
    PyValueError::new_err(format!(
        "{error}\nhint: pass snapshots of one process, taken while it ran one program"
    ))
}

/// Reads a snapshot from a file.
#[pyfunction]
pub(crate) fn load(py: Python<'_>, path: PathBuf) -> PyResult<Snapshot> {
    let loaded = py.detach(|| memtop_snapshot::load(&path)).map_err(|error| file_error(&error))?;
    Ok(Snapshot::new(loaded.heap))
}

/// Finds leaks in a series of snapshots.
#[pyfunction]
#[pyo3(signature = (snapshots, limit, patterns=None))]
pub(crate) fn leaks(
    py: Python<'_>,
    snapshots: Vec<Py<Snapshot>>,
    limit: Option<usize>,
    patterns: Option<(PathBuf, String)>,
) -> PyResult<Answer> {
    let parse = |(path, text): (PathBuf, String)| Patterns::parse(&text).map_err(|error| (path, error));
    let patterns = patterns.map(parse).transpose().map_err(|(path, error)| {
        let message = format!("cannot read patterns from {}: {error}", path.display());
        PyValueError::new_err(format!(
            "{message}\nhint: docs/patterns.md describes the file, and has an example"
        ))
    })?;
    let heaps: Vec<Arc<Heap>> = snapshots.iter().map(|snapshot| Arc::clone(&snapshot.get().heap)).collect();
    check_memory(heaps.iter().map(|heap| bytes_of(heap, LEAKS_BYTES)).sum())?;
    py.detach(|| {
        let heaps: Vec<&Heap> = heaps.iter().map(AsRef::as_ref).collect();
        let options = LeaksOptions { limit: limit.unwrap_or(usize::MAX), ..LeaksOptions::default() };
        memtop_analyze::leaks(&heaps, &options).map(|mut answer| {
            if let Some(patterns) = &patterns {
                answer.advise(patterns);
            }
            leaks_answer(&answer)
        })
    })
    .map_err(|error| series_error(&error))
}
