//! The tables of fields in the documentation: each field that is written is in the table, and the other way round.

use std::collections::BTreeSet;

use memtop_analyze::*;
use memtop_heap::testing::graph;
use memtop_report::{
    HeapReport, HeapReportOptions, ObjectFacts, Overview, ProcessGroup, ProcessRow, SavedSnapshot, json,
};
use serde_json::Value;

use crate::samples::{advice, bare, collector, garbage, shop, shop_leaks, suspect};

/// The fields of a value as the tables write them: `suspects[].path[].label`. Below `opaque`, none.
fn fields(value: &Value, path: &str, opaque: &[&str], into: &mut BTreeSet<String>) {
    let is_opaque = opaque.contains(&path);
    match value {
        Value::Object(of) if !is_opaque => {
            for (name, value) in of {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields(value, &below, opaque, into);
            }
        }
        Value::Array(of) => {
            let path = format!("{path}[]");
            of.iter().for_each(|value| fields(value, &path, opaque, into));
            into.insert(path);
        }
        _ => {
            into.insert(path.to_owned());
        }
    }
}

/// The first column of the tables of fields in a page, by table.
fn tables(page: &str) -> Vec<BTreeSet<String>> {
    let file = format!("{}/../../docs/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let after = text.split("| field | type |").skip(1);
    let rows = |table: &str| -> BTreeSet<String> {
        let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let names = lines.flat_map(|line| line.split('|').nth(1).unwrap_or("").split(','));
        names.map(|name| name.trim().trim_matches('`').to_owned()).collect()
    };
    after.map(rows).collect()
}

/// Whether the table lists exactly the fields of the values. What is an object has a row of its own only in a list.
fn check(table: &BTreeSet<String>, values: &[Value], opaque: &[&str]) {
    let mut written = BTreeSet::new();
    for value in values {
        fields(value, "", opaque, &mut written);
    }
    let missing: Vec<_> = written.difference(table).collect();
    let gone: Vec<_> = table.difference(&written).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in the table: {missing:?}; in the table only: {gone:?}"
    );
}

#[test]
fn the_fields_of_leaks() {
    let candidate = Suspect { doubt: Some(Doubt::Slowed), ..suspect() };
    let parts = vec!["shop.sessions.Session".into()];
    let wrapper = Some(ItemWrapper { type_name: "tuple".into(), parts, has_more: false });
    let wrapped = Suspect { rank: 2, wrapper, advice: Some(advice()), ..suspect() };
    let one = bare(Verdict::Leak, vec![suspect(), wrapped], vec![candidate]);
    let garbage = Some(garbage(GarbageCause::Off));
    let noted = Leaks { notes: vec![Note::Approximate], garbage, ..shop_leaks() };
    let answers = [json::leaks(&one), json::leaks(&noted)];
    // A candidate has the fields of a suspect, which are not listed twice.
    let of_candidates = |value: &Value| {
        let mut value = value.clone();
        for candidate in value["candidates"].as_array_mut().expect("a list") {
            *candidate = serde_json::json!({"doubt": candidate["doubt"]});
        }
        value
    };
    let table = tables("leaks").remove(0);
    check(&table, &answers.each_ref().map(of_candidates), &["capture", "garbage.collector"]);
}

#[test]
fn the_fields_of_report_and_of_a_path() {
    let mut report = HeapReport::new(shop(1).heap(), &HeapReportOptions::default());
    report.info.notes = vec!["a note".into()];
    report.info.collector = Some(collector());
    report.garbage.hidden_by = vec!["datetime.datetime".into()];
    let answer = json::heap_report(&report);
    let [table, path]: [_; 2] = tables("report").try_into().expect("two tables");
    let opaque = ["accumulation.points[].path", "accumulation.points[].point.path", "top[].path"];
    let mut answer_without = answer.clone();
    // Its rows have the fields of the other types.
    answer_without["garbage"]["types"] = serde_json::json!([]);
    check(&table, &[answer_without], &opaque);
    check(&path, &[with_steps(&answer["top"][0]["path"])], &[]);
}

