//! How long dominators, retained sizes and paths take, and how much memory, on made heaps of a given size.
//!
//! `cargo run --release -p memtop-analyze --example dominators_time -- 1000000 10000000`
//!
//! The heap: 2.75 references an object, of which most go to objects near by and some anywhere, under one root; with
//! `records` before a size, a list of small records as a program has it; with `chain`, one chain with references back to
//! anywhere before; with `ring`, a doubly linked ring.
#![expect(clippy::print_stdout, reason = "an example tells its figures")]

use std::time::Instant;

use memtop_analyze::{Costs, PathNodes, Retained, ShortestPaths};
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, ObjectId, Root, RootKind, Type};

/// SplitMix64 (Steele, Lea, Flood 2014): the same heap on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * bound as u128) >> 64) as usize
    }
}

fn made(form: &str, count: usize) -> Heap {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    builder.reserve(count, count * 11 / 4);
    let types: Vec<_> = (0..50).map(|n| builder.add_type(Type::new("made", format!("T{n}")))).collect();
    let name = builder.string("made");
    let attribute = builder.string("next");
    let mut random = Random(1);
    for index in 0..count {
        // As in a program, what is held in one way is of few types.
        let ty = types[(index + 1).ilog2() as usize % types.len()];
        builder.add_object(Object::new(index as u64 * 64, ty, 64));
    }
    let id = ObjectId::from_index;
    for index in 0..count {
        let mut refer = |to: usize| builder.add_reference(id(index), id(to), Label::attribute(attribute));
        match form {
            "chain" => {
                refer((index + 1) % count);
                refer(random.below(index + 1));
            }
            "ring" => {
                refer((index + 1) % count);
                refer((index + count - 1) % count);
            }
            "records" => {
                // One list of records; each record eleven objects, with a few values that all share.
                let part = index % 11;
                match part {
                    _ if index == 0 => (11..count).step_by(11).for_each(&mut refer),
                    0 if index + 10 < count => refer(index + 1),
                    1 if index + 9 < count => {
                        (2..11).for_each(|more| refer(index - 1 + more));
                        (0..6).for_each(|_| refer(1 + random.below(10.min(count - 1))));
                    }
                    2 if index + 8 < count => (0..6).for_each(|_| refer(random.below(count))),
                    3 => (0..8).for_each(|_| refer(index.saturating_sub(random.below(1100)))),
                    _ => {}
                }
            }
            _ => {
                // A tree, so that all is reached; then neighbours, then anything.
                for child in [2 * index + 1, 2 * index + 2].into_iter().filter(|&child| child < count) {
                    refer(child);
                }
                for _ in 0..if index % 4 == 3 { 1 } else { 2 } {
                    let near = index.saturating_sub(500) + random.below(1000);
                    refer(if random.below(20) == 0 { random.below(count) } else { near.min(count - 1) });
                }
            }
        }
    }
    builder.add_root(Root::new(RootKind::Module, name, id(0)));
    builder.finish().expect("the heap is made well")
}

/// Resident memory and its highest, in MB.
fn resident() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse().ok());
        number.unwrap_or(f64::NAN) * 1024.0 / 1e6
    };
    (of("VmRSS:"), of("VmHWM:"))
}

fn main() {
    let mut form = "mixed".to_owned();
    for argument in std::env::args().skip(1) {
        let Ok(count) = argument.parse::<usize>() else {
            form = argument;
            continue;
        };
        let started = Instant::now();
        let heap = made(&form, count);
        let references = heap.references().len();
        println!("{form}: {count} objects, {references} references, made in {:.2?}", started.elapsed());
        println!("  heap        {:>7.0} MB resident", resident().0);
        let time = |what: &str, started: Instant| {
            let (now, highest) = resident();
            println!(
                "  {what:<11} {:>7.2} s, {now:.0} MB resident, highest {highest:.0} MB",
                started.elapsed().as_secs_f64()
            );
        };
        let started = Instant::now();
        let retained = Retained::new(&heap);
        time("retained", started);
        let started = Instant::now();
        let by_type = retained.by_type(&heap);
        time("by type", started);
        let started = Instant::now();
        let shortest = ShortestPaths::new(&heap, &Costs::default());
        time("paths", started);
        let started = Instant::now();
        let mut nodes = PathNodes::new();
        let placement = nodes.place(&heap, &shortest);
        time("path nodes", started);
        let placed = heap.objects().ids().filter(|&id| placement.of(id).is_some()).count();
        let largest = by_type.iter().max().copied().unwrap_or(0);
        println!(
            "  {} bytes retained, by one type at most {largest}; {placed} objects at {} nodes",
            retained.total(),
            nodes.len()
        );
    }
}
