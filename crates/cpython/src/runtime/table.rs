//! Offsets in the interpreter's own structures, by version, in bytes.
//!
//! Invariant: these are claims. Each is proved on the process at hand before it is used (`interpreter.rs`,
//! `lists.rs`, `types.rs`). Where the process itself states an offset (`_Py_DebugOffsets`, from 3.13), that
//! one is used.
//!
//! `tools/offsets.py` prints them. They were read from v3.8.18 (`Include/internal/pycore_pystate.h`,
//! `pycore_pymem.h`), v3.9.18, v3.10.13, v3.11.7, v3.12.1, v3.13.0 (`pycore_runtime.h`, `pycore_interp.h`,
//! `pycore_gc.h`, `pycore_typeobject.h`), v3.14.10 and v3.15.2 (`pycore_runtime_structs.h`,
//! `pycore_interp_structs.h`, `pycore_debug_offsets.h`).

use super::error::RuntimeError;
use crate::memory::Memory;

/// `_PyRuntimeState`, `PyInterpreterState`, `PyThreadState` and `struct _gc_runtime_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    /// `_PyRuntimeState.initialized`, an int.
    pub(super) initialized: u64,
    /// `_PyRuntimeState.finalizing`, the thread that ends the interpreter, or NULL.
    pub(super) finalizing: u64,
    /// `_PyRuntimeState.interpreters.head`.
    pub(super) head: u64,
    /// `PyInterpreterState.next`.
    pub(super) next: u64,
    /// `PyInterpreterState.id`, a signed word.
    pub(super) id: u64,
    /// `PyInterpreterState.threads.head`; `tstate_head` to 3.10.
    pub(super) threads: u64,
    /// `PyInterpreterState.finalizing`, an int.
    pub(super) ending: u64,
    /// `PyInterpreterState.imports.modules`; `modules` to 3.11.
    pub(super) modules: u64,
    /// `PyInterpreterState.sysdict`.
    pub(super) sysdict: u64,
    /// `PyInterpreterState.builtins`.
    pub(super) builtins: u64,
    /// `PyInterpreterState.gc`; in 3.8 `_PyRuntimeState.gc`.
    pub(super) gc: u64,
    /// The collector's state.
    pub(super) collector: Collector,
    /// The state of static types in each interpreter, from 3.12.
    pub(super) statics: Option<Statics>,
}

/// `struct _gc_runtime_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Collector {
    /// `generations[0]`, or `young`.
    pub(super) generations: u64,
    /// `permanent_generation`.
    pub(super) permanent: u64,
    /// `collecting`, an int.
    pub(super) collecting: u64,
}

/// `PyInterpreterState.types`: an array for the interpreter's own types and, from 3.13, one for those of its
/// modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statics {
    /// The offset of each array and its capacity.
    pub(super) arrays: [(u64, u64); 2],
    /// The size of an element; the type is its first word.
    pub(super) size: u64,
    /// `tp_dict` in an element.
    pub(super) dict: u64,
}

/// `_Py_DebugOffsets`, by word (`pycore_runtime.h` in 3.13, `pycore_debug_offsets.h` from 3.14).
mod word {
    pub(super) const VERSION: u64 = 1;
    pub(super) const FREE_THREADED: u64 = 2;
    pub(super) const FINALIZING: u64 = 4;
    pub(super) const HEAD: u64 = 5;
    pub(super) const ID: u64 = 7;
    pub(super) const NEXT: u64 = 8;
    pub(super) const THREADS: u64 = 9;
}

const COOKIE: &[u8; 8] = b"xdebugpy";
/// How far around the address in the table a structure is looked for, in bytes.
pub(super) const NEARBY: u64 = 2048;
/// Larger than any structure of the interpreter.
const LARGEST: u64 = 1 << 21;

