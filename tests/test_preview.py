"""The text of an object begins as its `repr()` does, and no more of the object is looked at than is shown."""

import array
import collections
import functools
import gc
import sys
import tracemalloc
import types
from typing import Any

import fuzz_preview
import pytest
import random_objects
from fuzz_preview import check
from random_objects import Raising
from reports import sections

from mem_top import _native, mem_top


def preview(one: object, width: int | None = 100, safe: bool = False) -> str:
    return _native.preview(one, width, safe)


@pytest.mark.parametrize("part", range(10))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_random_objects_are_shown_as_their_repr_begins(part: int) -> None:
    for seed in range(part * 100, part * 100 + 100):
        try:
            fuzz_preview.run(seed)
        except BaseException as error:
            pytest.fail(f"--seed {seed}: {error!r}")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_random_heaps_are_counted_right() -> None:
    for seed in range(5):
        fuzz_preview.check_counts(seed)


def test_a_preview_imports_nothing(python: Any) -> None:
    assert python(IMPORTS).check() == "\n"


IMPORTS = """
import sys
from mem_top import mem_top

mem_top()
type_of_odd_name = type("Odd", (), {"__module__": "\\ud801"})
kept = [type_of_odd_name()] * 100_000
before = set(sys.modules)
assert "ud801" in mem_top(safe=True)
print(*set(sys.modules) - before)
"""


def test_the_oracle_finds_a_difference() -> None:
    class Changing:
        shown = 0

        def __repr__(self) -> str:
            Changing.shown += 1
            return str(Changing.shown)

    with pytest.raises(AssertionError):
        check([Changing()])


def knots() -> dict[str, object]:
    """Objects that hold themselves, in all the ways that a repr breaks."""
    found: dict[str, object] = {}
    for kind in (list, random_objects.Lists):
        one = kind([1])
        one.append(one)
        found[kind.__name__] = one
    for kind in (dict, random_objects.Dicts, collections.OrderedDict, random_objects.Ordered):
        table = kind(a=1)
        table["self"] = table
        found[kind.__name__] = table
    queue: collections.deque[object] = collections.deque([1], maxlen=3)
    queue.append(queue)
    found["deque"] = queue
    default: collections.defaultdict[object, object] = collections.defaultdict(list)
    default["self"] = default
    found["defaultdict"] = default
    made: collections.defaultdict[object, object] = collections.defaultdict()
    made.default_factory = types.MethodType(lambda self: None, made)
    found["a defaultdict that is its own factory"] = made
    inner: list[object] = []
    outer = (inner,)
    inner.append(outer)
    found["tuple"], found["list in a tuple"] = outer, inner
    space = types.SimpleNamespace(a=1)
    space.itself = space
    found["namespace"] = space
    error = ValueError(1, 2)
    error.args = (error, 2)
    found["exception"] = error
    part = functools.partial(max, 1)
    part.__setstate__((max, (part,), {"key": part}, None))
    found["partial"] = part
    hidden: dict[str, object] = {}
    hidden["proxy"] = types.MappingProxyType(hidden)
    hidden["keys"], hidden["values"], hidden["items"] = hidden.keys(), hidden.values(), hidden.items()
    found["views"], found["values"], found["proxy"] = hidden, hidden.values(), hidden["proxy"]
    row: list[object] = []
    row.append(slice(row, random_objects.Own(row).method, None))
    found["slice"] = row
    owned: list[object] = []
    owned.extend([random_objects.Own(owned), random_objects.Own([owned, owned])])
    found["through a repr of its own"] = owned
    point = random_objects.Point(1, 2)
    point.x = [point, {1: point}]
    found["dataclass"], found["list of a dataclass"] = point, point.x
    return found


@pytest.mark.parametrize("name", list(knots()))
def test_an_object_that_holds_itself(name: str) -> None:
    one = knots()[name]
    assert repr(one)
    check(one)


def endless() -> dict[str, object]:
    """Objects whose `repr()` recurses until it gives up."""
    error = ValueError()
    error.args = (error,)
    branching = ValueError()
    branching.args = (slice(branching, branching, branching),)
    mapping = random_objects.Mapping()
    mapping.data = types.MappingProxyType(mapping)  # type: ignore[assignment]
    return {"exception": error, "exception in a slice": branching, "proxy": mapping}


@pytest.mark.parametrize("name", list(endless()))
@pytest.mark.parametrize("width", [0, 100, 10_000, None])
def test_a_repr_without_an_end_has_one(name: str, width: int | None) -> None:
    one = endless()[name]
    with pytest.raises(RecursionError):
        repr(one)
    for safe in (False, True):
        text = preview(one, width, safe)
        assert len(text) <= (100_000 if width is None else width)


def test_deep_nesting_overflows_nothing() -> None:
    deep: object = "core"
    for n in range(200_000):
        deep = [deep] if n % 2 else (deep,)
    start = "[([([([(["
    assert preview(deep, 9) == start
    whole = preview(deep, None)
    assert whole.startswith(start)
    assert "'core'" in whole
    assert len(whole) == 500_000 + 6
    assert mem_top(limit=3)


