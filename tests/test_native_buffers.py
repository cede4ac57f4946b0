"""Native memory has a holder: the object that maps, allocates or shows it retains the bytes, as far as they are resident.

Each program fills a holder named `kept` with 60 MB (or what its library says) in a process of its own, and is captured
from within and from outside.
"""

import json
from typing import Any

import pytest
from command_line import ON_LINUX, Start, answer

pytestmark = ON_LINUX

MB = 1 << 20

PROGRAM = """
import json, sys
import mem_top

def expected(kept):
    return SIZE << 20

FILL

kept = fill(SIZE)
print("ready", flush=True)
snapshot = mem_top.snapshot()
rows = snapshot.top(by="retained", limit=300).to_dict()["objects"]
print(json.dumps({
    "expected": expected(kept),
    "id": hex(id(kept)),
    "memory": snapshot.memory().to_dict(),
    "retained": next((row["retained_bytes"] for row in rows if row["address"] == hex(id(kept))), 0),
}), flush=True)
sys.stdin.readline()
"""

FILLS = {
    "anonymous maps": """
import mmap

def fill(size):
    maps = [mmap.mmap(-1, 1 << 20) for _ in range(size)]
    for one in maps:
        one.write(b"x" * (1 << 20))
    return maps
""",
    "a map of a file": """
import mmap, tempfile

def fill(size):
    with tempfile.TemporaryFile() as file:
        for _ in range(size):
            file.write(b"x" * (1 << 20))
        file.flush()
        map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        map.read()
        return [map]
""",
    "a subclass of mmap, and a view of it": """
import mmap

class Map(mmap.mmap):
    pass

def fill(size):
    map = Map(-1, size << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    map.write(b"x" * (size << 20))
    return [memoryview(map), memoryview(map)[::2]]
""",
    "shared memory": """
from multiprocessing import shared_memory

def fill(size):
    block = shared_memory.SharedMemory(create=True, size=size << 20)
    block.buf[:] = b"x" * (size << 20)
    block.unlink()
    return block
""",
    "ctypes arrays": """
import ctypes

def fill(size):
    arrays = [(ctypes.c_double * (1 << 17))() for _ in range(size)]
    for array in arrays:
        ctypes.memset(array, 1, 1 << 20)
    # Views of them have no memory of their own.
    return arrays, [(ctypes.c_char * (1 << 20)).from_buffer(array) for array in arrays]
""",
    "a struct of ctypes": """
import ctypes

class Frame(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("pixels", ctypes.c_ubyte * ((1 << 20) - 4))]

def fill(size):
    frames = [Frame(n) for n in range(size)]
    for frame in frames:
        ctypes.memset(frame.pixels, 1, len(frame.pixels))
    return frames
""",
    "arrays and bytearrays": """
import array

def fill(size):
    return [array.array("d", b"12345678" * (1 << 16)) for _ in range(size)], [bytearray(1 << 19) for _ in range(size)]
""",
    "bytes that files in memory show": """
import io

def fill(size):
    # A file in memory shares the bytes until it is written to.
    data = [bytes([n % 251 + 1]) * (1 << 20) for n in range(size)]
    return [io.BytesIO(one) for one in data]
""",
    "arrays of numpy": """
import numpy

def fill(size):
    # Memory is only taken for what was touched. numpy asks for pages of 2 MB in arrays of 4 MB and more.
    arrays = [numpy.zeros((3, 1 << 17)) for _ in range(size)]
    for array in arrays:
        array[1] = 1
    return [array[1] for array in arrays], [array.T for array in arrays]
""",
    "arrays of pyarrow": """
import pyarrow

def fill(size):
    table = pyarrow.table({"n": pyarrow.array(range(size << 16)), "s": [f"row {n} of the table" for n in range(size << 14)] * 4})
    return [table, table.slice(10), table["n"], table["s"].chunk(0), table.to_batches(), table["n"].chunk(0).buffers()]

def expected(kept):
    return kept[0].nbytes
""",
    "a series of strings of pandas": """
import pandas

def fill(size):
    return [pandas.Series([f"row {n} " + "y" * 30 for n in range(1 << 14)]) for _ in range(size)]

def expected(kept):
    return sum(series.memory_usage(index=False, deep=True) for series in kept)
""",
    "tensors of torch": """
import torch

def fill(size):
    tensors = [torch.ones(1 << 18) for _ in range(size)]
    return [tensor[10:] for tensor in tensors], [tensor.view(2, -1) for tensor in tensors]
""",
    "images of PIL": """
from PIL import Image

def fill(size):
    return [Image.new("RGB", (512, 512), (1, 2, 3)) for _ in range(size)]
""",
}
LIBRARIES = {"numpy": "numpy", "pyarrow": "pyarrow", "pandas": "pandas", "torch": "torch", "PIL": "PIL"}
SIZE = 60


def require(name: str) -> None:
    for library in LIBRARIES:
        if name.endswith(library):
            pytest.importorskip(library)


