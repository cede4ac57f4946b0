"""The classes that the zoo defines, and the list that keeps its objects."""

# Odd objects need odd code.
# ruff: noqa: B019, UP031

import collections
import ctypes
import enum
import functools
import typing
import weakref

keep = []
"""Holds every object of the zoo."""
add = keep.append


class Plain:
    def __init__(self, number):
        self.number = number
        self.text = "text %d" % number


class Slots:
    __slots__ = ("__weakref__", "one", "two")

    def __init__(self):
        self.one = [1]


class SlotsAndDict(Slots):
    def __init__(self):
        super().__init__()
        self.more = {}


class MyInt(int):
    pass


class MyStr(str):
    __slots__ = ("extra",)


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    __slots__ = ("extra",)


class MySet(set):
    pass


class MyDeque(collections.deque):
    pass


class MyOrdered(collections.OrderedDict):
    pass


class MyError(OSError):
    def __init__(self, *args):
        super().__init__(*args)
        self.more = [args]


class Ref(weakref.ref):
    __slots__ = ("key",)


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    field: int = 1

    @property
    def p(self):
        return self._p

    @staticmethod
    def s():
        return 1

    @classmethod
    def c(cls):
        return cls

    @functools.lru_cache(maxsize=8)
    def cached(self, x):
        return x

    def __len__(self):
        return 0


class Colour(enum.Enum):
    RED = 1
    GREEN = "two"


Point = collections.namedtuple("Point", "x y")


class Typed(typing.NamedTuple):
    a: int
    b: str = "b"


class Structure(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_char_p), ("o", ctypes.py_object)]


class Cursor(ctypes.Union):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]
