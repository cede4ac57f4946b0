"""Cases of the torture suite made with `lying_types.c`: types that lie, each in a program of its own.

    lies.py NAME [--form FORM] [--pattern PATTERN]

NAME is the name of a case (a function below, with hyphens for underscores), a name of `names.py`, or several of these
separated by commas. `--form` and `--pattern` select some of the objects, to find which one fails. A case builds its
objects and has itself captured (`captures.look`). A program that would crash CPython's own collector runs without
collections, with its objects in the permanent generation.

The file is long because it has every case: the tests and the command find them here by their names.
"""

from __future__ import annotations

import argparse
import array
import collections
import datetime
import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator

import lying_types as lying
from captures import Traffic, look, occupied
from lying_objects import HEAD, KEPT, LARGE, SMALL, WORD, Made, each_kind_of_type, filled, look_at, patterns, unchanged
from names import NAMES

HEAP_TYPE = 9
"""The bit of `Py_TPFLAGS_HEAPTYPE`."""
CASES: dict[str, Callable[[], None]] = {}


def case(function: Callable[[], None]) -> Callable[[], None]:
    CASES[function.__name__.replace("_", "-")] = function
    return function


# -- Names --------------------------------------------------------------------------------------------------------------


@case
def names_of_the_standard_library() -> None:
    """Every type written in C that there is, by its own name."""
    for module in sorted(sys.stdlib_module_names):
        if module.startswith("_") or module in ("array", "mmap", "zlib", "select", "unicodedata", "math", "cmath"):
            try:
                __import__(module)
            except Exception:
                continue
    names = set()
    waiting: list[type] = [object]
    seen = set()
    while waiting:
        of = waiting.pop()
        if id(of) not in seen:
            seen.add(id(of))
            waiting += type.__subclasses__(of)
            module = getattr(of, "__module__", "builtins")
            # 512: what a class statement, or PyType_FromSpec, made.
            if not of.__flags__ & 512 or module in sys.builtin_module_names:
                names.add(of.__qualname__ if module == "builtins" else f"{module}.{of.__qualname__}")
    assert len(names) > 150
    objects = []
    for name in sorted(names):
        try:
            text = name.encode()
            small, heap = lying.static_type(text, SMALL), lying.heap_type(text, LARGE)
        except (UnicodeEncodeError, TypeError):
            continue
        for of, count in ((small, 2), (heap, 24)):
            for by in ("small", "unmapped", "edge", "valid", "mixed0", "mixed1"):
                one = lying.new(of)
                lying.fill(one, patterns(id(one), count)[by])
                objects.append(Made(one, count))
    look_at(objects)


@case
def names_that_are_not_names() -> None:
    """Not UTF-8, empty, steering, too long, without an end."""
    odd = [
        b"\xff\xfe\x80.\xc3(", b"", b".", b"..", b"list.", b".list", b"\x1b[31mred\x07", b"a\nb\r\t\x9b", b"x" * 100_000,
        "\u202e.\u2066evil".encode(), b"builtins.", b"\xed\xa0\x80", b"numpy." + b"9" * 300, b"numpy.int99999999999999999",
        b"numpy.float" + b"8" * 18,
    ]  # fmt: skip
    objects = []
    for name in odd:
        of = lying.static_type(name, LARGE)
        objects.append(Made(lying.new(of), 24))
        of = lying.heap_type(b"plain.name", LARGE)
        lying.lie(of, "name", id_of_text(name))
        objects.append(Made(lying.new(of), 24))
    for readable in (1, 7, 200, 4096):
        for of in (lying.static_type(b"plain", LARGE), lying.heap_type(b"plain.plain", LARGE)):
            objects.append(Made(lying.new(of), 24))
            lying.lie(of, "name", lying.address_before_edge(readable))
    look_at(objects, previews=False)


def id_of_text(text: bytes) -> int:
    """The address of a text of C that stays."""
    import ctypes

    buffer = ctypes.create_string_buffer(text)
    KEPT.append(buffer)
    return ctypes.addressof(buffer)


