//! The whole heap as JSON: its types, roots, objects and references, for other programs. `docs/export.md` has the
//! table of the fields.
//!
//! One document, with one line for each object, so that it can be read in pieces. An object is identified by its index
//! in the list, since addresses need not differ.

use std::borrow::Cow;
use std::io::{self, Write};

use memtop_analyze::{Amount, Retained, StepLabel};
use memtop_heap::{Flags, Heap, Label, LabelKind, ObjectId};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::json;

use super::names::{name, root_name};
use crate::escape::is_unsafe;
use crate::json::SCHEMA_VERSION;
use crate::json::parts::{address, amount, capture};

/// No index: mem_top's own objects are left out.
const NONE: u32 = u32::MAX;

/// Writes `heap`. Linear; computes its dominators.
///
/// # Errors
/// Those of `out`.
pub fn json(heap: &Heap, out: &mut dyn Write) -> io::Result<()> {
    let objects = heap.objects();
    let mut place_of = vec![NONE; objects.len()];
    let mut amounts = vec![Amount::default(); heap.types().len()];
    let (mut total, mut garbage) = (Amount::default(), Amount::default());
    let mut next = 0;
    for id in objects.ids() {
        let (flags, size) = (objects.flags(id), objects.size(id));
        if flags.contains(Flags::OWN) {
            continue;
        }
        place_of[id.index()] = next;
        next += 1;
        if flags.contains(Flags::GARBAGE) {
            garbage.add(size);
            continue;
        }
        total.add(size);
        amounts[objects.type_of(id).index()].add(size);
    }
    write!(out, "{{\"schema_version\":{SCHEMA_VERSION},\"command\":\"export\",\n\"capture\":")?;
    // Its texts are not cut, and may contain control characters.
    for c in capture(heap.info()).to_string().chars() {
        match is_unsafe(c) {
            false => write!(out, "{c}")?,
            true => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?,
        }
    }
    out.write_all(b",\n\"total\":")?;
    value(out, &amount(total))?;
    out.write_all(b",\n\"garbage\":")?;
    value(out, &amount(garbage))?;
    out.write_all(b",\n\"types\":[")?;
    let types = heap.types().iter().map(|(id, row)| {
        let amount = amounts[id.index()];
        json!({
            "type": name(heap.types().name(id)),
            "module": name(heap.text(row.module)),
            "qualname": name(heap.text(row.qualname)),
            "count": amount.objects,
            "bytes": amount.bytes,
        })
    });
    lines(out, types)?;
    out.write_all(b"],\n\"roots\":[")?;
    let roots = heap.roots().iter().filter(|(_, root)| place_of[root.object.index()] != NONE);
    lines(
        out,
        roots.map(|(_, root)| {
            json!({
                "kind": root.kind.word(),
                "name": root_name(heap, root),
                "object": place_of[root.object.index()],
            })
        }),
    )?;
    out.write_all(b"],\n\"objects\":[")?;
    let ids = objects.ids().filter(|&id| !objects.flags(id).contains(Flags::OWN));
    let dump = Dump { heap, retained: Retained::new(heap), place_of, labels: labels(heap) };
    lines(out, ids.map(|id| dump.row(id)))?;
    out.write_all(b"]}\n")
}

/// An object, as it is written.
#[derive(Serialize)]
struct Row<'a> {
    address: String,
    #[serde(rename = "type")]
    ty: usize,
    name: Option<String>,
    bytes: u64,
    retained_bytes: Option<u64>,
    refcount: u32,
    flags: Vec<&'static str>,
    references: Vec<(u32, Option<Cow<'a, str>>)>,
}

/// The data that is looked up for each object.
struct Dump<'a> {
    heap: &'a Heap,
    retained: Retained,
    /// By object: its index in the list.
    place_of: Vec<u32>,
    /// The texts of labels that many references share.
    labels: FxHashMap<u32, String>,
}

impl Dump<'_> {
    fn row(&self, id: ObjectId) -> Row<'_> {
        let row = self.heap.objects().get(id);
        let flags = [(Flags::TRACKED, "tracked"), (Flags::GARBAGE, "garbage"), (Flags::IMMORTAL, "immortal")];
        let references = self.heap.references().of(id).filter_map(|reference| {
            let place = self.place_of[reference.to.index()];
            (place != NONE).then(|| (place, self.label(reference.label)))
        });
        Row {
            address: address(row.address),
            ty: row.ty.index(),
            name: self.heap.objects().name(id).map(|found| {
                let (module, qualname) = (self.heap.text(found.module), self.heap.text(found.qualname));
                match module.is_empty() {
                    true => name(qualname).into_owned(),
                    false => name(&format!("{module}.{qualname}")).into_owned(),
                }
            }),
            bytes: row.size,
            retained_bytes: self.retained.of(id),
            refcount: row.refcount,
            flags: flags
                .iter()
                .filter(|(flag, _)| row.flags.contains(*flag))
                .map(|&(_, word)| word)
                .collect(),
            references: references.collect(),
        }
    }

    fn label(&self, label: Label) -> Option<Cow<'_, str>> {
        match label.kind() {
            LabelKind::Unlabelled => None,
            _ => Some(match self.labels.get(&label.raw()) {
                Some(text) => Cow::Borrowed(&**text),
                None => Cow::Owned(label_text(self.heap, label)),
            }),
        }
    }
}

/// The texts of all labels except indexes, of which there are as many as the longest list has items.
fn labels(heap: &Heap) -> FxHashMap<u32, String> {
    let mut texts = FxHashMap::default();
    for &label in heap.references().labels().iter().filter(|label| label.kind() != LabelKind::Index) {
        texts.entry(label.raw()).or_insert_with(|| label_text(heap, label));
    }
    texts
}

fn label_text(heap: &Heap, label: Label) -> String {
    name(StepLabel::exact(heap, label, false).to_string().trim()).into_owned()
}

/// The values with commas between them, one on each line.
fn lines(out: &mut dyn Write, values: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
    for (place, one) in values.enumerate() {
        out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
        value(out, &one)?;
    }
    Ok(())
}

fn value(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}
