"""Previews: as repr() begins, built no further than the width, whatever the nesting."""

import collections
import random
import types

import fuzz_preview
import pytest

from mem_top import _native


@pytest.mark.parametrize("seed", range(8))
def test_random_objects_begin_as_their_reprs(seed):
    source = random.Random(seed)
    for _ in range(1500):
        fuzz_preview.check_preview(source)


def test_random_heaps_are_counted_right():
    source = random.Random(1)
    for _ in range(5):
        fuzz_preview.check_counts(source)


def recursive():
    a: list[object] = []
    a.append(a)
    b: dict[object, object] = {}
    b[1] = b
    c: collections.deque[object] = collections.deque([1])
    c.append(c)
    d: collections.OrderedDict[object, object] = collections.OrderedDict()
    d[1] = d
    e: collections.defaultdict[object, object] = collections.defaultdict(list)
    e[1] = e
    f = types.SimpleNamespace()
    f.x = f
    g: list[object] = []
    h = (g,)
    g.append(h)
    i: dict[object, object] = {}
    views = [i.values(), i.items(), types.MappingProxyType(i)]
    i[1] = views
    return [a, b, c, d, e, f, g, h, views]


@pytest.mark.parametrize("index", range(9))
def test_cycles_are_broken_where_repr_breaks_them(index):
    one = recursive()[index]
    assert _native.preview(one, None, False) == repr(one)
    assert _native.preview(one, 30, True)


def test_depth_overflows_nothing():
    deep: object = []
    for _ in range(1_000_000):
        deep = [deep]
    assert _native.preview(deep, 20, False) == "[" * 20
    assert len(_native.preview(deep, None, False)) == 2_000_002
    # Taken apart by hand: the interpreter's own way down is limited in some versions.
    while deep:
        deep = deep.pop()  # type: ignore[attr-defined]


def test_a_string_of_a_hundred_megabytes_is_not_copied():
    import resource

    text = "'" + "x" * 100_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert _native.preview([text], 100, False) == "[\"'" + "x" * 97
    assert _native.preview(text.encode(), 10, False) == "b\"'" + "x" * 7
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_escaping_is_that_of_a_log():
    assert _native.escape("a\x1b\n\udc80\u202eé日", None) == "a\\x1b\\n\\udc80\\u202eé日"
    assert _native.escape("\x1b", 2) == "\\x"
