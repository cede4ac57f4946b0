//! Feeds damaged snapshots to the reader: `fuzz_reader [--seconds N] [--seed N] [--corpus FOLDER]`.
//!
//! It changes files of the corpus and snapshots of random heaps (bits, pieces, numbers, and pages packed again with a
//! valid checksum, so that the change reaches the decoders), and reads them. A child with 1 GB of address space reads
//! one file at a time, whose path it gets on a pipe. If the child dies of a signal, runs out of memory or takes longer
//! than a minute, the file is kept in the corpus as `crash-…`, and the harness exits with status 1. It is not guided by
//! coverage, because that needs nightly Rust.
#![expect(clippy::print_stdout, reason = "it is a program of its own")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use memtop_snapshot::{Limits, SaveOptions, load_from, save};

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/mutate.rs"]
mod mutate;

use common::{Chance, Folder, random_heap};

/// The memory that the reader may take for a heap in bytes, and the address space of the child in kB.
const LIMIT: u64 = 100_000_000;
const CHILD_KB: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name);
        place.and_then(|place| arguments.get(place + 1)).cloned()
    };
    if arguments.iter().any(|argument| argument == "--child") {
        return read_files_from_stdin();
    }
    let number = |name, otherwise: u64| value(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let corpus = value("--corpus")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus"), PathBuf::from);
    let (seconds, seed) = (number("--seconds", 600), number("--seed", u64::from(std::process::id())));
    let crashes = fuzz(&corpus, Duration::from_secs(seconds), seed);
    std::process::exit(i32::from(crashes > 0));
}

fn fuzz(corpus: &Path, time: Duration, seed: u64) -> usize {
    let folder = Folder::new("fuzz");
    let case = folder.file("case");
    let chance = &mut Chance::new(seed);
    let seeds = seeds(corpus, &folder, chance);
    let (start, mut tried, mut accepted, mut crashes) = (Instant::now(), 0_u64, 0_u64, 0);
    let mut child = Reader::start();
    while start.elapsed() < time {
        let input = mutate::mutate(&seeds, chance);
        std::fs::write(&case, &input).expect("the case can be written");
        tried += 1;
        match child.read(&case) {
            Some(line) => accepted += u64::from(line == "heap"),
            None => {
                crashes += 1;
                let kept = corpus.join(format!("crash-{:08x}", crc32fast::hash(&input)));
                std::fs::write(&kept, &input).expect("the corpus can be written");
                println!("the reader died of {}", kept.display());
                child = Reader::start();
            }
        }
    }
    println!(
        "{tried} files in {:.0?} (seed {seed}): {accepted} read as heaps, {crashes} crashes",
        start.elapsed()
    );
    crashes
}

/// The corpus, and snapshots of random heaps of several sizes.
fn seeds(corpus: &Path, folder: &Folder, chance: &mut Chance) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for entry in std::fs::read_dir(corpus).into_iter().flatten().flatten() {
        seeds.extend(std::fs::read(entry.path()));
    }
    for most in [0, 1, 5, 50, 200, 1000] {
        let file = folder.file("seed.parquet");
        let heap = random_heap(chance.next(), most, true);
        save(&heap, Some(&|id| Some(id.index() as u64)), &file, &SaveOptions { with_keys: true })
            .expect("a heap can be saved");
        seeds.push(std::fs::read(&file).expect("it was saved"));
    }
    seeds
}

/// The child: reads each file that is named on stdin, and answers with a line.
fn read_files_from_stdin() {
    for line in std::io::stdin().lines() {
        let path = line.expect("a path on each line");
        let bytes = std::fs::read(&path).expect("the file is there");
        let heap = load_from(bytes, Path::new(&path), &Limits::at_most(LIMIT)).is_ok();
        println!("{}", if heap { "heap" } else { "refused" });
    }
}

/// A child that reads.
struct Reader {
    child: Child,
    told: ChildStdin,
    answers: Receiver<String>,
}

impl Reader {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v {CHILD_KB} && exec \"$0\" --child")])
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let told = child.stdin.take().expect("it was asked for");
        let answers = answers(child.stdout.take().expect("it was asked for"));
        Self { child, told, answers }
    }

    /// What the child says of a file; none if it died of it.
    fn read(&mut self, path: &Path) -> Option<String> {
        let told = writeln!(self.told, "{}", path.display()).and_then(|()| self.told.flush());
        told.ok().and_then(|()| self.answers.recv_timeout(PATIENCE).ok())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The lines of the child, so that waiting for one can end.
fn answers(from: ChildStdout) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
