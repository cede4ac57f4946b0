"""Innocent: each request needs much memory for a moment, in blocks of all sizes and in objects, and frees all of it."""
# none: true
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def step(i):
    blocks = []
    for size in (500, 7_000, 40_000, 900_000):
        blocks.append(libc.malloc(size))
        ctypes.memset(blocks[-1], 1, size)
    rows = [{"row": n, "text": "x" * (n % 900)} for n in range(2_000)]
    assert len(rows) == 2_000
    for block in blocks:
        libc.free(block)
