"""Weak references, buffers, files, ctypes, values of the standard library, and instances."""

# Odd objects need odd code.
# ruff: noqa: SIM115, UP031

import array
import bisect
import copy
import ctypes
import datetime
import decimal
import fractions
import io
import json
import logging
import mmap
import os
import random
import select
import socket
import sqlite3
import struct
import sys
import types
import typing
import weakref
import xml.etree.ElementTree as ElementTree
import zlib

from zoo_classes import Colour, Cursor, Plain, Point, Ref, Slots, SlotsAndDict, Structure, WithMeta, add


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
