//! Histogram, top, garbage, diff and the order of a series.

use expect_test::expect;
use memtop_analyze::*;
use memtop_heap::testing::{Graph, graph, graph_with_accounts};
use memtop_heap::{CaptureInfo, ProcessIdentity, ProgramImage, PythonVersion};

const SHOP: &str = "module:shop -> globals:dict[100] -> sessions:list('sessions')[80]
    sessions -> a:shop.Session[50]#1; sessions -> b:shop.Session[50]; sessions -> c:shop.Session[60]
    a -> text:str[1000]; b -> text; c -> data:bytes[500]
    ring:shop.Session[7] -> other:Node[9] -> ring; mine:dict!memtop[5000]#1";

fn shop() -> Graph {
    graph_with_accounts(SHOP, CaptureInfo::default())
}

fn rows(rows: &[TypeRow]) -> String {
    let line = |row: &TypeRow| format!("{} {} {} {:?}\n", row.name, row.objects, row.bytes, row.retained);
    rows.iter().map(line).collect()
}

#[test]
fn a_histogram_counts_garbage_apart_and_mem_top_not_at_all() {
    let graph = shop();
    let retained = Retained::new(graph.heap());
    let options = HistogramOptions { order: HistogramOrder::Retained, limit: Some(3) };
    let answer = histogram(graph.heap(), Some(&retained), &options);
    expect![[r#"
        dict 1 100 Some(1840)
        list 1 80 Some(1740)
        str 1 1000 Some(1000)
    "#]]
    .assert_eq(&rows(&answer.rows));
    assert_eq!(answer.omitted, 2);
    assert_eq!(answer.total, Amount { objects: 7, bytes: 1840 });
    assert_eq!(answer.garbage, Amount { objects: 2, bytes: 16 });

    let plain = histogram(graph.heap(), None, &HistogramOptions::default());
    expect![[r#"
        str 1 1000 None
        bytes 1 500 None
        shop.Session 3 160 None
        dict 1 100 None
        list 1 80 None
    "#]]
    .assert_eq(&rows(&plain.rows));
}

#[test]
fn the_top_is_ordered_by_what_was_asked() {
    let graph = shop();
    let retained = Retained::new(graph.heap());
    let names = |by, limit| {
        let answer = top(graph.heap(), Some(&retained), &TopOptions { by, limit });
        answer.rows.iter().map(|row| graph.name(row.object).to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(TopBy::Retained, 3), "globals sessions text");
    assert_eq!(names(TopBy::Shallow, 4), "text data globals sessions");
    assert_eq!(names(TopBy::References, 3), "sessions globals a");
    assert_eq!(names(TopBy::Shallow, 0), "");
    assert_eq!(names(TopBy::Shallow, 100).split(' ').count(), 7);
}

#[test]
fn a_chain_has_one_row_however_it_is_linked() {
    let links = |link: &dyn Fn(usize) -> String| (0..40).map(link).collect::<String>();
    let plain = links(&|n| format!("n{n}:N[10] -> n{}:N[10](.next)\n", n + 1));
    let dicts = links(&|n| format!("d{n}:dict[10] -> d{}:dict('k')[10]\n", n + 1));
    let through = links(&|n| format!("t{n}:T[10] -> v{n}:dict(__dict__)[10] -> t{}:T('next')[10]\n", n + 1));
    // Each node of a tree has two more, down to six levels: not a chain.
    let tree: String = (1..64)
        .map(|n| format!("x{n}:X[9] -> x{}:X(.left)[9]; x{n} -> x{}:X(.right)[9]\n", 2 * n, 2 * n + 1))
        .collect();
    let graph = graph(&format!(
        "module:m -> ns:dict[5] -> n0('head'); ns -> d0('d'); ns -> t0('t'); ns -> x1('tree')\n{plain}{dicts}{through}{tree}"
    ));
    let retained = Retained::new(graph.heap());
    let answer = top(graph.heap(), Some(&retained), &TopOptions { by: TopBy::Retained, limit: 7 });
    let rows: Vec<String> =
        answer.rows.iter().map(|row| format!("{} {}", graph.name(row.object), row.chain)).collect();
    assert_eq!(rows, ["ns 1", "x1 1", "t0 41", "x2 1", "x3 1", "n0 41", "d0 41"]);
    let by_size = top(graph.heap(), Some(&retained), &TopOptions { by: TopBy::Shallow, limit: 100 });
    assert_eq!(by_size.rows.len(), 100, "by its own size, each link is an object like any other");
}

#[test]
fn garbage_is_counted_by_type_without_objects_of_native_code() {
    let heap = graph("root -> a; x:N[5] -> y:M[6] -> x; held:N#3[100] -> kept:N");
    expect![[r#"
        M 1 6 None
        N 1 5 None
    "#]]
    .assert_eq(&rows(&garbage(heap.heap(), None).rows));
    assert_eq!(garbage(heap.heap(), None).native, 1);
    let limited = garbage(heap.heap(), Some(1));
    assert_eq!((limited.rows.len(), limited.omitted, limited.total.objects), (1, 1, 2));
    // Settled accounts say the same.
    let settled = graph_with_accounts(
        "root -> a; x:N[5] -> y:M[6] -> x; held:N#3[100] -> kept:N",
        CaptureInfo::default(),
    );
    assert_eq!(garbage(settled.heap(), None), garbage(heap.heap(), None));
}

#[test]
fn a_diff_goes_by_name_and_shows_the_largest_change_first() {
    let old = graph("root -> a:A[10] -> b:B[10] -> c:C[10]; c -> same:D[9]; c -> gone:E[500]");
    let new =
        graph("root -> b:B[10] -> a:A[10] -> a2:A[10] -> c:C[200]; c -> same:D[9]; c -> fresh:shop.F[3]");
    let answer = diff(old.heap(), new.heap(), &DiffOptions::default()).unwrap();
    let lines: String = answer
        .rows
        .iter()
        .map(|row| format!("{} {:+} {:+}\n", row.name, row.objects_grown(), row.bytes_grown()))
        .collect();
    expect![[r#"
        E -1 -500
        C +0 +190
        A +1 +10
        shop.F +1 +3
    "#]]
    .assert_eq(&lines);
    assert_eq!((answer.old.bytes, answer.new.bytes), (539, 242));
}

fn of(pid: u32, started: u64, taken_at: i64, uptime: Option<u64>) -> Graph {
    let process = ProcessIdentity { pid, started, ..ProcessIdentity::default() };
    graph_with_accounts("root -> a", CaptureInfo { process, taken_at, uptime, ..CaptureInfo::default() })
}

#[test]
fn heaps_of_different_processes_or_versions_are_refused_with_the_reason() {
    let (one, reused) = (of(7, 100, 1, None), of(7, 200, 2, None));
    let refusal = diff(one.heap(), reused.heap(), &DiffOptions::default()).unwrap_err().to_string();
    expect!["snapshots 1 and 2 are of different processes (PID 7 and another process that had PID 7): growth can only be measured within one process"]
        .assert_eq(&refusal);
    let any = DiffOptions { any_process: true, ..DiffOptions::default() };
    assert!(diff(one.heap(), reused.heap(), &any).unwrap().rows.is_empty());

    let elsewhere = |host: &str, pid: u32| {
        let host = Some(host.to_owned());
        let process = ProcessIdentity {
            pid,
            namespace_pid: Some(1),
            started: pid.into(),
            ..one.heap().info().process.clone()
        };
        graph_with_accounts("root -> a", CaptureInfo { host, process, ..one.heap().info().clone() })
    };
    let (here, there) = (elsewhere("web-1", 1), elsewhere("web-2", 17));
    let refusal = diff(here.heap(), there.heap(), &DiffOptions::default()).unwrap_err().to_string();
    expect!["snapshots 1 and 2 are of different processes (PID 1 on web-1 and PID 17 (1 in its namespace) on web-2): growth can only be measured within one process"]
        .assert_eq(&refusal);

    let python = PythonVersion { major: 3, minor: 14, ..PythonVersion::default() };
    let newer = graph_with_accounts("root -> a", CaptureInfo { python, ..one.heap().info().clone() });
    let refusal = in_order(&[one.heap(), one.heap(), newer.heap()]).unwrap_err().to_string();
    expect!["snapshots 1 and 3 are of different versions of Python (0.0.0 and 3.14.0)"].assert_eq(&refusal);
}

#[test]
fn heaps_of_one_process_before_and_after_exec_are_refused_with_the_reason() {
    let running = |program: &str, image: Option<u64>| {
        let image = image.map(|layout| ProgramImage { layout, random: None });
        let process = ProcessIdentity { image, ..of(7, 100, 1, None).heap().info().process.clone() };
        let program = program.to_owned();
        graph_with_accounts("root -> a", CaptureInfo { process, program, ..CaptureInfo::default() })
    };
    let (launcher, server) = (running("launch.py", Some(1)), running("serve.py", Some(2)));
    let refusal = diff(launcher.heap(), server.heap(), &DiffOptions::default()).unwrap_err().to_string();
    expect!["snapshots 1 and 2 are of PID 7, which called exec in between and so became another program (launch.py and serve.py): growth can only be measured within one program"]
        .assert_eq(&refusal);
    let any = DiffOptions { any_process: true, ..DiffOptions::default() };
    assert!(diff(launcher.heap(), server.heap(), &any).is_ok());

    // Files of the first versions do not know their program: the others are compared all the same.
    let (old, again) = (running("serve.py", None), running("serve.py", Some(3)));
    assert_eq!(in_order(&[old.heap(), server.heap(), old.heap()]), Ok(vec![0, 1, 2]));
    let refusal = in_order(&[old.heap(), server.heap(), again.heap()]).unwrap_err().to_string();
    expect!["snapshots 2 and 3 are of PID 7, which called exec in between and so became another program (serve.py both times): growth can only be measured within one program"]
        .assert_eq(&refusal);
}

#[test]
fn a_series_is_ordered_by_the_clock_that_never_goes_back() {
    let wall = [of(1, 1, 30, None), of(1, 1, 10, Some(5)), of(1, 1, 20, None)];
    assert_eq!(in_order(&wall.each_ref().map(Graph::heap)), Ok(vec![1, 2, 0]));
    let steady = [of(1, 1, 30, Some(1)), of(1, 1, 10, Some(3)), of(1, 1, 20, Some(2))];
    assert_eq!(in_order(&steady.each_ref().map(Graph::heap)), Ok(vec![0, 2, 1]));
    assert_eq!(in_order(&[]), Ok(vec![]));
}

#[test]
fn a_misspelled_type_has_suggestions() {
    let graph = graph("a:shop.Session; b:shop.SessionCache; c:dict; d:shop.Cart");
    let near = |name| types_like(graph.heap(), name, 5);
    assert_eq!(near("session"), ["shop.Session", "shop.SessionCache"]);
    assert_eq!(near("shop.Sesion"), ["shop.Session"]);
    assert_eq!(near("Dict"), ["dict"]);
    assert!(near("Order").is_empty() && near("").is_empty());
}

#[test]
fn the_counters_are_of_what_the_collector_tracks() {
    let graph = graph(
        "module:m -> globals:dict!tracked[100]
         globals -> k1:str(key)[10]; globals -> list:list!tracked('items')[90]
         globals -> k2:str(key)[10]; globals -> pair:tuple!tracked('pair')[50]
         list -> a:m.Thing!tracked[30]; list -> b:m.Thing!tracked[30]; list -> big:bytes[9000]
         pair -> mixed:dict!tracked[200]; mixed -> number:int(key); mixed -> a([*]); mixed -> k1(key); mixed -> b([*])
         garbage:m.Thing!tracked!garbage[7]; mine:m.Thing!tracked!memtop[8]",
    );
    let answer = counters(graph.heap(), 3);
    let names = |rows: &[TopRow]| -> Vec<String> {
        rows.iter().map(|row| format!("{} {} {}", graph.name(row.object), row.references, row.size)).collect()
    };
    // Keys are counted where the collector is told of them: in a dict that has others than strings.
    assert_eq!(names(&answer.references), ["mixed 4 200", "list 3 90", "globals 2 100"]);
    assert_eq!(names(&answer.bytes), ["mixed 4 200", "globals 2 100", "list 3 90"]);
    let types: Vec<_> = answer.types.iter().map(|row| (row.name.as_str(), row.objects, row.bytes)).collect();
    assert_eq!(types, [("dict", 2, 300), ("m.Thing", 2, 60), ("list", 1, 90)]);
    assert_eq!(answer.tracked, Amount { objects: 6, bytes: 500 });
}