def adds_up(memory: dict[str, Any]) -> None:
    """No part is larger than the whole. The system counts resident memory to within a few hundred kilobytes."""
    assert sum(part["bytes"] for part in memory["kinds"]) == memory["python"]
    parts = ("python", "native_known", "file_backed", "malloc_free", "pymalloc_free")
    assert all(0 <= (memory[part] or 0) <= memory["rss"] for part in parts), memory
    assert memory["unexplained"] >= -MB, memory


@pytest.mark.parametrize("name", FILLS)
def test_a_holder_retains_its_native_memory(start: Start, tmp_path, name: str) -> None:
    require(name)
    child = start(PROGRAM.replace("FILL", FILLS[name], 1).replace("SIZE", str(SIZE)))
    assert child.stdout
    within = json.loads(child.stdout.readline())
    expected = within["expected"]
    assert expected > 30 * MB
    file = tmp_path / "outside.parquet"
    answer("dump", child.pid, "-o", file)
    found = answer(file, "--limit", 300)
    held = [row for row in found["retained"] if row["address"] == within["id"]]
    for retained, memory in ((within["retained"], within["memory"]), (held[0]["retained_bytes"], found["memory"])):
        assert 0.95 * expected <= retained <= 1.08 * expected, f"{retained / MB:.1f} of {expected / MB:.1f} MB"
        adds_up(memory)


WITHOUT_OWNER = """
import ctypes, sys
import mem_top

shown = ctypes.create_string_buffer(1 << 20)
from_memory = ctypes.pythonapi.PyMemoryView_FromMemory
from_memory.restype = ctypes.py_object
from_memory.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
kept = from_memory(ctypes.addressof(shown), 1 << 20, 0x200)
assert mem_top.snapshot().objects > 1000
print("ready", flush=True)
sys.stdin.readline()
"""


def test_memory_that_c_shows_without_an_owner_is_captured(start: Start, tmp_path) -> None:
    child = start(WITHOUT_OWNER)
    answer("dump", child.pid, "-o", tmp_path / "outside.parquet")


UNTOUCHED = """
import json, mmap, sys
import mem_top

SIZE = 3 << 30
kept = [mmap.mmap(-1, SIZE), bytes(SIZE)]
try:
    import numpy
except ImportError:
    pass
else:
    kept += [numpy.zeros(SIZE // 8), numpy.zeros((1000, SIZE // 8000))[5:]]
    # Reading shows a page of zeros, which is none of the process's.
    assert not kept[-1][::7].any()
    kept[0][12345] = 1
print("ready", flush=True)
print(json.dumps(mem_top.snapshot().memory().to_dict()), flush=True)
sys.stdin.readline()
"""


def test_pages_that_were_never_touched_are_in_no_answer(start: Start, tmp_path) -> None:
    child = start(UNTOUCHED)
    assert child.stdout
    within = json.loads(child.stdout.readline())
    file = tmp_path / "outside.parquet"
    answer("dump", child.pid, "-o", file)
    for memory in (within, answer(file)["memory"]):
        adds_up(memory)
        assert memory["python"] < 200 * MB


def test_a_type_with_large_buffers_is_a_kind_of_its_own(start: Start) -> None:
    child = start(PROGRAM.replace("FILL", FILLS["anonymous maps"], 1).replace("SIZE", "20"))
    assert child.stdout
    kinds = json.loads(child.stdout.readline())["memory"]["kinds"]
    assert kinds[0]["name"] == "mmap.mmap", kinds
    assert kinds[0]["bytes"] >= 20 * MB


DATA_FRAME = """
import sys
import numpy, pandas
import mem_top

frame = pandas.DataFrame({
    "s": [f"row {n} " + "y" * 20 for n in range(500_000)],
    "v": numpy.random.rand(500_000),
    "c": pandas.Categorical(["a", "b"] * 250_000),
})
deep = int(frame.memory_usage(deep=True).sum())
print("ready", flush=True)
rows = mem_top.snapshot().top(by="retained", limit=300).to_dict()["objects"]
print(deep, next(row["retained_bytes"] for row in rows if row["address"] == hex(id(frame))), flush=True)
sys.stdin.readline()
"""


def test_a_data_frame_retains_what_it_uses(start: Start) -> None:
    pytest.importorskip("pandas")
    child = start(DATA_FRAME)
    assert child.stdout
    deep, retained = map(int, child.stdout.readline().split())
    assert 0.95 * deep <= retained <= 1.1 * deep


def test_the_drop_in_counts_what_getsizeof_answers(start: Start) -> None:
    child = start("""
import mmap, sys
import mem_top

class Map(mmap.mmap):
    def __init__(self, *_):
        self.me = self

kept = Map(-1, 1 << 24)
kept.write(b"x" * (1 << 24))
print("ready", flush=True)
numbers = [line.split()[0].replace(",", "") for line in mem_top.mem_top(limit=1000).splitlines() if line.strip()]
print(sys.getsizeof(kept), max(int(number) for number in numbers if number.isdigit()), flush=True)
sys.stdin.readline()
""")
    assert child.stdout
    size, largest = map(int, child.stdout.readline().split())
    assert size < 1000
    assert 1000 < largest < 1 << 20
