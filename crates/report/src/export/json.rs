//! The whole heap as JSON: its types, roots, objects and references, for programs of one's own. `docs/export.md` has the
//! table of the fields.
//!
//! One document, a line an object, so that it can be read piece by piece. An object is known by its place in the list:
//! addresses are not promised to differ.

use std::io::{self, Write};

use memtop_analyze::{Amount, Retained, StepLabel};
use memtop_heap::{Flags, Heap, Label, LabelKind, ObjectId};
use serde_json::{Value, json};

use super::names::{name, root_name};
use crate::escape::is_unsafe;
use crate::json::SCHEMA_VERSION;
use crate::json::parts::{address, amount, capture};

/// No place: mem_top's own objects are not told.
const NONE: u32 = u32::MAX;

/// Writes `heap`. Linear; dominators are found for it.
///
/// # Errors
/// Those of `out`.
pub fn json(heap: &Heap, out: &mut dyn Write) -> io::Result<()> {
    let retained = Retained::new(heap);
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
    // Its texts are whole, and may hold what steers a terminal.
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
    let told = objects.ids().filter(|id| place_of[id.index()] != NONE);
    lines(out, told.map(|id| object(heap, &retained, &place_of, id)))?;
    out.write_all(b"]}\n")
}

fn object(heap: &Heap, retained: &Retained, place_of: &[u32], id: ObjectId) -> Value {
    let row = heap.objects().get(id);
    let flags = [(Flags::TRACKED, "tracked"), (Flags::GARBAGE, "garbage"), (Flags::IMMORTAL, "immortal")];
    let flags: Vec<&str> =
        flags.iter().filter(|(flag, _)| row.flags.contains(*flag)).map(|&(_, word)| word).collect();
    let called = heap.objects().name(id).map(|found| {
        let (module, qualname) = (heap.text(found.module), heap.text(found.qualname));
        name(&if module.is_empty() { qualname.to_owned() } else { format!("{module}.{qualname}") })
            .into_owned()
    });
    let references: Vec<Value> = heap
        .references()
        .of(id)
        .filter(|reference| place_of[reference.to.index()] != NONE)
        .map(|reference| json!([place_of[reference.to.index()], label(heap, reference.label)]))
        .collect();
    json!({
        "address": address(row.address),
        "type": row.ty.index(),
        "name": called,
        "bytes": row.size,
        "retained_bytes": retained.of(id),
        "refcount": row.refcount,
        "flags": flags,
        "references": references,
    })
}

fn label(heap: &Heap, label: Label) -> Option<String> {
    (label.kind() != LabelKind::Unlabelled)
        .then(|| name(StepLabel::exact(heap, label, false).to_string().trim()).into_owned())
}

/// The values with commas between them, a line each.
fn lines(out: &mut dyn Write, values: impl Iterator<Item = Value>) -> io::Result<()> {
    for (place, one) in values.enumerate() {
        out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
        value(out, &one)?;
    }
    Ok(())
}

fn value(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}
