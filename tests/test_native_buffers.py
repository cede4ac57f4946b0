"""Native memory has a holder: the object that maps, allocates or shows it retains the bytes, as far as they are resident.

Each program fills a holder named `kept` in a process of its own, and is looked at from within and from outside. What the
holder retains is compared with by how much the resident memory of the process grew meanwhile.
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

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def whole(snapshot):
    memory = snapshot.memory().to_dict()
    held = [row for row in snapshot.top(by="retained", limit=300).to_dict()["objects"] if row["address"] == hex(id(kept))]
    return {"memory": memory, "retained": held[0]["retained_bytes"] if held else 0}

FILL

# Imports and what a first capture takes are not what is compared.
fill(1)
mem_top.snapshot()
before = resident()
kept = fill(SIZE)
grown = resident() - before
print("ready", flush=True)
answer = {"grown": grown, "id": hex(id(kept)), **whole(mem_top.snapshot())}
print(json.dumps(answer), flush=True)
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
    # Memory is only taken for what was touched.
    arrays = [numpy.zeros((4, 1 << 17)) for _ in range(size)]
    for array in arrays:
        array[1] = 1
    return [array[1] for array in arrays], [array.T for array in arrays]
""",
    "arrays of pyarrow": """
import pyarrow

def fill(size):
    table = pyarrow.table({"n": pyarrow.array(range(size << 16)), "s": [f"row {n} of the table" for n in range(size << 14)] * 4})
    return [table, table.slice(10), table["n"], table["s"].chunk(0), table.to_batches()]
""",
    "a series of strings of pandas": """
import pandas

def fill(size):
    return [pandas.Series([f"row {n} " + "y" * 30 for n in range(1 << 14)]) for _ in range(size)]
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
    """The parts are within the whole: none is negative, and together they are no more than resident memory."""
    parts = [part["bytes"] for part in memory["kinds"]]
    assert sum(parts) == memory["python"] <= memory["rss"], memory
    assert all(0 <= (memory[part] or 0) <= memory["rss"] for part in ("python", "native_known", "file_backed")), memory
    assert memory["unexplained"] >= 0, memory


@pytest.mark.parametrize("name", FILLS)
def test_a_holder_retains_its_native_memory(start: Start, tmp_path, name: str) -> None:
    require(name)
    child = start(PROGRAM.replace("FILL", FILLS[name], 1).replace("SIZE", str(SIZE), 1))
    assert child.stdout
    within = json.loads(child.stdout.readline())
    grown = within["grown"]
    assert grown > 0.8 * SIZE * MB, f"the program took {grown / MB:.1f} MB"
    file = tmp_path / "outside.parquet"
    answer("dump", child.pid, "-o", file)
    found = answer(file, "--limit", 300)
    held = [row for row in found["retained"] if row["address"] == within["id"]]
    for retained, memory in ((within["retained"], within["memory"]), (held[0]["retained_bytes"], found["memory"])):
        assert 0.9 * grown <= retained <= 1.1 * grown, f"retains {retained / MB:.1f} of {grown / MB:.1f} MB"
        adds_up(memory)


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
    child = start(PROGRAM.replace("FILL", FILLS["anonymous maps"], 1).replace("SIZE", "20", 1))
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
print(sys.getsizeof(kept), mem_top.mem_top(limit=1000).count("16777"), flush=True)
sys.stdin.readline()
""")
    assert child.stdout
    size, large = map(int, child.stdout.readline().split())
    assert (size < 1000, large) == (True, 0)

