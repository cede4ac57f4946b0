"""The rows: what is measured. A row is a name, a set-up, the callable that the set-up returns, and an environment.

Invariant: importing this module imports no library that is measured; a set-up does, in its row's own process.
To add a row, append it to `ROWS`; its process runs in an empty folder of its own, where it may write files.
"""

import gc
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, cast

from peers import GUPPY, MEM_TOP, OBJGRAPH, PYMPLER, Peer

Call = Callable[[], object]
Seconds = Callable[[Any], float]

COLLECT = "gc.collect()"
OURS = "mem_top()"
COUNTERS = "mem_top(collect=False)"
SAFE = "mem_top(safe=True)"
PAUSE = "snapshot(): the pause"
RETAINED = "snapshot() and retained sizes"
LEAKS = "leaks() over five snapshots"
SAVE = "snapshot.save()"
LOAD = "load()"
OUTSIDE = "mem_top report PID"
OUTSIDE_PAUSE = "mem_top report PID: the pause"
OLD = "mem_top 0.2.1"
OLD_ALONE = "mem_top 0.2.1, gc.disable()"


@dataclass(frozen=True)
class Row:
    """One row. All rows are called on the same heap."""

    name: str
    """What the row is called in the tables and for `--rows`."""
    what: str
    """What is called and timed, for the reader of the tables."""
    setup: Callable[[], Call]
    """Imports what is needed and returns the callable that is timed. Its own time and memory do not count."""
    check: Callable[[Any, int], bool]
    """Whether a result is what it should be, given the number of gc-tracked objects."""
    peer: Peer | None = None
    """The library that the row needs, installed beside the project; None for the interpreter's and our own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the row's process."""
    slow: bool = False
    """Whether one round is enough from 10^6 objects on."""
    seconds: Seconds | None = None
    """The seconds that a result tells of itself, where not the whole call counts."""
    facts: Callable[[Any], dict[str, float]] = field(default=lambda _: {})
    """Numbers of a result for the derived lines."""
    largest: int | None = None
    """The size in objects from which on the row takes minutes a call and is skipped."""


def _collect() -> Call:
    return gc.collect


def _get_objects() -> Call:
    return gc.get_objects


def _ours(**options: Any) -> Callable[[], Call]:
    def setup() -> Call:
        package = import_module("mem_top")
        if not hasattr(package, "_native"):
            raise ImportError("mem_top is not this project's: build it first (make build)")
        mem_top = package.mem_top
        return lambda: mem_top(**options)

    return setup


def _snapshot() -> Call:
    return cast(Call, import_module("mem_top").snapshot)


def _retained() -> Call:
    mem_top = import_module("mem_top")

    def call() -> object:
        snapshot = mem_top.snapshot()
        return snapshot, snapshot.types(limit=10)

    return call


def _leaks() -> Call:
    """Five snapshots between which a list grows: an answer is looked for in earnest."""
    mem_top = import_module("mem_top")
    kept = sys.modules["heap"].__dict__.setdefault("growing", [])
    snapshots = []
    for _ in range(5):
        kept.extend([str(len(kept))] for _ in range(1000))
        snapshots.append(mem_top.snapshot())
    return lambda: mem_top.leaks(*snapshots)


def _save() -> Call:
    snapshot = import_module("mem_top").snapshot()
    file = Path("saved.parquet")

    def call() -> object:
        snapshot.save(file)
        return snapshot, file

    return call


def _load() -> Call:
    mem_top = import_module("mem_top")
    mem_top.snapshot().save("to-load.parquet")
    return lambda: mem_top.load("to-load.parquet")


def _file_facts(result: Any) -> dict[str, float]:
    snapshot, file = result
    return {
        "objects": snapshot.objects,
        "references": snapshot.report(limit=1).references,
        "bytes": file.stat().st_size,
    }


def _outside() -> Call:
    """Another process looks into this one."""
    command = [sys.executable, "-m", "mem_top", "report", "--json", str(os.getpid())]

    def call() -> object:
        done = subprocess.run(command, capture_output=True, check=True)
        return json.loads(done.stdout)

    return call


def _outside_facts(result: Any) -> dict[str, float]:
    memory = result["memory"]["rss"]
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"rss": memory, "most": most}