@case
def types_in_the_file_of_an_extension() -> None:
    """Static types that lie in the mapping of the file of their module, as most do."""
    names = [b"code", b"function", b"module", b"list", b"dict", b"set", b"tuple", b"generator", b"frame", b"Struct"]
    objects = []
    for of in lying.types_in_file(names):
        for by in patterns(0, 2):
            one = lying.new(of)
            lying.fill(one, patterns(id(one), 2)[by])
            objects.append(Made(one, 2))
    look_at(objects)


@case
def an_extension_with_the_file_name_of_another() -> None:
    """A module of the program whose file is called as one of the standard library, or of numpy, with types to match."""
    impostors = {
        "_queue": [b"_queue.SimpleQueue"],
        "_elementtree": [b"xml.etree.ElementTree.Element"],
        "_multiarray_umath": [b"numpy.ndarray", b"numpy.float64", b"numpy.complex256"],
        "_decimal": [b"decimal.Decimal"],
    }
    objects = []
    for name, types in impostors.items():
        module = impostor(name)
        for of in module.types_in_file(types):
            for by in patterns(0, 2):
                one = module.new(of)
                module.fill(one, patterns(id(one), 2)[by])
                objects.append(Made(one, 2))
    look_at(objects)


def impostor(name: str):
    """`lying_types` once more, as it was built under another name beside it."""
    from importlib.machinery import ExtensionFileLoader
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    file = Path(lying.__file__)
    file = file.with_name(file.name.replace("lying_types", name))
    spec = spec_from_file_location(name, file, loader=ExtensionFileLoader(name, str(file)))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    KEPT.append(module)
    return module


# -- Sizes --------------------------------------------------------------------------------------------------------------

SIZES = [1 << 40, 1 << 62, (1 << 63) - 1, -8, -(1 << 40), -(1 << 63), 0, 1]


@case
def basic_sizes() -> None:
    objects = []
    for size in SIZES:
        for of in each_kind_of_type():
            objects.append(Made(lying.new(of), 24))
            lying.lie(of, "basicsize", size)
    look_at(objects, sized=False, collect=False)


@case
def numbers_of_items() -> None:
    objects = []
    for number in [*SIZES, -5, -(1 << 30)]:
        for item_size in (WORD, 1, 1 << 40, -8):
            for of in each_kind_of_type(items=WORD):
                one = lying.new(of, 2)
                lying.fill(one, [number])
                lying.lie(of, "itemsize", item_size)
                objects.append(Made(one, 3))
    look_at(objects, sized=False, collect=False)


@case
def sizes_of_builtins() -> None:
    """Objects of C types that derive from builtins, with numbers of items that cannot be."""
    objects = []
    for base in (list, dict, set, tuple, bytes, bytearray, int, str):
        of = lying.heap_type(b"lying.Derived", base.__basicsize__ + 64, base.__itemsize__, "", base)
        for number in (3, 1 << 40, -5):
            for by in ("small", "unmapped", "edge", "huge"):
                one = lying.new(of)
                lying.fill(one, [number, *patterns(id(one), 3)[by]])
                objects.append(Made(one, 4))
    look_at(objects, sized=False, collect=False, previews=False)


# -- The collector -------------------------------------------------------------------------------------------------------


@case
def traverses_that_lie() -> None:
    lying.visit_instead(["somebody else's"])
    objects = []
    for how in ("honest", "twice", "not_its_own", "immortal", "itself", "ends_early", "ignores_visit"):
        for of in each_kind_of_type(f"traverse={how}")[:2]:
            for item in (["item"], None, "text", of):
                one = lying.new(of, 0, True)
                lying.own(one, item)
                objects.append(Made(one, 24))
            # Nothing to visit.
            objects.append(Made(lying.new(of, 0, True), 24))
    look_at(objects, collect=False)


@case
def traverse_of_what_was_freed() -> None:
    """An object in a list of free ones is visited: to hold it and let it go would free it once more."""
    lying.free_object(lying.static_type(b"lying.Freed", LARGE, 0, "freed gc"))
    objects = []
    for of in each_kind_of_type("traverse=freed")[:2]:
        objects.append(Made(lying.new(of, 0, True), 24))
    look_at(objects)


@case
def no_traverse() -> None:
    objects = []
    for of in each_kind_of_type("gc"):
        for track in (False, True):
            one = lying.new(of, 0, track)
            lying.own(one, ["item"])
            objects.append(Made(one, 24))
        lying.lie(of, "traverse", 0)
    look_at(objects, collect=False)


