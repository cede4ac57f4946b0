"""Sessions in a weak set that are cyclic garbage, and the collector is off."""
# garbage: Session
# cause: off
import gc
import weakref

gc.disable()


class Session:
    def __init__(self, n):
        self.n = n
        self.me = self


live = weakref.WeakSet()


def step(i):
    live.add(Session(i))
