//! The errors of the commands, and their hints.

use expect_test::expect;

use crate::shop::{fails, folder, mem_top, stdout};

#[test]
fn different_processes_are_compared_only_if_asked_for() {
    let advice = expect![[r#"
        error: snapshots 1 and 2 are of different processes (PID 4711 and PID 4712): growth can only be measured within one process
        hint: 1 is leak0.parquet, 2 is other.parquet; to compare them anyway, add --any-process
    "#]];
    fails(&["diff", "leak0.parquet", "other.parquet"], &advice);
    let output = mem_top(folder(), &["diff", "--any-process", "leak1.parquet", "other.parquet"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("shop.Session"));
    fails(
        &["leaks", "leak0.parquet", "leak1.parquet", "other.parquet"],
        &expect![[r#"
            error: snapshots 1 and 3 are of different processes (PID 4711 and PID 4712): growth can only be measured within one process
            hint: 1 is leak0.parquet, 3 is other.parquet; give snapshots of one process, taken while it ran the same program
        "#]],
    );
}

#[test]
fn errors_say_what_is_missing_and_what_is_similar() {
    fails(
        &["why", "leak0.parquet", "shop.Sesion"],
        &expect![[r#"
            error: no type called "shop.Sesion" in leak0.parquet
            hint: did you mean shop.Session, or shop.Sessions?
        "#]],
    );
    fails(
        &["why", "leak0.parquet", "zzz"],
        &expect![[r#"
            error: no type called "zzz" in leak0.parquet
            hint: `mem_top report leak0.parquet` lists the types
        "#]],
    );
    fails(
        &["why", "leak0.parquet", "0x1"],
        &expect![[r#"
            error: no object at 0x1 in leak0.parquet
            hint: it may have been freed before the capture, or created after it; `mem_top report leak0.parquet` lists addresses
        "#]],
    );
    fails(
        &["why", "leak0.parquet", "0xnone"],
        &expect![[r#"
            error: invalid address "0xnone"
            hint: write it as hex(id(obj)) prints it, such as 0x7f3c5a0e1d50, or in decimal as id(obj) does
        "#]],
    );
    fails(
        &["report", "missing.parquet"],
        &expect![[r#"
            error: missing.parquet: no such file
            hint: check the path; snapshot.save() or mem_top dump creates a snapshot
        "#]],
    );
    fails(
        &["report", "."],
        &expect![[r#"
            error: .: not a regular file but a directory
            hint: give the path of a file
        "#]],
    );
    fails(
        &["leaks", "leak0.parquet", "leak1.parquet", "./leak0.parquet"],
        &expect![[r#"
            error: leak0.parquet and ./leak0.parquet are the same file
            hint: give each snapshot once
        "#]],
    );
    fails(
        &["leaks", "--min-growth", "3 apples", "leak0.parquet"],
        &expect![[r#"
            error: invalid value '3 apples' for '--min-growth <SIZE>': unknown unit of size "apples": use B, kB, MB, GB, TB (powers of ten) or KiB, MiB, GiB, TiB (powers of two)

            For more information, try '--help'.
        "#]],
    );
}

#[test]
fn a_name_in_a_failure_cannot_steer_the_terminal() {
    fails(
        &["report", "\x1b[2J.parquet"],
        &expect![[r#"
            error: \x1b[2J.parquet: no such file
            hint: check the path; snapshot.save() or mem_top dump creates a snapshot
        "#]],
    );
}
