//! Why the interpreter's structures cannot be read.

/// Why the interpreter's structures cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// There is no table for this minor version of CPython 3.
    #[error("the layout of CPython 3.{minor} is not known")]
    UnknownVersion {
        /// The minor version that was asked for.
        minor: u8,
    },
    /// From 3.13 on `_PyRuntime` begins with a cookie, and there is none.
    #[error("there is no _PyRuntime at {runtime:#x}: it does not begin with its debug offsets")]
    NoRuntime {
        /// The address that was searched.
        runtime: u64,
    },
    /// The process reports another version.
    #[error("the interpreter reports version {version:#010x}, not 3.{minor}.{micro}")]
    OtherVersion {
        /// `PY_VERSION_HEX`, as the process has it.
        version: u64,
        /// The minor version that was asked for.
        minor: u8,
        /// And the micro version.
        micro: u8,
    },
    /// A build without the GIL, which has no lists of objects.
    #[error("it is a free-threaded build, which keeps no lists of its objects")]
    FreeThreaded,
    /// Built with `Py_DEBUG` or `Py_TRACE_REFS`: its structures have other members.
    #[error("it is a debug build ({which}), whose structures have other members")]
    DebugBuild {
        /// `Py_DEBUG` or `Py_TRACE_REFS`.
        which: &'static str,
    },
    /// `Py_Initialize` has not returned yet.
    #[error("the interpreter is just starting")]
    Starting,
    /// `Py_Finalize` has begun.
    #[error("the interpreter is finalizing")]
    Finalizing,
    /// It is initialized, and its list of interpreters is empty.
    #[error("the process has no interpreter")]
    NoInterpreter,
    /// A structure is neither where the tables say nor nearby.
    #[error("{what} not found at or near the expected address")]
    Misfit {
        /// The structure.
        what: &'static str,
    },
    /// An address that must be readable is not.
    #[error("its memory cannot be read at {address:#x}")]
    Unreadable {
        /// The address.
        address: u64,
    },
}
