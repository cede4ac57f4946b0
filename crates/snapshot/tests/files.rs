//! A snapshot is written to the file system completely or not at all, for its owner alone, and not through a planted link.
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use common::{Folder, random_heap};
use memtop_heap::Heap;
use memtop_snapshot::{SaveOptions, SnapshotError, load, save, save_new, write_new, write_whole};

fn heap() -> Heap {
    random_heap(22, 60, false)
}

fn save_at(path: &Path) -> Result<(), SnapshotError> {
    save(&heap(), None, path, &SaveOptions::default()).map(|_| ())
}

#[test]
fn only_the_owner_may_read_it_whatever_was_there_before() {
    let folder = Folder::new("mode");
    let file = folder.file("a.parquet");
    for _ in 0..2 {
        save_at(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    }
    assert_eq!(folder.names(), ["a.parquet"]);
}

#[test]
fn a_link_under_the_name_is_replaced_and_not_followed() {
    let folder = Folder::new("link");
    let (file, target) = (folder.file("a.parquet"), folder.file("precious"));
    fs::write(&target, "precious").unwrap();
    symlink(&target, &file).unwrap();
    save_at(&file).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(fs::symlink_metadata(&file).unwrap().file_type().is_file());
    assert!(load(&file).unwrap().heap == heap());
}

#[test]
fn only_files_are_replaced() {
    let folder = Folder::new("replace");
    let directory = folder.file("directory");
    fs::create_dir(&directory).unwrap();
    let error = save_at(&directory).unwrap_err();
    assert!(matches!(error, SnapshotError::NotAFile { found: "a directory", .. }), "{error}");
    let error = save_at(Path::new("/dev/null")).unwrap_err();
    assert!(matches!(error, SnapshotError::NotAFile { .. }), "{error}");
    assert_eq!(folder.names(), ["directory"]);
}

#[test]
fn a_failed_save_is_an_error_and_leaves_nothing() {
    let folder = Folder::new("nowhere");
    let error = save_at(&folder.file("none/a.parquet")).unwrap_err();
    assert!(matches!(error, SnapshotError::Write { .. }), "{error}");
    assert!(error.hint().unwrap().contains("create it first"));
    let error = save_at(&folder.file("..")).unwrap_err();
    assert!(error.to_string().contains(".."), "{error}");
    assert!(folder.names().is_empty());
}

#[test]
fn any_file_is_written_completely_and_not_at_all_if_its_writer_fails() {
    let folder = Folder::new("any");
    let (file, target) = (folder.file("a.html"), folder.file("precious"));
    fs::write(&target, "precious").unwrap();
    symlink(&target, &file).unwrap();
    let failed = write_whole(&file, |out| {
        out.write_all(&[b'x'; 100_000])?;
        Err(std::io::Error::other("no more"))
    });
    let error = failed.unwrap_err();
    assert!(matches!(&error, SnapshotError::Write { source, .. } if source.to_string() == "no more"));
    assert!(fs::symlink_metadata(&file).unwrap().file_type().is_symlink());
    assert_eq!(write_whole(&file, |out| out.write_all(b"whole")).unwrap(), 5);
    assert_eq!(fs::read_to_string(&file).unwrap(), "whole");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(folder.names(), ["a.html", "precious"]);
}

#[test]
fn a_new_file_replaces_nothing_and_follows_no_link() {
    let folder = Folder::new("new");
    let names = || (1..).map(|nth| folder.file(&format!("{nth}.parquet")));
    fs::write(folder.file("1.parquet"), "precious").unwrap();
    symlink(folder.file("nowhere"), folder.file("2.parquet")).unwrap();
    let (path, _) = save_new(&heap(), names(), &SaveOptions::default()).unwrap();
    assert_eq!(path, folder.file("3.parquet"));
    assert!(load(&path).unwrap().heap == heap());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(folder.file("1.parquet")).unwrap(), "precious");
    // Another file takes the name during the write.
    let path = write_new(names(), |out| {
        fs::write(folder.file("4.parquet"), "precious too")?;
        out.write_all(b"whole")
    });
    assert_eq!(path.unwrap(), folder.file("5.parquet"));
    assert_eq!(fs::read_to_string(folder.file("4.parquet")).unwrap(), "precious too");
    assert_eq!(fs::read_to_string(folder.file("5.parquet")).unwrap(), "whole");
    let error = write_new(names().take(5), |out| out.write_all(b"more")).unwrap_err();
    assert!(error.to_string().contains("all possible names are taken"), "{error}");
    assert_eq!(folder.names(), ["1.parquet", "2.parquet", "3.parquet", "4.parquet", "5.parquet"]);
}

/// Each of many concurrent writers gets its own name.
#[test]
fn new_files_that_are_written_at_the_same_time_are_all_kept() {
    let folder = Folder::new("at-once");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let folder = &folder;
            scope.spawn(move || {
                for _ in 0..10 {
                    let names = (1..).map(|nth| folder.file(&format!("{nth:03}")));
                    write_new(names, |out| write!(out, "{writer}")).unwrap();
                }
            });
        }
    });
    assert_eq!(folder.names().len(), 80);
}

/// `/dev/full` is not a file, so the test mounts a small file system, which needs root.
#[test]
fn a_full_disk_leaves_the_old_file_and_no_new_one() {
    let folder = Folder::new("full");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"])
        .arg(folder.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user may not mount a file system");
        return;
    }
    let unmount = || std::process::Command::new("umount").arg(folder.path()).status();
    let file = folder.file("a.parquet");
    let first = save_at(&file);
    let second = save(&random_heap(5, 40_000, true), None, &file, &SaveOptions { with_keys: true });
    let names = folder.names();
    let kept = load(&file).map(|loaded| loaded.heap == heap());
    unmount().unwrap();
    first.unwrap();
    let error = second.unwrap_err();
    assert!(
        matches!(&error, SnapshotError::Write { source, .. } if source.kind() == std::io::ErrorKind::StorageFull)
    );
    assert!(error.hint().unwrap().contains("disk is full"));
    assert_eq!(names, ["a.parquet"]);
    assert!(kept.unwrap());
}
