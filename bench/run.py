"""The benchmark: `make bench`. Ours beside the yardsticks and the peers, each row in a process of its own.

Tables go to stdout, progress to stderr, and the page to docs/benchmarks.md if all of it was run. A row that fails is
shown with its reason, and the exit status is 1. A target that is missed is shown, and is no failure.
"""

import argparse
import dataclasses
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import figures
import heap
import machine
import peers
import rows
import tables
from figures import Heap, Outcome, Target
from measure import Job, Measured

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench-peers"
PAGE = ROOT / "docs" / "benchmarks.md"
SLOW_FROM = 1_000_000
FEW_ROUNDS_FROM = 10_000_000


class RowError(Exception):
    """A row's process failed; the text says how."""


def run_row(row: rows.Row, on: Heap, path: Path | None, options: argparse.Namespace) -> Measured:
    """Measures a row once, in a fresh process in an empty folder. Raises RowError."""
    job: Job = {
        "row": row.name,
        "objects": on.size,
        "shape": on.shape,
        "seed": options.seed,
        "pairs": options.pairs,
        "budget": options.budget,
        "path": None if path is None else str(path),
    }
    # A fixed hash seed: sets and dicts of strings then lie the same way in every process.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": "", **row.environment}
    command = [sys.executable, str(Path(__file__).with_name("measure.py")), json.dumps(job)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=options.timeout,
            )
        except subprocess.TimeoutExpired:
            raise RowError(f"it took more than {options.timeout:g} s") from None
    if done.returncode < 0:
        raise RowError(f"its process was ended by signal {-done.returncode}")
    if done.returncode != 0:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise RowError(" ".join(last) or f"its process ended with status {done.returncode}")
    try:
        measured: Measured = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise RowError("its process told no figures") from None
    return measured


def run_heap(on: Heap, chosen: Sequence[rows.Row], options: argparse.Namespace) -> dict[str, Outcome]:
    """All rows on one heap, interleaved over the rounds."""
    outcomes: dict[str, Outcome] = {}
    paths: dict[str, Path] = {}
    for row in chosen:
        outcomes[row.name] = Outcome(row.name)
        if row.largest is not None and on.size > row.largest:
            outcomes[row.name] = Outcome(
                row.name, skipped=f"a call takes minutes with more than {row.largest:,} objects"
            )
        elif row.peer is not None:
            try:
                paths[row.name] = peers.install(row.peer, CACHE)
            except peers.PeerError as error:
                outcomes[row.name] = Outcome(row.name, failed=str(error))

    measured: dict[str, list[Measured]] = {row.name: [] for row in chosen}
    order = random.Random(options.seed)
    for turn in range(options.rounds or (3 if on.size < FEW_ROUNDS_FROM else 2)):
        for row in order.sample(chosen, len(chosen)):
            if outcomes[row.name] != Outcome(row.name) or (row.slow and turn > 0 and on.size >= SLOW_FROM):
                continue
            begin = time.monotonic()
            try:
                measured[row.name].append(run_row(row, on, paths.get(row.name), options))
                said = f"{figures.ratio(measured[row.name][-1]['pairs']):.3f} x gc.collect()"
            except RowError as error:
                # It would only fail again, and may take its time for it.
                outcomes[row.name] = Outcome(row.name, failed=str(error))
                said = f"failed: {error}"
            spent = time.monotonic() - begin
            print(
                f"{on.size:,} {on.shape}, round {turn + 1}, {row.name}: {said} ({spent:.0f} s)",
                file=sys.stderr,
                flush=True,
            )
    for name, outcome in outcomes.items():
        if outcome == Outcome(name):
            outcomes[name] = Outcome(name, figures=figures.figures(measured[name]))
    return outcomes


