//! pprof: a `perftools.profiles.Profile`, gzipped. The chain of references is the stack, the innermost frame first,
//! where the heap profiles of other languages have the allocating calls.
//!
//! The messages are declared by hand after `profile.proto` of github.com/google/pprof, with only the fields that are
//! written. Readers merge a message that is written in pieces, so each sample is written by itself.
//!
//! Invariant: the first string is empty; identifiers of locations and functions begin with 1.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use memtop_heap::CaptureInfo;
use prost::Message;

use super::stacks::Stacks;

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    r#type: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

/// The mapping that viewers show as the program. It has functions, so that viewers do not look for its symbols.
#[derive(Clone, Copy, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
}

/// The names of the measured values and their units: the strings before the names of frames. The first is empty.
const STRINGS: [&str; 5] = ["", "inuse_objects", "count", "inuse_space", "bytes"];

/// Writes `stacks`; `info` has their process and time.
///
/// # Errors
/// Those of `out`.
pub fn pprof(stacks: &Stacks, info: &CaptureInfo, out: &mut dyn Write) -> io::Result<()> {
    let mut zipped = GzEncoder::new(out, Compression::default());
    let program = super::names::name(&info.program);
    let comment = format!("mem_top {}: {program}", env!("CARGO_PKG_VERSION"));
    let strings = STRINGS.iter().map(|&text| text.to_owned());
    let head = Profile {
        sample_type: vec![ValueType { r#type: 1, unit: 2 }, ValueType { r#type: 3, unit: 4 }],
        string_table: strings.chain([comment, program.into_owned()]).collect(),
        mapping: vec![Mapping { id: 1, filename: STRINGS.len() as i64 + 1, has_functions: true }],
        time_nanos: info.taken_at.saturating_mul(1000),
        comment: vec![STRINGS.len() as i64],
        default_sample_type: 3,
        ..Profile::default()
    };
    zipped.write_all(&head.encode_to_vec())?;
    for (place, name) in stacks.names().iter().enumerate() {
        let (id, text) = (place as u64 + 1, (STRINGS.len() + 2 + place) as i64);
        let piece = Profile {
            location: vec![Location { id, mapping_id: 1, line: vec![Line { function_id: id }] }],
            function: vec![Function { id, name: text, system_name: text }],
            string_table: vec![name.clone()],
            ..Profile::default()
        };
        zipped.write_all(&piece.encode_to_vec())?;
    }
    for frame in stacks.held() {
        let value = [frame.objects, frame.bytes].map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        let location_id = stacks.names_of(frame).map(|name| name as u64 + 1).collect();
        let piece =
            Profile { sample: vec![Sample { location_id, value: value.to_vec() }], ..Profile::default() };
        zipped.write_all(&piece.encode_to_vec())?;
    }
    zipped.finish().map(drop)
}