@case
def objects_that_are_not_finished() -> None:
    """Not tracked yet, with fields that are not valid yet: PyObject_GC_Track() says when they are."""
    objects = []
    for options in ("traverse=once_tracked", "traverse=honest", "traverse=twice"):
        for of in each_kind_of_type(options):
            for by in patterns(0, 24):
                one = lying.new(of)
                lying.fill(one, patterns(id(one), 24)[by])
                objects.append(Made(one, 24))
    for name in NAMES[::5]:
        of = lying.static_type(name.encode(), LARGE, 0, "gc")
        for by in ("unmapped", "edge", "misaligned", "mixed1"):
            one = lying.new(of)
            lying.fill(one, patterns(id(one), 24)[by])
            objects.append(Made(one, 24))
    for base in (list, dict, set, tuple):
        of = lying.heap_type(b"lying.Derived", base.__basicsize__ + 64, base.__itemsize__, "", base)
        for by in ("small", "unmapped", "edge", "misaligned", "itself", "nonsense"):
            one = lying.new(of)
            # A small number of items, and what is no storage for them.
            lying.fill(one, [2, *patterns(id(one), 3)[by]])
            objects.append(Made(one, 4))

    KEPT.append(objects)
    words = unchanged(objects)

    def problems() -> Iterator[str]:
        yield from words()
        if lying.unfinished():
            yield f"tp_traverse was called {lying.unfinished()} times for objects that are not tracked"

    look((made.one for made in objects), calls=lying.calls, problems=problems, previews=False)


# -- Flags and offsets ----------------------------------------------------------------------------------------------------


@case
def offsets_that_lie() -> None:
    objects = []
    for field in ("dictoffset", "weaklistoffset"):
        for offset in (HEAD, HEAD + WORD, 1 << 20, 1 << 46, -WORD, -(1 << 30), -(1 << 62), 3):
            for of in each_kind_of_type():
                for by in ("small", "unmapped", "edge", "nonsense", "valid", "misaligned"):
                    one = lying.new(of)
                    lying.fill(one, patterns(id(one), 24)[by])
                    objects.append(Made(one, 24))
                lying.lie(of, field, offset)
    look_at(objects, collect=False)


@case
def flags_that_lie() -> None:
    objects = []
    for bit in range(32):
        kinds = [lying.static_type(b"lying.Flags", LARGE), lying.heap_type(b"lying.Flags", LARGE)]
        # CPython itself reads behind a static type's end that says it was made at run time.
        for of in kinds[bit == HEAP_TYPE :]:
            for by in ("zeros", "small", "unmapped", "edge", "valid"):
                one = lying.new(of)
                lying.fill(one, patterns(id(one), 24)[by])
                objects.append(Made(one, 24))
            lying.lie(of, "flags", 1 << bit)
    look_at(objects, collect=False, sized=False, previews=False)


@case
def reprs_of_another_type() -> None:
    """The function that shows a list stands in a type whose objects are none: a safe preview must not believe it."""
    objects = []
    others = [
        list,
        dict,
        tuple,
        set,
        frozenset,
        str,
        bytes,
        bytearray,
        int,
        float,
        complex,
        bool,
        type,
        type(look),
        range,
    ]
    for other in [*others, type(None), type(sys), type(lying.lie), collections.deque, array.array, datetime.datetime]:
        for of in (lying.static_type(b"lying.Shown", LARGE), lying.heap_type(b"lying.Shown", LARGE)):
            lying.repr_of(of, other)
            for by in ("small", "unmapped", "edge", "valid", "mixed1"):
                one = lying.new(of)
                lying.fill(one, patterns(id(one), 24)[by])
                objects.append(Made(one, 24))
    look_at(objects)


@case
def types_that_are_not_ready() -> None:
    """PyType_Ready() was forgotten: such a type has no type itself, no base, no namespace."""
    objects = []
    for name in (b"lying.Unready", b"list", b"code"):
        of = lying.static_type(name, LARGE, 0, "unready")
        for by in patterns(0, 24):
            one = lying.new_of_address(of)
            lying.fill(one, patterns(id(one), 24)[by])
            objects.append(Made(one, 24))
    look_at(objects, collect=False, sized=False, previews=False)


