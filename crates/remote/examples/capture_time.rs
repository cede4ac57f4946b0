//! Captures a process and prints the time and memory that it took: `cargo run --release --example
//! capture_time -- PID [TIMES]`.

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::time::Instant;

use memtop_remote::{CaptureOptions, capture};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let pid = arguments.next().and_then(|pid| pid.parse().ok()).expect("a process's number");
    let times = arguments.next().map_or(1, |times| times.parse().expect("a number of times"));
    for _ in 0..times {
        let start = Instant::now();
        match capture(pid, &CaptureOptions::default()) {
            Ok(heap) => {
                let info = heap.info();
                println!(
                    "{} objects, {} references, {} damaged, paused {:.1} ms, {:.2} s in all ({:.2} s told); {:?} {:?}",
                    heap.objects().len(),
                    heap.references().len(),
                    info.damaged,
                    info.pause.unwrap_or(0) as f64 / 1e6,
                    start.elapsed().as_secs_f64(),
                    info.duration.unwrap_or(0) as f64 / 1e9,
                    info.memory,
                    info.notes,
                );
            }
            Err(error) => println!("{error}\n{:?}", error.hint()),
        }
    }
}
