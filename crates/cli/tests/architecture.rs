//! The house's rules, held against `cargo metadata` and the sources: which crate may use which, who may touch
//! Python, processes and the terminal, and where unsafe code may stand. ARCHITECTURE.md gives the reasons.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod import_graph;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use import_graph::ImportGraph;

/// Each crate, and the crates of the house that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("heap", &[]),
    ("analyze", &["heap"]),
    ("cpython", &["heap"]),
    ("snapshot", &["heap"]),
    ("procinfo", &["heap"]),
    ("inprocess", &["heap", "cpython", "procinfo"]),
    ("remote", &["heap", "cpython", "procinfo"]),
    ("report", &["heap", "analyze"]),
    ("tui", &["heap", "analyze", "report"]),
    ("cli", &["heap", "analyze", "cpython", "snapshot", "remote", "report", "tui"]),
    ("python", &["cli", "inprocess", "heap", "analyze", "cpython", "snapshot", "remote", "report", "tui"]),
];

/// Libraries that reach something outside, and the crates that may depend on them.
const REACH: &[(&str, &[&str])] = &[
    ("pyo3", &["inprocess", "python"]),
    ("pyo3-ffi", &["inprocess"]),
    ("rustix", &["remote", "cli", "snapshot"]),
    ("libc", &["inprocess", "remote"]),
    ("nix", &["remote"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("clap", &["cli"]),
    ("parquet", &["snapshot"]),
    ("arrow", &["snapshot"]),
];

/// The crates that may have unsafe code, each in `src/raw.rs` or in the folder `src/raw/`.
const UNSAFE: &[&str] = &["inprocess", "remote"];
/// The crates where macros of a library make it impossible to forbid unsafe code; it is denied.
const DENIED: &[&str] = &["python"];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().unwrap()
}

fn house(metadata: &Metadata) -> BTreeMap<String, &Package> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.strip_prefix("memtop-").unwrap_or(&package.name).to_owned(), package))
        .collect()
}

fn dependencies(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    package
        .dependencies
        .iter()
        .filter(|used| kinds.contains(&used.kind))
        .map(|used| used.name.clone())
        .collect()
}

fn sources(package: &Package) -> Vec<PathBuf> {
    files_below(&package.manifest_path.parent().unwrap().as_std_path().join("src"), &["rs"])
}

/// The files below a folder that have one of these extensions, in order.
fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path, extensions));
        } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_crate_is_one_of_the_house_and_flat_under_crates() {
    let metadata = metadata();
    for (name, package) in house(&metadata) {
        assert!(MAY_USE.iter().any(|(known, _)| *known == name), "{name} is not in the table of the house");
        assert_eq!(package.name.as_str(), format!("memtop-{name}"));
        let folder = package.manifest_path.parent().unwrap();
        assert_eq!(folder, metadata.workspace_root.join("crates").join(&name));
    }
}

#[test]
fn crates_use_only_those_below_them() {
    let metadata = metadata();
    for (name, package) in house(&metadata) {
        let (_, may_use) = MAY_USE.iter().find(|(known, _)| *known == name).unwrap();
        for used in dependencies(package, &[DependencyKind::Normal, DependencyKind::Build]) {
            if let Some(used) = used.strip_prefix("memtop-") {
                assert!(may_use.contains(&used), "{name} must not use {used}");
            }
        }
    }
}

#[test]
fn only_those_who_may_reach_out_depend_on_what_reaches_out() {
    let metadata = metadata();
    for (name, package) in house(&metadata) {
        for used in dependencies(package, &[DependencyKind::Normal]) {
            if let Some((_, may)) = REACH.iter().find(|(library, _)| *library == used) {
                assert!(may.contains(&name.as_str()), "{name} must not depend on {used}");
            }
        }
    }
}

