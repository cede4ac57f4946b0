//! Feeds damaged copies of real processes to the decoder: `fuzz_decoder [--seconds N] [--seed N]
//! [--case N] [--python PATH]…`.
//!
//! For each interpreter in turn, a program with objects of every kind is started and copied. A
//! child process with limited address space damages the copy by a seed and captures the heap in it,
//! over and over. A case that panics, ends the child, or exceeds the limits of time and memory
//! below is reported with its seed, and the exit status is 1. `--case` runs one seed again.
//! Addresses are not random in these programs (`setarch -R`), so that a seed always means the same.
#![expect(clippy::print_stdout, reason = "it is a program of its own")]
#![allow(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::expect_used,
    reason = "what fails here fails the harness"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use memtop_remote::{CaptureOptions, CopyOptions, Target};

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/damage.rs"]
mod damage;

use common::Python;
use damage::{Places, Traced};

/// The most time and memory of a case: these multiples of an undamaged one, plus these constants.
const MOST_TIMES: u64 = 20;
const MORE_NANOS: u64 = 1_000_000_000;
const MOST_MEMORY: u64 = 4;
const MORE_KB: u64 = 64 << 10;
/// The address space of the child in kB, and the time after which it is killed.
const CHILD_KB: u64 = 4_000_000;
const PATIENCE: Duration = Duration::from_secs(60);
/// The least time for one interpreter before the next one's turn.
const TURN: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let values = |name: &str| -> Vec<&String> {
        let pairs = arguments.windows(2).filter(|pair| pair[0] == name);
        pairs.map(|pair| &pair[1]).collect()
    };
    let number = |name: &str| values(name).first().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(pid) = number("--child") {
        decode(pid as u32);
        return ExitCode::SUCCESS;
    }
    let named = values("--python").into_iter().cloned().collect::<Vec<_>>();
    let pythons = if named.is_empty() { common::interpreters().values().cloned().collect() } else { named };
    let time = Duration::from_secs(number("--seconds").unwrap_or(600));
    let mut seed =
        number("--case").or(number("--seed")).unwrap_or_else(|| u64::from(std::process::id()) << 32);
    let begun = Instant::now();
    let turn = TURN.max(time / pythons.len().max(1) as u32);
    let mut told = Told::default();
    println!("the first seed is {seed}");
    'all: loop {
        for python in &pythons {
            let turn = if number("--case").is_some() { Duration::ZERO } else { turn };
            seed = told.turn(python, seed, turn.min(time.saturating_sub(begun.elapsed())));
            if begun.elapsed() >= time {
                break 'all;
            }
        }
        if number("--case").is_some() || pythons.is_empty() {
            break;
        }
    }
    println!(
        "{} damaged copies in {:.0?}: {} made a heap, {} were refused; at most {:.1} times as long as undamaged ({:.2} s), {:.1} times as much memory ({} MB); {} failures",
        told.cases,
        begun.elapsed(),
        told.heaps,
        told.cases - told.heaps,
        told.times,
        told.seconds,
        told.memory,
        told.megabytes,
        told.failures
    );
    ExitCode::from(u8::from(told.failures > 0))
}

/// The results so far.
#[derive(Default)]
struct Told {
    cases: u64,
    heaps: u64,
    times: f64,
    seconds: f64,
    memory: f64,
    megabytes: u64,
    failures: u64,
}

impl Told {
    /// Damages a program of one interpreter, starting with a seed. Returns the seed after the last.
    fn turn(&mut self, python: &str, mut seed: u64, time: Duration) -> u64 {
        let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cpython/tests/untraced");
        let program =
            "import sys; sys.path.insert(0, sys.argv[1]); import zoo; print('ready', flush=True); input()";
        let mut command = Command::new("setarch");
        command.args(["-R", python, "-c", program]).arg(zoo);
        command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
        let mut target = Python::of(command);
        target.line();
        let begun = Instant::now();
        let mut decoder = Decoder::start(target.pid);
        let Some(base) = decoder.answer() else {
            self.fail(python, seed, "the undamaged copy could not be read");
            return seed;
        };
        let base = numbers(&base);
        loop {
            self.cases += 1;
            match decoder.decode(seed) {
                Some(answer) => self.answer(python, seed, &base, &answer),
                None => {
                    self.fail(python, seed, "the decoder died, or took more than a minute");
                    decoder = Decoder::start(target.pid);
                    decoder.answer();
                }
            }
            seed += 1;
            if begun.elapsed() >= time {
                return seed;
            }
        }
    }

