//! How long the finder takes over five heaps of a million objects each: a service with a table of records, a cache
//! that turns over, a linked list, and a dict of sessions that leaks.
//!
//! `cargo run --release -p memtop-analyze --example leaks_bench [OBJECTS] [HEAPS]`
#![expect(clippy::print_stdout, reason = "an example that tells what it measured")]

use std::time::Instant;

use memtop_analyze::{LeaksOptions, leaks};
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, ObjectId, Root, RootKind, Type, TypeId};

struct Made {
    builder: HeapBuilder,
    next: u64,
}

impl Made {
    fn object(&mut self, address: u64, ty: TypeId, size: u64) -> ObjectId {
        self.builder.add_object(Object::new(address * 64 + 0x1_0000, ty, size))
    }

    fn fresh(&mut self, ty: TypeId, size: u64) -> ObjectId {
        self.next += 1;
        self.object(self.next, ty, size)
    }
}

fn heap(objects: usize, round: usize) -> Result<Heap, memtop_heap::HeapError> {
    let time = 60_000_000 * (round as u64 + 1);
    let info = CaptureInfo { uptime: Some(time), taken_at: time as i64, ..CaptureInfo::default() };
    let mut made = Made { builder: HeapBuilder::new(info), next: 0 };
    let builder = &mut made.builder;
    let [dict, list, str_, int] =
        ["dict", "list", "str", "int"].map(|name| builder.add_type(Type::new("builtins", name)));
    let [record, session, node] =
        ["Record", "Session", "Node"].map(|name| builder.add_type(Type::new("shop", name)));
    let [shop, name, value, next] = ["shop", "name", "value", "next"].map(|text| builder.string(text));
    let places = ["table", "cache", "log", "sessions"].map(|text| builder.string(text));
    let namespace = made.fresh(dict, 1000);
    made.builder.add_root(Root::new(RootKind::Module, shop, namespace));
    let holders = [dict, dict, list, dict].map(|ty| made.fresh(ty, 10_000));
    for (&place, holder) in places.iter().zip(holders) {
        made.builder.add_reference(namespace, holder, Label::key(place));
    }
    // Eight tenths are records that stay; five objects each.
    for _ in 0..objects * 8 / 50 {
        let key = made.fresh(str_, 60);
        let parts = [made.fresh(record, 56), made.fresh(str_, 70), made.fresh(list, 88), made.fresh(int, 28)];
        made.builder.add_reference(holders[0], key, Label::KEY_OBJECT);
        made.builder.add_reference(holders[0], parts[0], Label::ANY_KEY);
        made.builder.add_reference(parts[0], parts[1], Label::attribute(name));
        made.builder.add_reference(parts[0], parts[2], Label::attribute(value));
        made.builder.add_reference(parts[2], parts[3], Label::at(0));
    }
    // A twentieth is a linked list.
    let mut before = holders[2];
    for n in 0..objects / 20 {
        let at = made.fresh(node, 48);
        made.builder.add_reference(before, at, if n == 0 { Label::at(0) } else { Label::attribute(next) });
        before = at;
    }
    // A tenth turns over: new addresses every other time.
    let base = made.next + (objects * (1 + round % 2)) as u64;
    for n in 0..objects / 20 {
        let place = base + 2 * n as u64;
        let key = made.object(place, str_, 60);
        let entry = made.object(place + 1, dict, 64 + (n % 9) as u64 * 8);
        made.builder.add_reference(holders[1], key, Label::KEY_OBJECT);
        made.builder.add_reference(holders[1], entry, Label::ANY_KEY);
    }
    // What leaks: a hundredth more each time.
    made.next += 4 * objects as u64;
    for _ in 0..objects / 200 * (round + 1) {
        let (key, one) = (made.fresh(str_, 60), made.fresh(session, 56));
        made.builder.add_reference(holders[3], key, Label::KEY_OBJECT);
        made.builder.add_reference(holders[3], one, Label::ANY_KEY);
    }
    made.builder.finish()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let objects = numbers.next().transpose()?.unwrap_or(1_000_000);
    let count = numbers.next().transpose()?.unwrap_or(5);
    let heaps: Vec<Heap> = (0..count).map(|round| heap(objects, round)).collect::<Result<_, _>>()?;
    let heaps: Vec<&Heap> = heaps.iter().collect();
    for retained in [false, true] {
        let begun = Instant::now();
        let answer = leaks(&heaps, &LeaksOptions { retained, ..LeaksOptions::default() })?;
        let all: usize = heaps.iter().map(|heap| heap.objects().len()).sum();
        println!(
            "{count} heaps, {all} objects, retained sizes {retained}: {:.2} s",
            begun.elapsed().as_secs_f64()
        );
        println!("  {}: {:?}", answer.verdict.word(), answer.reason);
        for suspect in answer.suspects.iter().chain(&answer.candidates) {
            println!("  {} {:?} {:?}", suspect.confidence, suspect.holder, suspect.headline);
        }
    }
    Ok(())
}
