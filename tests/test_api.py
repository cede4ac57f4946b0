"""The Python API takes what a caller would pass, and names what it cannot take."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import mem_top


@pytest.fixture
def waiting() -> "Iterator[subprocess.Popen[str]]":
    """A program that waits."""
    source = "print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout and child.stdin
        assert child.stdout.readline() == "ready\n"
        yield child
        child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
def test_other_processes_are_listed(waiting: "subprocess.Popen[str]") -> None:
    found = {one.pid: one for one in mem_top.processes()}
    assert os.getpid() not in found
    assert found[waiting.pid].python == sys.version.split()[0]
    assert "-c" in found[waiting.pid].command


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
        (lambda one: mem_top.watching(callback=3), "callback must be callable with a suspect, not int"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError) as error:
        call(mem_top.snapshot())
    assert message in str(error.value)
