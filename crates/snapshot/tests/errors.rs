//! Files that are not snapshots, cut short, damaged, or hostile: each is refused, with the reason and a hint.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by it, or says that it cannot run"
)]

mod common;

use std::path::Path;

use common::{Folder, random_heap};
use memtop_heap::testing::graph;
use memtop_snapshot::{Limits, Loaded, SaveOptions, SnapshotError, load, load_from, load_within, save};

/// A small snapshot with something in every column.
fn small() -> (Vec<u8>, Loaded) {
    let folder = Folder::new(&format!("small-{:?}", std::thread::current().id()));
    let path = folder.file("a.parquet");
    let full = |heap: &memtop_heap::Heap| {
        (20..60).contains(&heap.objects().len()) && heap.roots().len() > 5 && heap.roots().frames().len() > 1
    };
    let heap = (0..).map(|seed| random_heap(seed, 60, false)).find(full).unwrap();
    save(&heap, Some(&|id| Some(id.index() as u64)), &path, &SaveOptions::default()).unwrap();
    (std::fs::read(&path).unwrap(), load(&path).unwrap())
}

fn read(bytes: Vec<u8>) -> Result<Loaded, SnapshotError> {
    load_from(bytes, Path::new("a.parquet"), &Limits::at_most(64_000_000))
}

/// The message of the error for `path`, which must have a hint.
fn refusal(path: &Path) -> String {
    let error = load(path).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(error.hint().is_some(), "no hint for {text}");
    text
}

#[test]
fn a_path_that_is_not_a_file_is_refused() {
    let folder = Folder::new("no-file");
    let missing = refusal(&folder.file("none.parquet"));
    assert!(missing.contains("no such file"), "{missing}");
    let directory = refusal(folder.path());
    assert!(directory.contains("a directory"), "{directory}");
    let device = refusal(Path::new("/dev/null"));
    assert!(device.contains("a device"), "{device}");
}

#[test]
fn a_file_that_is_not_a_snapshot_is_refused() {
    let folder = Folder::new("no-snapshot");
    let file = folder.file("a.parquet");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        refusal(&file)
    };
    assert!(refused(b"").contains("not a Parquet file"));
    assert!(refused(b"id,type\n1,dict\n").contains("not a Parquet file"));
    assert!(refused(b"PAR1").contains("cut short"));
    let (bytes, _) = small();
    assert!(refused(&bytes[..bytes.len() / 2]).contains("cut short"));
    assert!(refused(&bytes[..bytes.len() - 1]).contains("cut short"));
    // A Parquet file of another program: an empty one with a column of numbers.
    assert!(refused(&foreign(&[])).contains("not a snapshot of mem_top"));
    assert!(
        refused(&foreign(&[("mem_top.format", "7")]))
            .contains("format 7; this version of mem_top reads formats up to 1")
    );
    assert!(refused(&foreign(&[("mem_top.format", "x")])).contains("damaged"));
    assert!(refused(&foreign(&[("mem_top.format", "0")])).contains("damaged"));
    assert!(refused(&foreign(&[("mem_top.format", "1")])).contains("mem_top.capture"));
}

fn foreign(pairs: &[(&str, &str)]) -> Vec<u8> {
    use parquet::file::metadata::KeyValue;
    use parquet::file::writer::SerializedFileWriter;
    let schema = parquet::schema::parser::parse_message_type("message other { required int32 x; }").unwrap();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema.into(), Default::default()).unwrap();
    for &(key, value) in pairs {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
    }
    writer.into_inner().unwrap()
}

#[test]
fn a_file_without_read_permission_is_refused() {
    let folder = Folder::new("permission");
    let file = folder.file("a.parquet");
    std::fs::write(&file, b"PAR1").unwrap();
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o000);
    std::fs::set_permissions(&file, permissions).unwrap();
    if std::fs::File::open(&file).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let text = refusal(&file);
    assert!(text.contains("cannot be read"), "{text}");
}

#[test]
fn wherever_a_file_is_cut_it_is_refused() {
    let (bytes, _) = small();
    for length in 0..bytes.len() {
        let error = read(bytes[..length].to_vec()).expect_err("it is cut");
        let known = matches!(error, SnapshotError::NotParquet { .. } | SnapshotError::CutShort { .. })
            || matches!(error, SnapshotError::Damaged { .. });
        assert!(known, "{length}: {error}");
    }
}