class Counted:
    shown = 0

    def __repr__(self) -> str:
        Counted.shown += 1
        return "counted"


COUNTED_CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "deque": collections.deque,
    "dict of values": lambda each: dict(enumerate(each)),
    "dict of keys": lambda each: dict.fromkeys(each),
    "set": set,
    "frozenset": frozenset,
    "ordered": lambda each: collections.OrderedDict(enumerate(each)),
    "default": lambda each: collections.defaultdict(None, enumerate(each)),
    "values": lambda each: dict(enumerate(each)).values(),
    "items": lambda each: dict(enumerate(each)).items(),
    "keys": lambda each: dict.fromkeys(each).keys(),
    "proxy": lambda each: types.MappingProxyType(dict(enumerate(each))),
    "exception": lambda each: ValueError(*each),
    "partial": lambda each: functools.partial(max, *each),
    "namespace": lambda each: types.SimpleNamespace(**{f"n{n}": one for n, one in enumerate(each)}),
    "method": lambda each: types.MethodType(lambda self: None, list(each)),
}


@pytest.mark.parametrize("kind", list(COUNTED_CONTAINERS))
def test_what_lies_behind_the_width_is_not_asked(kind: str) -> None:
    one = COUNTED_CONTAINERS[kind]([Counted() for _ in range(5000)])
    whole = repr(one)
    for width in (0, 1, 40, 500):
        Counted.shown = 0
        assert preview(one, width) == whole[:width]
        assert Counted.shown <= width // len("counted") + 1
    Counted.shown = 0
    assert preview(one, 0) == ""
    assert Counted.shown == 0
    safe = preview(one, None, True)
    assert Counted.shown == 0
    assert safe.count("Counted object at 0x") == 5000


LARGE = {
    "list": lambda: [None] * 3_000_000,
    "tuple": lambda: (None,) * 3_000_000,
    "dict": lambda: dict.fromkeys(range(500_000)),
    "ordered": lambda: collections.OrderedDict.fromkeys(range(200_000)),
    "set": lambda: set(range(500_000)),
    "deque": lambda: collections.deque([None]) * 1_000_000,
    "str": lambda: "x" * 30_000_000,
    "quoted str": lambda: "x" * 30_000_000 + "'",
    "wide str": lambda: "\u65e5" * 10_000_000,
    "bytes": lambda: b"\0" * 30_000_000,
    "bytearray": lambda: bytearray(30_000_000),
    "array": lambda: array.array("d", bytes(8_000_000)),
    "views": lambda: dict.fromkeys(range(500_000)).items(),
    "proxy": lambda: types.MappingProxyType(dict.fromkeys(range(500_000))),
    "exception": lambda: ValueError(*[None] * 1_000_000),
    "message": lambda: ValueError("x" * 30_000_000),
}


@pytest.mark.parametrize("kind", list(LARGE))
def test_a_large_object_costs_as_much_as_what_is_shown(kind: str) -> None:
    one = LARGE[kind]()
    preview([])
    for safe in (False, True):
        tracemalloc.start()
        text = preview(one, 100, safe)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(text) == 100
        # The texts would be megabytes.
        assert peak < 100_000
    assert repr(one)[:100] == text


def test_only_the_width_of_a_long_argument_list_is_looked_at() -> None:
    # The repr itself takes time quadratic in the arguments: hours.
    many = functools.partial(max, *[None] * 2_000_000)
    named = functools.partial(max, **{f"k{n}": None for n in range(500_000)})
    assert preview(many) == ("functools.partial(<built-in function max>" + ", None" * 20)[:100]
    assert preview(named, 60) == "functools.partial(<built-in function max>, k0=None, k1=None, "[:60]
    counted = [Counted() for _ in range(5000)]
    Counted.shown = 0
    preview(functools.partial(max, **{f"k{n}": one for n, one in enumerate(counted)}))
    assert Counted.shown <= 100 // len("k0=counted, ") + 1


def test_a_repr_of_another_type_of_text() -> None:
    class Text(str):
        def __str__(self) -> str:
            raise RuntimeError

        __len__ = __getitem__ = __iter__ = encode = __str__  # type: ignore[assignment]

    class Odd:
        def __repr__(self) -> str:
            return Text("its text\n")

    assert preview(Odd()) == "its text\\n"
    assert preview([Odd()], 4) == "[its"
    text = preview(Text("a'b"))
    assert (type(text), text) == (str, '"a\'b"')


