//! Measures how long a process is stopped for a copy, and one plain read of the same bytes: `cargo
//! run --release -p memtop-remote --example pause -- PID [TIMES]`. Prints one line of JSON each
//! time.
#![expect(unsafe_code, reason = "the plain read that the pause is held against")]
#![expect(clippy::print_stdout, reason = "prints its figures")]

use std::time::Instant;

use memtop_remote::{CopyOptions, Target};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid: u32 = arguments.next().ok_or("give a PID")?.parse()?;
    let times: u32 = arguments.next().map_or(Ok(3), |times| times.parse())?;
    for _ in 0..times {
        let begun = Instant::now();
        let target = Target::find(pid)?;
        let finding = begun.elapsed();
        let copied = target.copy(&CopyOptions::default())?;
        let plain = plain_read(pid, copied.image.copied());
        println!(
            r#"{{"find_ms": {:.1}, "pause_ms": {:.1}, "copying_ms": {:.1}, "plain_read_ms": {:.1}, "all_ms": {:.1}, "bytes": {}, "system_calls": {}, "skipped": {}, "threads": {}}}"#,
            finding.as_secs_f64() * 1e3,
            copied.pause.unwrap_or_default().as_secs_f64() * 1e3,
            copied.copying.as_secs_f64() * 1e3,
            plain,
            copied.duration.as_secs_f64() * 1e3,
            copied.bytes,
            copied.system_calls,
            copied.skipped,
            copied.threads.len(),
        );
    }
    Ok(())
}

/// Reads the ranges into populated memory, with as few calls as possible, on one thread. Returns
/// milliseconds.
fn plain_read(pid: u32, ranges: &[(u64, u64)]) -> f64 {
    let length: u64 = ranges.iter().map(|(start, end)| end - start).sum();
    let mut buffer = vec![1_u8; usize::try_from(length).unwrap_or(0)];
    let from: Vec<libc::iovec> = ranges
        .iter()
        .map(|&(start, end)| libc::iovec { iov_base: start as *mut _, iov_len: (end - start) as usize })
        .collect();
    let begun = Instant::now();
    let mut at = 0;
    for from in from.chunks(1024) {
        let length: usize = from.iter().map(|piece| piece.iov_len).sum();
        let to = libc::iovec { iov_base: buffer[at..at + length].as_mut_ptr().cast(), iov_len: length };
        // SAFETY: `to` is a part of `buffer` of that length; the kernel checks the other process's
        // addresses.
        unsafe {
            libc::process_vm_readv(pid.cast_signed(), &raw const to, 1, from.as_ptr(), from.len() as _, 0)
        };
        at += length;
    }
    begun.elapsed().as_secs_f64() * 1e3
}
