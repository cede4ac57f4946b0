"""Random objects of many types, nested and knotted; the same for the same seed."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import random
import re
import sys
import types
from collections.abc import Callable
from typing import Any


class Lists(list):
    pass


class Tuples(tuple):
    pass


class Dicts(dict):
    pass


class Sets(set):
    pass


class FrozenSets(frozenset):
    pass


class Deques(collections.deque):
    pass


class Defaults(collections.defaultdict):
    pass


class Ordered(collections.OrderedDict):
    pass


class Strings(str):
    pass


class Bytes(bytes):
    pass


class ByteArrays(bytearray):
    pass


class Ints(int):
    pass


class Floats(float):
    pass


class Arrays(array.array):
    pass


class Partials(functools.partial):
    pass


class Spaces(types.SimpleNamespace):
    pass


class Errors(Exception):
    pass


class Modules(types.ModuleType):
    pass


class Colour(enum.Enum):
    RED = 1


class Bits(enum.IntFlag):
    A = 1
    B = 2


Named = collections.namedtuple("Named", "first second")


class Own:
    """A repr of its own, with what it holds in it."""

    def __init__(self, held: object) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"Own<{self.held!r}>"

    def method(self) -> None:
        pass


class OwnList(list):
    def __repr__(self) -> str:
        return f"{len(self)} items\x1b[0m\n{super().__repr__()}"


@dataclasses.dataclass
class Point:
    x: object
    y: object


class Raising:
    """Raises out of its repr; to the oracle it says what must stand in its place."""

    told = False

    def __repr__(self) -> str:
        if Raising.told:
            return f"(broken __repr__, type={type(self)})"
        raise RuntimeError("out of a repr")


class NotText(Raising):
    def __repr__(self) -> str:
        return super().__repr__() if Raising.told else 7  # type: ignore[return-value]


CHARACTERS = "ab'\"\\ \t\n\r\0\x1b\x7f\x85\xa0\xad\xe9\u061c\u200b\u200d\u200e\u2028\u202e\u2066\ufeff\u65e5\ud800\udc80\U0001f680\U000e0001"


def text(rng: random.Random) -> str:
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.choice((0, 1, 2, 5, 30))))


def octets(rng: random.Random) -> bytes:
    return bytes(rng.choice(b"ab'\"\\\n\x00\x7f\x80\xff ") for _ in range(rng.choice((0, 1, 2, 5, 30))))


def function(rng: random.Random) -> Callable[..., Any]:
    def inner() -> None:
        pass

    return rng.choice((inner, len, [].append, str.join, Own.method, lambda: None, max, int.__add__, (1).__add__))


LEAVES: list[Callable[[random.Random], object]] = [
    lambda rng: rng.choice((None, True, False, ..., NotImplemented, 0, -1, 2**70, -(10**30), 1.5, 1e300, -0.0, 2j)),
    lambda rng: rng.choice(
        (float("nan"), float("inf"), range(3), range(1, 9, 2), object, type, Own, list[int], int | str)
    ),
    text,
    text,
    lambda rng: Strings(text(rng)),
    octets,
    lambda rng: Bytes(octets(rng)),
    lambda rng: bytearray(octets(rng)),
    lambda rng: ByteArrays(octets(rng)),
    lambda rng: Ints(rng.randrange(100)),
    lambda rng: Floats(rng.random()),
    lambda rng: array.array(rng.choice("bBhHiIlLqQ"), range(rng.choice((0, 1, 9)))),
    lambda rng: array.array(rng.choice("fd"), [n / 3 for n in range(rng.choice((0, 1, 9)))]),
    lambda rng: array.array("u", "a'b\"\n\u2028\U0001f680"[: rng.randrange(8)]),
    lambda rng: Arrays("i", range(rng.choice((0, 1, 9)))),
    function,
    lambda rng: rng.choice((Colour.RED, Bits.A, Bits.A | Bits.B, Colour, types, sys, Modules(text(rng)))),
    lambda rng: decimal.Decimal(rng.random()),
    lambda rng: fractions.Fraction(rng.randrange(99), 7),
    lambda rng: datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone.utc),
    lambda rng: re.compile(text(rng).replace("\\", "").replace("\0", "")),
    lambda rng: memoryview(b"ab"),
    lambda rng: object(),
    lambda rng: type(
        rng.choice(("A", "B\x1b", "C\n", "D\u202e", "E\xe9\u65e5")),
        (),
        {"__module__": rng.choice(("m", "m\r", None, 3))},
    )(),
    lambda rng: types.ModuleType(text(rng)),
    lambda rng: (each for each in ()),
    lambda rng: 10 ** rng.choice((4000, 10, 20)),
]


def pairs(rng: random.Random, items: list[object]) -> dict[object, object]:
    keys = [rng.choice((n, str(n), text(rng), (n, text(rng)), float(n), octets(rng))) for n in range(len(items))]
    return dict(zip(keys, items, strict=True))


def names(rng: random.Random, items: list[object]) -> dict[str, object]:
    kinds = ("a", "b\n", "c'", "\ud800", "d\u202e", "e f")
    return {f"{rng.choice(kinds)}{n}": each for n, each in enumerate(items)}


def hashable(items: list[object]) -> list[object]:
    found = []
    for each in items:
        try:
            hash(each)
        except TypeError:
            continue
        found.append(each)
    return found


class Mapping(collections.UserDict):
    pass


def partial(rng: random.Random, items: list[object]) -> functools.partial[object]:
    kind = rng.choice((functools.partial, Partials))
    return kind(function(rng), *items[:2], **names(rng, items[2:]))


def moved(rng: random.Random, items: list[object]) -> dict[object, object]:
    """Entries deleted and put in again: a table with holes."""
    made = pairs(rng, items)
    for key in list(made)[::2]:
        made[key] = made.pop(key)
    return made


def reordered(rng: random.Random, items: list[object]) -> collections.OrderedDict[object, object]:
    made = rng.choice((collections.OrderedDict, Ordered))(pairs(rng, items))
    for key in list(made)[::2]:
        made.move_to_end(key, last=rng.random() < 0.5)
    return made


NODES: list[Callable[[random.Random, list[object]], object]] = [
    lambda rng, items: items,
    lambda rng, items: Lists(items),
    lambda rng, items: tuple(items),
    lambda rng, items: Tuples(items),
    pairs,
    moved,
    lambda rng, items: Dicts(pairs(rng, items)),
    lambda rng, items: rng.choice((set, frozenset, Sets, FrozenSets))(hashable(items)),
    lambda rng, items: rng.choice((collections.deque, Deques))(items, rng.choice((None, 0, 2, 100))),
    lambda rng, items: rng.choice((collections.defaultdict, Defaults))(
        rng.choice((None, list, Own, function(rng))), pairs(rng, items)
    ),
    reordered,
    lambda rng, items: types.MappingProxyType(
        rng.choice((dict, Dicts, collections.OrderedDict, Mapping))(pairs(rng, items))
    ),
    lambda rng, items: types.MappingProxyType(reordered(rng, items)),
    lambda rng, items: getattr(rng.choice((dict, Dicts))(pairs(rng, items)), rng.choice(("keys", "values", "items")))(),
    lambda rng, items: getattr(reordered(rng, items), rng.choice(("keys", "values", "items")))(),
    lambda rng, items: rng.choice((Exception, Errors, ValueError, StopIteration, SystemExit, KeyboardInterrupt))(
        *items
    ),
    lambda rng, items: OSError(2, "text", *items[:1]),
    lambda rng, items: KeyError(*items[:1]),
    lambda rng, items: slice(*(items[:3] or [None])),
    lambda rng, items: Own(items).method,
    lambda rng, items: types.MethodType(function(rng), items[0] if items and items[0] is not None else 1),
    partial,
    lambda rng, items: rng.choice((types.SimpleNamespace, Spaces))(**names(rng, items)),
    lambda rng, items: Named(items, 1),
    lambda rng, items: Point(items, None),
    lambda rng, items: Own(items),
    lambda rng, items: OwnList(items),
    lambda rng, items: collections.Counter({str(n): n for n, _ in enumerate(items)}),
    lambda rng, items: collections.ChainMap(pairs(rng, items), {}),
    lambda rng, items: collections.UserList(items),
    lambda rng, items: {(frozenset(hashable(items)),): items},
]
if sys.version_info >= (3, 11):
    NODES.append(lambda rng, items: ExceptionGroup("group", [ValueError(*items)]))  # noqa: F821
if sys.version_info >= (3, 13):
    LEAVES.append(lambda rng: array.array("w", "a'b\"\n\u2028\U0001f680"[: rng.randrange(8)]))
if sys.version_info >= (3, 15):
    NODES.append(lambda rng, items: frozendict(pairs(rng, items)))  # type: ignore[name-defined]  # noqa: F821


def knot(rng: random.Random, one: object, made: list[object]) -> None:
    """Puts an object into itself, or into another that is within it."""
    into = rng.choice([*made, one])
    match into:
        case list():
            into.insert(rng.randrange(len(into) + 1), one)
        case collections.deque():
            into.append(one)
        case dict():
            into["knot"] = one
        case types.SimpleNamespace():
            into.knot = one
        case BaseException() if not isinstance(into, OSError) and not hasattr(into, "exceptions"):
            into.args = (*into.args, one)
        case Own():
            into.held = one
        case Point():
            into.y = one
        case functools.partial():
            into.__setstate__((into.func, (*into.args, one), dict(into.keywords), None))


def random_object(rng: random.Random, depth: int, raising: bool) -> object:
    """An object of up to so many levels. With `raising`, some leaves fail to show themselves; then what has a repr of
    its own is left out, since such a failure would cost it whole."""
    made: list[object] = []

    def build(depth: int) -> object:
        if depth == 0 or rng.random() < 0.3:
            if raising and rng.random() < 0.3:
                return rng.choice((Raising, NotText))()
            return rng.choice(LEAVES)(rng)
        items = [build(depth - 1) for _ in range(rng.choice((0, 1, 1, 2, 3, 6)))]
        while True:
            one = rng.choice(NODES)(rng, items)
            if not raising or is_native(one):
                break
        made.append(one)
        return one

    one = build(depth)
    for _ in range(rng.choice((0, 0, 1, 2))):
        if not raising:
            knot(rng, one, made)
    return one


def is_native(one: object) -> bool:
    """Whether it is shown without any repr of Python's, or one of C that shows other objects whole."""
    if isinstance(one, (functools.partial, types.SimpleNamespace)):
        return type(one) in (functools.partial, types.SimpleNamespace)
    if isinstance(one, types.MethodType):
        return isinstance(one.__func__, types.FunctionType) and is_native(one.__self__)
    if isinstance(one, types.MappingProxyType):
        return not repr_is_python(one | {})
    if isinstance(one, (OSError, KeyError)) or hasattr(one, "exceptions"):
        return False
    return not repr_is_python(one)


def repr_is_python(one: object) -> bool:
    return isinstance(type(one).__repr__, types.FunctionType)