def test_what_stands_for_an_object_that_fails() -> None:
    broken = f"(broken __repr__, type={Raising!r})"
    Raising.told = False
    one = Raising()
    for shown, whole in [
        (one, broken),
        ([1, one, 2], f"[1, {broken}, 2]"),
        ({one: (one,)}, f"{{{broken}: ({broken},)}}"),
        (ValueError(one), f"ValueError({broken})"),
        (types.MappingProxyType({1: one}), f"mappingproxy({{1: {broken}}})"),
        (types.SimpleNamespace(a=one), f"namespace(a={broken})"),
        (functools.partial(max, one), f"functools.partial(<built-in function max>, {broken})"),
        (collections.deque([one]), f"deque([{broken}])"),
        (slice(one), f"slice(None, {broken}, None)"),
        (random_objects.Own(one), f"(broken __repr__, type={random_objects.Own!r})"),
    ]:
        for width in (None, 0, 5, 30, len(whole)):
            assert preview(shown, width) == whole[:width]


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="numbers of any length are shown")
def test_a_number_too_long_to_be_shown_costs_its_own_place() -> None:
    assert preview([1, 10**100_000, 2]) == "[1, (broken __repr__, type=<class 'int'>), 2]"


def test_no_control_character_comes_out_of_any_corner() -> None:
    class Steering:
        __qualname__ = "Steer\x1b[2J"

        def __repr__(self) -> str:
            return "\x1b]0;title\x07\n" + "\udc80\u2028\u202e"

    Named = type("N\x1b\u202e", (), {"__module__": "m\x1b\u2028"})
    Broken = type("B\x1b\u202e", (Raising,), {"__module__": "m\x1b\u2028"})
    function = types.FunctionType((lambda: 0).__code__, {}, "f\x1b")
    function.__qualname__ = "q\x1b\udc80\u202e"
    space = types.SimpleNamespace(**{"a\x1b\udc80\u2028": 1})
    module = types.ModuleType("m\x1b\udc80\u202e")
    module.__spec__ = None
    Raising.told = False
    odd = [
        Steering(),
        Named,
        Named(),
        Broken(),
        function,
        types.MethodType(function, Steering()),
        space,
        functools.partial(function, **{"k\x1b\udc80": 1}),
        module,
        type("D\x1b", (collections.deque,), {})([1]),
        type("S\x1b", (set,), {})([1]),
        type("E\x1b", (Exception,), {})(1),
        type("A\x1b", (array.array,), {})("i", [1]),
        {"\x1b\u202e": "\x85\udc80"},
    ]
    for one in [*odd, odd]:
        for safe in (False, True):
            text = preview(one, None, safe)
            assert not fuzz_preview.UNSAFE.search(text), text
            text.encode("utf-8")


def test_the_report_shows_what_the_preview_does() -> None:
    wide = {n: [n, Counted()] for n in range(60_000)}
    for safe in (False, True):
        row = sections(mem_top(limit=1, width=200, safe=safe))["refs"][0]
        assert row == f"{2 * len(wide)}\t<class 'dict'> {preview(wide, 200, safe)}"
    assert row != f"{2 * len(wide)}\t<class 'dict'> {preview(wide, 200)}"


def test_safe_shows_types_and_addresses_only() -> None:
    class Secret:
        def __repr__(self) -> str:
            raise AssertionError

    one = Secret()
    qualified = f"{Secret.__module__}.{Secret.__qualname__}"
    assert preview(one, None, True) == f"<{qualified} object at {id(one):#x}>"
    assert preview([one], None, True) == f"[<{qualified} object at {id(one):#x}>]"
    assert preview(collections.OrderedDict(a=1), None, True) == repr(collections.OrderedDict(a=1))
    re_compiled = sys.modules["re"].compile("a")
    assert preview(re_compiled, None, True) == object.__repr__(re_compiled)


def test_a_preview_keeps_nothing_alive_and_counts_right() -> None:
    kinds = [kind([Counted(), Counted()]) for kind in COUNTED_CONTAINERS.values()]
    for one in [*kinds, *knots().values(), Raising()]:
        for safe in (False, True):
            preview(one, None, safe)
            before = sys.getrefcount(one), gc.get_count()[2], len(gc.get_objects())
            for _ in range(100):
                preview(one, None, safe)
                preview(one, 7, safe)
            after = sys.getrefcount(one), gc.get_count()[2], len(gc.get_objects())
            assert after[0] == before[0]
            assert abs(after[2] - before[2]) < 20


def test_a_repr_under_way_is_left_as_it_was() -> None:
    """A list that is being shown when a preview is made in the middle of it goes on as it would have."""
    previews = []

    class Reporting:
        def __repr__(self) -> str:
            previews.append(preview(held[:3]))
            previews.append(preview([held[:2], held[2]]))
            return "reporting"

    held: list[object] = [1]
    held.extend([held, 2, Reporting()])
    for show in (repr, preview, repr, preview):
        assert show(held) == "[1, [...], 2, reporting]"
        assert previews.pop() == "[[1, [...]], 2]"
        assert previews.pop() == "[1, [...], 2]"
        assert previews == []


def test_escaping_is_that_of_a_log() -> None:
    assert _native.escape("a\x1b\n\udc80\u202e\xe9\u65e5", None) == "a\\x1b\\n\\udc80\\u202e\xe9\u65e5"
    assert _native.escape("\x1b", 2) == "\\x"
