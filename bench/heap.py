"""Builds the heap that every row is measured on: the same objects in every process, for one seed and interpreter.

Two shapes of the same records (instances, slots, dicts, lists, tuples, sets, closures, strings):

* `plain`: the records hang in a tree of small containers; none has more than `WIDEST` items.
* `large`: one list and one dict hold all the records, and a set and a list hold a string for each record and
  `LARGE` more.

Invariant: no addresses, times or hashes of the process go into the objects; with `PYTHONHASHSEED` fixed, two
processes build equal heaps. Nothing is measured here.
"""

import gc
import random
from collections.abc import Callable

SHAPES = ("plain", "large")
SEED = 20240229
LARGE = 100_000
WIDEST = 1_000
_BLOCK = 100
_PILOT = 20
# The pilot, and what the interpreter has of its own, must fit in.
SMALLEST = 50_000


class User:
    """An ordinary instance, with a `__dict__`."""

    def __init__(self, name: str, email: str, orders: list[object]) -> None:
        self.name = name
        self.email = email
        self.orders = orders
        self.visits = 1


class Order:
    """An instance with slots."""

    __slots__ = ("lines", "number", "total")

    def __init__(self, number: int, lines: list[object], total: float) -> None:
        self.number = number
        self.lines = lines
        self.total = total


class Node:
    """An inner node of the plain shape's tree."""

    __slots__ = ("children", "index", "wide")

    def __init__(self, children: list[object], index: dict[str, object], wide: list[object]) -> None:
        self.children = children
        self.index = index
        self.wide = wide


def _user(rng: random.Random, number: int) -> object:
    return User(f"user {number}", f"user{number}@example.org", [_order(rng, number)])


def _order(rng: random.Random, number: int) -> Order:
    lines: list[object] = [(f"article {number}.{line}", rng.randrange(1, 9)) for line in range(rng.randrange(1, 4))]
    return Order(number, lines, rng.random())


def _event(rng: random.Random, number: int) -> object:
    return {
        "id": f"event-{number}",
        "kind": "click",
        "path": ["shop", "cart", str(number)],
        "at": {"x": [], "y": number},
    }


def _pair(rng: random.Random, number: int) -> object:
    return ([number, rng.random()], f"label {number}")


def _tags(rng: random.Random, number: int) -> object:
    return {f"tag {number % 50_000}", f"tag {rng.randrange(50_000)}", "all"}


def _callback(rng: random.Random, number: int) -> object:
    def callback() -> int:
        return number

    return callback


def _matrix(rng: random.Random, number: int) -> object:
    return [[rng.random() for _ in range(3)] for _ in range(2)]


_KINDS: tuple[Callable[[random.Random, int], object], ...] = (_user, _order, _event, _pair, _tags, _callback, _matrix)


def tracked() -> int:
    """The number of objects that the collector knows, after a collection."""
    gc.collect()
    return len(gc.get_objects())


def build(objects: int, shape: str, seed: int = SEED) -> object:
    """A heap that brings the process to about `objects` gc-tracked objects (within 1 %, from 10^5), and its root.

    How many gc-tracked objects a record has differs between interpreters, so a pilot is built and counted first.
    Raises ValueError for an unknown shape.
    """
    if shape not in SHAPES:
        raise ValueError(f"unknown shape {shape!r}: there are {', '.join(SHAPES)}")
    rng = random.Random(seed)
    before = tracked()
    enabled = gc.isenabled()
    gc.disable()
    try:
        add, root = (_plain if shape == "plain" else _large)(rng)
        for block in range(_PILOT):
            add(block)
        a_block = (tracked() - before) / _PILOT
        for block in range(_PILOT, round((objects - before) / a_block)):
            add(block)
    finally:
        if enabled:
            gc.enable()
    return root


def _records(rng: random.Random, block: int) -> list[object]:
    return [_KINDS[number % len(_KINDS)](rng, number) for number in range(block * _BLOCK, (block + 1) * _BLOCK)]


def _plain(rng: random.Random) -> tuple[Callable[[int], None], object]:
    """A tree of fan-out `_BLOCK`, built from its leaves: a full node moves up into the next level's open one."""
    levels: list[Node] = []

    def add(block: int) -> None:
        records = _records(rng, block)
        index = {f"{block}/{item}": record for item, record in enumerate(records)}
        wide: list[object] = []
        if block % _PILOT == 0:
            wide = [
                [f"entry {block}.{item}" for item in range(WIDEST)],
                set(range(0, 3 * WIDEST, 3)),
                {f"key {block}.{item}": records[item % _BLOCK] for item in range(WIDEST)},
            ]
        node = Node(records, index, wide)
        for level in range(len(levels) + 1):
            if level == len(levels):
                levels.append(Node([], {}, []))
            levels[level].children.append(node)
            if len(levels[level].children) < _BLOCK:
                break
            node, levels[level] = levels[level], Node([], {}, [])

    return add, levels


def _large(rng: random.Random) -> tuple[Callable[[int], None], object]:
    """All the records in one list and one dict, and strings in a set and a list."""
    everything: list[object] = []
    by_key: dict[str, object] = {}
    seen = {f"visitor {number}" for number in range(LARGE)}
    log = [f"GET /article/{number}" for number in range(LARGE)]

    def add(block: int) -> None:
        for item, record in enumerate(_records(rng, block)):
            everything.append(record)
            by_key[f"{block}/{item}"] = record
            seen.add(f"visitor {block}/{item}")
            log.append(f"GET /shop/{block}/{item}")

    return add, (everything, by_key, seen, log)
