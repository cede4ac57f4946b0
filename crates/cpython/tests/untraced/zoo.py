"""Builds one of everything, writes what CPython says of each object, and waits to be read from outside.

Usage: zoo.py FILE [MODULE…]. The file gets a line for each object: its address, `sys.getsizeof()` (`-` where that runs
code written in Python) and the addresses that `gc.get_referents()` gives. Then one byte is written to stdout, and
nothing changes until one is read from stdin.
"""

# Odd things are what it is for.
# ruff: noqa: B019, B020, B039, RUF001, SIM115, UP031

import array
import asyncio
import bisect
import collections
import contextvars
import copy
import ctypes
import datetime
import decimal
import enum
import fractions
import functools
import gc
import importlib
import io
import itertools
import json
import logging
import mmap
import operator
import os
import queue
import random
import re
import select
import socket
import sqlite3
import struct
import sys
import threading
import types
import typing
import weakref
import xml.etree.ElementTree as ElementTree
import zlib

keep = []
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


def functions():
    captured = [1]

    def inner(a, b=captured, *, c=None):
        """Doc."""
        if c is None:
            c = {}
        return captured, a, b, c

    def unbound():
        return late

    add([inner, unbound, inner.__closure__, lambda: 0, functools.partial(inner, 1, b=2), functools.partial(int)])
    partial = functools.partial(inner)
    partial.attribute = 1
    add(partial)
    inner.attribute = [captured]
    add(
        [keep.append, "".join, len, str.join, dict.fromkeys, Plain(1).__init__, WithMeta.c, types.MethodType(inner, [])]
    )
    add(
        [
            object.__str__,
            (1).__add__,
            type.__dict__["__mro__"],
            types.FunctionType.__dict__["__code__"],
            dict.__dict__["fromkeys"],
        ]
    )
    add([property(inner), staticmethod(inner), classmethod(inner), super(SlotsAndDict, SlotsAndDict())])
    add(
        [
            functools.cmp_to_key(inner)(1),
            functools.partialmethod(inner),
            functools.singledispatch(inner),
            functools.cached_property(inner),
        ]
    )
    add(
        [
            operator.itemgetter(1),
            operator.itemgetter(1, "a"),
            operator.attrgetter("a.b", "c"),
            operator.methodcaller("m", 1, k=[2]),
        ]
    )

    @functools.lru_cache(maxsize=16)
    def bounded(a, b=None):
        return [a]

    @functools.lru_cache(maxsize=None)
    def unbounded(a):
        return [a]

    @functools.lru_cache(maxsize=0)
    def uncached(a):
        return [a]

    for i in range(20):
        bounded(i)
        bounded(i, b="x")
        unbounded("k%d" % i)
        uncached(i)
    add([bounded, unbounded, uncached])
    WithMeta().cached(1)
    instance = WithMeta()
    instance.cached([].__len__)
    add(instance)
    late = None

    def often(x):
        return len(str(x)) + abs(-1)

    # More calls than after which code up to 3.10 gets caches.
    for i in range(3000):
        often(i)
    add(often)


