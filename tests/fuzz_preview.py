"""Random odd objects, whose previews must begin as their reprs do; and random heaps, whose counts must be gc's own.

    python tests/fuzz_preview.py --seconds 600 [--seed N]

A run prints its seed; a failure prints what differs. `tests/test_preview.py` does the same for a moment.
"""

import argparse
import array
import collections
import functools
import gc
import random
import sys
import time
import types
import warnings

from mem_top import _native, mem_top


class Lists(list):
    pass


class Dicts(dict):
    pass


class Sets(set):
    pass


class Frozen(frozenset):
    pass


class Tuples(tuple):
    pass


class Strings(str):
    pass


class Defaults(collections.defaultdict):
    pass


class Ordered(collections.OrderedDict):
    pass


class Deques(collections.deque):
    pass


class Errors(Exception):
    pass


class Plain:
    def method(self) -> None:
        pass


class Bytearrays(bytearray):
    pass


class Shown:
    def __repr__(self) -> str:
        return "<shown\n'é'>"


Named = collections.namedtuple("Named", "a b")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    LETTERS = array.array("u", "ab")
LEAVES = [
    *(0, -5, 3.5, None, True, 2j, ..., 10**30, float("nan"), range(5), int, len, Errors, types),
    *("abc", "it's", '"q"', "'\"", "\\", "\0\n\x1b\x7f\x85", "é\u200d日\U0001f680\u2028\u202e", "\udc80", "x" * 300),
    *(b"x'", b"'\"\xff", b"", b"y" * 300, bytearray(b"a'b"), bytearray(b'"'), Bytearrays(b"\n"), Strings("x'y")),
    *(lambda: 0, Plain(), Shown(), Plain().method, "".join, [].append, slice(1, None, "a"), memoryview(b"a")),
    *(array.array("i", [1, 2, 3]), array.array("d"), array.array("i", range(200)), LETTERS, Named(1, "b")),
]
KEYS = [1, "a", b"c", (1, 2), None, 3.5, "it's", frozenset({1}), "é"]


def thing(random: random.Random, depth: int) -> object:
    """A random object, nested at most so deep."""

    def things() -> list[object]:
        return [thing(random, depth - 1) for _ in range(random.randrange(4))]

    def keys() -> list[object]:
        return [random.choice(KEYS) for _ in range(random.randrange(4))]

    def table() -> dict[object, object]:
        return {key: thing(random, depth - 1) for key in keys()}

    def view(of: type) -> object:
        return getattr(of(table()), random.choice(["keys", "values", "items"]))()

    def cyclic() -> object:
        kept: list[object] = things()
        kept.append(
            random.choice([lambda: kept, lambda: {1: kept}, lambda: (kept,), lambda: types.SimpleNamespace(x=kept)])()
        )
        return kept

    if depth == 0 or random.random() < 0.2:
        return random.choice(LEAVES)
    makers = [
        *(things, lambda: Lists(things()), lambda: tuple(things()), lambda: Tuples(things())),
        *(table, lambda: Dicts(table()), lambda: set(keys()), lambda: Sets(keys()), lambda: Frozen(keys())),
        *(
            lambda: frozenset(keys()),
            lambda: collections.deque(things()),
            lambda: Deques(things(), random.randrange(5)),
        ),
        lambda: collections.defaultdict(random.choice([list, None, functools.partial(dict, a=1)]), table()),
        *(lambda: Defaults(int, table()), lambda: collections.OrderedDict(table()), lambda: Ordered(table())),
        *(lambda: types.MappingProxyType(table()), lambda: view(dict), lambda: view(collections.OrderedDict)),
        *(lambda: Errors(*things()), lambda: functools.partial(len, *things(), k=thing(random, depth - 1))),
        *(lambda: types.SimpleNamespace(a=thing(random, depth - 1), b=1), lambda: Named(*things()[:1] or [1], 2)),
        *(lambda: slice(*(things() or [1])[:3]), cyclic),
    ]
    return random.choice(makers)()


def check_preview(random: random.Random) -> None:
    """One object: its preview, at one width, against its repr."""
    one = thing(random, 3)
    width = random.choice([0, 1, 2, 5, 17, 100, None])
    expected = _native.escape(repr(one), width)
    assert _native.preview(one, width, False) == expected, (width, _native.preview(one, width, False), expected)
    safe = _native.preview(one, width, True)
    assert width is None or len(safe) <= width
    safe.encode()


def check_counts(random: random.Random) -> None:
    """One heap: the counts of all types against those of the collector's own list."""
    kept = [thing(random, 3) for _ in range(200)]
    name, of = random.choice([("list", list), ("dict", dict), (f"{Lists.__module__}.Lists", Lists), ("set", set)])
    gc.collect()
    gc.disable()
    try:
        report = mem_top(limit=None, width=0, safe=True, types_format="{num}", sep=" ")
        counted = mem_top(limit=400, width=100, safe=True, sep="\0", types_format="{num}\1{obj}")
        rows = dict(reversed(row.split("\1")) for row in counted.split("types:")[1].strip("\0").split("\0"))
        expected = sum(type(one) is of for one in gc.get_objects())
    finally:
        gc.enable()
    # The lists and dicts of this function itself are made between the two.
    assert abs(int(rows.get(f"<class '{name}'>", 0)) - expected) <= 8, (name, rows.get(f"<class '{name}'>"), expected)
    assert report
    assert kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, CPython {sys.version.split()[0]}", flush=True)
    source = random.Random(arguments.seed)
    end = time.monotonic() + arguments.seconds
    previews = heaps = 0
    while time.monotonic() < end:
        for _ in range(5000):
            check_preview(source)
        check_counts(source)
        previews, heaps = previews + 5000, heaps + 1
    print(f"{previews:,} previews and {heaps:,} heaps: no difference")


if __name__ == "__main__":
    main()
