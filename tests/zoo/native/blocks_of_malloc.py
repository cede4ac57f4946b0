"""A C library takes blocks of different sizes with malloc and forgets them."""
# none: true
# native: rss
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


def step(i):
    size = 2_000 + 30_000 * (i % 2)
    ctypes.memset(libc.malloc(size), 1, size)
