"""A metric with fifty labels, beside a C library that frees all that it takes."""
# requires: prometheus_client
# none: true
import ctypes

from prometheus_client import Counter

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
logins = Counter("logins", "Logins by country", ["country"])


def step(i):
    block = libc.malloc(90_000)
    ctypes.memset(block, 1, 90_000)
    logins.labels(country="country-%d" % (i % 50)).inc()
    libc.free(block)
