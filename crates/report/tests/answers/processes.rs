//! Answers about running processes: an overview, how they were captured, and lists of them.

use expect_test::expect;
use memtop_analyze::*;
use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, CaptureMethod, ProcessIdentity};
use memtop_report::html::{self, HeapView};
use memtop_report::{
    HeapReportOptions, ObjectFacts, Overview, ProcessGroup, ProcessRow, SavedSnapshot, Style, html_fragment,
    json, text, wording,
};

use crate::samples::shop;

/// A small heap, captured from outside while it ran on, with some damage.
fn from_outside() -> memtop_heap::testing::Graph {
    let info = CaptureInfo {
        method: CaptureMethod::Remote,
        pause: Some(12_300_000),
        duration: Some(45_000_000),
        approximate: true,
        damaged: 2,
        dangling: 1,
        notes: vec!["4.2 MB are swapped out and were not read".into()],
        ..shop(1).heap().info().clone()
    };
    graph_with_accounts(
        "module:shop -> globals:dict!tracked[360] -> all:list!tracked('orders')[100]
         all -> one:shop.Order!tracked([0])[56] -> text:str(.name)[500]; all -> two:shop.Order!tracked([1])[56]",
        info,
    )
}

#[test]
fn a_process_at_a_look() {
    let graph = from_outside();
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        5 objects, 1.1 kB, 4 references; resident memory 9.0 MB

        refs: of 4 objects that the collector tracks, those with the most references
          references   size  retained  address  type  path
                   2  100 B     712 B   0x1010  list  shop.orders
                   1  360 B    1.1 kB   0x1000  dict  shop

        bytes: of these, the largest by shallow size
           size  retained  references  address  type  path
          360 B    1.1 kB           1   0x1000  dict  shop
          100 B     712 B           2   0x1010  list  shop.orders

        types: of these, the most numerous
          objects  bytes  type
                2  112 B  shop.Order
                1  360 B  dict

        retained: of all objects, those that retain the most
          retained   size  references  address  type  path
            1.1 kB  360 B           1   0x1000  dict  shop
             712 B  100 B           2   0x1010  list  shop.orders

        resident memory: 9.0 MB
          part                            bytes    share
          Python objects                 1.1 kB  < 0.1 %
            str                           500 B  < 0.1 %
            dict                          360 B  < 0.1 %
            other classes                 112 B  < 0.1 %
            list                          100 B  < 0.1 %
          free, held by pymalloc       300.0 kB      3 %
          free, held by malloc         200.0 kB      2 %
          known (frames and C stacks)       0 B      0 %
          pages of files                 6.0 MB     66 %
          unexplained                    2.5 MB     28 %

        the capture
          captured from outside the process; paused for 12.3 ms; 45 ms in total
          the process kept running meanwhile: numbers are approximate
          2 objects could not be read
          1 reference leads to no object
          4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::overview(&Overview::new(graph.heap(), Some(2)), &Style::default()));
}