    fn answer(&mut self, python: &str, seed: u64, base: &[u64], answer: &str) {
        let told = numbers(answer);
        let (&[nanos, kb, heap], &[base_nanos, base_kb, ..]) = (&told[..3.min(told.len())], base) else {
            return self.fail(python, seed, answer);
        };
        self.heaps += heap;
        let times = |one: u64, other: u64| one as f64 / other.max(1) as f64;
        self.times = self.times.max(times(nanos, base_nanos));
        self.seconds = self.seconds.max(nanos as f64 / 1e9);
        self.memory = self.memory.max(times(kb, base_kb));
        self.megabytes = self.megabytes.max(kb >> 10);
        if nanos > base_nanos * MOST_TIMES + MORE_NANOS {
            self.fail(
                python,
                seed,
                &format!("{:.1} s rather than {:.2}", nanos as f64 / 1e9, base_nanos as f64 / 1e9),
            );
        }
        if kb > base_kb * MOST_MEMORY + MORE_KB {
            self.fail(python, seed, &format!("{} MB rather than {}", kb >> 10, base_kb >> 10));
        }
    }

    fn fail(&mut self, python: &str, seed: u64, what: &str) {
        self.failures += 1;
        println!("--case {seed} --python {python}: {what}");
    }
}

fn numbers(line: &str) -> Vec<u64> {
    line.split_whitespace().map_while(|word| word.parse().ok()).collect()
}

/// The child: copies a process, and prints the cost of the undamaged copy. Then, for each seed that
/// it reads, it prints the cost of the damaged copy: nanoseconds, kilobytes, and whether there was
/// a heap.
fn decode(pid: u32) {
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string().replace('\n', " "))));
    let target = Target::find(pid).expect("a Python program");
    let copied = target.copy(&CopyOptions::default()).expect("a copy");
    let options = CaptureOptions { with_keys: true, ..CaptureOptions::default() };
    let traced = Traced::new(&copied.image);
    let heap = target.heap_of(&copied, &traced, &options).expect("a heap");
    let places = Places::new(&heap, traced);
    drop(heap);
    let base = measured(|| target.heap_of(&copied, &copied.image, &options).is_ok());
    say(&format!("{} {} {}", base.0, base.1, u64::from(base.2)));
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let Ok(seed) = line.parse() else { continue };
        let damaged = places.damage(&copied.image, seed);
        let options = CaptureOptions { with_keys: seed & 1 == 0, ..options };
        let run = || measured(|| target.heap_of(&copied, &damaged, &options).is_ok());
        // The hook has printed the panic.
        if let Ok((nanos, kb, heap)) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            say(&format!("{nanos} {kb} {}", u64::from(heap)));
        }
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("the harness reads");
}

/// The CPU time of a thread in nanoseconds, and the most growth of its process in kB.
fn measured(run: impl FnOnce() -> bool) -> (u64, u64, bool) {
    // 5 resets the peak resident size (`proc_pid_clear_refs(5)`).
    std::fs::write("/proc/self/clear_refs", "5").expect("the system counts the peak resident size");
    let (before, begun) = (status("VmRSS:"), spent());
    let heap = run();
    (spent() - begun, status("VmHWM:").saturating_sub(before), heap)
}

fn spent() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    numbers(&told).first().copied().unwrap_or(0)
}

fn status(name: &str) -> u64 {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    numbers(line).first().copied().unwrap_or(0)
}

/// A child process that decodes.
struct Decoder {
    child: Child,
    answers: Receiver<String>,
}

impl Decoder {
    fn start(pid: u32) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v {CHILD_KB} && exec \"$0\" --child {pid}")])
            .arg(program)
            // Freed memory is returned at once, so that the cases do not influence each other.
            .env("MALLOC_MMAP_THRESHOLD_", "65536")
            .env("MALLOC_TRIM_THRESHOLD_", "131072")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let (send, answers) = channel();
        let out = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, answers }
    }

    fn decode(&mut self, seed: u64) -> Option<String> {
        writeln!(self.child.stdin.as_mut()?, "{seed}").ok()?;
        self.answer()
    }

    /// The next line. `None` if the child died or takes too long.
    fn answer(&mut self) -> Option<String> {
        self.answers.recv_timeout(PATIENCE).ok()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