def _copy() -> Call:
    """The copy alone, and beside it one plain read of the same bytes, in one run."""
    program = Path(__file__).resolve().parent.parent / "target" / "release" / "examples" / "pause"
    if not program.exists():
        raise ImportError("cargo build --release -p memtop-remote --example pause makes what measures this")
    command = [str(program), str(os.getpid()), "3"]

    def call() -> object:
        done = subprocess.run(command, capture_output=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return call


def _copy_facts(result: Any) -> dict[str, float]:
    return {
        "pause": median(one["pause_ms"] for one in result) / 1e3,
        "read": median(one["plain_read_ms"] for one in result) / 1e3,
        "bytes": result[0]["bytes"],
    }


def _old() -> Call:
    module = import_module("mem_top")
    if MEM_TOP.folder_name not in Path(module.__file__ or "").parts:
        raise ImportError("mem_top is not the release 0.2.1 from the folder of peers")
    return cast(Call, module.mem_top)


def _old_alone() -> Call:
    mem_top = _old()

    def call() -> object:
        gc.disable()
        try:
            return mem_top()
        finally:
            gc.enable()

    return call


def _objgraph_types() -> Call:
    objgraph = import_module("objgraph")
    return lambda: objgraph.most_common_types(limit=10)


def _objgraph_growth() -> Call:
    objgraph = import_module("objgraph")
    peaks: dict[str, int] = {}
    return lambda: objgraph.growth(limit=10, peak_stats=peaks)


def _guppy() -> Call:
    session = import_module("guppy").hpy()
    return lambda: str(session.heap())


def _pympler() -> Call:
    muppy, summary = import_module("pympler.muppy"), import_module("pympler.summary")
    return lambda: summary.summarize(muppy.get_objects())


def _is_report(result: Any, objects: int) -> bool:
    return isinstance(result, str) and all(f"\n{section}:\n" in result for section in ("refs", "bytes", "types"))


def _is_all(result: Any, objects: int) -> bool:
    return isinstance(result, list) and len(result) >= objects * 0.99


def _is_guppy_table(result: Any, objects: int) -> bool:
    """guppy3 begins with `Partition of a set of N objects`. It leaves its own aside, and finds untracked ones too."""
    return int(result.split("Partition of a set of ")[1].split()[0]) >= objects * 0.9


def _is_summary(result: Any, objects: int) -> bool:
    """Pympler's rows are name, number, size. It leaves frames aside, and finds untracked objects too."""
    found: int = sum(number for _, number, _ in result)
    return found >= objects * 0.9


def _is_any(result: Any, objects: int) -> bool:
    return result is not None


ROWS: tuple[Row, ...] = (
    Row(COLLECT, "`gc.collect()`, with nothing to collect: the yardstick, against itself", _collect, _is_any),
    Row("gc.get_objects()", "`gc.get_objects()`, and its list dropped", _get_objects, _is_all),
    Row(OURS, "the whole call: the collection, the counters, the text", _ours(), _is_report),
    Row(COUNTERS, "the counters and the text, without the collection", _ours(collect=False), _is_report),
    Row(SAFE, "the same without any code of the program: native previews, no collection", _ours(safe=True), _is_report),
    Row("mem_top(limit=1000)", "the whole call with a thousand rows a section", _ours(limit=1000), _is_report),
    Row(
        PAUSE,
        "`snapshot()`, the whole graph: how long the process stood still, as the snapshot reports; memory is of all of it",
        _snapshot,
        lambda result, objects: result.objects >= objects,
        seconds=lambda result: cast(float, result.pause),
    ),
    Row(
        RETAINED,
        "`snapshot()` and `.types()`: the capture from its first step to its last, and what each type retains",
        _retained,
        lambda result, objects: len(result[1].types) == 10 and all(row.retained_bytes for row in result[1].types),
    ),
    Row(
        LEAKS,
        "`leaks()` over five snapshots of the heap, in which one list grows; the snapshots are there before",
        _leaks,
        lambda result, objects: result.verdict == "leak",
    ),
    Row(
        SAVE,
        "`snapshot.save()`: the file, with the retained sizes, worked out before for all but the first call",
        _save,
        lambda result, objects: result[1].stat().st_size > 0,
        facts=_file_facts,
    ),
    Row(
        LOAD,
        "`load()` of that file",
        _load,
        lambda result, objects: result.objects >= objects,
    ),
    Row(
        OUTSIDE,
        "`mem_top report --json PID` on this process, started as a process of its own: the whole of it",
        _outside,
        lambda result, objects: result["total"]["count"] >= objects,
        facts=_outside_facts,
    ),
    Row(
        OUTSIDE_PAUSE,
        "the copy that it begins with: for how long this process stood still; beside it, one read of the same bytes",
        _copy,
        lambda result, objects: all(one["pause_ms"] > 0 for one in result),
        seconds=lambda result: _copy_facts(result)["pause"],
        facts=_copy_facts,
    ),
    Row(OLD, "`mem_top()` of the release 0.2.1: collection, counters, text", _old, _is_report, MEM_TOP),
    Row(
        OLD_ALONE,
        "the same without the automatic collections that its own temporary tuples set off, one after the other",
        _old_alone,
        _is_report,
        MEM_TOP,
        slow=True,
    ),
    Row(
        "objgraph most_common_types",
        "`objgraph.most_common_types(limit=10)`: numbers of objects by type",
        _objgraph_types,
        lambda result, objects: len(result) == 10,
        OBJGRAPH,
    ),
    Row(
        "objgraph growth",
        "`objgraph.growth(limit=10)`: collects, and numbers by type against the last call",
        _objgraph_growth,
        _is_any,
        OBJGRAPH,
    ),
    Row(
        "guppy3 heap",
        "`str(hpy().heap())`: numbers and bytes by type, of all that is reachable",
        _guppy,
        _is_guppy_table,
        GUPPY,
        slow=True,
    ),
    Row(
        "Pympler summarize",
        "`summary.summarize(muppy.get_objects())`: numbers and bytes by type, of all that is reachable",
        _pympler,
        _is_summary,
        PYMPLER,
        slow=True,
        largest=1_000_000,
    ),
)


def by_name(name: str) -> Row:
    """The row of this name. Raises KeyError."""
    return {row.name: row for row in ROWS}[name]