#[test]
fn what_is_asked_of_a_process_ends_with_what_that_cost() {
    let graph = from_outside();
    let heap = graph.heap();
    let costs = Costs::default();
    let shortest = ShortestPaths::new(heap, &costs);
    let types = paths_to_types(heap, &shortest, &heap.types().find("Order"), &PathOptions::default());
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        shop.Order: 2 objects
          objects  bytes  held by         one of them
                2  112 B  shop.orders[*]       0x1020

        captured from outside the process; paused for 12.3 ms; 45 ms in total
        the process kept running meanwhile: numbers are approximate
        2 objects could not be read
        1 reference leads to no object
        4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::type_paths(heap, "shop.Order", &types, &Style::default()));
    let object = paths_to_object(heap, &shortest, &costs, graph.id("one"), &PathOptions::default());
    let told = text::object_paths(heap, &object, &ObjectFacts::default(), &Style::default());
    assert!(told.contains("paused for 12.3 ms"), "{told}");
    let old = shop(1);
    let answer = diff(old.heap(), heap, &DiffOptions::default()).expect("one process");
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        -401 objects, -57.8 kB within 0 ns: from 406 (58.9 kB) to 5 (1.1 kB)

             bytes  objects  bytes now  objects now  type
          -39.9 kB     -199      100 B            1  list
          -11.2 kB     -200        0 B            0  shop.Session
           -5.0 kB       -1        0 B            0  bytes
           -2.2 kB       -2      360 B            1  dict
            +500 B       +1      500 B            1  str
            +112 B       +2      112 B            2  shop.Order
             -56 B       -1        0 B            0  shop.Sessions
             -28 B       -1        0 B            0  int

        the newer: captured from outside the process; paused for 12.3 ms; 45 ms in total
        the newer: the process kept running meanwhile: numbers are approximate
        the newer: 2 objects could not be read
        the newer: 1 reference leads to no object
        the newer: 4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::diff(&answer, old.heap().info(), heap.info(), &Style::default()));
    let series = leaks(&[old.heap(), heap], &LeaksOptions::default()).expect("one process");
    expect![[r#"
        the process kept running while a snapshot was taken: numbers are approximate
        2 objects could not be read, in all snapshots together
        1 reference leads to no object, in all snapshots together
        4.2 MB are swapped out and were not read"#]]
    .assert_eq(&series.notes.iter().map(wording::note).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_server_and_its_workers_at_a_look() {
    let mut process_group = ProcessGroup::default();
    process_group.add(shop(0).heap());
    process_group.add(shop(1).heap());
    process_group.failed(4713, "process 4713 exited while it was read");
    process_group.finish(Some(3));
    expect![[r#"
        2 Python processes on web-1: 612 objects, 92.2 kB

           PID  Python  objects   Python  resident  unexplained    pause  program
          4711  3.11.7      206  33.4 kB    9.0 MB       2.5 MB  12.3 ms  worker.py
          4711  3.11.7      406  59.0 kB    9.0 MB       2.5 MB  12.4 ms  worker.py
          not captured: PID 4713: process 4713 exited while it was read

        types in all processes
          objects    bytes  processes  type
              300  60.0 kB          2  list
              300  16.8 kB          2  shop.Session
                2  10.0 kB          2  bytes
          and 3 more types

        the captures
          PID 4711: captured from inside the process; paused for 12.3 ms; 45 ms in total
          PID 4711: captured from inside the process; paused for 12.4 ms; 45 ms in total
    "#]]
    .assert_eq(&text::process_group(&process_group, &Style::default()));
}

#[test]
fn a_process_in_a_container_has_the_pid_that_was_asked_for() {
    let info = CaptureInfo {
        process: ProcessIdentity { pid: 4622, namespace_pid: Some(1), ..ProcessIdentity::default() },
        container: Some("0123456789abcdef".repeat(4)),
        ..shop(1).heap().info().clone()
    };
    let text = text::of_process(&info, "an answer\n", &Style::default());
    expect![[r#"
        PID 4622 (1 in its namespace), worker.py, CPython 3.11.7, on web-1, container 0123456789ab, 2026-11-23 07:51:13 UTC
        an answer
    "#]]
    .assert_eq(&text);
    let json = json::of_process(&info, serde_json::json!({"types": []}));
    assert_eq!(json["capture"]["pid"], 4622);
    assert_eq!(json["capture"]["namespace_pid"], 1);
    assert_eq!(json["capture"]["host"], "web-1");
    assert_eq!(json["capture"]["container"], info.container.as_deref().expect("one"));
    expect!["<p>PID 4622 (1 in its namespace), worker.py, CPython 3.11.7, on web-1, container 0123456789ab, 2026-11-23 07:51:13 UTC</p>an answer"]
        .assert_eq(&html_fragment::of_process(&info, "an answer"));
    let graph = graph_with_accounts("module:shop -> ns:dict", info);
    let page = html::heap_report(&HeapView::new(graph.heap(), &HeapReportOptions::default()));
    let of = "worker.py (PID 4622, 1 in its namespace), CPython 3.11.7, on web-1, container 0123456789ab";
    assert!(page.contains(&format!("<h1>{of}</h1>")), "{}", &page[page.find("<h1>").unwrap_or(0)..][..200]);
}

#[test]
fn the_processes_of_a_machine() {
    let row = |pid, problem: Option<&str>| ProcessRow {
        pid,
        namespace_pid: Some(if pid == 4711 { 1 } else { pid }),
        container: None,
        python: problem.is_none().then(|| "3.11.7".into()),
        rss: 22_000_000 * u64::from(pid),
        user: "www".into(),
        command: "python3 -m shop --secret \x1b[2J".into(),
        problem: problem.map(str::to_owned),
    };
    let rows =
        [row(7, None), row(12, Some("process 12 belongs to root, and mem_top runs as www")), row(4711, None)];
    expect![[r#"
        Python processes on web-1

                              PID  Python  resident  user  command
                                7  3.11.7  154.0 MB  www   python3 -m shop --secret \x1b[2J
        4711 (1 in its namespace)  3.11.7  103.6 GB  www   python3 -m shop --secret \x1b[2J

        cannot be captured
        PID  Python  resident  user  command
         12  ?       264.0 MB  www   python3 -m shop --secret \x1b[2J
        - process 12 belongs to root, and mem_top runs as www
    "#]]
    .assert_eq(&text::processes(&rows, 0, Some("web-1"), &Style::default()));
    let refused = text::processes(&rows[1..2], 0, Some("web-1"), &Style::default());
    assert!(refused.starts_with("Python processes on web-1\n\ncannot be captured\n"), "{refused}");
    assert_eq!(text::processes(&[], 0, None, &Style::default()), "no Python process is running\n");
}

#[test]
fn what_was_saved() {
    let dumped = SavedSnapshot {
        info: from_outside().heap().info().clone(),
        file: "1.parquet".into(),
        bytes: 1_234_567,
        objects: 54_720,
        replaced: true,
    };
    expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, on web-1, 2026-11-23 07:51:13 UTC
        54,720 objects saved to 1.parquet (1.2 MB), replacing the file that was there
        captured from outside the process; paused for 12.3 ms; 45 ms in total
        the process kept running meanwhile: numbers are approximate
        2 objects could not be read
        1 reference leads to no object
        4.2 MB are swapped out and were not read
    "#]]
    .assert_eq(&text::saved_snapshot(&dumped, &Style::default()));
}
