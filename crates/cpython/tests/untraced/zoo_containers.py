"""Strings, numbers, containers and iterators."""

# Odd objects need odd code.
# ruff: noqa: RUF001, UP031

import array
import collections
import ctypes
import itertools
import os
import queue
import re
import struct
import sys
import types

from zoo_classes import MyDeque, MyDict, MyInt, MyList, MyOrdered, MySet, MyStr, MyTuple, Point, Typed, add, keep


def texts():
    add(["", "a", "é", "ascii text", "latin é ÿ", "greek αβγ", "emoji 😀" * 3, "x" * 5000])
    encoded = "encoded ü text"
    encoded.encode()
    add(encoded)
    with_cache = "cached α %d" % len(keep)
    # An API that caches the UTF-8 form.
    ctypes.pythonapi.PyUnicode_AsUTF8.restype = ctypes.c_char_p
    ctypes.pythonapi.PyUnicode_AsUTF8.argtypes = [ctypes.py_object]
    ctypes.pythonapi.PyUnicode_AsUTF8(with_cache)
    add(with_cache)
    add([b"", b"x", b"bytes" * 100, bytearray(), bytearray(b"abc"), bytearray(1000)])
    popped = bytearray(b"0123456789" * 10)
    del popped[:10]
    add(popped)
    text = MyStr("with a slot")
    text.extra = [1]
    add([text, MyInt(7), MyInt(2**100)])
    number = MyInt(-(2**70))
    number.attribute = {"a": 1}
    add(number)
    add([0, 1, -1, 2**30, -(2**30), 2**60, 2**1000, True, 1.5, 1j, None, ..., NotImplemented])


def containers():
    add([list(range(100)), [], [1], MyList([1, 2]), list(itertools.repeat(None, 10))])
    grown = []
    for i in range(50):
        grown.append("grown %d" % i)
    add(grown)
    my_list = MyList("abc")
    my_list.attribute = 1
    add(my_list)
    add([(), (1,), tuple(range(50)), MyTuple((1, 2)), Point(1, [2]), Typed(1)])
    add([{}, {"a": 1}, {1: 2, "b": 3}, {i: str(i) for i in range(300)}, dict.fromkeys(range(70000))])
    holes = {i: i for i in range(100)}
    for i in range(90):
        del holes[i]
    add(holes)
    mine = MyDict(a=1)
    mine.extra = mine
    add(mine)
    add([set(), {1, 2}, set(range(100)), frozenset(), frozenset("abc"), MySet([1])])
    sparse = set(range(50))
    for i in range(45):
        sparse.discard(i)
    add(sparse)
    add([collections.deque(), collections.deque(range(300)), collections.deque("abc", maxlen=5), MyDeque("x")])
    rotated = collections.deque(object() for _ in range(130))
    for _ in range(40):
        rotated.popleft()
    rotated.rotate(7)
    rotated.appendleft([1])
    add(rotated)
    ordered = collections.OrderedDict(("k%d" % i, [i]) for i in range(20))
    ordered.move_to_end("k3")
    del ordered["k5"]
    add([ordered, collections.OrderedDict(), MyOrdered(a=1)])
    with_attribute = MyOrdered()
    with_attribute.attribute = [1]
    with_attribute["x"] = 1
    add(with_attribute)
    default = collections.defaultdict(list)
    default["a"].append(1)
    default[(1, 2)].append(2)
    add([default, collections.defaultdict(), collections.Counter("aab"), collections.ChainMap({}, {1: 2})])
    add([array.array("i", range(100)), array.array("d"), array.array("b", b"xyz")])
    add([types.MappingProxyType({"a": 1}), types.SimpleNamespace(a=1, b=[2])])
    add([collections.UserDict(a=1), collections.UserList([1])])
    q = queue.SimpleQueue()
    for i in range(30):
        q.put([i])
    for _ in range(5):
        q.get()
    add([q, queue.SimpleQueue(), queue.Queue(), queue.PriorityQueue()])
    if sys.version_info >= (3, 15):
        add(frozendict(a=1, b=[2]))  # noqa: F821


def iterators():
    def advanced(iterator):
        next(iterator)
        return iterator

    d = {"a": 1, "b": [2], (1,): 3}
    add([advanced(iter(x)) for x in (d, d.keys(), d.values(), d.items(), [1, 2], (1, 2), {1, 2}, "ab", b"ab")])
    add(
        [iter(range(5)), iter(range(2**70)), iter(bytearray(b"x")), iter(array.array("i", [1])), range(3), range(2**70)]
    )
    add([iter(collections.deque([1, 2])), reversed(collections.deque([1])), reversed([1, 2]), reversed((1, 2))])
    add(
        [
            reversed({1: 2}),
            reversed({1: 2}.values()),
            iter(collections.OrderedDict(a=1)),
            iter(collections.OrderedDict(a=1).items()),
        ]
    )
    add([d.keys(), d.values(), d.items(), collections.OrderedDict(a=1).keys()])
    add([enumerate(["a"], 2**70), advanced(enumerate("ab")), zip([1], "a"), map(str, [1]), filter(None, [1])])
    add([iter(lambda: 1, 2), slice(1, [2], None), slice(None)])
    add(
        [
            itertools.count(),
            itertools.count(1.5, 2),
            advanced(itertools.cycle("abc")),
            itertools.repeat([1]),
            itertools.repeat([1], 5),
        ]
    )
    add(
        [
            itertools.chain([1], [2]),
            advanced(itertools.chain.from_iterable([[1], [2]])),
            itertools.compress("ab", [1, 0]),
        ]
    )
    add(
        [
            itertools.dropwhile(bool, [1]),
            itertools.takewhile(bool, [1]),
            itertools.islice([1, 2], 1),
            itertools.starmap(pow, [(1, 2)]),
        ]
    )
    add(
        [
            advanced(itertools.product("ab", [1, 2])),
            advanced(itertools.permutations("abc")),
            advanced(itertools.combinations("abc", 2)),
        ]
    )
    add(
        [
            advanced(itertools.combinations_with_replacement("abc", 2)),
            itertools.zip_longest("a", [1, 2], fillvalue=[0]),
            itertools.filterfalse(None, [1]),
        ]
    )
    add(
        [
            advanced(itertools.accumulate([1, 2, 3])),
            list(map(advanced, itertools.tee([object() for _ in range(200)]))),
            advanced(itertools.groupby("aab")),
        ]
    )
    long_tee, other = itertools.tee(object() for _ in range(200))
    for _ in range(100):
        next(long_tee)
    add([long_tee, other])
    key, group = next(itertools.groupby([[1], [1], [2]]))
    add([key, group])
    if hasattr(itertools, "pairwise"):
        add(advanced(itertools.pairwise([1, 2, 3])))
    if hasattr(itertools, "batched"):
        add(itertools.batched([1, 2], 1))
    add(
        [
            advanced(re.finditer("a", "aaa")),
            re.compile("(?P<name>a+)b"),
            re.match("(a)(?P<b>b)?", "ab"),
            re.compile(b"x"),
        ]
    )
    add([struct.iter_unpack("i", b"12345678"), os.scandir("/"), iter(memoryview(b"abc"))])
