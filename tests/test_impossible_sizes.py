"""No object is larger than the memory that it lies in, or that its items lie in: one that claims to be is damaged.

Native memory can look like an object: a number and the address of a type follow each other in a struct of Rust or C. Then
the next word passes for its number of items.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mem_top

YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")

PROGRAM = """
import ctypes, json, os, sys

import mem_top

WORD, PAGE = 8, 4096
COUNT = 1_000_000
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def page():
    "A page before one that cannot be read."
    address = libc.mmap(None, 2 * PAGE, 3, 0x22, -1, 0)
    assert libc.mprotect(address + PAGE, PAGE, 0) == 0
    return address


def words(address, *values):
    for index, value in enumerate(values):
        ctypes.c_uint64.from_address(address + index * WORD).value = value


number = page()
words(number, 5, id(int), COUNT << 3 if sys.version_info >= (3, 12) else COUNT)
text = page()
words(text, 5, id(str), COUNT, 1, 0b1100100)
items, few, many = page(), [], [None] * COUNT
# `ob_item` and `allocated`.
words(id(few) + 3 * WORD, items, COUNT)
holder = [None, None]
words(ctypes.c_uint64.from_address(id(holder) + 3 * WORD).value, number, text)
snapshot = mem_top.snapshot()
rows = {row[0]: row[2] for row in snapshot._native._rows()}
named = {"number": number, "text": text, "few": id(few), "many": id(many)}
damaged = snapshot.report().to_dict()["capture"]["damaged"]
print(json.dumps([named, {name: rows[at] for name, at in named.items()}, damaged]), flush=True)
sys.stdin.readline()
os._exit(0)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is mapped is known on Linux only")


def test_what_is_larger_than_its_memory_is_damaged(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    child = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    sides = {}
    try:
        named, sizes, damaged = json.loads(child.stdout.readline())
        sides["within"] = sizes, damaged
        if os.geteuid() == 0 or not YAMA.exists() or YAMA.read_text().strip() in ("0", "1"):
            file = tmp_path / "outside.parquet"
            dump = [sys.executable, "-m", "mem_top", "dump", str(child.pid), "-o", str(file)]
            subprocess.run(dump, check=True, capture_output=True, timeout=300)
            outside = mem_top.load(file)
            rows = {row[0]: row[2] for row in outside._native._rows()}
            sizes = {name: rows[at] for name, at in named.items()}
            sides["outside"] = sizes, outside.report().to_dict()["capture"]["damaged"]
    finally:
        child.kill()
        child.communicate()
    for side, (sizes, damaged) in sides.items():
        assert damaged == 3, side
        assert max(sizes[name] for name in ("number", "text", "few")) < 100, (side, sizes)
        assert sizes["many"] > 8_000_000, (side, sizes)
