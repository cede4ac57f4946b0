//! Facts about processes that Linux reports in `/proc` (`proc(5)`): identity, state, memory, and
//! limits of memory.
//!
//! Both kinds of capture use this crate, `inprocess` for its own process and `remote` for others,
//! so that they report the same facts for the same process. Nothing here stops a process or changes
//! it. A fact that is not available is `None` or empty; on systems without `/proc` that is every
//! fact but the time.
#![forbid(unsafe_code)]

mod files;
mod identity;
mod memory_limit;
mod process;
mod process_stats;
mod status;

pub use files::read;
pub use identity::{clocks, container, host, identity, own_container, own_identity};
pub use memory_limit::{FreeMemory, free_memory};
pub use process::{
    LARGEST_STACK, all, arguments, auxiliary_vector, called, owner_of_files, parent, program, stack_pointer,
    started, threads, user_name,
};
pub use process_stats::{ProcessStats, process_stats};
pub use status::Status;
