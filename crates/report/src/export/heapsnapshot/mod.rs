//! `.heapsnapshot`, which the DevTools of Chromium and VS Code open.
//!
//! Their loader has undocumented requirements: the sections in this order; exact counts; numbers of decimal digits
//! alone; edges grouped by their source node, in the order of nodes; a root that comes first and has a child that is
//! not synthetic; a size below 4 GiB; and strings of less than 512 MiB, at the end. A node's name is its class, so each
//! object is named after its type.
//!
//! Invariants: no edge is a shortcut. Of a large heap at most [`HeapSnapshotOptions::most_nodes`] nodes are written,
//! and the file says so.

mod graph;
mod ids;
mod texts;

use std::io::{self, Write};

use memtop_heap::{Heap, LabelKind};
use serde_json::json;

use graph::{Edge, EdgeName, Graph, Node, PIECE, SMALLER};
use ids::Ids;
use texts::Texts;

const NODE_FIELDS: [&str; 7] =
    ["type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness"];
/// V8's types of nodes, by number.
const NODE_TYPES: [&str; 15] = [
    "hidden",
    "array",
    "string",
    "object",
    "code",
    "closure",
    "regexp",
    "number",
    "native",
    "synthetic",
    "concatenated string",
    "sliced string",
    "symbol",
    "bigint",
    "object shape",
];
const OBJECT: u64 = 3;
const SYNTHETIC: u64 = 9;
/// V8's types of edges, by number.
const EDGE_TYPES: [&str; 7] = ["context", "element", "property", "internal", "hidden", "shortcut", "weak"];
const CONTEXT: u64 = 0;
const ELEMENT: u64 = 1;
const PROPERTY: u64 = 2;
const INTERNAL: u64 = 3;
const WEAK: u64 = 6;

/// The options of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapSnapshotOptions {
    /// The largest number of nodes; DevTools opens little more than the ten million of the default. It is clamped to
    /// 100 to 2^27.
    pub most_nodes: usize,
}

impl Default for HeapSnapshotOptions {
    fn default() -> Self {
        Self { most_nodes: 10_000_000 }
    }
}

/// The counts of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapSnapshotWritten {
    /// How many nodes, including those that are not objects.
    pub nodes: u64,
    /// How many edges.
    pub edges: u64,
    /// How many objects are nodes of their own.
    pub objects: u64,
    /// How many objects are folded, since there are too many.
    pub folded: u64,
    /// Bytes that are not in a node, of extremely large objects.
    pub bytes_left_out: u64,
    /// Whether names were left out, since all together are too long.
    pub names_left_out: bool,
}

/// Writes `heap`. Linear; computes its dominators, and takes about twenty bytes per object besides.
///
/// # Errors
/// Those of `out`.
pub fn heapsnapshot(
    heap: &Heap,
    options: &HeapSnapshotOptions,
    out: &mut dyn Write,
) -> io::Result<HeapSnapshotWritten> {
    let graph = Graph::new(heap, options.most_nodes.clamp(100, 1 << 27));
    let mut some = Vec::new();
    let mut counts: Vec<u32> = Vec::with_capacity(graph.len());
    for node in graph.nodes() {
        let mut count = 0;
        graph.edges(node, &mut some, |_| count += 1);
        counts.push(count);
    }
    let edges = counts.iter().map(|&count| u64::from(count)).sum();
    head(heap, &graph, edges, out)?;

    let mut texts = Texts::new(heap);
    let mut ids = Ids::new();
    let mut numbers = Numbers { out, buffer: Vec::with_capacity(BUFFER + 256) };
    numbers.text(",\n\"nodes\":[");
    for ((place, node), &count) in graph.nodes().enumerate().zip(&counts) {
        let (kind, name) = match node {
            Node::Root => (SYNTHETIC, texts.fixed("")),
            Node::Group(group) => (OBJECT, texts.own(graph.group_name(group))),
            Node::Object(id) => (OBJECT, texts.type_name(heap.objects().type_of(id))),
            Node::Fold(_) => (SYNTHETIC, texts.fixed(SMALLER)),
            Node::Piece(_) => (SYNTHETIC, texts.fixed(PIECE)),
        };
        let id = match node {
            Node::Object(id) => ids.of_address(heap.objects().address(id)),
            _ => Ids::of_place(place),
        };
        let row = [kind, u64::from(name), id, graph.size(node), u64::from(count), 0, 0];
        numbers.row(&row, place == 0)?;
    }
    drop((ids, counts));
    numbers.text("],\n\"edges\":[");
    let mut first = true;
    for node in graph.nodes() {
        let mut failed = Ok(());
        graph.edges(node, &mut some, |edge| {
            let (kind, name) = edge_kind_and_name(&mut texts, edge);
            let row = [kind, name, u64::from(edge.to) * NODE_FIELDS.len() as u64];
            if failed.is_ok() {
                failed = numbers.row(&row, std::mem::take(&mut first));
            }
        });
        failed?;
    }
    numbers.text(
        "],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":[],\n\"strings\":[",
    );
    numbers.flush()?;
    let Numbers { out, .. } = numbers;
    texts.write(out)?;
    out.write_all(b"]}\n")?;
    Ok(HeapSnapshotWritten {
        nodes: graph.len() as u64,
        edges,
        objects: graph.objects() as u64,
        folded: graph.folded() as u64,
        bytes_left_out: graph.bytes_left_out,
        names_left_out: texts.left_out(),
    })
}