def running():
    def generator(a):
        local = [a]
        try:
            raise ValueError("inside")
        except ValueError:
            yield local
            yield a

    fresh, started, done = generator(1), generator([2]), generator(3)
    next(started)
    list(done)
    add([fresh, started, done, (x for x in [1, 2])])

    def delegating():
        yield from generator("x")

    outer = delegating()
    next(outer)
    add(outer)

    async def coroutine(a):
        await types.coroutine(generator)(a)

    async def asynchronous():
        yield 1

    c = coroutine([1])
    c.send(None)
    add([c, c.__await__(), asynchronous(), asynchronous().__anext__(), coroutine(0)])
    add(sys._getframe())

    def raised():
        rows = ["row"]
        cell = [rows]

        def use():
            return cell

        try:
            try:
                use(1)
            except TypeError as error:
                raise KeyError(rows) from error
        except KeyError as error:
            return error

    add(raised())
    try:
        open("/nowhere/at/all")
    except OSError as error:
        add(error)
    for make in (
        lambda: compile("1 +", "name", "exec"),
        lambda: "\udc80".encode(),
        lambda: b"\xff".decode(),
        lambda: importlib.import_module("no.such.module"),
        lambda: [].nothing,
        lambda: no_such_name,  # noqa: F821
        lambda: MyError(1, "two", "three") and 1 / 0,
        lambda: next(iter([])),
        lambda: sys.exit([3]),
    ):
        try:
            make()
        except BaseException as error:
            add(error)
    add([MyError(1, "two"), StopIteration([1]), StopAsyncIteration(), SystemExit(1), UserWarning("x")])
    if sys.version_info >= (3, 11):
        group = ExceptionGroup("several", [ValueError(1), TypeError(2)])  # noqa: F821
        group.add_note("a note")
        add(group)
    local = threading.local()
    local.value = [1]
    add(
        [
            local,
            threading.Lock(),
            threading.RLock(),
            threading.Condition(),
            threading.Event(),
            threading.current_thread(),
        ]
    )
    event = threading.Event()

    def waits(given):
        other = {"given": given}
        local.value = other
        started_event.set()
        event.wait()
        return other

    started_event = threading.Event()
    thread = threading.Thread(target=waits, args=([1],), daemon=True)
    thread.start()
    started_event.wait()
    add(thread)


variable = contextvars.ContextVar("variable", default=[0])
others = [contextvars.ContextVar("v%d" % i) for i in range(60)]


def contexts():
    token = variable.set([1])
    context = contextvars.copy_context()

    def many():
        for i, other in enumerate(others):
            other.set({"value": i})

    context.run(many)
    add([token, context, contextvars.Context(), iter(context.items()), context.keys()])

    async def sleeps(n):
        local = [n]
        await asyncio.sleep(1000)
        return local

    async def main():
        tasks = [asyncio.ensure_future(sleeps(i)) for i in range(5)]
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(print)
        future.add_done_callback(keep.append)
        resolved = asyncio.get_running_loop().create_future()
        resolved.set_result([1])
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(ValueError(1))
        failed.exception()
        add([tasks, future, resolved, failed, asyncio.Lock(), asyncio.Queue(), asyncio.Event()])
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    add(loop)


def weak():
    targets = [Plain(i) for i in range(5)]
    add(targets)
    add(
        [
            weakref.ref(targets[0]),
            weakref.ref(targets[0], print),
            weakref.proxy(targets[1]),
            weakref.proxy(targets[1], print),
        ]
    )
    ref = Ref(targets[2])
    ref.key = [1]
    add(
        [
            ref,
            weakref.WeakSet(targets),
            weakref.WeakValueDictionary({1: targets[0]}),
            weakref.WeakKeyDictionary({targets[0]: 1}),
        ]
    )
    add([weakref.WeakMethod(targets[0].__init__), weakref.ref(Slots), weakref.finalize(targets[3], print, 1)])
    dead = Plain(9)
    add(weakref.ref(dead))
    add(weakref.ref(lambda: 1))


def buffers():
    data = bytearray(100)
    view = memoryview(data)
    add([view, view[3:9], memoryview(b"xyz").cast("B"), memoryview(array.array("i", [1, 2]))])
    io_bytes = io.BytesIO(b"initial")
    written = io.BytesIO()
    written.write(b"abc" * 100)
    text, read_text = io.StringIO(), io.StringIO("some text é")
    text.write("written " * 10)
    add([io_bytes, written, text, read_text, io_bytes.getbuffer(), io.BytesIO()])
    add([open(os.devnull), open(os.devnull, "rb"), open(os.devnull, "wb"), open(os.devnull, "rb", buffering=0)])
    add(
        [
            io.BufferedRandom(io.BytesIO(b"x")),
            io.TextIOWrapper(io.BytesIO()),
            io.BufferedRWPair(io.BytesIO(), io.BytesIO()),
        ]
    )
    line = io.TextIOWrapper(io.BytesIO(b"one\ntwo\n" * 10))
    line.readline()
    add([line, io.IncrementalNewlineDecoder(None, True)])
    add([mmap.mmap(-1, 8192), zlib.compressobj(), zlib.decompressobj(), random.Random(1), struct.Struct("iii")])
    add([socket.socket(), socket.socketpair(), select.epoll(), select.poll()])
    add(
        [
            Structure(1, b"x", [1]),
            Cursor(),
            (ctypes.c_int * 10)(),
            ctypes.pointer(ctypes.c_int(3)),
            ctypes.c_char_p(b"abc"),
        ]
    )
    add(
        [
            ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x),
            ctypes.py_object([1]),
            ctypes.byref(ctypes.c_int(1)),
        ]
    )
    add([ctypes.pythonapi, ctypes.CDLL(None), ctypes.create_string_buffer(100), ctypes.POINTER(Structure)])
    nested = (Structure * 3)()
    nested[1].o = [4]
    add([nested, nested[1]])


