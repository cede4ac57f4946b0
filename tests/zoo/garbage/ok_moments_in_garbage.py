"""Cycles hold moments whose zones lead nowhere, and go with them; a ring in a generator that waits is not garbage."""
# none: true
import datetime
import gc


class Zone(datetime.tzinfo):
    def __init__(self, name):
        self.names = [name, [name]]

    def utcoffset(self, moment):
        return datetime.timedelta(0)


def pages():
    ring = []
    ring.append(ring)
    yield ring


waiting = None


def setup():
    gc.set_threshold(110, 3, 3)


def step(i):
    global waiting
    waiting = pages()
    next(waiting)
    ring = [datetime.datetime(2026, 1, 1, tzinfo=Zone(f"zone {i}"))]
    ring.append(ring)