def to_json(
    results: dict[Heap, dict[str, Outcome]], targets: dict[Heap, list[Target]], facts: dict[str, str]
) -> dict[str, object]:
    """All of it as plain values; seconds, bytes."""
    return {
        "machine": facts,
        "heaps": [
            {
                **dataclasses.asdict(on),
                "rows": [dataclasses.asdict(outcome) for outcome in outcomes.values()],
                "targets": [{**dataclasses.asdict(line), "met": line.met} for line in targets[on]],
            }
            for on, outcomes in results.items()
        ],
    }


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, checked; ends the program if they are wrong."""
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        help="numbers of gc-tracked objects, by commas (100000,1000000; BENCH_LARGE=1 adds 10000000)",
    )
    parser.add_argument("--shapes", type=_shapes, default=heap.SHAPES, help="plain, large, or both by a comma (both)")
    parser.add_argument(
        "--rounds", type=_positive, help="rounds, each with one process a row (3; 2 from 10000000 objects on)"
    )
    parser.add_argument("--pairs", type=_positive, help="timed pairs in a process, at most (3)")
    parser.add_argument(
        "--rows", metavar="TEXT", action="append", help="only rows whose name contains the text; may be repeated"
    )
    parser.add_argument("--no-peers", action="store_true", help="without the other libraries; installs nothing")
    parser.add_argument(
        "--quick", action="store_true", help="100000 objects, one round, two pairs: to see that it works"
    )
    parser.add_argument(
        "--budget", type=_seconds, default=20.0, help="seconds of calls in a process, after which no pair begins (20)"
    )
    parser.add_argument("--timeout", type=_seconds, default=900.0, help="seconds for a process (900)")
    parser.add_argument("--seed", type=int, default=heap.SEED, help="the heap's seed")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the page there (docs/benchmarks.md, if nothing is left out)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    options = parser.parse_args(arguments)
    partial = bool(
        options.quick or options.rows or options.no_peers or options.sizes or len(options.shapes) < len(heap.SHAPES)
    )
    if options.output is None and not partial:
        options.output = PAGE
    if options.quick:
        options.rounds = options.rounds or 1
        options.pairs = options.pairs or 2
    options.pairs = options.pairs or 3
    if options.sizes is None:
        options.sizes = [100_000] if options.quick else [100_000, 1_000_000]
        if os.environ.get("BENCH_LARGE", "0") not in ("", "0"):
            options.sizes.append(10_000_000)
    options.chosen = [
        row
        for row in rows.ROWS
        if (not options.rows or any(text in row.name for text in options.rows)) and not (options.no_peers and row.peer)
    ]
    if not options.chosen:
        parser.error(f"no row is left; there are: {'; '.join(row.name for row in rows.ROWS)}")
    return options


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more: {text}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be more than 0: {text}")
    return value


def _sizes(text: str) -> list[int]:
    sizes = [int(size.replace("_", "")) for size in text.split(",")]
    if min(sizes) < heap.SMALLEST:
        raise argparse.ArgumentTypeError(f"must be {heap.SMALLEST} or more: {text}")
    return sorted(set(sizes))


def _shapes(text: str) -> tuple[str, ...]:
    shapes = tuple(text.split(","))
    unknown = [shape for shape in shapes if shape not in heap.SHAPES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(heap.SHAPES)}")
    return tuple(dict.fromkeys(shapes))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; returns the exit status."""
    options = parse(arguments)
    facts = machine.describe(list(dict.fromkeys(str(row.peer) for row in options.chosen if row.peer)))
    load = machine.busy()
    if load is not None and load > 0.5:
        print(f"hint: other programs are busy here (load {load:.1f}): the figures will scatter", file=sys.stderr)
    results = {
        on: run_heap(on, options.chosen, options)
        for on in (Heap(size, shape) for size in options.sizes for shape in options.shapes)
    }
    targets = {on: figures.targets(on, outcomes) for on, outcomes in results.items()}
    if options.json:
        print(json.dumps(to_json(results, targets, facts), indent=2))
    else:
        print(tables.sections(results, targets))
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(tables.page(results, targets, options.chosen, facts, options.seed), encoding="utf-8")
        print(f"written: {options.output}", file=sys.stderr)
    return int(any(outcome.failed for outcomes in results.values() for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
