//! Retained size by path: the data of the picture, and the largest places as a table.

use maud::html;
use memtop_analyze::{RetainedPlace, RetainedTree};
use memtop_heap::Origin;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::caps::Caps;
use super::parts::{Cell, Section, hint, table};
use crate::escape::{cut, escape};
use crate::numbers::{bytes, count, grouped, percent};

/// The longest path in the table, in columns.
const LONGEST: usize = 300;
/// How many places are in the table.
const ROWS: usize = 25;

/// The places as rows: parent, label, type, objects, shallow bytes, retained bytes, flags, places folded, bytes folded;
/// and the whole path, if it is not the parent's path followed by the label. Flags: 1 shared, 2 in `marked`; 4, 8 and
/// 12 for the origin of a root.
pub(super) fn data(tree: &RetainedTree, marked: &[&str], caps: &Caps) -> Value {
    let mut types: Vec<&str> = Vec::new();
    let mut known: FxHashMap<&str, usize> = FxHashMap::default();
    let mut rows = Vec::with_capacity(tree.places.len());
    for place in &tree.places {
        let ty = *known.entry(&place.type_name).or_insert_with(|| {
            types.push(&place.type_name);
            types.len() - 1
        });
        let flags = u32::from(place.shared)
            | u32::from(marked.contains(&place.path.as_str())) << 1
            | place.origin.map_or(0, |origin| match origin {
                Origin::Unknown => 0,
                Origin::Own => 4,
                Origin::Package => 8,
                Origin::Standard => 12,
            });
        let label = cut(&escape(&place.label), caps.text / 3).into_owned();
        let mut row = vec![
            json!(place.parent),
            json!(label),
            json!(ty),
            json!(place.objects),
            json!(place.shallow),
            json!(place.retained),
            json!(flags),
            json!(place.folded.places),
            json!(place.folded.retained),
        ];
        if place.parent.is_some() && place.label == place.path {
            row.push(json!(cut(&escape(&place.path), caps.text / 2)));
        }
        rows.push(Value::Array(row));
    }
    json!({
        "total": tree.total,
        "objects": tree.objects,
        "all_places": tree.all_places,
        "types": types,
        "folded": {"places": tree.folded.places, "retained": tree.folded.retained},
        "places": rows,
    })
}

pub(super) fn section(tree: &RetainedTree, marked: &[&str]) -> Option<Section> {
    if tree.places.is_empty() {
        return None;
    }
    let note = match tree.all_places - tree.places.len() as u64 {
        0 => format!("All {} are drawn.", count(tree.all_places, "place", "places")),
        hidden => format!(
            "Aggregated: of {} the {} largest are drawn; the other {} are merged into “smaller places”.",
            count(tree.all_places, "place", "places"),
            grouped(tree.places.len() as u64),
            grouped(hidden)
        ),
    };
    let note = format!(
        "{note} Objects that are held in the same way are one place; keys and indexes that vary are [*]. \
         All places together hold {}, {}.",
        count(tree.objects, "object", "objects"),
        bytes(tree.total)
    );
    let shown = tree.places.iter().take(ROWS).map(|place| row(place, tree.total, marked));
    let headings =
        [("Path", false), ("Type", false), ("Objects", true), ("Retained", true), ("Of all", true)];
    let rows = table("The largest places", &headings, shown);
    let body = html! {
        div #icicle hidden {}
        (hint(&note))
        details #places open { summary { "The largest places, as a table" } (rows) }
    };
    Some(Section {
        id: "tree",
        title: "Where memory is",
        lead: "Retained size by path, in the last snapshot: the width of a box is the memory that would be freed with that place. \
               The places that it holds are below it. Click a box, or press Enter on it, to zoom in."
            .to_owned(),
        body,
    })
}

fn row(place: &RetainedPlace, total: u64, marked: &[&str]) -> Vec<Cell> {
    let mark = if marked.contains(&place.path.as_str()) { " ← suspect" } else { "" };
    vec![
        Cell::Name(format!("{}{mark}", cut(&escape(&place.path), LONGEST))),
        Cell::Name(place.type_name.clone()),
        Cell::Number(grouped(place.objects)),
        Cell::Number(bytes(place.retained)),
        Cell::Number(percent(place.retained as f64 / total.max(1) as f64)),
    ]
}
