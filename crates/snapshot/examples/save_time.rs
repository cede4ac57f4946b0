//! Measures the time of loading and saving a snapshot, and its size: `save_time FILE [COPY]`.
#![expect(clippy::print_stdout, reason = "it is a program of its own")]

use std::path::PathBuf;
use std::time::Instant;

use memtop_snapshot::{SaveOptions, SnapshotError, load, save};

fn main() -> Result<(), SnapshotError> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let file = arguments.next().unwrap_or_else(|| "a.parquet".into());
    let copy = arguments.next().unwrap_or_else(|| std::env::temp_dir().join("save_time.parquet"));
    let start = Instant::now();
    let loaded = load(&file)?;
    let load_time = start.elapsed();
    let (objects, references) = (loaded.heap.objects().len(), loaded.heap.references().len());
    let start = Instant::now();
    let retained = loaded.retained.as_ref();
    let size_of = |id: memtop_heap::ObjectId| retained.and_then(|retained| retained[id.index()]);
    let options = SaveOptions { with_keys: loaded.heap.info().with_keys };
    let saved = save(&loaded.heap, retained.is_some().then_some(&size_of), &copy, &options)?;
    println!(
        "{objects} objects, {references} references: loaded in {load_time:.2?}, saved in {:.2?}",
        start.elapsed()
    );
    println!(
        "{} bytes: {:.2} an object, of which at 1.5 a reference {:.2} are its own",
        saved.bytes,
        saved.bytes as f64 / objects as f64,
        (saved.bytes as f64 - 1.5 * references as f64) / objects as f64,
    );
    println!("equal: {}", load(&copy)? == loaded);
    Ok(())
}