impl Table {
    /// The offsets of a minor version of CPython 3, if it is known.
    pub(super) const fn of(minor: u8) -> Option<Self> {
        let collector = match minor {
            8..=13 => Collector { generations: 24, permanent: 104, collecting: 200 },
            14 => Collector { generations: 24, permanent: 96, collecting: 192 },
            _ => Collector { generations: 8, permanent: 80, collecting: 112 },
        };
        let (initialized, finalizing, head) = match minor {
            8..=10 => (12, 16, 32),
            11 | 12 => (16, 24, 40),
            13 => (600, 608, 632),
            14 => (776, 784, 808),
            15 => (904, 912, 936),
            _ => return None,
        };
        let (next, id, threads, ending) = match minor {
            8 => (0, 16, 8, 48),
            9 | 10 => (0, 24, 8, 56),
            11 => (0, 48, 16, 84),
            12 => (0, 8, 72, 104),
            13 => (7264, 7272, 7344, 7384),
            14 => (7272, 7280, 7344, 7392),
            _ => (7264, 7272, 7336, 7384),
        };
        let (modules, sysdict, builtins, gc) = match minor {
            8 => (56, 72, 80, 344),
            9 | 10 => (856, 872, 880, 616),
            11 => (888, 904, 912, 648),
            12 => (944, 352, 360, 112),
            13 => (7656, 7640, 7648, 7400),
            14 => (7688, 7672, 7680, 7408),
            _ => (7592, 7576, 7584, 7400),
        };
        let statics = match minor {
            12 => Some(Statics { arrays: [(373_704, 200), (0, 0)], size: 40, dict: 16 }),
            13 => Some(Statics { arrays: [(182_968, 200), (192_584, 10)], size: 48, dict: 24 }),
            14 => Some(Statics { arrays: [(180_240, 200), (189_856, 10)], size: 48, dict: 24 }),
            15 => Some(Statics { arrays: [(180_264, 203), (190_024, 10)], size: 48, dict: 24 }),
            _ => None,
        };
        Some(Self {
            initialized,
            finalizing,
            head,
            next,
            id,
            threads,
            ending,
            modules,
            sysdict,
            builtins,
            gc,
            collector,
            statics,
        })
    }

    /// The offsets, corrected by those that the process states from 3.13 on.
    pub(super) fn read(
        memory: &impl Memory,
        runtime: u64,
        minor: u8,
        micro: u8,
    ) -> Result<Self, RuntimeError> {
        let mut table = Self::of(minor).ok_or(RuntimeError::UnknownVersion { minor })?;
        if minor < 13 {
            return Ok(table);
        }
        let read = |word: u64| {
            let address = runtime.wrapping_add(word * 8);
            memory.word(address).ok_or(RuntimeError::Unreadable { address })
        };
        if read(0)?.to_le_bytes() != *COOKIE {
            return Err(RuntimeError::NoRuntime { runtime });
        }
        let version = read(word::VERSION)?;
        if version >> 8 != u64::from_be_bytes([0, 0, 0, 0, 0, 3, minor, micro]) {
            return Err(RuntimeError::OtherVersion { version, minor, micro });
        }
        if read(word::FREE_THREADED)? != 0 {
            return Err(RuntimeError::FreeThreaded);
        }
        // 3.14 put `threads_main` before `gc`. `gc.collecting` is near the end, at another word in each
        // version.
        let (gc, collecting) = match minor {
            13 => (10, 72),
            14 => (11, 82),
            _ => (11, 95),
        };
        let stated = [
            (&mut table.finalizing, word::FINALIZING),
            (&mut table.head, word::HEAD),
            (&mut table.id, word::ID),
            (&mut table.next, word::NEXT),
            (&mut table.threads, word::THREADS),
            (&mut table.gc, gc),
            (&mut table.modules, gc + 1),
            (&mut table.sysdict, gc + 2),
            (&mut table.builtins, gc + 3),
            (&mut table.collector.collecting, collecting),
        ];
        for (claim, word) in stated {
            let offset = read(word)?;
            if offset > LARGEST || !offset.is_multiple_of(4) {
                return Err(RuntimeError::Misfit { what: "its debug offsets" });
            }
            *claim = offset;
        }
        // These are not stated: they move with their neighbours.
        let claimed = Self::of(minor).ok_or(RuntimeError::UnknownVersion { minor })?;
        table.initialized = (claimed.initialized + table.finalizing).saturating_sub(claimed.finalizing);
        table.ending = (claimed.ending + table.gc).saturating_sub(claimed.gc);
        Ok(table)
    }
}
