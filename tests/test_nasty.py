"""Objects that broke mem_top 0.2.1 or its peers: each costs at most its own row, and none loses the report.

Every test checks the report against a control: a plain object of its own that must have its row, with its number. The
file is long because each test defines the classes of its odd objects itself.
"""

import gc
import resource
import signal
import sys
import threading
import time

import pytest
from reports import count_of, sections

from mem_top import mem_top

BIG = 30_000


@pytest.fixture(autouse=True)
def control():
    """A list larger than all else in the heap but the nasty ones; every report must have its row in refs and bytes."""
    marker = ["control"] * (BIG - 7)
    yield marker


def checked(report: str) -> str:
    found = sections(report)
    assert any(row.startswith(f"{BIG - 7}\t") and "'control', 'control'" in row for row in found["refs"]), report
    assert any("'control', 'control'" in row for row in found["bytes"]), report
    return report


def refs_row(report: str, number: int) -> str:
    rows = [row for row in sections(report)["refs"] if row.split("\t")[0] == str(number)]
    assert len(rows) == 1, report
    return rows[0]


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit, MemoryError, RecursionError, StopIteration])
def test_a_repr_that_raises_costs_its_own_text(error):
    class Raising(list):
        def __repr__(self):
            raise error("out of a repr")

    nasty = Raising([None] * BIG)
    report = checked(mem_top(width=300))
    name = f"{Raising.__module__}.{Raising.__qualname__}"
    assert f"(broken __repr__, type=<class '{name}'>)" in refs_row(report, BIG + 1)
    assert len(nasty) == BIG


def test_a_base_exception_of_the_users_own_is_contained():
    class Stop(BaseException):
        pass

    class Raising(list):
        def __repr__(self):
            raise Stop

    nasty = Raising([None] * BIG)
    assert "broken __repr__" in refs_row(checked(mem_top()), BIG + 1)
    assert nasty


def test_keyboard_interrupt_alone_passes():
    class Interrupting(list):
        def __repr__(self):
            raise KeyboardInterrupt

    nasty = Interrupting([None] * BIG)
    with pytest.raises(KeyboardInterrupt):
        mem_top()
    assert nasty
    del nasty[:]
    checked(mem_top())


def test_a_broken_element_costs_its_place_in_the_container():
    class Raising:
        def __repr__(self):
            raise ValueError

    nasty = [1, Raising(), "two", *[None] * BIG]
    row = refs_row(checked(mem_top(width=200)), BIG + 3)
    assert "[1, (broken __repr__, type=<class " in row
    assert ", 'two', None, None" in row
    assert len(nasty) == BIG + 3


def test_a_repr_that_never_returns_is_waited_for_until_an_interrupt():
    turns = 0

    class Hanging(list):
        def __repr__(self):
            nonlocal turns
            while True:
                # By then it has been waited for, however fast the machine is.
                if turns == 10:
                    signal.setitimer(signal.ITIMER_REAL, 0.01)
                turns += 1
                time.sleep(0.01)

    nasty = Hanging([None] * BIG)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            mem_top()
        assert turns > 10
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    report = checked(mem_top(safe=True, width=300))
    assert "Hanging object at 0x" in refs_row(report, BIG + 1)
    assert nasty


