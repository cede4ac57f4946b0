"""An odd heap: one of everything that CPython counts in a way of its own, enough of each to stand in the report."""

from __future__ import annotations

import abc
import array
import asyncio
import collections
import contextvars
import ctypes
import dataclasses
import decimal
import enum
import functools
import io
import itertools
import threading
import types
import weakref
from collections.abc import AsyncIterator, Iterator


class Plain:
    def __init__(self, n: int) -> None:
        self.n = n
        self.text = str(n)


class Slotted:
    __slots__ = ("__weakref__", "left", "right")

    def __init__(self, n: int) -> None:
        self.left, self.right = [n], (n, n + 1)


class HalfSlotted(Slotted):
    """Slots of the base, and a dict of its own."""


class Empty(Slotted):
    """Slots that were never filled."""

    def __init__(self) -> None:
        pass


class Meta(type):
    def __call__(cls, *args: object) -> object:
        return super().__call__(*args)


class WithMeta(metaclass=Meta):
    def __init__(self) -> None:
        self.cycle = self


class Abstract(abc.ABC):
    pass


class Lists(list):
    pass


class Dicts(dict):
    pass


class SlottedDicts(dict):
    __slots__ = ("extra",)


class Sets(set):
    pass


class FrozenSets(frozenset):
    pass


class Tuples(tuple):
    pass


class Ints(int):
    """Not a container, and yet known to the collector by its dict."""


class Strings(str):
    pass


class Bytes(bytes):
    pass


class Deques(collections.deque):
    pass


class Ordered(collections.OrderedDict):
    pass


class Defaults(collections.defaultdict):
    pass


class Exceptions(Exception):
    pass


class Sized(list):
    """Says a size of its own, an honest one."""

    def __sizeof__(self) -> int:
        return super().__sizeof__() + 1000


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Structure(ctypes.Structure):
    _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_void_p))


@dataclasses.dataclass
class Point:
    x: int
    y: list[int]


@dataclasses.dataclass(frozen=True)
class FrozenPoint:
    x: int
    y: tuple[int, ...]


Named = collections.namedtuple("Named", "first second")


def generator(n: int) -> Iterator[int]:
    kept = [n]
    yield n
    yield kept[0]


async def coroutine(n: int) -> list[int]:
    kept = [n]
    await asyncio.sleep(0)
    return kept


async def async_generator(n: int) -> AsyncIterator[int]:
    yield n


def closure(n: int) -> object:
    held = [n]

    def inner(default: object = held) -> object:
        return held, default

    return inner


def raised(n: int) -> BaseException:
    try:
        local = [n]
        raise Exceptions("kept", local)
    except Exceptions as error:
        return error


def started(one: Iterator[int]) -> Iterator[int]:
    next(one)
    return one


