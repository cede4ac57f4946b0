"""The rows of mem_top 0.2.1, in the same process, on the same heap: numbers, texts, and the order of ties."""

import functools
import gc
import re
import types

import pytest
from heaps import Odd
from reports import count_of, sections

from mem_top import mem_top

# Neither separator nor formats with control characters in them, so that those of the reprs stand out.
BARE = {
    "sep": "\u2592",
    "refs_format": "{num} {type} {obj}",
    "bytes_format": "{num} {obj}",
    "types_format": "{num} {obj}",
}
FORMATS = {
    "aligned": {"refs_format": "{num:>8} {type.__name__} {obj!r:.20}", "types_format": "{obj:<60}|{num}"},
    "other fields": {"bytes_format": "{type} {num:,} {obj}", "types_format": "{num} {type!r} {obj}"},
}


CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")


def escaped(text: str) -> str:
    """Control characters as `repr()` shows them: the one thing in which our rows differ on purpose."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def plainly(call):
    return call()


def beside_four_cells(call, a=1, b=2, c=3, d=4):
    """Calls ours, while as many cells are alive as the frame of the old one has: its own temporaries in its rows."""
    if a is None:
        lambda: (a, b, c, d)
    return call()


OWN_CELL = re.compile(r"\d+ (<class 'cell'> )?<cell at 0x\w+: [\w.]+ object at 0x\w+>")


# The interpreter's dict of interned strings, which the collector knows in some versions: it loses a name when a string
# of the other call dies.
INTERNED = re.compile(r"(\d+) (.*\{'([^']+)': '\3', '([^']+)': '\4', .*)")


def same_but_interned(our_row: str, their_row: str) -> bool:
    ours, theirs = INTERNED.fullmatch(our_row), INTERNED.fullmatch(their_row)
    return bool(ours and theirs and ours[2] == theirs[2] and abs(int(ours[1]) - int(theirs[1])) <= 3)


def same(old: types.ModuleType, **arguments: object) -> None:
    arguments = {**BARE, **arguments}
    # Both once before, so that what a first call leaves in caches of the interpreter is there for both.
    call_old = functools.partial(old.mem_top, **arguments)
    call_ours = functools.partial(mem_top, **arguments)
    plainly(call_old)
    beside_four_cells(call_ours)
    theirs = plainly(call_old)
    ours = beside_four_cells(call_ours)
    if theirs == ours:
        return
    theirs, ours = theirs.split(arguments["sep"]), ours.split(arguments["sep"])
    assert len(ours) == len(theirs)
    own_cells = 0
    for our_row, their_row in zip(ours, theirs, strict=True):
        if CONTROL.search(their_row):
            # They cut and do not escape, we escape and then cut.
            assert escaped(their_row).startswith(our_row)
            assert len(our_row) >= len(their_row)
        elif our_row == their_row or same_but_interned(our_row, their_row):
            continue
        else:
            assert OWN_CELL.fullmatch(their_row), (our_row, their_row)
            assert OWN_CELL.fullmatch(our_row), (our_row, their_row)
            own_cells += 1
    # Four in the section of references, four in that of bytes.
    assert own_cells <= 8


@pytest.fixture(scope="module")
def odd():
    heap = Odd()
    yield heap
    heap.close()


@pytest.mark.parametrize("limit", [0, 1, 10, 50, 1000, None])
def test_rows_are_those_of_the_old_one(old, odd, limit):
    same(old, limit=limit)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_those_of_the_old_one(old, odd, name):
    same(old, limit=60, **FORMATS[name])


@pytest.mark.parametrize("width", [0, 1, 17, 1000, None])
def test_widths_are_those_of_the_old_one(old, odd, width):
    same(old, limit=60, width=width)


def test_the_defaults_are_those_of_the_old_one(old, odd):
    for _ in range(2):
        theirs = plainly(old.mem_top)
        ours = beside_four_cells(mem_top)
    assert ours == theirs


def test_nothing_of_the_call_itself_is_counted(old):
    old_cells, cells = (count_of(call(limit=None), "<class 'cell'>") for call in (old.mem_top, mem_top))
    assert cells == old_cells - 4


def test_objects_in_the_young_generations_and_frozen_ones(old, odd):
    frozen = [[i] for i in range(500)]
    gc.collect()
    gc.freeze()
    try:
        young = [[i, i, i] for i in range(400)]
        gc.collect(0)
        younger = [[i, i] for i in range(300)]
        same(old, limit=80)
        assert len(frozen) + len(young) + len(younger) == 1200
    finally:
        gc.unfreeze()


def test_within_a_collection_where_the_lists_cannot_be_walked(old, odd):
    # There `gc.get_objects()` stands in: the same way that is taken on an interpreter whose layout is not known.
    call_old = functools.partial(old.mem_top, limit=100)
    call_ours = functools.partial(mem_top, limit=100)
    reports = []

    def callback(phase, info):
        if phase == "start" and not reports:
            for _ in range(2):
                theirs = plainly(call_old)
                ours = beside_four_cells(call_ours)
            reports.extend([theirs, ours])

    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)
    assert reports[1] == reports[0]


def test_verbose_types_returned_are_those_of_the_old_one(old, odd):
    for wanted in ([type], [types.ModuleType, type], [type, type], (set,), []):
        same(old, verbose_types=wanted, verbose_file_name=None)


def test_verbose_types_in_a_file_are_those_of_the_old_one(old, odd, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    call_old = functools.partial(old.mem_top, verbose_types=[type, set], verbose_file_name=str(theirs))
    call_ours = functools.partial(mem_top, verbose_types=[type, set], verbose_file_name=str(ours))
    for _ in range(2):
        old_report = plainly(call_old)
        report = beside_four_cells(call_ours)
    assert ours.read_text() == theirs.read_text()
    assert sections(report)["types"] == sections(old_report)["types"]


def test_without_a_collection_garbage_is_counted():
    class Ring:
        pass

    gc.collect()
    gc.disable()
    try:
        for _ in range(1000):
            ring = Ring()
            ring.itself = ring
        del ring
        with_garbage = mem_top(limit=None, collect=False, types_format="{num} {obj}")
        without = mem_top(limit=None, types_format="{num} {obj}")
    finally:
        gc.enable()
    # Objects of a class of their own: what a first call imports makes and drops thousands of lists.
    assert f"1000 {Ring}" in sections(with_garbage)["types"]
    assert not any(row.endswith(f" {Ring}") for row in sections(without)["types"])
