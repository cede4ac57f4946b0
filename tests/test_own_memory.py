"""What mem_top takes of memory, measured from outside, is what its documentation says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other processes can be captured on Linux")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pid.md"
# Beside what grows with the process: the interpreter that runs the command, and what encoding a file takes.
FIXED = {"dump": 120_000_000, "report": 50_000_000, "leaks": 50_000_000}

# Lists of 12 references to objects that others refer to as well; one of them grows, so that there is something to find.
_TARGET = """
import sys, time
count = int(sys.argv[1])
shared = [object() for _ in range(count)]
kept = [[shared[(7 * index + step) % count] for step in range(24)] for index in range(count)]
grows = []
print("ready", flush=True)
while True:
    grows.append([str(len(grows))] * 3)
    time.sleep(0.01)
"""
_COUNT = 50_000


@dataclass(frozen=True)
class Target:
    pid: int
    rss: int
    objects: int
    references: int


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    command = [sys.executable, "-c", _TARGET, str(_COUNT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            report = json.loads(_peak("report", str(child.pid), "--json")[1])
            pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
            rss = pages * os.sysconf("SC_PAGE_SIZE")
            yield Target(child.pid, rss, report["total"]["count"], report["references"])
        finally:
            child.kill()


# A small process in between: the peak of a process counts that of the one which it was forked from.
_MEASURED = """
import resource, subprocess, sys
ran = subprocess.run([sys.executable, "-m", "mem_top", *sys.argv[1:]], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=sys.stderr)
sys.exit(ran.returncode)
"""


def _peak(*arguments: str) -> tuple[int, str]:
    """The most memory that the command ever had, in bytes, and what it printed."""
    command = [sys.executable, "-c", _MEASURED, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1, 3), ran
    return int(ran.stderr), ran.stdout


def _documented(command: str) -> tuple[int, int, int]:
    """Of the row of a command: copies, bytes an object, bytes a reference."""
    rows = PAGE.read_text(encoding="utf-8").split("<!-- memory of mem_top -->")[1].split("\n\n")[0]
    row = next(line for line in rows.splitlines() if f"`{command}`" in line)
    copies, an_object, a_reference = map(int, re.findall(r"\| (\d+)(?: bytes)? ", row))
    return copies, an_object, a_reference


def _said(target: Target, command: str) -> int:
    copies, an_object, a_reference = _documented(command)
    return copies * target.rss + an_object * target.objects + a_reference * target.references


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("dump", ["dump", "{pid}", "-o", "{file}"]),
        ("report", ["report", "{pid}"]),
        ("leaks", ["leaks", "{pid}", "--count", "3", "--interval", "100ms", "--budget", "100%"]),
    ],
)
def test_a_command_takes_what_is_documented(target: Target, command: str, arguments: list[str], tmp_path: Path) -> None:
    filled = [part.format(pid=target.pid, file=tmp_path / "one.parquet") for part in arguments]
    peak, _ = _peak(*filled)
    said = _said(target, command)
    fixed = FIXED[command]
    assert peak <= fixed + said * 1.1, f"{peak} bytes, and {said} beside {fixed} are documented"


def test_more_snapshots_take_no_more_memory(target: Target) -> None:
    def peak(count: int) -> int:
        series = ["leaks", str(target.pid), "--count", str(count), "--interval", "100ms", "--budget", "100%"]
        return _peak(*series)[0]

    few, many = peak(3), peak(8)
    heap = 25 * target.objects + 8 * target.references
    # Each of the five more would be held as a heap and what is found out about it.
    assert many - few < 2 * heap, f"{few} bytes for 3 snapshots, {many} for 8; a heap takes {heap}"


def test_what_takes_too_much_is_refused_before_the_process_is_stopped(target: Target) -> None:
    command = [sys.executable, "-m", "mem_top", "leaks", str(target.pid), "--max-memory", "10MB"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "MiB are needed to read it, and 9 MiB are free (the limit of --max-memory)" in ran.stderr
    assert "`mem_top dump` needs the least memory" in ran.stderr
    status = Path(f"/proc/{target.pid}/status").read_text(encoding="utf-8")
    assert "TracerPid:\t0" in status


def test_snapshots_stay_in_memory_where_no_file_can_be_written(target: Target) -> None:
    command = [sys.executable, "-m", "mem_top", "leaks", str(target.pid), "--json"]
    series = ["--count", "3", "--interval", "10ms", "--budget", "100%"]
    nowhere = os.environ | {"TMPDIR": "/proc/self"}
    ran = subprocess.run([*command, *series], capture_output=True, text=True, check=False, env=nowhere)
    assert ran.returncode in (0, 1, 3), ran.stderr
    answer = json.loads(ran.stdout)
    assert len(answer["snapshots"]) == 3
    assert [note for note in answer["notes"] if note.startswith("snapshots were kept in memory")]