def values():
    zone = datetime.timezone(datetime.timedelta(hours=1), "name")
    add(
        [
            datetime.datetime.now(),
            datetime.datetime.now(zone),
            datetime.date.today(),
            datetime.time(1, 2),
            datetime.time(1, tzinfo=zone),
        ]
    )
    add([datetime.timedelta(1), zone, datetime.timezone.utc])
    add(
        [
            decimal.Decimal("1.5"),
            decimal.Decimal(10) ** 500,
            decimal.getcontext(),
            decimal.Context(),
            fractions.Fraction(1, 3),
        ]
    )
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    cursor = connection.execute("select 1 as a, 'text' as b")
    add([connection, cursor, cursor.fetchone()])
    root = ElementTree.fromstring("<a x='1'>text<b/>tail<c><d k='v'>z</d></c>last" + "<e/>" * 10 + "</a>")
    add([root, root.iter(), ElementTree.Element("plain"), ElementTree.TreeBuilder(), ElementTree.XMLParser()])
    add([json.JSONEncoder(), json.JSONDecoder(), json.scanner.make_scanner(json.JSONDecoder())])
    add([logging.getLogger("zoo"), logging.LogRecord("a", 1, "p", 1, "m", (), None), copy.copy(Point(1, 2))])
    add(
        [
            os.stat("/"),
            os.times(),
            sys.flags,
            sys.version_info,
            os.terminal_size((1, 2)),
            sys.float_info,
            os.statvfs("/"),
        ]
    )
    add(
        [list[int] if sys.version_info >= (3, 9) else None, typing.List[int], typing.Optional[str], typing.TypeVar("T")]
    )
    if sys.version_info >= (3, 10):
        add([int | str, typing.ParamSpec("P"), anext])  # noqa: F821
    add([Colour.RED, WithMeta, WithMeta(), types.new_class("Made", (Plain,)), bisect.bisect])
    add([Plain(i) for i in range(300)])
    showing = Plain(1)
    add(showing.__dict__)
    add(showing)
    gone = Plain(2)
    add(gone.__dict__)
    del gone
    rich = Plain(3)
    for i in range(50):
        setattr(rich, "a%d" % i, i)
    add(rich)
    removed = Plain(4)
    del removed.number
    add(removed)
    for i in range(20):
        instance = WithMeta()
        setattr(instance, "own%d" % i, [i])
        add(instance)
    add([Slots(), SlotsAndDict(), Slots.one])
    source = "def f%d(a, b=1):\n    def g():\n        return a, b, 'constant', (1, 2)\n    return g\n"
    namespace = {}
    exec("".join(source % i for i in range(50)), namespace)
    for i in range(50):
        for _ in range(20):
            namespace["f%d" % i](1)()
    add(namespace)
    if sys.version_info >= (3, 12):
        more = {}
        exec("def f[T](a: T) -> T: return a\nclass C[T]: pass\ntype A = int\n", more)
        add(more)


for part in (texts, containers, iterators, functions, running, contexts, weak, buffers, values):
    part()
for name in [
    "argparse",
    "ast",
    "concurrent.futures",
    "csv",
    "dataclasses",
    "difflib",
    "email.message",
    "html.parser",
    "http.client",
    "inspect",
    "multiprocessing",
    "pickle",
    "pprint",
    "shelve",
    "smtplib",
    "statistics",
    "subprocess",
    "tempfile",
    "tokenize",
    "unittest.mock",
    "urllib.request",
    "uuid",
    "zipfile",
]:
    importlib.import_module(name)
