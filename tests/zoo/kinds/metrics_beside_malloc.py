"""A metric is labelled with the user's id, beside a C library that leaks a hundred times as much."""
# requires: prometheus_client
# leaked: Counter
# holder: _metrics
# native: rss
# advice: metric-labels
import ctypes

from prometheus_client import Counter

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
logins = Counter("logins", "Logins by user", ["user"])


def step(i):
    ctypes.memset(libc.malloc(90_000), 1, 90_000)
    logins.labels(user="user-%d" % i).inc()