def test_a_huge_repr_is_cut_and_let_go_of():
    size = 200_000_000

    class Huge(list):
        def __repr__(self):
            return "x" * size

    nasty = Huge([None] * BIG)
    start = resident()
    row = refs_row(checked(mem_top()), BIG + 1)
    assert row.endswith("> " + "x" * 100)
    assert resident() - start < size / 4
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "Huge object at 0x" in refs_row(checked(mem_top(safe=True, width=300)), BIG + 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert nasty


def test_a_large_container_is_not_built_whole():
    class Counted:
        shown = 0

        def __repr__(self):
            Counted.shown += 1
            return "counted"

    nasty = [Counted() for _ in range(BIG)]
    row = refs_row(checked(mem_top()), BIG)
    assert row.startswith(f"{BIG}\t<class 'list'> [counted, counted, ")
    # One row in each of two sections, of at most a hundred characters.
    assert Counted.shown <= 2 * 13
    assert nasty


def test_a_repr_that_clears_its_object_is_not_run_when_safe_is_asked_for():
    class Clearing(dict):
        def __repr__(self):
            self.clear()
            return "gone"

    nasty = Clearing.fromkeys(range(BIG))
    report = checked(mem_top(safe=True, width=300))
    assert "Clearing object at 0x" in report
    assert len(nasty) == BIG
    # And none whose row is not printed is run at all.
    small = Clearing.fromkeys(range(5))
    nasty.clear()
    checked(mem_top())
    assert len(small) == 5


def test_a_repr_that_changes_the_container_it_stands_in():
    containers = []

    class Vandal:
        def __init__(self, act):
            self.act = act

        def __hash__(self):
            return 1

        def __repr__(self):
            self.act()
            return "vandal"

    row: list[object] = []
    row.extend([Vandal(row.clear), *[None] * BIG])
    table: dict[object, object] = {}
    table.update({Vandal(table.clear): 1, **{str(i): i for i in range(BIG)}})
    grown: dict[object, object] = {}
    grown.update(
        {Vandal(lambda: grown.update({i: i for i in range(BIG, 2 * BIG)})): 1, **{str(i): i for i in range(BIG)}}
    )
    group: set[object] = set()
    group.update([Vandal(group.clear), *range(BIG)])
    containers.extend([row, table, grown, group])
    report = checked(mem_top(limit=20))
    assert "[vandal" in report
    assert "{vandal" in report


def test_control_characters_and_lone_surrogates_do_not_reach_the_log():
    class Steering(list):
        def __repr__(self):
            return "\x1b[31mred\n\r\t\x00\x85\x9b\udc80\ud800\u2028\u202e\u2066é日🚀"

    nasty = Steering([None] * BIG)
    for report in (mem_top(), mem_top(sep="|")):
        assert "\\x1b[31mred\\n\\r\\t\\x00\\x85\\x9b\\udc80\\ud800\\u2028\\u202e\\u2066é日🚀" in report
        report.encode("utf-8")
    checked(mem_top())
    assert nasty


def test_a_type_with_control_characters_in_its_name():
    Steering = type("Evil\x1b[31m\n", (list,), {"__module__": "mod\r"})
    nasty = Steering([None] * BIG)
    many = [Steering() for _ in range(BIG)]
    report = checked(mem_top())
    assert "\x1b" not in report
    assert "\r" not in report
    assert "<class 'mod\\r.Evil\\x1b[31m\\n'>" in report
    assert nasty is not many


def broken_sizes():
    class Broken(list):
        def __sizeof__(self):
            raise ValueError

    class Text(list):
        def __sizeof__(self):
            return "large"

    class Negative(list):
        def __sizeof__(self):
            return -(10**6)

    class TooLarge(list):
        def __sizeof__(self):
            return 10**30

    class Implausible(list):
        def __sizeof__(self):
            return 2**62

    class Exits(list):
        def __sizeof__(self):
            raise SystemExit

    class Missing(list):
        __sizeof__ = None

    return [Broken, Text, Negative, TooLarge, Implausible, Exits, Missing]


@pytest.mark.parametrize("kind", broken_sizes(), ids=lambda kind: kind.__name__)
def test_a_sizeof_that_raises_or_lies_costs_its_own_number(kind):
    nasty = kind([None] * BIG)
    honest = type("Honest", (list,), {})([None] * BIG)
    report = checked(mem_top())
    sizes = [row.split("\t")[0] for row in sections(report)["bytes"] if "[None, None" in row]
    # Both shown, with the native size of their lists.
    assert sizes.count(str(sys.getsizeof(honest))) == 2
    assert nasty is not honest


def test_a_sizeof_of_the_users_is_called_after_the_count():
    class Meddling(list):
        def __sizeof__(self):
            made.append([[i] for i in range(1000)])
            return 10**9

    made: list[object] = []
    nasty = [Meddling() for _ in range(20)]
    gc.collect()
    before = count_of(mem_top(limit=None, safe=True), "<class 'list'>")
    made.clear()
    report = checked(mem_top(limit=100, collect=False))
    rows = [row for row in sections(report)["bytes"] if row.startswith("100000")]
    assert len(rows) == len(nasty)
    counted = int(next(row for row in sections(report)["types"] if row.endswith(" <class 'list'>")).split("\t")[0])
    assert counted == before
    assert len(made) == 20


def test_a_keyboard_interrupt_in_a_sizeof_passes():
    class Interrupting(list):
        def __sizeof__(self):
            raise KeyboardInterrupt

    nasty = Interrupting([None])
    with pytest.raises(KeyboardInterrupt):
        mem_top()
    checked(mem_top(safe=True))
    assert nasty


def metaclass(name, **methods):
    return type(name, (type,), methods)


def fails(*_):
    raise RuntimeError("a metaclass that fails")


class Confused:
    """What a type takes itself for that lies about its identity. Only this file has instances: dicts are made by other
    threads too, such as those of pytest-xdist."""


METACLASSES = {
    "hash raises": metaclass("HashRaises", __hash__=fails),
    "eq raises": metaclass("EqRaises", __eq__=fails, __hash__=type.__hash__),
    "eq lies": metaclass("EqLies", __eq__=lambda *_: True, __hash__=lambda _: hash(Confused)),
    "repr raises": metaclass("ReprRaises", __repr__=fails),
    "str raises": metaclass("StrRaises", __str__=fails, __format__=fails),
    "getattribute raises": metaclass("GetattributeRaises", __getattribute__=fails),
    "name lies": metaclass("NameLies", __name__=property(fails), __module__=property(fails)),
    "instancecheck lies": metaclass("InstanceLies", __instancecheck__=lambda *_: True, __subclasscheck__=fails),
    "len and bool raise": metaclass("BoolRaises", __bool__=fails, __len__=fails),
}


@pytest.mark.parametrize("kind", METACLASSES)
@pytest.mark.parametrize("safe", [False, True])
def test_types_are_told_apart_by_identity(kind, safe):
    of = METACLASSES[kind]("Instance", (), {})
    many = [object.__new__(of) for _ in range(BIG)]
    others = [Confused() for _ in range(500)]
    for arguments in ({"limit": None}, {"refs_format": "{num}\t{type.__name__} {type} {type!r} {obj}"}):
        report = checked(mem_top(safe=safe, **arguments))
        if "limit" in arguments:
            assert count_of(report, f"<class '{__name__}.Confused'>") == len(others) == 500
        rows = [row for row in sections(report)["types"] if row.startswith(f"{BIG}\t")]
        assert len(rows) == 1
        name = type.__dict__["__module__"].__get__(of) + ".Instance"
        assert f"<class '{name}'>" in rows[0] or "broken __repr__" in rows[0]
    assert len(many) == BIG


def test_an_object_that_lies_about_its_class():
    class Lying:
        @property
        def __class__(self):
            raise RuntimeError

        @property
        def __dict__(self):
            raise RuntimeError

        def __getattribute__(self, name):
            raise RuntimeError

    many = [Lying() for _ in range(BIG)]
    name = f"{Lying.__module__}.{Lying.__qualname__}"
    assert count_of(checked(mem_top()), f"<class '{name}'>") == BIG
    assert len(many) == BIG


def test_busy_threads_do_not_run_into_the_count():
    class Left:
        pass

    class Right:
        pass

    stop = threading.Event()

    def churn():
        while not stop.is_set():
            # Made and let go of as pairs, within one bytecode of each other at most.
            kept = [(Left(), Right()) for _ in range(3000)]
            kept.clear()

    previous = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    pairs = [(Left(), Right()) for _ in range(10_000)]
    threads = [threading.Thread(target=churn) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(10):
            report = mem_top(width=200, safe=True)
            left, right = (count_of(report, f"<class '{of.__module__}.{of.__qualname__}'>") for of in (Left, Right))
            # Each thread can be between the two of one pair.
            assert abs(left - right) <= len(threads)
            assert left >= len(pairs)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(previous)
    checked(mem_top())


def test_no_instance_is_given_a_dict():
    class Plain:
        def __init__(self, n):
            self.n = n
            self.text = str(n)

    many = [Plain(i) for i in range(BIG)]
    gc.collect()
    referents = [len(gc.get_referents(one)) for one in many]
    before = resident()
    for arguments in ({}, {"safe": True}, {"limit": 1000, "collect": False}):
        checked(mem_top(**arguments))
    assert [len(gc.get_referents(one)) for one in many] == referents
    # A dict each would be several MB.
    assert resident() - before < 2_000_000


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_safe_runs_no_code_at_all():
    ran = []

    def telling(name):
        def method(self, *arguments):
            ran.append(name)
            return NotImplemented

        return method

    names = ["__repr__", "__str__", "__format__", "__sizeof__", "__hash__", "__eq__", "__len__", "__iter__", "__bool__"]
    names += ["__getattribute__", "__reduce__", "__dir__", "__del__"]
    Meta = type("Meta", (type,), {name: telling(f"Meta.{name}") for name in names if name != "__del__"})
    body = {name: telling(name) for name in names}
    body["keys"] = body["items"] = body["values"] = telling("items")
    bases = (list, dict, set, object)
    nasty = []
    for base in bases:
        one = type.__call__(type.__call__(Meta, f"Telling{base.__name__}", (base,), dict(body)))
        nasty.append(one)
        if base is list:
            list.extend(one, [one] * BIG)
        elif base is dict:
            dict.update(one, dict.fromkeys(range(BIG), one))
        elif base is set:
            set.update(one, range(BIG))
    holder = {f"key-{i}": one for i, one in enumerate(nasty * 50)}
    ran.clear()
    report = mem_top(safe=True, limit=50, width=300, verbose_types=[list, dict], verbose_file_name=None)
    report += mem_top(safe=True, limit=50, width=300)
    assert list(ran) == []
    assert "Tellinglist object at 0x" in report
    assert holder
    for base, one in zip(bases, nasty, strict=True):
        if base is not object:
            base.clear(one)
