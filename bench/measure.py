"""One row in its own process: builds the heap, calls the row, and prints what it cost as one line of JSON.

Called by `run.py` with one argument, the job as JSON. The first call tells the memory (what it leaves behind, it
leaves behind then); it also warms up. Then pairs are timed: a `gc.collect()` that cleans up, a `gc.collect()` that is
the yardstick, the call, each in CPU time of the thread and in wall time. A call includes dropping its result.
Where the first call took so long that no second one fits the budget, the first, and the yardstick before it, are the
only pair.
"""

import gc
import json
import sys
import time
from typing import TypedDict

import heap
import memory
import rows


class Pair(TypedDict):
    """Seconds of a call and of the yardstick just before it."""

    cpu: float
    wall: float
    yard_cpu: float
    yard_wall: float


class Measured(TypedDict):
    """What a process has measured: bytes and seconds; None where the system does not tell."""

    objects: int
    heap: int | None
    peak: int | None
    peak_method: str
    kept: int | None
    facts: dict[str, float]
    pairs: list[Pair]


class Job(TypedDict):
    """What a process is to measure; `path` is a folder to import from first, `budget` is in seconds."""

    row: str
    objects: int
    shape: str
    seed: int
    pairs: int
    budget: float
    path: str | None


def timed(call: rows.Call, seconds: rows.Seconds | None = None) -> tuple[float, float]:
    """CPU seconds of this thread and wall seconds of the call and of dropping its result; or what it tells of itself."""
    wall, cpu = time.perf_counter(), time.thread_time()
    if seconds is not None:
        told = seconds(call())
        return told, told
    call()
    cpu_end, wall_end = time.thread_time(), time.perf_counter()
    return cpu_end - cpu, wall_end - wall


def measure(job: Job) -> Measured:
    """Does the job. Raises whatever the row raises, and ValueError if its result is not what it should be."""
    if job["path"] is not None:
        sys.path.insert(0, job["path"])
    row = rows.by_name(job["row"])
    empty = memory.resident()
    root = heap.build(job["objects"], job["shape"], job["seed"])
    full = memory.resident()
    call = row.setup()
    objects = heap.tracked()
    yard = timed(gc.collect)

    memory.release_free()
    before = memory.resident()
    method, extra = memory.start_peak()
    wall, cpu = time.perf_counter(), time.thread_time()
    result = call()
    cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
    peak = extra()
    if not row.check(result, objects):
        raise ValueError(f"an unexpected result: {result!r:.200}")
    facts = row.facts(result)
    if row.seconds is not None:
        cpu = wall = row.seconds(result)
    del result
    gc.collect()
    after = memory.resident()

    pairs: list[Pair] = []
    spent = wall
    while len(pairs) < job["pairs"] and spent + wall <= job["budget"]:
        gc.collect()
        pairs.append(_pair(timed(gc.collect), timed(call, row.seconds)))
        spent += pairs[-1]["wall"]
    del root
    return {
        "objects": objects,
        "heap": None if full is None or empty is None else full - empty,
        "peak": peak,
        "peak_method": method,
        "kept": None if after is None or before is None else after - before,
        "facts": facts,
        "pairs": pairs or [_pair(yard, (cpu, wall))],
    }


def _pair(yard: tuple[float, float], call: tuple[float, float]) -> Pair:
    return {"cpu": call[0], "wall": call[1], "yard_cpu": yard[0], "yard_wall": yard[1]}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
