"""The sizes of all objects add up to the memory that the allocators say is in use, from within and from outside.

Each kind of heap is made in a process of its own. pymalloc counts its blocks by `sys._debugmallocstats`, glibc's malloc
its own by `mallinfo2`. What no object explains is, beside what the interpreter itself takes, what sizes leave out.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mem_top

YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")

PROGRAM = """
import collections, ctypes, gc, json, os, re, sys, tempfile

import mem_top


class MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


try:
    mallinfo2 = ctypes.CDLL(None).mallinfo2
except AttributeError:
    print("no mallinfo2", flush=True)
    os._exit(0)
mallinfo2.restype = MallInfo


def in_use():
    # It writes to the file descriptor itself.
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            sys._debugmallocstats()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        text = file.read().decode()
    blocks = re.search(r"# bytes in allocated blocks\\s*=\\s*([\\d,]+)", text)[1]
    info = mallinfo2()
    return int(blocks.replace(",", "")) + info.uordblks + info.hblkhd


def explained():
    snapshot = mem_top.snapshot()
    return sum(row[2] for row in snapshot._native._rows())


HEAP

in_use(), explained()
gc.collect()
before = in_use(), explained()
kept = make()
gc.collect()
used = in_use()
after = used, explained()
print(json.dumps({"before": before, "after": after}), flush=True)
sys.stdin.readline()
os._exit(0)
"""

HEAPS = {
    "dicts": """
def make():
    return [{f"key {n % 50}": n, "name": None, "size": n + 0.5, n: (n,)} for n in range(60_000)]
""",
    "large dicts": """
def make():
    return [dict.fromkeys(range(n * 1000, n * 1000 + 900 * (n % 7))) for n in range(200)]
""",
    "instances": """
class Record:
    def __init__(self, n):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = self.h = self.i = None
        self.number = n

def make():
    return [Record(n) for n in range(150_000)]
""",
    "instances whose dicts were asked for": """
class Record:
    def __init__(self, n):
        self.number, self.name = n, None

def make():
    records = [Record(n) for n in range(150_000)]
    for record in records:
        record.__dict__
    return records
""",
    "instances with slots, and of builtin types": """
class Slotted:
    __slots__ = ("a", "b", "c")

class Text(str):
    pass

class Number(int):
    pass

class Items(list):
    def __init__(self, items):
        super().__init__(items)
        self.name = None

class Names(dict):
    pass

Point = collections.namedtuple("Point", "x y z")

def make():
    kinds = [lambda n: Slotted(), lambda n: Text(n), Number, lambda n: Items([n, n]), lambda n: Names(a=1),
             lambda n: Point(n, n, n)]
    return [kinds[n % 6](n) for n in range(180_000)]
""",
    "strings and bytes": """
def make():
    texts = [f"text {n} " + "x" * (n % 90) for n in range(100_000)]
    texts += [f"t\\xe9xt {n}" for n in range(50_000)] + [f"\\u4e2d\\u6587 {n}" for n in range(50_000)]
    for text in texts[::10]:
        ctypes.pythonapi.PyUnicode_AsUTF8(ctypes.py_object(text))
    return texts, [b"%d" % n * (n % 9) for n in range(50_000)], [bytearray(n % 700) for n in range(20_000)]
""",
    "lists": """
def make():
    lists = [[] for _ in range(60_000)]
    for n, one in enumerate(lists):
        for item in range(n % 40):
            one.append(item)
    return lists, [[None] * (n % 300) for n in range(10_000)]
""",
    "sets and queues": """
def make():
    sets = [set(range(n % 30)) for n in range(20_000)] + [frozenset(range(n % 90)) for n in range(5_000)]
    queues = [collections.deque(range(n % 200)) for n in range(8_000)]
    for queue in queues[::2]:
        queue.clear()
    return sets, queues, [collections.OrderedDict.fromkeys(range(n % 30)) for n in range(5_000)]
""",
    "numbers and tuples": """
def make():
    return [(n + 0.5, n + 1000, 10 ** (n % 99), complex(n, 1), (n,)) for n in range(80_000)]
""",
    "parsed JSON": """
def make():
    row = '{"id": %d, "name": "name %d", "tags": ["a", "b%d"], "price": %d.5, "on": true, "at": {"x": 1, "y": [2, 3]}}'
    return json.loads("[" + ",".join(row % (n, n, n, n) for n in range(30_000)) + "]")
""",
    "classes and functions": """
def one(n):
    def method(self, a=n, *, b=None):
        return lambda: (self, a)
    return type(f"C{n}", (), {"method": method, "__slots__": ("a", "b", "c") if n % 2 else ()})

def make():
    return [one(n) for n in range(14_000)]
""",
    "a mix": """
class Item:
    def __init__(self, n):
        self.id = n
        self.tags = {f"tag {n}", "b"}
        self.rows = [(n, f"row {i}", {"v": i + 0.5}) for i in range(4)]

def make():
    return {f"item {n}": Item(n) for n in range(20_000)}
""",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mallinfo2 is glibc's")


def may_trace() -> bool:
    return os.geteuid() == 0 or not YAMA.exists() or YAMA.read_text().strip() in ("0", "1")


@pytest.mark.parametrize("heap", HEAPS)
def test_sizes_add_up_to_what_is_in_use(heap: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("HEAP", HEAPS[heap]))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONMALLOC", "MALLOC_"))}
    child = subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdin
    assert child.stdout
    sums: dict[str, int] = {}
    try:
        line = child.stdout.readline()
        if line == "no mallinfo2\n":
            pytest.skip("this C library has no mallinfo2")
        said: dict[str, Any] = json.loads(line)
        (used_before, explained_before), (used, sums["within"]) = said["before"], said["after"]
        if may_trace():
            file = tmp_path / "outside.parquet"
            dump = [sys.executable, "-m", "mem_top", "dump", str(child.pid), "-o", str(file), "--include-swapped"]
            subprocess.run(dump, check=True, capture_output=True, timeout=300)
            sums["outside"] = sum(row[2] for row in mem_top.load(file)._native._rows())
    finally:
        child.kill()
        child.communicate()
    for side, explained in sums.items():
        whole = (used - explained) / used
        growth = 1 - (explained - explained_before) / (used - used_before)
        print(f"{heap}, {side}: {used:,} in use, {whole:.2%} unexplained, {growth:.2%} of the growth")
        assert abs(whole) < 0.05, (heap, side, used, explained)
        assert abs(growth) < 0.02, (heap, side, used - used_before, explained - explained_before)
