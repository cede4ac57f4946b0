//! speedscope's own file format, two profiles: bytes and objects. <https://www.speedscope.app/file-format-schema.json>

use std::io::{self, Write};

use memtop_heap::CaptureInfo;
use serde_json::{Value, json};

use super::collapsed::outermost_first;
use super::stacks::{Frame, Stacks};

/// Writes `stacks`; `info` names their process.
///
/// # Errors
/// Those of `out`.
pub fn speedscope(stacks: &Stacks, info: &CaptureInfo, out: &mut dyn Write) -> io::Result<()> {
    let of = super::names::name(&info.program).into_owned();
    let title = if of.is_empty() { "heap".to_owned() } else { format!("heap of {of}") };
    write!(
        out,
        "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"exporter\":{},\"name\":{},",
        json!(concat!("mem_top ", env!("CARGO_PKG_VERSION"))),
        json!(title),
    )?;
    out.write_all(b"\"activeProfileIndex\":0,\"shared\":{\"frames\":[")?;
    let frames = stacks.names().iter().map(|name| json!({"name": name}));
    list(out, frames)?;
    out.write_all(b"]},\"profiles\":[")?;
    profile(stacks, "bytes", "bytes", stacks.bytes(), |frame| frame.bytes, out)?;
    out.write_all(b",\n")?;
    profile(stacks, "objects", "none", stacks.objects(), |frame| frame.objects, out)?;
    out.write_all(b"]}\n")
}

fn profile(
    stacks: &Stacks,
    name: &str,
    unit: &str,
    total: u64,
    value: impl Fn(&Frame) -> u64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let held = || stacks.held().filter(|frame| value(frame) > 0);
    write!(
        out,
        "{{\"type\":\"sampled\",\"name\":\"{name}\",\"unit\":\"{unit}\",\"startValue\":0,\"endValue\":{total},\"samples\":[",
    )?;
    list(out, held().map(|frame| json!(outermost_first(stacks, frame))))?;
    out.write_all(b"],\"weights\":[")?;
    list(out, held().map(|frame| json!(value(frame))))?;
    out.write_all(b"]}")
}

/// The values with commas between them, one on each line.
fn list(out: &mut dyn Write, values: impl Iterator<Item = Value>) -> io::Result<()> {
    for (place, value) in values.enumerate() {
        out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    Ok(())
}