#[test]
fn unsafe_code_is_in_raw_only() {
    let metadata = metadata();
    for (name, package) in house(&metadata) {
        let files = sources(package);
        let lib_file = files.iter().find(|file| file.ends_with("src/lib.rs")).unwrap();
        let lib = fs::read_to_string(lib_file).unwrap();
        let with_unsafe: Vec<_> = files
            .iter()
            .filter(|file| {
                let text = fs::read_to_string(file).unwrap();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                code.flat_map(|line| line.split_whitespace())
                    .any(|word| word.trim_start_matches('(') == "unsafe")
            })
            .collect();
        if UNSAFE.contains(&name.as_str()) {
            let source = lib_file.parent().unwrap();
            let elsewhere: Vec<_> = with_unsafe
                .iter()
                .filter(|file| !file.starts_with(source.join("raw")) && **file != &source.join("raw.rs"))
                .collect();
            assert!(elsewhere.is_empty(), "{name} has unsafe code in {elsewhere:?}, outside of raw");
        } else {
            assert!(with_unsafe.is_empty(), "{name} has unsafe code in {with_unsafe:?}");
            if !DENIED.contains(&name.as_str()) {
                assert!(lib.contains("#![forbid(unsafe_code)]"), "{name} must forbid unsafe code in lib.rs");
            }
        }
    }
}

#[test]
fn every_crate_has_the_workspaces_lints() {
    let metadata = metadata();
    for (name, package) in house(&metadata) {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} does not have the workspace's lints");
    }
}

#[test]
fn files_of_a_crate_form_layers() {
    let metadata = metadata();
    let mut found = Vec::new();
    for (name, package) in house(&metadata) {
        let src = package.manifest_path.parent().unwrap().as_std_path().join("src");
        let cycle = ImportGraph::of_crate(&src, &sources(package)).cycle();
        if let Some(cycle) = cycle {
            found.push(format!("{name}:\n    {}", cycle.join("\n    ")));
        }
    }
    assert!(found.is_empty(), "files import each other in a circle\n{}", found.join("\n"));
}

#[test]
fn an_import_cycle_is_found_and_printed() {
    let folder = std::env::temp_dir().join(format!("memtop-layers-{}", std::process::id()));
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let mut files = vec![
        write("lib.rs", "mod above; mod below; mod folder; pub use above::Above; pub use below::Below;"),
        write("above.rs", "use crate::below::Below; pub struct Above(Below);"),
        write("below.rs", "pub struct Below; #[cfg(test)] mod tests { use crate::above::Above; }"),
        write("folder/mod.rs", "mod part; pub use part::Part; pub fn whole(of: &crate::Above) {}"),
        write("folder/part.rs", "pub struct Part;"),
    ];
    assert_eq!(ImportGraph::of_crate(&folder, &files).cycle(), None);
    // Through a re-export, and in a macro.
    files.push(write("below.rs", "pub fn below(other: u8) { assert!(other > crate::Above::LEAST) }"));
    let cycle = ImportGraph::of_crate(&folder, &files).cycle();
    fs::remove_dir_all(&folder).unwrap();
    let expected = [
        "above.rs imports below.rs (crate::below::Below)",
        "below.rs imports above.rs (crate::Above::LEAST)",
    ];
    assert_eq!(cycle.unwrap(), expected);
}

#[test]
fn long_files_say_why() {
    let root = metadata().workspace_root;
    let mut found = Vec::new();
    for folder in ["crates", "python", "tests", "tools", "bench", "examples"] {
        for file in files_below(root.join(folder).as_std_path(), &["rs", "py"]) {
            let text = fs::read_to_string(&file).unwrap();
            let header: String = text.lines().take_while(|line| !line.trim().is_empty()).collect();
            let header = match file.extension() {
                Some(extension) if extension == "py" => {
                    text.split("\"\"\"").nth(1).unwrap_or_default().to_owned()
                }
                _ => header,
            };
            let lines = text.lines().count();
            if lines > 600 || lines > 400 && !header.contains("is long because") {
                found.push(format!("{}: {lines} lines", file.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "no file has more than 600 lines, and one of more than 400 says in its header why it \"is long because\"\n{}",
        found.join("\n")
    );
}

#[test]
fn types_have_specific_names() {
    // A search for one of these names would find several types.
    const VAGUE: &[&str] = &["Source", "Plan", "Kind", "Options", "Room", "Place"];
    let root = metadata().workspace_root;
    for file in files_below(root.join("crates").as_std_path(), &["rs"]) {
        if file.iter().any(|part| part == "tests") {
            continue;
        }
        for line in fs::read_to_string(&file).unwrap().lines().map(str::trim_start) {
            let mut words =
                line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            if line.starts_with("pub")
                && words.any(|word| ["struct", "enum", "trait", "type"].contains(&word))
                && let Some(name) = words.next()
            {
                assert!(!VAGUE.contains(&name), "{}: say what {name} it is", file.display());
            }
        }
    }
}
