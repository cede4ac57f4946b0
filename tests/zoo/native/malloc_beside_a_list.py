"""A C library leaks much; a list of numbers beside it grows by little."""
# leaked: float
# holder: seen
# native: rss
import ctypes
import time

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
seen = []


def step(i):
    ctypes.memset(libc.malloc(100_000), 1, 100_000)
    seen.append(time.monotonic())
