"""Snapshots where memory is scarce: each attempt gives a snapshot or a MemoryError, and the process goes on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space as on Linux")

# A child for each limit, so that the objects are made once.
_PROGRAM = """
import json, os, resource, sys
import mem_top

count, limits = int(sys.argv[1]), range(*map(int, sys.argv[2:]))
kept = [[number] for number in range(count)]


def size():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


outcomes = {}
for megabytes in limits:
    child = os.fork()
    if not child:
        status = 9
        try:
            resource.setrlimit(resource.RLIMIT_AS, (size() + (megabytes << 20),) * 2)
            try:
                taken = mem_top.snapshot()
                status = 2 if taken.objects > count else 8
                taken.types(3)
                status = 3
            except MemoryError as error:
                status = 1 if status == 9 else status
                if "mem_top: " in str(error) and "hint: " not in str(error):
                    status = 7
        finally:
            os._exit(status)
    outcomes[megabytes] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(outcomes))
"""

_REFUSED, _TAKEN, _ANSWERED = 1, 2, 3


def _outcomes(count: int, *limits: int) -> dict[int, int]:
    command = [sys.executable, "-c", _PROGRAM, str(count), *map(str, limits)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "panicked" not in ran.stderr, ran.stderr
    return {int(limit): outcome for limit, outcome in json.loads(ran.stdout).items()}


def test_every_limit_gives_a_snapshot_or_a_memory_error() -> None:
    outcomes = _outcomes(60_000, 0, 61)
    assert set(outcomes.values()) == {_REFUSED, _TAKEN, _ANSWERED}, outcomes
    assert (outcomes[0], outcomes[60]) == (_REFUSED, _ANSWERED), outcomes


def test_a_limit_met_in_the_midst_of_a_large_heap_is_a_memory_error() -> None:
    outcomes = _outcomes(300_000, 5, 60, 5)
    assert set(outcomes.values()) <= {_REFUSED, _TAKEN, _ANSWERED}, outcomes
    assert outcomes[5] == _REFUSED, outcomes


_RESERVED = """
import mmap
import sys

import mem_top

MAP_NORESERVE = 0x4000
reserved = mmap.mmap(-1, 1 << int(sys.argv[1]), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)


def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


before = peak()
taken = mem_top.snapshot()
assert taken.memory().native_known < 1 << 30, taken.memory()
print(peak() - before)
"""


def _peak_growth(bits: int) -> int:
    command = [sys.executable, "-c", _RESERVED, str(bits)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def test_reserved_memory_takes_no_memory_to_look_at() -> None:
    small, large = _peak_growth(20), _peak_growth(40)
    assert large < small + 16_000, f"{large} kB for 1 TiB reserved, {small} kB for 1 MiB"
