"""Handles of a C library that own memory and sit in a list."""
# leaked: Handle
# holder: opened
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)


class Handle(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


opened = []


def step(i):
    pointer = libc.malloc(40000)
    libc.memset(pointer, 1, 40000)
    opened.append(Handle(pointer, 40000))
