"""Each request has names of its own, which are interned. CPython 3.12 never frees them; other versions do."""
# none: true
# native: rss
import sys


def step(i):
    for n in range(70):
        sys.intern(f"column_{n}_of_request_{i}")
