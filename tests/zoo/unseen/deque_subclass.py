"""A deque of one's own kind, whose bound was lost in the constructor."""
# leaked: Event|tuple
# holder: history
import collections


class Event:
    __slots__ = ("at", "what")

    def __init__(self, at, what):
        self.at, self.what = at, what


class History(collections.deque):
    def __init__(self, bound):
        super().__init__()
        self.bound = bound


history = History(100)


def step(i):
    history.append(Event(i, "saved"))