@case
def metaclasses() -> None:
    objects = []
    for size in (0, 1 << 40, -8, 1 << 20):
        meta = lying.metatype()
        made = meta("Made", (), {"__slots__": ("one", "two")})
        static = lying.static_type(b"lying.WithMeta", LARGE, 0, "", object, meta)
        derived = meta("Derived", (lying.static_type(b"lying.Base", LARGE),), {})
        for of in (static, derived):
            for by in patterns(0, 24):
                one = lying.new(of)
                lying.fill(one, patterns(id(one), 24)[by])
                objects.append(Made(one, 24))
        objects.append(Made(object.__new__(made), 2))
        if size:
            lying.lie(meta, "basicsize", size)
    look_at(objects, sized=False, collect=False)


# -- __sizeof__ in C ------------------------------------------------------------------------------------------------------


def types_with_sizeof(how: str) -> list[type]:
    names = [b"Foo", b"builtins.Foo", b"list", b"datetime.date", b"numpy.ndarray", b"array.array", b"program.Foo"]
    types = []
    for name in names:
        static = lying.static_type(name, LARGE, 0, f"sizeof={how}")
        types += [static, lying.heap_type(name, LARGE, 0, f"sizeof={how}"), type("Derived", (static,), {})]
    return types


def look_at_sizeof(how: str, answer: int = 32, callback: Callable[[], object] | None = None) -> None:
    objects = [Made(lying.new(of), 24) for of in types_with_sizeof(how)]
    KEPT.append(objects)
    lying.on_sizeof(callback, answer)
    # What `object.__sizeof__` says of them is what can be known without asking.
    sizes = {}
    for made in objects:
        flags = type(made.one).__flags__
        # Before an object there are two words for the collector, and from 3.11 on two for dict and weak references.
        heads = bool(flags & 1 << 14) + (sys.version_info >= (3, 11) and bool(flags & 0b11000))
        sizes[id(made.one)] = occupied(made.one, object.__sizeof__(made.one) + 16 * heads)
    look((made.one for made in objects), sizes=sizes, calls=lying.calls, problems=unchanged(objects))


@case
def sizeof_runs_python() -> None:
    ran = []
    look_at_sizeof("runs_python", callback=lambda: ran.append([1] * 10))


@case
def sizeof_raises() -> None:
    look_at_sizeof("raises")


@case
def sizeof_is_negative() -> None:
    look_at_sizeof("lies", -1)


@case
def sizeof_is_huge() -> None:
    look_at_sizeof("lies", (1 << 63) - 1)


@case
def sizeof_is_not_a_number() -> None:
    look_at_sizeof("not_a_number")


@case
def sizeof_releases_the_gil() -> None:
    """Another thread of the program frees objects meanwhile."""

    class Node:
        pass

    kept: list[object] = []

    def churn() -> None:
        table = {}
        for number in range(2000):
            node = Node()
            node.items, node.table = [number], {}
            table[number] = node
        kept.append(table)
        del kept[:-3]

    objects = [Made(lying.new(of), 24) for of in types_with_sizeof("releases_gil")]
    KEPT.append(objects)
    look((made.one for made in objects), calls=lying.calls, traffic=Traffic(churn, churn))


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs cases of the torture suite made with lying_types.c.")
    parser.add_argument("name", help="a case, a name of names.py, or several of these separated by commas")
    parser.add_argument("--form", help="of the objects with a name of names.py, only those of this form")
    parser.add_argument("--pattern", help="of the objects with a name of names.py, only those filled with this pattern")
    arguments = parser.parse_args()
    names = arguments.name.split(",")
    if arguments.name not in CASES and not set(names) <= set(NAMES):
        parser.error(f"there is no case {arguments.name}")
    # A collection that comes by itself, in the middle of making what the collector must not see, would be the end. It is
    # not switched off, since that it is says that mem_top holds the heap still.
    gc.set_threshold(0)
    try:
        if arguments.name in CASES:
            CASES[arguments.name]()
        else:
            look_at([made for name in names for made in filled(name, arguments.form, arguments.pattern)])
    except BaseException:
        # The interpreter is not to clear away what was made here.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
