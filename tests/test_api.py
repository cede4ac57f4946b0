"""The Python API: it captures other processes, takes what a caller would pass, and names what it cannot take."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from command_line import ON_LINUX

import mem_top

WAITS = """
import sys

class Held:
    pass

kept = []
print("ready", flush=True)
for line in sys.stdin:
    kept.extend(Held() for _ in range(500))
    print("done", flush=True)
"""


@pytest.fixture
def waiting() -> "Iterator[subprocess.Popen[str]]":
    """A program that keeps 500 objects more for each line."""
    command = [sys.executable, "-c", WAITS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout and child.stdin
        assert child.stdout.readline() == "ready\n"
        yield child
        child.stdin.close()


def outside(function: Any) -> Any:
    for mark in ON_LINUX:
        function = mark(function)
    return function


@outside
def test_another_process_is_captured(waiting: "subprocess.Popen[str]") -> None:
    series = []
    for number in range(4):
        series.append(mem_top.snapshot(number, pid=waiting.pid))
        assert waiting.stdin and waiting.stdout
        waiting.stdin.write("\n")
        waiting.stdin.flush()
        assert waiting.stdout.readline() == "done\n"
    first = series[0]
    assert (first.pid, first.program, first.work) == (waiting.pid, "-c", 0.0)
    assert first.python == sys.version.split()[0]
    assert first.objects > 3000
    assert first.pause
    answer = mem_top.leaks(series)
    assert answer.verdict == "leak"
    assert answer.suspects[0].holder == "__main__.kept"
    assert answer.suspects[0].growth == (500, 500, 500)
    assert "500 objects" in str(series[1].why("__main__.Held"))


@outside
def test_other_processes_are_listed(waiting: "subprocess.Popen[str]") -> None:
    found = {one.pid: one for one in mem_top.processes()}
    assert os.getpid() not in found
    assert found[waiting.pid].python == sys.version.split()[0]
    assert found[waiting.pid].problem is None
    assert "-c" in found[waiting.pid].command


def test_a_process_that_cannot_be_captured_is_an_error_with_its_reason() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(ProcessLookupError, match="no such process"):
        mem_top.snapshot(pid=child.pid)
    for number in (0, -1, 2**40):
        with pytest.raises(ProcessLookupError, match=f"process {number}: no such process"):
            mem_top.snapshot(pid=number)
    with pytest.raises(ValueError, match="is this one"):
        mem_top.snapshot(pid=os.getpid())
    with pytest.raises(ValueError, match="collect"):
        mem_top.snapshot(pid=1, collect=True)


@outside
def test_a_process_that_is_not_python_is_an_error_with_a_hint() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        try:
            with pytest.raises(OSError, match=r"(?s)is not a Python process.*hint: "):
                mem_top.snapshot(pid=child.pid)
        finally:
            child.kill()


def test_a_snapshot_says_of_which_process_it_is() -> None:
    one = mem_top.snapshot()
    assert one.pid == os.getpid()
    assert one.python == sys.version.split()[0]
    assert one.program


def test_an_address_is_taken_as_hex_writes_it() -> None:
    kept = ["a list of its own"]
    one = mem_top.snapshot()
    assert one.why(hex(id(kept))).to_dict() == one.why(id(kept)).to_dict()
    with pytest.raises(LookupError, match="0xg"):
        one.why("0xg")


def test_a_list_of_snapshots_is_a_series() -> None:
    series = [mem_top.snapshot() for _ in range(2)]
    expected = mem_top.leaks(*series).to_dict()
    assert mem_top.leaks(series).to_dict() == mem_top.leaks(tuple(series)).to_dict() == expected
    for nothing in ([], ()):
        with pytest.raises(ValueError, match="leaks\\(\\) needs snapshots"):
            mem_top.leaks(nothing)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: mem_top.leaks(1, 2, 3), "leaks() needs snapshots, not int"),
        (lambda one: mem_top.leaks(one, "1.parquet"), "leaks() needs snapshots, not str"),
        (lambda one: one.diff(3), "diff() needs snapshots, not int"),
        (lambda one: one.types(limit="x"), "limit must be a number, or None for all, not str"),
        (lambda one: mem_top.snapshot(pid="4711"), "pid must be a number, not str"),
        (lambda one: mem_top.snapshot(pid=True), "pid must be a number, not bool"),
        (lambda one: mem_top.watching(callback=3), "callback must be callable with a suspect, not int"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError) as error:
        call(mem_top.snapshot())
    assert message in str(error.value)
