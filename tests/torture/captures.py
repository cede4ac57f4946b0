"""What a program of the torture suite does when all is in place: it has itself captured, from within and from outside.

`look()` asks for everything that mem_top does in a process, one stage after the other, and says on standard output
which stage begins, so that `judge.py` knows in which one the program died. Then it stands still until it was captured
from outside, and looks whether it is as it was.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from sizes import occupied as occupied

import mem_top


def say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


class Sentinel:
    """Objects of every common kind whose contents and reference counts must be the same after all captures."""

    def __init__(self) -> None:
        self.values = [
            {"key": [1, 2.5, "three"], 4: (b"five", frozenset({6}))},
            ["a" * 50, bytearray(b"b" * 50), {"c", "d"}],
            lambda: self.values,
            (number for number in range(10)),
            type("Kept", (), {"__slots__": ("one",)}),
        ]
        self.values[0]["itself"] = self.values
        self.before = self.counts()

    def counts(self) -> list[int]:
        return [sys.getrefcount(value) for value in self.values]

    def problems(self) -> list[str]:
        problems = []
        table, row, function, generator, kept = self.values
        if (
            table["key"] != [1, 2.5, "three"]
            or table[4] != (b"five", frozenset({6}))
            or table["itself"] is not self.values
        ):
            problems.append("the sentinel's dict has changed")
        if (
            row != ["a" * 50, bytearray(b"b" * 50), {"c", "d"}]
            or function() is not self.values
            or generator.gi_frame is None
        ):
            problems.append("the sentinel's list, function or generator has changed")
        if kept.__slots__ != ("one",):
            problems.append("the sentinel's class has changed")
        del table, row, function, generator, kept
        if self.counts() != self.before:
            problems.append(f"reference counts were {self.before}, and are {self.counts()}")
        return problems


class Traffic:
    """Threads that repeat what keeps a library busy; they wait while the program is to stand still."""

    def __init__(self, *work: Callable[[], object]) -> None:
        self.errors: list[BaseException] = []
        self.rounds = 0
        self._may_run = threading.Event()
        self._may_run.set()
        self._waiting = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._repeat, args=(one,), daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    def _repeat(self, work: Callable[[], object]) -> None:
        while True:
            if not self._may_run.is_set():
                self._waiting.release()
                self._may_run.wait()
            try:
                work()
            except BaseException as error:
                self.errors.append(error)
                self._waiting.release()
                return
            self.rounds += 1

    def stop(self) -> None:
        """Returns when all threads wait between two rounds."""
        self._may_run.clear()
        for _ in self._threads:
            self._waiting.acquire()


def no_calls() -> Mapping[str, int]:
    return {}


def addresses_of(objects: Iterable[object], previews: bool) -> list[int]:
    addresses = []
    for one in objects:
        addresses.append(id(one))
        if previews:
            mem_top._native.preview(one, 60, True)
    return addresses


def answers_of(snapshot: mem_top.Snapshot) -> list[str]:
    return [str(answer()) for answer in (snapshot.report, snapshot.types, snapshot.memory)]


def look(
    objects: Iterable[object] = (),
    *,
    sizes: Mapping[int, int] | None = None,
    calls: Callable[[], Mapping[str, int]] = no_calls,
    problems: Callable[[], Iterable[str]] = list,
    traffic: Traffic | None = None,
    collect: bool = True,
    previews: bool = True,
    any_code: bool = False,
) -> None:
    """Captures this program in every way, and ends it.

    `objects`, which are asked for once, must all be in the answers, and none of them as mem_top's own; with the sizes that `sizes` gives by
    address. `calls` counts the calls of the program's code, by name; "frozen" are those while the heap is held still.
    `problems` says afterwards what is no longer as it was. With `collect=False` the program bears no collection, and
    with `previews=False` no repr of the objects, not even CPython's own. With `any_code` the reprs of the program may
    run whatever they like to, where reprs may be run.
    """
    sentinel = Sentinel()

    def stage(name: str, action: Callable[[], object]) -> object:
        before = dict(calls())
        say("stage", name=name, any_code=any_code)
        result = action()
        after = calls()
        say("done", calls={key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)})
        return result

    # Collections that come by themselves end in a program that lies to the collector; those that are asked for remain.
    if collect:
        gc.collect()
    ask = None if collect else False
    addresses = stage("previews with safe=True", lambda: addresses_of(objects, previews))
    stage("mem_top(safe=True)", lambda: mem_top.mem_top(safe=True))
    stage("mem_top()", lambda: mem_top.mem_top(collect=ask, safe=False))
    snapshot = stage("snapshot()", lambda: mem_top.snapshot())
    texts = stage("answers", lambda: answers_of(snapshot))
    if traffic is not None:
        for _ in range(3):
            stage("snapshot() while threads run", lambda: mem_top.snapshot())
            stage("mem_top() while threads run", lambda: mem_top.mem_top(collect=ask))
        say("busy")
        sys.stdin.readline()
        traffic.stop()
        if traffic.errors:
            raise traffic.errors[0]
    snapshot = None
    if collect:
        for _ in range(3):
            gc.collect()
    gc.disable()
    last = stage("snapshot(), to be compared", lambda: mem_top.snapshot())
    say("ready", addresses=addresses, sizes=[[at, size] for at, size in (sizes or {}).items()], texts=texts)
    sys.stdin.readline()
    stage("save()", lambda: last.save("inside.parquet"))
    say("end", problems=[*sentinel.problems(), *problems()])
    sys.stdout.flush()
    os._exit(0)