class Odd:
    """Holds it all; `close()` lets go of what would complain at the end."""

    def __init__(self, n: int = 60) -> None:
        r = range(n)
        with_holes = [{i: [i] for i in range(40)} for _ in r]
        for holes in with_holes:
            for i in range(0, 40, 3):
                del holes[i]
        emptied_sets = [set(range(50)) for _ in r]
        for emptied in emptied_sets:
            emptied.difference_update(range(5, 50))
        materialised = [Plain(i) for i in r]
        for one in materialised:
            one.__dict__["more"] = one
        unshared = [Plain(i) for i in r]
        for i, one in enumerate(unshared):
            setattr(one, f"attribute_{i}", i)
        self.coroutines = [coroutine(i) for i in r]
        for half in self.coroutines[::2]:
            half.send(None)
        self.kept = {
            "plain": [Plain(i) for i in r],
            "slotted": [Slotted(i) for i in r],
            "half": [HalfSlotted(i) for i in r],
            "empty": [Empty() for _ in r],
            "meta": [WithMeta() for _ in r],
            "abstract": [Abstract() for _ in r],
            "subclasses": [[kind([i, (i,)]) for i in r] for kind in (Lists, Tuples, Deques, Sized)],
            "sets": [[kind({i, i + 1, (i,)}) for i in r] for kind in (set, frozenset, Sets, FrozenSets)],
            "dicts": [[kind({"a": i, (i, 2): [i]}) for i in r] for kind in (dict, Dicts, SlottedDicts, Ordered)],
            "defaults": [Defaults(list, {i: [i]}) for i in r],
            "scalars": [[kind(i) for i in r] for kind in (Ints, Strings)] + [[Bytes(b"x" * i) for i in r]],
            "holes": with_holes,
            "emptied": emptied_sets,
            "materialised": materialised,
            "unshared": unshared,
            "generators": [generator(i) for i in r],
            "half read": [started(generator(i)) for i in r],
            "async": [async_generator(i) for i in r],
            "closures": [closure(i) for i in r],
            "partials": [functools.partial(max, i, default=[i]) for i in r],
            "methods": [Plain(i).__init__ for i in r],
            "errors": [raised(i) for i in r],
            "deques": [collections.deque([i, [i]], maxlen=5) for i in r],
            "big deque": collections.deque([[i] for i in range(1000)]),
            "counters": [collections.Counter("abc" * i) for i in r],
            "chain maps": [collections.ChainMap({i: i}, {}) for i in r],
            "named": [Named(i, [i]) for i in r],
            "points": [Point(i, [i]) for i in r] + [FrozenPoint(i, (i,)) for i in r],
            "enums": list(Colour) * n,
            "ctypes": [Structure(i, i) for i in r],
            "ctypes arrays": [(ctypes.c_int * 10)() for _ in r],
            "pointers": [ctypes.pointer(ctypes.c_int(i)) for i in r],
            "decimals": [decimal.Decimal(i) / 7 for i in r],
            "contexts": [decimal.Context(prec=i + 1) for i in range(5)],
            "weak": [weakref.ref(one) for one in materialised],
            "weak values": weakref.WeakValueDictionary(enumerate(materialised)),
            "proxies": [types.MappingProxyType({i: [i]}) for i in r],
            "spaces": [types.SimpleNamespace(a=i, b=[i]) for i in r],
            "views": [{i: [i]}.items() for i in r],
            "iterators": [iter([i, [i]]) for i in r] + [iter({i: i}) for i in r] + [iter({i}) for i in r],
            "chains": [itertools.chain([i], [i]) for i in r] + [itertools.islice([i], 1) for i in r],
            "tees": [itertools.tee([i, i], 2) for i in r],
            "zips": [zip([i], [i]) for i in r] + [map(str, [i]) for i in r] + [enumerate([i]) for i in r],
            "properties": [property(closure(i)) for i in r],
            "static": [staticmethod(closure(i)) for i in r] + [classmethod(closure(i)) for i in r],
            "arrays": [array.array("i", range(i)) for i in r],
            "views of memory": [memoryview(bytearray(i)) for i in r],
            "buffers": [io.BytesIO(b"x" * 100) for _ in r] + [io.StringIO("x") for _ in r],
            "locks": [threading.RLock() for _ in r] + [threading.local() for _ in r],
            "context variables": [contextvars.ContextVar(f"v{i}", default=[i]) for i in range(20)],
            "classes": [type(f"Made{i}", (Plain,), {"attribute": [i]}) for i in range(20)],
            "aliases": [list[int], dict[str, list[int]], int | str],
            "modules": [types.ModuleType(f"made_{i}") for i in range(10)],
            "lru": functools.lru_cache(maxsize=None)(lambda i: [i]),
            "long list": [None] * 5000,
            "reserved": [*range(17)],
            "long tuple": (*range(3000),),
            "long dict": {i: (i,) for i in range(2500)},
            "long keyed dict": {(i,): i for i in range(2200)},
            "long strings dict": {f"key-{i}": [i] for i in range(2100)},
            "long set": {(i, i) for i in range(2700)},
            "ties": [[[i], [i], [i]] for i in range(200)],
        }
        for i in range(300):
            self.kept["lru"](i)
        cycle: list[object] = []
        cycle.append(cycle)
        self.kept["cycle"] = cycle

    def close(self) -> None:
        for one in self.coroutines:
            one.close()
        self.kept.clear()
