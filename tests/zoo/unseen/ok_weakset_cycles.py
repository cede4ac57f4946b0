"""Sessions in a weak set that are cyclic garbage until the collector comes."""
# none: true
import weakref


class Session:
    def __init__(self, n):
        self.n = n
        self.me = self


live = weakref.WeakSet()


def step(i):
    live.add(Session(i))