/// Some bytes can change without changing the heap; no change may result in another heap.
#[test]
fn whichever_byte_is_damaged_no_other_heap_comes_out() {
    let (bytes, loaded) = small();
    let mut unnoticed = 0;
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        if let Ok(read) = read(damaged) {
            unnoticed += 1;
            assert!(read == loaded, "the byte {place} makes another heap");
        }
    }
    assert!(unnoticed < bytes.len() / 5, "{unnoticed} changes of {} bytes are unnoticed", bytes.len());
}

/// Many bytes at once: pieces that are moved, repeated or set to nothing.
#[test]
fn whichever_piece_is_damaged_no_other_heap_comes_out() {
    let (bytes, loaded) = small();
    let mut chance = common::Chance::new(7);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        for _ in 0..=chance.below(3) {
            let (from, to) = (chance.below(bytes.len()), chance.below(bytes.len()));
            let length = chance.below(40).min(bytes.len() - from.max(to));
            match chance.below(4) {
                0 => damaged.copy_within(from..from + length, to),
                1 => damaged[from..from + length].fill(0),
                2 => damaged[from..from + length].fill(0xFF),
                _ => drop(damaged.drain(from..from + length)),
            }
            damaged.resize(bytes.len(), 0);
        }
        if let Ok(read) = read(damaged) {
            assert!(read == loaded);
        }
    }
}

/// Sizes in a file are checked against the limit before memory is allocated.
#[test]
fn a_heap_that_does_not_fit_into_the_limit_is_refused() {
    let folder = Folder::new("limit");
    let file = folder.file("a.parquet");
    let heap = random_heap(22, 60, false);
    save(&heap, None, &file, &SaveOptions::default()).unwrap();
    let error = load_within(&file, &Limits::at_most(100_000)).unwrap_err();
    assert!(matches!(error, SnapshotError::TooLarge { .. }), "{error}");
    assert!(error.hint().is_some());
}

/// A file of a few hundred bytes that claims to be large, or unpacks to be.
#[test]
fn a_small_file_cannot_fill_the_memory() {
    use base64::Engine;
    let tables =
        |json: &[u8]| base64::engine::general_purpose::STANDARD.encode(zstd::encode_all(json, 19).unwrap());
    let refused = |capture: &str, tables: &str| {
        let pairs = [("mem_top.format", "1"), ("mem_top.capture", capture), ("mem_top.tables", tables)];
        read(foreign(&pairs)).unwrap_err()
    };
    let empty = tables(br#"{"texts":[""],"types":[],"frames":[]}"#);
    for capture in
        [r#"{"objects":1000000000000}"#, r#"{"references":18446744073709551615}"#, r#"{"roots":99999999999}"#]
    {
        let error = refused(capture, &empty);
        assert!(matches!(error, SnapshotError::TooLarge { .. }), "{capture}: {error}");
    }
    let bomb = tables(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 10_000);
    let error = refused("{}", &bomb);
    assert!(matches!(error, SnapshotError::TooLarge { .. }), "{error}");
    // Rows that the metadata claims and that are missing.
    let error = refused(r#"{"objects":5}"#, &empty);
    assert!(error.to_string().contains("0 rows for 5 objects"), "{error}");
}

#[test]
fn a_panic_of_the_library_becomes_an_error_and_other_panics_are_still_printed() {
    // The hook is set when the first file is read. Another panic must still reach the previous hook.
    let (bytes, _) = small();
    assert!(read(bytes[..100].to_vec()).is_err());
    assert!(std::panic::catch_unwind(|| panic!("this line on stderr is wanted")).is_err());
}

#[test]
fn an_unknown_column_is_ignored() {
    // Later versions of this format may add columns, but keep the present ones.
    let graph = graph("root -> a:dict -> b:list");
    let folder = Folder::new("unknown-column");
    let file = folder.file("a.parquet");
    save(graph.heap(), None, &file, &SaveOptions::default()).unwrap();
    let with_more = common::with_a_column_more(&std::fs::read(&file).unwrap());
    assert!(read(with_more).unwrap().heap == *graph.heap());
}
