//! What CPython's memory looks like.
#![forbid(unsafe_code)]
