//! Reads memory of a process on several threads.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

use crate::access::{Access, refusal};
use crate::error::RemoteError;
use crate::ranges::Ranges;
use crate::raw::{self, MOST_PIECES};

/// The fewest bytes for which another thread pays off.
const SHARE: usize = 1 << 24;
/// The most threads. More are not faster, since memory is the bottleneck.
const MOST_THREADS: usize = 4;

/// Pieces of memory, each an address and a length.
type Pieces = Vec<(u64, u64)>;

/// Reads all ranges, concatenated, on several threads. Returns the number of system calls and the
/// ranges that could not be read.
pub(crate) fn read_all(
    access: &Access,
    thread: u32,
    ranges: &[(u64, u64)],
    into: &mut [u8],
) -> Result<(u64, Ranges), RemoteError> {
    let pid = access.pid;
    let ask = |pieces: &[(u64, u64)], into: &mut [u8]| match raw::read(thread, pieces, into) {
        // The thread has ended, but perhaps not the process.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => match access.thread() {
            Ok(other) if other != thread => raw::read(other, pieces, into),
            _ => Err(error),
        },
        read => read,
    };
    let shares = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let work = divide(ranges, into, shares);
    let helpers = work.len() - 1;
    let work = Mutex::new(work);
    let take = || work.lock().ok()?.pop();
    let read = || {
        let mut done = Vec::new();
        while let Some((pieces, part)) = take() {
            done.push(read_pieces(ask, pieces, part, MOST_BYTES));
        }
        done
    };
    let mut done = Vec::new();
    thread::scope(|scope| {
        // If a thread cannot be started, the others do its share.
        let builder = |_| thread::Builder::new().name("copier".to_owned()).spawn_scoped(scope, read).ok();
        let helpers: Vec<_> = (0..helpers).filter_map(builder).collect();
        done.extend(read());
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    let (mut calls, mut missing) = (0, Ranges::new());
    for part in done {
        let (made, skipped) = part.map_err(|error| match error.raw_os_error() {
            Some(libc::ESRCH) => RemoteError::Exited { pid },
            Some(libc::EPERM) => refusal(pid, "reading its memory", error),
            _ => access.gone("its memory", error),
        })?;
        calls += made;
        missing.extend(skipped);
    }
    missing.sort_unstable();
    Ok((calls, missing))
}

/// Divides the ranges into about as many equal shares as asked for, at least one. Each share comes
/// with its part of `into`.
fn divide<'i>(ranges: &[(u64, u64)], into: &'i mut [u8], shares: usize) -> Vec<(Pieces, &'i mut [u8])> {
    let shares = shares.min(into.len() / SHARE).max(1);
    let share = (into.len() as u64).div_ceil(shares as u64).next_multiple_of(4096).max(4096);
    let mut work = Vec::new();
    let mut rest = into;
    let (mut pieces, mut length) = (Vec::new(), 0);
    for &(start, end) in ranges {
        let mut at = start;
        while at < end {
            let take = (end - at).min(share - length);
            pieces.push((at, take));
            length += take;
            at += take;
            if length == share {
                let (part, after) = rest.split_at_mut(length as usize);
                rest = after;
                work.push((std::mem::take(&mut pieces), part));
                length = 0;
            }
        }
    }
    work.push((pieces, rest));
    work
}

/// The most bytes that one call asks for: far below what a call can return (2 GiB minus a page),
/// and few enough that a signal to this program is not delayed.
const MOST_BYTES: u64 = 1 << 26;

