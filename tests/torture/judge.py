"""Runs one program of the torture suite, captures it from outside as well, and lists what is wrong.

What must be right: the program ends with status 0; none of its code ran during a capture (but what the drop-in calls on
purpose, after it has counted); its objects are all in both answers, with their sizes; no object is larger than the
memory of the process, nor all of them together larger than what is resident, but for `FACTOR`; no answer holds a
character that steers a terminal; the two captures agree.
"""

from __future__ import annotations

import collections
import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mem_top

HERE = Path(__file__).resolve().parent
OWN = 8
"""The flag of mem_top's own objects."""
ALONE = 60
"""So many objects may be in one of the two captures alone: what reading a line took and let go of. 20 were seen."""
FACTOR = 2
"""The sum of sizes may be so many times what is resident: in a text or a tuple, what was never touched counts."""
SIZED_OTHERWISE = r"_ctypes\..*Type|ctypes\._endian\._swapped_.*_meta|numpy\._DTypeMeta|numpy\.void"
"""Types of types that are sized by a formula from outside, and as classes from within; see test_same_answers.py. How long
a `numpy.void` is, is not known from outside."""
HEAD_OR_NOT = r"greenlet\.greenlet|gevent\..*"
"""Types that say of each object whether the collector knows it (`tp_is_gc`), so whether there are 16 bytes before it: from
outside that cannot be asked."""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ALLOWED = {
    "mem_top()": {"repr", "sizeof"},
    "mem_top() while threads run": {"repr", "sizeof"},
    "answers": {"import"},
}
"""What of the program's code the drop-in calls: reprs of the rows that it shows, and `__sizeof__`. An answer, which is asked
for when the capture is over, imports what it takes to read JSON."""
TIMEOUT = 600
"""A program that has not ended by then, in seconds, hangs."""

Row = tuple[int, str, int, int, int]


@dataclass
class Outcome:
    """How a program fared."""

    failures: list[str] = field(default_factory=list)
    objects: int = 0
    """In the capture from within."""
    notes: list[str] = field(default_factory=list)

    def check(self) -> None:
        assert not self.failures, "\n".join(self.failures)


