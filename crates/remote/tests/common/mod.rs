//! Real processes to look into: Python programs that say when they are ready, on every interpreter that is found.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::print_stderr,
    reason = "each test file uses a part; a skipped test says why"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// The interpreters of this machine, by their minor version of 3, and how each is called.
pub fn interpreters() -> &'static BTreeMap<u8, String> {
    static FOUND: OnceLock<BTreeMap<u8, String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let ask = Command::new("python3").arg(root.join("tools/interpreters.py")).arg("--json").output();
        let listed =
            ask.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let mut found: BTreeMap<u8, String> = BTreeMap::new();
        // {"3.10": "/path", ...}: neither has a quote in it.
        let texts: Vec<&str> = listed.split('"').skip(1).step_by(2).collect();
        for pair in texts.chunks_exact(2) {
            if let Some(minor) = pair[0].strip_prefix("3.").and_then(|minor| minor.parse().ok()) {
                found.insert(minor, pair[1].to_owned());
            }
        }
        for minor in 8..=15 {
            let name = format!("python3.{minor}");
            let asks = Command::new(&name).args(["-c", "import sys; print(sys.executable)"]).output();
            if let Ok(output) = asks
                && output.status.success()
            {
                let real = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                found.entry(minor).or_insert(real);
            }
        }
        found
    })
}

/// The newest interpreter that can be read, or a line that says that there is none.
pub fn newest() -> Option<&'static str> {
    let newest = interpreters().range(10..).next_back().map(|(_, python)| python.as_str());
    if newest.is_none() {
        eprintln!("skipped: no CPython from 3.10 on is found");
    }
    newest
}

/// A Python program that runs until this is dropped. What it prints is told line by line.
pub struct Python {
    pub child: Child,
    pub pid: u32,
    output: BufReader<ChildStdout>,
    input: ChildStdin,
}

impl Python {
    pub fn start(python: &str, program: &str) -> Self {
        let mut command = Command::new(python);
        command.args(["-c", program]);
        Self::of(command)
    }

    pub fn of(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env_remove("PYTHONMALLOC");
        let mut child = command.spawn().expect("the interpreter starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let input = child.stdin.take().expect("piped");
        Self { pid: child.id(), child, output, input }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        assert!(!line.is_empty(), "the program ended");
        line.trim().to_owned()
    }

    /// The next line, if there is one.
    pub fn try_line(&mut self, line: &mut String) -> Option<()> {
        (self.output.read_line(line).ok()? > 0).then_some(())
    }

    /// Numbers in the next line.
    pub fn numbers(&mut self) -> Vec<u64> {
        self.line().split_whitespace().map(|word| word.parse().expect("a number")).collect()
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the program reads");
    }

    /// Whether it answers.
    pub fn is_alive(&mut self) -> bool {
        self.say("ping");
        self.line() == "ping"
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of a program that answers each line with itself.
pub const ECHO: &str = "
import sys
for line in sys.stdin:
    print(line.strip(), flush=True)
";

/// The state's letter of a process.
pub fn state(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('?')
}

/// Waits until something holds. The limit only ends a hang: a busy machine may take long.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 300, "in vain: {what}");
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}