/// Reads pieces, each an address and a length, one after the other. `read` is asked for at most
/// `most` bytes at once and returns how many it read. A short read is continued where it ended; a
/// page is skipped only if nothing could be read there. Returns the number of calls and the
/// ranges that were skipped.
fn read_pieces(
    mut read: impl FnMut(&[(u64, u64)], &mut [u8]) -> io::Result<usize>,
    pieces: Pieces,
    into: &mut [u8],
    most: u64,
) -> io::Result<(u64, Ranges)> {
    const PAGE: u64 = 4096;
    let (mut calls, mut missing) = (0, Ranges::new());
    let mut pieces = pieces.into_iter().filter(|piece| piece.1 > 0);
    // The pieces of the next call, and the rest of a piece that did not fit into it.
    let mut asked: VecDeque<(u64, u64)> = VecDeque::with_capacity(MOST_PIECES);
    let (mut length, mut rest, mut at) = (0, None, 0);
    loop {
        while asked.len() < MOST_PIECES
            && length < most
            && let Some((start, left)) = rest.take().or_else(|| pieces.next())
        {
            let take = left.min(most - length);
            asked.push_back((start, take));
            length += take;
            rest = (take < left).then_some((start + take, left - take));
        }
        let Some(&(first, first_length)) = asked.front() else { return Ok((calls, missing)) };
        calls += 1;
        let done = match read(asked.make_contiguous(), &mut into[at..at + length as usize]) {
            Ok(done) => (done as u64).min(length),
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => 0,
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => continue,
            Err(error) => return Err(error),
        };
        // If nothing was read, the first page cannot be read.
        let skipped = if done == 0 { (PAGE - first % PAGE).min(first_length) } else { 0 };
        if skipped > 0 {
            match missing.last_mut() {
                // The rest of a page that was asked for in parts.
                Some(last) if last.1 == first => last.1 = first + skipped,
                _ => missing.push((first / PAGE * PAGE, first + skipped)),
            }
        }
        let mut finished = done + skipped;
        at += finished as usize;
        length -= finished;
        while finished > 0
            && let Some((start, left)) = asked.pop_front()
        {
            let take = left.min(finished);
            finished -= take;
            if take < left {
                asked.push_front((start + take, left - take));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::Buffer;

    #[test]
    fn pages_that_cannot_be_read_are_skipped() {
        // This process's own memory, and an address that is not mapped.
        let memory = Buffer::reserve(1 << 20).expect("a megabyte");
        let start = memory.as_ptr() as u64;
        let pieces = vec![(start, 0x2000), (0x1000, 0x2000), (start + 0x3000, 0x1000)];
        let mut into = vec![1; 0x5000];
        let own = |pieces: &[(u64, u64)], into: &mut [u8]| raw::read(std::process::id(), pieces, into);
        let (calls, missing) = read_pieces(own, pieces, &mut into, MOST_BYTES).expect("its own memory");
        assert_eq!(missing, [(0x1000, 0x3000)]);
        assert!(calls >= 2 && into[..0x2000].iter().chain(&into[0x4000..]).all(|&byte| byte == 0));
    }

    /// The byte at an address in the made-up memory of these tests.
    fn byte_at(address: u64) -> u8 {
        (address ^ address >> 8 ^ address >> 16) as u8 | 1
    }

    #[test]
    fn a_short_read_loses_nothing_wherever_it_ends() {
        const MOST: u64 = 1 << 14;
        let bad = [(0x5000, 0x6000), (0x10_0000, 0x10_2000)];
        let is_bad = |address: u64| bad.iter().any(|range| (range.0..range.1).contains(&address));
        let pieces = vec![
            (0x1000, 0x3000),
            (0x4000, 0x4000),
            (0xf_e000, 0x5000),
            (0x20_0000, 0),
            (0x20_0800, 0x800),
            (0x30_0000, 3 * MOST / 2),
            (0x4000_0000, MOST),
        ];
        let expected: Vec<u8> = pieces
            .iter()
            .flat_map(|&(start, length)| start..start + length)
            .map(|address| if is_bad(address) { 0 } else { byte_at(address) })
            .collect();
        for at_once in [7, 1 << 11, 1 << 12, 5000, (1 << 13) - 1, usize::MAX] {
            let read = |asked: &[(u64, u64)], into: &mut [u8]| {
                assert_eq!(asked.iter().map(|piece| piece.1).sum::<u64>(), into.len() as u64);
                assert!(into.len() as u64 <= MOST, "{} bytes were asked for at once", into.len());
                let addresses = asked.iter().flat_map(|&(start, length)| start..start + length);
                let good = addresses.take(at_once).take_while(|&address| !is_bad(address));
                let done = into.iter_mut().zip(good).map(|(byte, address)| *byte = byte_at(address)).count();
                if done == 0 { Err(io::Error::from_raw_os_error(libc::EFAULT)) } else { Ok(done) }
            };
            let mut into = vec![0; expected.len()];
            let (_, missing) = read_pieces(read, pieces.clone(), &mut into, MOST).expect("made-up memory");
            assert_eq!(missing, bad, "only what cannot be read, in steps of {at_once}");
            assert!(into == expected, "in steps of {at_once}");
        }
    }

    #[test]
    fn no_page_is_lost_when_a_call_returns_less_than_asked() {
        // `MAX_RW_COUNT` of Linux: a call reads no more.
        const MOST: usize = 0x7fff_f000;
        let length = (5 << 30) + 0x3000;
        let mut into = Buffer::reserve(length).expect("memory that is not touched");
        let read = |_: &[(u64, u64)], into: &mut [u8]| Ok(into.len().min(MOST));
        let pieces = vec![(1 << 40, length as u64)];
        for most in [MOST_BYTES, u64::MAX] {
            let (calls, missing) =
                read_pieces(read, pieces.clone(), &mut into, most).expect("made-up memory");
            assert_eq!((calls, missing), ((length as u64).div_ceil(most.min(MOST as u64)), Ranges::new()));
        }
    }

    #[test]
    fn an_interrupted_read_is_repeated_and_another_error_ends_it() {
        let mut times = 0;
        let read = |_: &[(u64, u64)], into: &mut [u8]| {
            times += 1;
            match times {
                1 => Err(io::Error::from_raw_os_error(libc::EINTR)),
                _ => Ok(into.len()),
            }
        };
        let (calls, missing) =
            read_pieces(read, vec![(0x1000, 0x1000)], &mut [0; 0x1000], MOST_BYTES).expect("repeated");
        assert_eq!((calls, missing), (2, Ranges::new()));
        let gone = |_: &[(u64, u64)], _: &mut [u8]| Err(io::Error::from_raw_os_error(libc::ESRCH));
        let error =
            read_pieces(gone, vec![(0x1000, 0x1000)], &mut [0; 0x1000], MOST_BYTES).expect_err("it is gone");
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
