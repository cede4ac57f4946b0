"""Builds one of everything, writes what CPython says of each object, and waits to be read from outside.

Usage: zoo.py FILE [MODULE…]. The file gets a line for each object: its address, `sys.getsizeof()` (`-` where that runs
code written in Python) and the addresses that `gc.get_referents()` gives. Then one byte is written to stdout, and
nothing changes until one is read from stdin.
"""

# Odd objects need odd code.
# ruff: noqa: B020, SIM115, UP031

import array
import collections
import contextvars
import functools
import gc
import importlib
import os
import sys

from zoo_classes import Plain, add
from zoo_code import contexts, functions, running
from zoo_containers import containers, iterators, texts
from zoo_values import buffers, values, weak

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
