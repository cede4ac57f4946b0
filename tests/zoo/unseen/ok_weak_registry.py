"""Objects that are registered weakly and die with their request."""
# none: true
import weakref


class Session:
    def __init__(self, n):
        self.n = n


live = weakref.WeakSet()
by_id = weakref.WeakValueDictionary()


def step(i):
    session = Session(i)
    live.add(session)
    by_id[i] = session