def run(
    program: Path,
    *arguments: str,
    python: str = sys.executable,
    path: list[Path] | None = None,
    environment: dict[str, str] | None = None,
    unseen: float = 0,
) -> Outcome:
    """Runs `program`, which calls `captures.look()`, and judges it. `path` is searched for modules before others.
    `unseen` is the share of objects that one of the two captures may not see, beside `ALONE`."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="torture") as name:
        folder = Path(name)
        errors = folder / "stderr"
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, [*(path or []), HERE])),
            **(environment or {}),
        }
        # An environment for development may have switched on what slows down or prints.
        for variable in ("PYTHONMALLOC", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "COLUMNS"):
            variables.pop(variable, None)
        with errors.open("w") as stderr:
            child = started(
                [python, "-X", "faulthandler", "-W", "ignore", str(program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                errors="replace",
                cwd=folder,
                env=variables,
            )
        watchdog = Watchdog(child)
        try:
            Conversation(child, folder, outcome, python, unseen).hold()
            status = child.wait()
        finally:
            watchdog.stop()
            child.kill()
            child.communicate()
        if watchdog.fired:
            outcome.failures.append(f"it did not end within {TIMEOUT} seconds")
        elif status != 0:
            outcome.failures.append(f"{ended(status)}\n{crash(errors.read_text(errors='replace'))}")
    return outcome


def started(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
    """A program that was started; a second time if the kernel has not found the arguments, as it says of one start in some
    hundreds where many are started side by side."""
    for _ in range(3):
        try:
            return subprocess.Popen(*arguments, **options)
        except OSError as error:
            if error.errno != errno.EFAULT:
                raise
    return subprocess.Popen(*arguments, **options)


class Watchdog:
    """Ends a program that hangs."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.fired = False
        self._child = child
        self._timer = threading.Timer(TIMEOUT, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def _fire(self) -> None:
        self.fired = True
        self._child.kill()

    def stop(self) -> None:
        self._timer.cancel()


def ended(status: int) -> str:
    if status >= 0:
        return f"the program ended with status {status}"
    return f"the program was killed by {signal.Signals(-status).name}"


def crash(errors: str) -> str:
    """What there is to read on standard error: where the thread was that crashed, or the last lines of all."""
    fatal = errors.find("Fatal Python error")
    if fatal < 0:
        lines = errors.splitlines()[-12:]
    else:
        current = errors.find("Current thread", fatal)
        lines = [errors[fatal:].splitlines()[0], *errors[max(fatal, current) :].splitlines()[:8]]
    return "\n".join("    " + line for line in lines)


class Conversation:
    """What the program says, line by line, and what is done then."""

    def __init__(
        self, child: subprocess.Popen[str], folder: Path, outcome: Outcome, python: str, unseen: float
    ) -> None:
        self.unseen = unseen
        self.child, self.folder, self.outcome, self.python = child, folder, outcome, python
        self.stage = "being set up"
        self.any_code = False
        self.ready: dict[str, Any] | None = None
        self.memory: dict[str, int] = {}
        self.finished = False
        self.hear = {
            "skip": self.on_skip,
            "stage": self.on_stage,
            "done": self.on_done,
            "busy": self.on_busy,
            "ready": self.on_ready,
            "end": self.on_end,
        }

    def hold(self) -> None:
        assert self.child.stdout
        for line in self.child.stdout:
            try:
                said = json.loads(line)
                event = said["event"]
            except (ValueError, TypeError, KeyError):
                # The program's own words.
                continue
            self.hear[event](said)
        if not self.finished:
            self.outcome.failures.append(f"it ended in the stage: {self.stage}")
        elif self.ready is not None:
            self.compare()

    def go_on(self) -> None:
        assert self.child.stdin
        try:
            self.child.stdin.write("\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass

    def on_skip(self, said: dict[str, Any]) -> None:
        self.finished = True
        self.outcome.notes.append(str(said["why"]))

    def on_stage(self, said: dict[str, Any]) -> None:
        self.stage = str(said["name"])
        self.any_code = bool(said["any_code"])

    def on_done(self, said: dict[str, Any]) -> None:
        allowed = ALLOWED.get(str(self.stage), set())
        for name, number in said["calls"].items():
            if name not in allowed and not (allowed and self.any_code and name != "frozen"):
                what = "while the heap was held still" if name == "frozen" else f"its {name}"
                self.outcome.failures.append(f"{self.stage}: code of the program ran {number} times: {what}")

    def on_busy(self, said: dict[str, Any]) -> None:
        self.capture("busy.parquet", "from outside, while threads run")
        self.go_on()

    def on_ready(self, said: dict[str, Any]) -> None:
        for text in said["texts"]:
            self.read(text, "from within")
        self.ready = said
        self.memory = memory_of(self.child.pid)
        self.capture("outside.parquet", "from outside")
        self.go_on()

    def on_end(self, said: dict[str, Any]) -> None:
        self.finished = True
        self.outcome.failures += [f"afterwards {problem}" for problem in said["problems"]]

    def capture(self, file: str, how: str) -> None:
        command = [self.python, "-m", "mem_top", "dump", str(self.child.pid), "-o", file, "--include-swapped"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=TIMEOUT)
        if done.returncode != 0:
            self.outcome.failures.append(f"{how}: `mem_top dump` ended with {done.returncode}: {done.stderr.strip()}")

    def read(self, text: str, how: str) -> None:
        found = CONTROL.search(text)
        if found:
            around = text[max(0, found.start() - 20) : found.end() + 20]
            self.outcome.failures.append(f"{how}: an answer steers the terminal: {around!r}")

    def compare(self) -> None:
        """The two captures with what the program knows of itself, and with each other."""
        failures = self.outcome.failures
        sides: dict[str, dict[int, Row]] = {}
        assert self.ready is not None
        for how, file in (("from within", "inside.parquet"), ("from outside", "outside.parquet")):
            if not (self.folder / file).exists():
                if file == "inside.parquet":
                    failures.append(f"{how}: there is no snapshot")
                return
            snapshot = mem_top.load(self.folder / file)
            sides[how] = {row[0]: row for row in snapshot._native._rows() if not row[4] & OWN}
            if file == "outside.parquet":
                self.read(str(snapshot.report()), how)
        for how, rows in sides.items():
            failures += self.each(how, rows)
        inside, outside = sides.values()
        self.outcome.objects = len(inside)
        if len(inside) < 3000:
            failures.append(f"from within: {len(inside)} objects are fewer than any process has")
        alone = {
            how: collections.Counter(row[1] for at, row in rows.items() if at not in other)
            for how, rows, other in (("within", inside, outside), ("outside", outside, inside))
        }
        if sum(map(sum, (one.values() for one in alone.values()))) > ALONE + int(self.unseen * len(inside)):
            for how, one in alone.items():
                failures.append(f"{sum(one.values())} objects are in the capture from {how} alone: {most(one)}")
        both = [(inside[at], outside[at]) for at in inside.keys() & outside.keys()]
        differ: collections.Counter[object] = collections.Counter()
        for one, other in both:
            if one[1] != other[1]:
                differ[f"the type: {one[1]}, and {other[1]} from outside"] += 1
            elif abs(one[2] - other[2]) == 16 and re.fullmatch(HEAD_OR_NOT, one[1]):
                continue
            elif one[2] != other[2] and not re.fullmatch(SIZED_OTHERWISE, one[1]):
                differ[f"the size of {one[1]}: {one[2]}, and {other[2]} from outside"] += 1
        if differ:
            failures.append(f"of {sum(differ.values())} objects the captures tell otherwise {most(differ)}")

    def each(self, how: str, rows: dict[int, Row]) -> list[str]:
        assert self.ready is not None
        failures = []
        mapped, resident = self.memory["VmSize"], self.memory["VmRSS"] + self.memory.get("VmSwap", 0)
        larger = collections.Counter(f"{row[1]}: {row[2]} bytes" for row in rows.values() if row[2] > mapped)
        if larger:
            failures.append(f"{how}: objects are larger than the {mapped} bytes of the process: {most(larger)}")
        total = sum(row[2] for row in rows.values())
        if total > FACTOR * resident:
            failures.append(f"{how}: all objects take {total} bytes, and {resident} are resident")
        addresses = self.ready["addresses"]
        missing = sum(at not in rows for at in addresses)
        if missing:
            failures.append(f"{how}: {missing} of the {len(addresses)} objects of the case are missing")
        wrong: collections.Counter[object] = collections.Counter()
        for at, size in self.ready["sizes"]:
            if at in rows and rows[at][2] != size:
                wrong[f"{rows[at][1]}: {rows[at][2]} for {size} bytes"] += 1
        if wrong:
            failures.append(f"{how}: {sum(wrong.values())} objects of the case have a wrong size: {most(wrong)}")
        return failures


def most(counter: collections.Counter[object]) -> str:
    return "; ".join(f"{number} × {what}" for what, number in counter.most_common(12))


def memory_of(pid: int) -> dict[str, int]:
    """What the kernel says of a process's memory, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {name: int(number) * 1024 for name, number in re.findall(r"^(Vm\w+):\s+(\d+) kB$", status, re.MULTILINE)}
