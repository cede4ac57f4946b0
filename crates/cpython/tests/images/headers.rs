//! Compares the tables with each version's own headers, by `tools/offsets.py`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use memtop_cpython::Layout;

use crate::live;

/// The offsets in the headers beside an interpreter; `None` if there are no headers, or no C compiler.
fn said(tool: &Path, runner: &Path, python: &Path) -> Option<(u8, HashMap<String, u64>)> {
    let real = python.canonicalize().ok()?;
    let name = real.file_name()?.to_str()?.to_owned();
    let minor = name.strip_prefix("python3.")?.parse().ok()?;
    let include: PathBuf = real.parent()?.parent()?.join("include").join(name);
    if !include.join("Python.h").exists() || Command::new("cc").arg("--version").output().is_err() {
        return None;
    }
    let run = Command::new(runner).arg(tool).arg(&include).output().expect("it is an interpreter");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).expect("it is text");
    let rows = text.lines().filter_map(|line| {
        let (row, number) = line.rsplit_once(' ')?;
        Some((row.trim().to_owned(), number.parse().ok()?))
    });
    Some((minor, rows.collect()))
}

#[test]
fn the_tables_agree_with_the_headers() {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/offsets.py");
    let pythons = live::interpreters();
    // The tool is written for 3.10 and later; the newest comes last.
    let Some(runner) = pythons.last() else { return };
    let mut compared = 0;
    for python in &pythons {
        let Some((minor, rows)) = said(&tool, runner, python) else {
            println!("{}: no headers, or no C compiler", python.display());
            continue;
        };
        let Layout { heap_type, code, frame, thread, ascii_text, compact_text, .. } =
            Layout::of(minor).expect("the version is known");
        let mut claims = vec![
            ("heap_type.name", heap_type.name),
            ("heap_type.slots", heap_type.slots()),
            ("heap_type.qualname", heap_type.qualname()),
            ("heap_type.cached_keys", heap_type.cached_keys()),
            ("code.consts", code.consts),
            ("code.names", code.names),
            ("code.filename", code.filename),
            ("code.name", code.name),
            ("code.qualname", code.qualname),
            ("code.first_line", code.first_line),
            ("code.line_table", code.line_table),
            ("code.local_names", code.local_names),
            ("code.local_count", code.local_count),
            ("code.stack_size", code.stack_size),
            ("code.instructions", code.instructions),
            ("code.other", code.other),
            ("frame.code", frame.code),
            ("frame.previous", frame.previous),
            ("frame.globals", frame.globals),
            ("frame.builtins", frame.builtins),
            ("frame.locals", frame.locals),
            ("frame.instruction", frame.instruction),
            ("frame.stack_top", frame.stack_top),
            ("frame.locals_plus", frame.locals_plus),
            ("frame.in_generator", frame.in_generator),
            ("thread.frame", thread.frame),
            ("thread.dict", thread.dict),
            ("thread.context", thread.context),
            ("thread.thread_id", thread.thread_id),
            ("text.ascii", ascii_text),
            ("text.compact", compact_text),
        ];
        if minor > 8 {
            claims.push(("heap_type.module", heap_type.module()));
        }
        if minor > 10 {
            claims.push(("code.free_count", code.free_count));
            claims.push(("frame.cleared", frame.cleared as u64));
        }
        for (row, claim) in claims {
            assert_eq!(rows.get(row), Some(&claim), "3.{minor}: {row}");
            compared += 1;
        }
        // A member that a version does not have must be missing on both sides.
        let (cells, free) = code.cells_and_free.unzip();
        for (row, claim) in [
            ("code.cells", cells),
            ("code.free", free),
            ("frame.function", frame.function),
            ("frame.owner", frame.owner),
            ("frame.generator_state", frame.generator_state),
            ("frame.in_frame_object", frame.in_frame_object),
            ("thread.in_cframe", thread.in_cframe),
            ("thread.stack_chunk", thread.stack_chunk),
        ] {
            assert_eq!(rows.get(row).copied(), claim, "3.{minor}: {row}");
            compared += 1;
        }
    }
    println!("{compared} offsets compared");
}
