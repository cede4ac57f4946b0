"""Cycles that only C variables hold, some of them through a datetime: alive, and no more of them."""
# none: true
import ctypes
import datetime


class Zone(datetime.tzinfo):
    def __init__(self):
        self.last = datetime.datetime(2026, 1, 1, tzinfo=self)

    def utcoffset(self, moment):
        return datetime.timedelta(0)


class Ring:
    def __init__(self):
        self.me = self


def setup():
    for _ in range(300):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(Zone()))
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(Ring()))


def step(i):
    pass
