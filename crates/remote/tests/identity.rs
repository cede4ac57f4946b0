//! The identity of a process, read from outside: constant over its life, except for the image,
//! which changes with `exec`.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

mod common;

use std::process::Command;

use common::{Python, newest};
use memtop_heap::SameProcess;
use memtop_remote::{CaptureOptions, Target, capture};

/// Prints its number, then runs itself again with each line that it reads.
const AGAIN: &str = "
import os, sys
print(os.getpid(), flush=True)
if input() == 'again':
    os.execv(sys.executable, [sys.executable, '-c', sys.argv[1], sys.argv[1]])
input()
";

#[test]
fn exec_of_the_same_program_changes_the_image_even_without_random_addresses() {
    let Some(python) = newest() else { return };
    for fixed in [false, true] {
        let mut command = Command::new(if fixed { "setarch" } else { python });
        if fixed {
            command.args(["-R", python]);
        }
        command.args(["-c", AGAIN, AGAIN]);
        let mut program = Python::of(command);
        let mut line = String::new();
        if program.try_line(&mut line).is_none() {
            eprintln!("skipped: addresses cannot be fixed on this machine");
            continue;
        }
        let identity = || Target::find(program.pid).expect("a Python").identity;
        let before = identity();
        let image = before.image.expect("its image can be read");
        assert!(image.random.is_some(), "{image}");
        assert_eq!(before, identity(), "it stays the same");
        let old = Target::find(program.pid).expect("a Python");
        program.say("again");
        program.line();
        let after = Target::find(program.pid).expect("a Python").identity;
        assert_eq!((before.pid, before.started), (after.pid, after.started));
        assert_eq!(before.compare(&after), SameProcess::OtherImage, "{image} and {:?}", after.image);
        // The old target is refused, although with fixed addresses all mappings are the same.
        let refusal = old.capture(&CaptureOptions::default()).expect_err("it is another program").to_string();
        assert!(refusal.contains("became another program (exec)"), "{refusal}");
        let heap = capture(program.pid, &CaptureOptions::default()).expect("it can be captured");
        assert_eq!(heap.info().process, after);
        program.say("end");
    }
}

#[test]
fn a_child_that_was_forked_is_another_process_with_the_same_image() {
    let Some(python) = newest() else { return };
    // One write each, so that the lines of the two processes do not mix.
    let mut parent = Python::start(
        python,
        "import os; child = os.fork() or os.getpid(); os.write(1, b'%d\\n' % child); input()",
    );
    let numbers = [parent.numbers()[0], parent.numbers()[0]];
    let child = numbers.into_iter().map(|pid| pid as u32).find(|&pid| pid != parent.pid).expect("a child");
    let of = |pid| Target::find(pid).expect("a Python").identity;
    let (parent, child) = (of(parent.pid), of(child));
    assert_eq!(parent.image, child.image);
    assert_eq!(parent.compare(&child), SameProcess::No);
}