fn head(heap: &Heap, graph: &Graph<'_>, edges: u64, out: &mut dyn Write) -> io::Result<()> {
    let number = "number";
    let head = json!({
        "meta": {
            "node_fields": NODE_FIELDS,
            "node_types": [NODE_TYPES, "string", number, number, number, number, number],
            "edge_fields": ["type", "name_or_index", "to_node"],
            "edge_types": [EDGE_TYPES, "string_or_number", "node"],
            "trace_function_info_fields": ["function_id", "name", "script_name", "script_id", "line", "column"],
            "trace_node_fields": ["id", "function_info_index", "count", "size", "children"],
            "sample_fields": ["timestamp_us", "last_assigned_id"],
            "location_fields": ["object_index", "script_id", "line", "column"],
        },
        "node_count": graph.len(),
        "edge_count": edges,
        "trace_function_count": 0,
        // Viewers ignore these.
        "mem_top": {
            "version": env!("CARGO_PKG_VERSION"),
            "program": super::names::name(&heap.info().program),
            "taken_at": crate::time::iso8601(heap.info().taken_at),
            "objects": graph.objects() + graph.folded(),
            "pruned": graph.folded(),
        },
    });
    out.write_all(b"{\"snapshot\":")?;
    serde_json::to_writer(out, &head)?;
    Ok(())
}

/// V8's type of an edge, and its name: a number for elements, else the index of a text.
fn edge_kind_and_name(texts: &mut Texts<'_>, edge: Edge) -> (u64, u64) {
    let (kind, name) = match edge.name {
        // A weak edge has a text.
        EdgeName::Number(number) => return (ELEMENT, u64::from(number)),
        EdgeName::Fixed(text) => (INTERNAL, texts.fixed(text)),
        EdgeName::Root(root) => (PROPERTY, texts.root(root)),
        EdgeName::Label(label) => match label.index() {
            Some(index) if !edge.weak => return (ELEMENT, index as u64),
            _ => {
                let kind = match label.kind() {
                    LabelKind::Local | LabelKind::Closure => CONTEXT,
                    LabelKind::Storage | LabelKind::KeyObject | LabelKind::Unlabelled => INTERNAL,
                    _ => PROPERTY,
                };
                (kind, texts.label(label))
            }
        },
    };
    (if edge.weak { WEAK } else { kind }, u64::from(name))
}

const BUFFER: usize = 1 << 16;

/// Rows of numbers, written in pieces.
struct Numbers<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
}

impl Numbers<'_> {
    fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn row(&mut self, numbers: &[u64], first: bool) -> io::Result<()> {
        if !first {
            self.buffer.push(b',');
        }
        for (place, &number) in numbers.iter().enumerate() {
            if place > 0 {
                self.buffer.push(b',');
            }
            self.push(number);
        }
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn push(&mut self, mut number: u64) {
        let mut digits = [0_u8; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.buffer.extend_from_slice(&digits[start..]);
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}
