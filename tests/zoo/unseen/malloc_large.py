"""C code takes large blocks and forgets them, while Python churns."""
# none: true
# native: rss
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
recent = []


def step(i):
    libc.memset(libc.malloc(64 * 1024), 1, 64 * 1024)
    recent.append({"i": i})
    del recent[:-100]
