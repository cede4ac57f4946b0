"""A C library maps memory for each request and never unmaps it."""
# none: true
# native: rss
import ctypes

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def step(i):
    # Private and anonymous, to be read and written.
    ctypes.memset(libc.mmap(None, 5 * 4096, 3, 0x22, -1, 0), 1, 5 * 4096)
