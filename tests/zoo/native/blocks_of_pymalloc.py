"""An extension takes blocks of CPython's small-object allocator and never frees them: no object and no malloc."""
# none: true
# native: rss
import ctypes

malloc = ctypes.pythonapi.PyObject_Malloc
malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


def step(i):
    for size in (96, 200, 400):
        for _ in range(15):
            ctypes.memset(malloc(size), 1, size)
