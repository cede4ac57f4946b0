//! Snapshots as Python sees them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use memtop_analyze::{Costs, Retained, ShortestPaths};
use memtop_capture::graph;
use memtop_heap::Heap;
use pyo3::prelude::*;

/// The heap of a process at one moment. Indexes are made when they are first asked for, without the GIL.
#[pyclass(frozen, module = "mem_top._native")]
pub(crate) struct Snapshot {
    pub(crate) heap: Arc<Heap>,
    retained: OnceLock<Arc<Retained>>,
    shortest: OnceLock<Arc<ShortestPaths>>,
}

/// What the snapshots of this process take, in bytes: no part of the program's memory.
static OWN_BYTES: AtomicU64 = AtomicU64::new(0);

impl Drop for Snapshot {
    fn drop(&mut self) {
        OWN_BYTES.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}

impl Snapshot {
    pub(crate) fn new(heap: Heap) -> Self {
        let snapshot = Self::without_count(heap);
        OWN_BYTES.fetch_add(snapshot.bytes(), Ordering::Relaxed);
        snapshot
    }

    fn bytes(&self) -> u64 {
        self.heap.memory_bytes()
    }

    fn without_count(heap: Heap) -> Self {
        Self { heap: Arc::new(heap), retained: OnceLock::new(), shortest: OnceLock::new() }
    }

    pub(crate) fn retained(&self) -> Arc<Retained> {
        Arc::clone(self.retained.get_or_init(|| Arc::new(Retained::new(&self.heap))))
    }

    pub(crate) fn shortest(&self) -> Arc<ShortestPaths> {
        Arc::clone(self.shortest.get_or_init(|| Arc::new(ShortestPaths::new(&self.heap, &Costs::default()))))
    }
}

#[pymethods]
impl Snapshot {
    fn debug(&self, py: Python<'_>) -> String {
        py.detach(|| {
            let heap = &self.heap;
            let mut text = format!("{:?}\n", heap.info());
            let roots = heap.roots();
            let mut kinds = std::collections::BTreeMap::new();
            for (_, root) in roots.iter() {
                *kinds.entry(root.kind.word()).or_insert(0) += 1;
            }
            text += &format!(
                "{} objects {} references {:?}\n",
                heap.objects().len(),
                heap.references().len(),
                kinds
            );
            let mut native = std::collections::BTreeMap::new();
            for (_, root) in roots.iter().filter(|(_, root)| root.kind == memtop_heap::RootKind::Native) {
                *native.entry(heap.type_name(root.object)).or_insert(0) += 1;
            }
            text += &format!("native {native:?}\n");
            let mut flags = std::collections::BTreeMap::new();
            for flag in heap.objects().all_flags() {
                *flags.entry(flag.bits()).or_insert(0) += 1;
            }
            text += &format!("flags {flags:?}\n");
            text
        })
    }

    fn path(&self, py: Python<'_>, address: u64) -> Option<String> {
        py.detach(|| {
            let id = self.heap.objects().at_address(address)?;
            memtop_analyze::path_to(&self.heap, &self.shortest(), id).map(|path| path.to_string())
        })
    }

    fn refs(&self, address: u64) -> Option<Vec<(u64, String, String)>> {
        let heap = &self.heap;
        let id = heap.objects().at_address(address)?;
        Some(
            heap.references()
                .of(id)
                .map(|r| {
                    (
                        heap.objects().address(r.to),
                        format!(
                            "{:?} {}",
                            r.label.kind(),
                            r.label.text().map_or(String::new(), |t| heap.text(t).to_owned())
                        ),
                        heap.type_name(r.to).to_owned(),
                    )
                })
                .collect(),
        )
    }

    fn row(&self, address: u64) -> Option<(String, u64, u32, u8)> {
        let heap = &self.heap;
        let id = heap.objects().at_address(address)?;
        let o = heap.objects().get(id);
        Some((heap.type_name(id).to_owned(), o.size, o.refcount, o.flags.bits()))
    }

    fn rows(&self) -> Vec<(u64, String, u64, u32, u8, usize)> {
        let heap = &self.heap;
        heap.objects()
            .ids()
            .map(|id| {
                let o = heap.objects().get(id);
                (
                    o.address,
                    heap.type_name(id).to_owned(),
                    o.size,
                    o.refcount,
                    o.flags.bits(),
                    heap.references().count_of(id),
                )
            })
            .collect()
    }
}

/// Captures the heap of this process.
#[pyfunction]
#[pyo3(signature = (work=None, with_keys=false))]
pub(crate) fn snapshot(py: Python<'_>, work: Option<f64>, with_keys: bool) -> PyResult<Snapshot> {
    graph::capture(py, &graph::Options { work, with_keys, own_bytes: OWN_BYTES.load(Ordering::Relaxed) })
        .map(Snapshot::new)
}

/// Debug.
#[pyfunction]
pub(crate) fn leaks_debug(py: Python<'_>, snapshots: Vec<Py<Snapshot>>) -> (String, String) {
    let heaps: Vec<Arc<Heap>> = snapshots.iter().map(|s| Arc::clone(&s.get().heap)).collect();
    py.detach(|| {
        let refs: Vec<&Heap> = heaps.iter().map(|h| &**h).collect();
        let options = memtop_analyze::LeaksOptions::default();
        let leaks = memtop_analyze::leaks(&refs, &options);
        let considered = memtop_analyze::explain(&refs, &options);
        let mut text = String::new();
        match &leaks {
            Ok(leaks) => {
                text += &format!("VERDICT {}\t{}\n", leaks.verdict.word(), leaks.reason);
                for (kind, list) in [("SUSPECT", &leaks.suspects), ("CANDIDATE", &leaks.candidates)] {
                    for s in list {
                        let path: Vec<String> = s.path.iter().map(|p| p.label.clone()).collect();
                        let leaked: Vec<String> = s.leaked.iter().map(|l| l.type_name.clone()).collect();
                        text += &format!(
                            "{kind}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                            s.holder.clone().unwrap_or_default(),
                            path.join(" "),
                            leaked.join(","),
                            s.cause.word(),
                            s.share_of_growth,
                            s.doubt.clone().unwrap_or_default(),
                            s.summary
                        );
                    }
                }
                for m in &leaks.memory {
                    text += &format!(
                        "MEM {:?} python {} pyfree {:?} mfree {:?} native {:?} file {:?} unexpl {:?}\n",
                        m.rss,
                        m.python,
                        m.pymalloc_free,
                        m.malloc_free,
                        m.native_known,
                        m.file_backed,
                        m.unexplained
                    );
                }
            }
            Err(error) => text += &format!("ERROR {error}\n"),
        }
        let mut c = String::new();
        if let Ok(list) = considered {
            for x in list {
                c += &format!("{x:?}\n");
            }
        }
        (text, c)
    })
}
