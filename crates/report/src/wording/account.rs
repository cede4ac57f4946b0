//! The account of growth in words: the parts of resident memory, and which of them grew.

use memtop_analyze::{Account, AccountPart, Leaks, MemoryTotal};
use memtop_heap::{CaptureMethod, MallocLibrary};

use crate::numbers::bytes;

/// A part of resident memory. `library` is the one that provides malloc.
pub(crate) fn account_part(part: AccountPart, library: Option<MallocLibrary>) -> String {
    let malloc = || match library {
        Some(library) => format!("malloc ({})", library.name()),
        None => "malloc".to_owned(),
    };
    match part {
        AccountPart::Objects => "Python objects".to_owned(),
        AccountPart::Garbage => "garbage".to_owned(),
        AccountPart::Own => "objects of mem_top".to_owned(),
        AccountPart::Buffers => "stacks of threads".to_owned(),
        AccountPart::Malloc => format!("blocks of {} without objects", malloc()),
        AccountPart::Pymalloc => "blocks of pymalloc without objects".to_owned(),
        AccountPart::Interned => "interned strings, which CPython 3.12 never frees".to_owned(),
        AccountPart::FrameStacks => "stacks of Python frames".to_owned(),
        AccountPart::Mappings => match library {
            None | Some(MallocLibrary::Glibc) => "anonymous mappings".to_owned(),
            // Where its blocks are cannot be seen from outside of the library.
            Some(library) => format!("anonymous mappings, with those of {}", library.name()),
        },
        AccountPart::MallocFree => format!("free memory of {}", malloc()),
        AccountPart::PymallocFree => "free memory of pymalloc".to_owned(),
        AccountPart::Files => "files and shared memory".to_owned(),
        AccountPart::Unexplained => "unexplained".to_owned(),
    }
}

/// Growth of resident memory that is less than this share of what grew is not worth a word.
const SMALL: f64 = 0.1;
/// Less growth of resident memory than this is not explained.
const LITTLE: i64 = 1_000_000;

/// The growth of resident memory, as the end of a sentence that says that nothing grew.
pub(crate) fn resident_growth(account: &Account) -> String {
    match account.resident {
        None => String::new(),
        Some(..=0) => "; resident memory did not grow".to_owned(),
        Some(grown) if grown < LITTLE => {
            format!("; resident memory grew by {}", bytes(grown.unsigned_abs()))
        }
        Some(grown) => {
            let rows = account.rows.iter().filter(|row| row.growth as f64 >= SMALL * grown as f64);
            let parts: Vec<String> = rows
                .map(|row| {
                    let size = bytes(row.growth.unsigned_abs());
                    format!("{} by {size}", account_part(row.part, account.malloc_library))
                })
                .collect();
            let all = bytes(grown.unsigned_abs());
            match parts.as_slice() {
                [] => format!("; resident memory grew by {all}"),
                parts => format!("; resident memory grew by {all}: {}", parts.join(", ")),
            }
        }
    }
}

/// The memory of malloc in the last heap of a series; see [`malloc`].
pub(crate) fn malloc_of(answer: &Leaks) -> Option<String> {
    malloc(answer.memory.last()?, answer.info.as_ref()?.method)
}

/// The memory that malloc has in use and free, and the reason if that is not known. `None` if nothing is known.
fn malloc(total: &MemoryTotal, method: CaptureMethod) -> Option<String> {
    let name = total.malloc_library.map_or("an unknown library", MallocLibrary::name);
    let numbers = total.malloc_in_use.zip(total.malloc_free);
    if numbers.is_none() && total.malloc_library.is_none() {
        return None;
    }
    Some(match (numbers, total.malloc_library) {
        (Some((in_use, free)), _) => {
            let trim = match total.malloc_trimmable {
                Some(trim) => format!(", of which malloc_trim would return {}", bytes(trim)),
                None if method == CaptureMethod::InProcess => {
                    ", what malloc_trim would return is known from outside only".to_owned()
                }
                None => String::new(),
            };
            format!("malloc is that of {name}: {} in use, {} free{trim}", bytes(in_use), bytes(free))
        }
        (None, Some(MallocLibrary::Glibc)) => {
            "malloc is that of glibc, but its heap has an unexpected form: what is free in it is not known"
                .to_owned()
        }
        (None, _) => format!(
            "malloc is that of {name}: its blocks cannot be distinguished from other mappings, so what is free is not known"
        ),
    })
}