packages = [importlib.import_module(name) for name in sys.argv[2:]]
for package in packages:
    if package.__name__ == "numpy":
        add([package.zeros((10, 20)), package.arange(100)[10:50:2], package.array([[1], "x", None], dtype=object)])
        add(
            [
                package.zeros(3, dtype=[("a", "i4"), ("b", "f8", (2,))]),
                package.float64(1.5),
                package.random.default_rng(1),
            ]
        )
        add([package.array(["text", "x"]), package.ma.masked_array([1, 2], [0, 1]), package.nditer(package.zeros(3))])
    if package.__name__ == "pandas":
        frame = package.DataFrame({"a": range(100), "b": ["text %d" % i for i in range(100)]})
        add(
            [
                frame,
                frame.groupby("b"),
                frame["a"],
                package.Timestamp(0),
                package.Timedelta(1),
                package.date_range("2020", periods=9),
            ]
        )
        add(
            [
                frame.set_index("b"),
                package.Categorical(["a", "b", "a"]),
                package.MultiIndex.from_product([[1, 2], ["a"]]),
            ]
        )


def own_sizeof(of, known, get_mro, get_dict, native):
    """Whether the `__sizeof__` of a type is written in C."""
    if id(of) not in known:
        known[id(of)] = False
        for base in get_mro(of) or ():
            method = get_dict(base).get("__sizeof__")
            if method is not None:
                known[id(of)] = type(method) is native
                break
    return known[id(of)]


limited_deque = collections.deque(maxlen=4242421)
limited_cache = functools.lru_cache(maxsize=4242421)(len)


def main():
    get_mro, get_dict = type.__dict__["__mro__"].__get__, type.__dict__["__dict__"].__get__
    native = type(object.__sizeof__)
    known, seen = {}, set()
    numbers, counts, sizes = array.array("Q"), array.array("q"), array.array("q")
    out = open(sys.argv[1], "w", buffering=1 << 20)
    gc.collect()
    gc.collect()
    gc.disable()
    objects = gc.get_objects()
    leave_out = {id(x) for x in (known, seen, numbers, counts, sizes, out, out.buffer, out.buffer.raw, objects)}
    frame = sys._getframe()
    while frame is not None:
        leave_out.add(id(frame))
        frame = frame.f_back
    leave_out.add(id(leave_out))
    seen.update(map(id, objects))
    seen |= leave_out
    index, target, of = 0, None, None
    while index < len(objects):
        target = objects[index]
        index += 1
        of = type(target)
        if id(of) not in seen:
            seen.add(id(of))
            objects.append(of)
        if id(target) in leave_out:
            continue
        for target in gc.get_referents(target):
            if id(target) not in seen:
                seen.add(id(target))
                objects.append(target)
    for target in objects:
        if own_sizeof(type(target), known, get_mro, get_dict, native):
            pass
    for target in objects:
        if id(target) in leave_out:
            continue
        size = -1
        if known[id(type(target))]:
            try:
                size = sys.getsizeof(target)
            except Exception:
                size = -1
        sizes.append(size)
        numbers.append(id(target))
        refs = gc.get_referents(target)
        counts.append(len(refs))
        numbers.extend(map(id, refs))
    refs = target = of = None
    cell = type((lambda x: lambda: x)(0).__closure__[0])
    told = [str, int, dict, list, set, tuple, cell, contextvars.ContextVar, Plain, limited_deque, limited_cache]
    out.write("version %d\n" % sys.version_info[1])
    out.write("known {}\n".format(" ".join(str(id(x)) for x in told)))
    index = 0
    for i in range(len(sizes)):
        end = index + 1 + counts[i]
        out.write("%d %s\n" % (sizes[i], " ".join(map(str, numbers[index:end]))))
        index = end
    out.close()
    # Reference counts as they are without it.
    objects.clear()
    os.write(1, b"!")
    os.read(0, 1)


if __name__ == "__main__":
    main()
    os._exit(0)