/// A path without the brackets of its steps alone: the table lists what is in them.
fn with_steps(path: &Value) -> Value {
    let mut path = path.clone();
    let first = path["steps"][0].clone();
    let fields = path.as_object_mut().expect("a path");
    fields.remove("steps");
    for (name, value) in first.as_object().expect("a step") {
        fields.insert(format!("steps[].{name}"), value.clone());
    }
    path
}

#[test]
fn the_fields_of_an_overview() {
    let answer = json::overview(&Overview::new(graph("module:m -> ns:dict!tracked[9]").heap(), None));
    check(
        &tables("pid")[0],
        &[answer],
        &["capture", "memory", "refs[].path", "bytes[].path", "retained[].path"],
    );
}

#[test]
fn the_fields_of_diff() {
    let [old, new] = [shop(0), shop(1)];
    let answer = diff(old.heap(), new.heap(), &DiffOptions::default()).expect("one process");
    let value = json::diff(&answer, old.heap().info(), new.heap().info());
    check(&tables("diff")[0], &[value], &["old.capture", "new.capture"]);
}

#[test]
fn the_fields_of_why() {
    let graph = graph("module:shop -> ns:dict -> all:list('orders')[100] -> one:shop.Order([0])[56]");
    let heap = graph.heap();
    let costs = Costs::default();
    let shortest = ShortestPaths::new(heap, &costs);
    let [of_type, of_object]: [_; 2] = tables("why").try_into().expect("two tables");
    let types = paths_to_types(heap, &shortest, &heap.types().find("Order"), &PathOptions::default());
    check(&of_type, &[json::type_paths(heap, "shop.Order", &types)], &["clusters[].path", "capture"]);
    let object = paths_to_object(heap, &shortest, &costs, graph.id("one"), &PathOptions::default());
    let keeper = ObjectFacts::of(heap, &Retained::new(heap), &shortest, graph.id("one"));
    check(&of_object, &[json::object_paths(heap, &object, &keeper)], &["paths[]", "dominator", "capture"]);
}

#[test]
fn the_fields_of_dump_and_ps() {
    let row = ProcessRow {
        pid: 1,
        namespace_pid: None,
        container: None,
        python: None,
        rss: 1,
        user: "root".into(),
        command: "python3".into(),
        problem: None,
    };
    check(&tables("ps")[0], &[json::processes(&[row], 0, None)], &[]);
    let saved = SavedSnapshot {
        info: shop(1).heap().info().clone(),
        file: "1.parquet".into(),
        bytes: 1,
        objects: 1,
        replaced: false,
    };
    check(&tables("dump")[0], &[json::saved_snapshot(&saved)], &["capture"]);
}

#[test]
fn the_fields_of_a_server_with_its_workers() {
    let [of_leaks, of_overview]: [_; 2] = tables("children").try_into().expect("two tables");
    let answer =
        bare(Verdict::Leak, vec![suspect()], vec![Suspect { fingerprint: "other".into(), ..suspect() }]);
    let noted = Leaks { notes: vec![Note::Approximate], ..answer };
    let mut value = json::group_leaks(&merge_members(vec![MemberLeaks { pid: 1, answer: noted }], 10));
    // What a suspect has anyway is in the table of leaks, and a candidate has the same fields.
    let known = tables("leaks").remove(0);
    let own = |place: &Value| -> serde_json::Map<String, Value> {
        let fields = place.as_object().expect("an object").iter();
        let is_known =
            |name: &str| known.iter().any(|field| field.starts_with(&format!("suspects[].{name}")));
        fields
            .filter(|(name, _)| !is_known(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    value["suspects"] = vec![Value::Object(own(&value["suspects"][0]))].into();
    value["candidates"] = Value::Array(Vec::new());
    value["processes"][0]["snapshots"] = Value::Array(Vec::new());
    let opaque = ["processes[].memory", "processes[].account", "processes[].verdicts[]"];
    check(&of_leaks, &[value], &opaque);

    let mut process_group = ProcessGroup::default();
    process_group.add(shop(1).heap());
    process_group.failed(2, "it ended");
    process_group.finish(None);
    check(
        &of_overview,
        &[json::process_group(&process_group)],
        &["processes[].capture", "processes[].memory"],
    );
}
