"""`{growth}`: the change of a row's number since the last call in this process."""

import gc

from reports import count_of, sections

from mem_top import mem_top

FORMATS = {f"{section}_format": "{num}|{growth}|{obj}" for section in ("refs", "bytes", "types")}


class Leaked:
    pass


def rows(report, section):
    return {text: (int(num), growth) for num, growth, text in (row.split("|", 2) for row in sections(report)[section])}


def type_row(report, of=Leaked):
    name = f"<class '{of.__module__}.{of.__qualname__}'>"
    return rows(report, "types")[name]


def test_types_are_exact_whether_shown_or_not():
    kept = [Leaked() for _ in range(5)]
    mem_top(limit=0)
    kept += [Leaked() for _ in range(7)]
    assert type_row(mem_top(limit=None, **FORMATS)) == (12, "+7")
    del kept[:4]
    assert type_row(mem_top(limit=None, **FORMATS)) == (8, "-4")
    assert type_row(mem_top(limit=None, **FORMATS)) == (8, "+0")


def test_a_type_that_was_not_there_grew_from_nothing():
    mem_top(limit=1)
    New = type("New", (), {"__qualname__": "New"})
    kept = [New() for _ in range(3)]
    assert type_row(mem_top(limit=None, **FORMATS), New) == (3, "+3")
    assert kept


def test_a_type_at_the_address_of_a_dead_one_is_new():
    for _ in range(50):
        Old = type("Reborn", (), {"__qualname__": "Reborn"})
        kept = [Old() for _ in range(40)]
        address = id(Old)
        mem_top(limit=1)
        del Old, kept
        gc.collect()
        Young = type("Reborn", (), {"__qualname__": "Reborn"})
        if id(Young) == address:
            young = [Young() for _ in range(10)]
            assert len(young) == 10
            assert type_row(mem_top(limit=None, **FORMATS), Young) == (10, "+10")
            return
        del Young
    # The allocator never gave the address again: then nothing could be mixed up either.


def test_references_and_bytes_only_where_the_row_stood_before():
    # Larger than anything that other tests, or what they import, have left.
    large = [None] * 500_000
    small = [1] * 400_000
    mem_top(limit=1)
    large += [None] * 123
    report = mem_top(limit=2, **FORMATS)
    refs = list(rows(report, "refs").values())
    assert refs == [(500_123, "+123"), (400_000, "")]
    sizes = list(rows(report, "bytes").values())
    assert sizes[0][1].startswith("+")
    assert sizes[1][1] == ""
    assert small


def test_another_object_at_the_same_address_is_not_compared():
    mem_top(limit=1, refs_format="{num}")
    report = mem_top(limit=3, **FORMATS)
    assert len(rows(report, "refs")) == 3


def test_the_first_call_of_a_process_knows_no_growth(python):
    out = python(
        "from mem_top import mem_top\n"
        "print(mem_top(limit=3, refs_format='<{growth}>', bytes_format='<{growth}>', types_format='<{growth}>'))\n"
        "print(mem_top(limit=3, refs_format='[{growth}]', bytes_format='[{growth}]', types_format='[{growth}]'))\n"
    ).check()
    assert out.count("<>") == 9
    # All three types; of the others those that stood in the first report too.
    assert out.count("[+") + out.count("[-") >= 6
    assert out.split("types:")[2].count("[]") == 0


def test_growth_can_be_aligned_like_any_text():
    kept = [Leaked()]
    mem_top()
    assert "|      +0|" in mem_top(types_format="{num}|{growth:>8}|{obj}")
    assert kept


def test_what_is_remembered_of_dead_types_is_not_counted():
    name = "<class 'weakref.ReferenceType'>"

    def references():
        """Those that are counted more than there are without us: gc's own are all there when the call is over."""
        report = mem_top(limit=None, width=100, safe=True, refs_format="", bytes_format="")
        return count_of(report, name) - sum(type.__repr__(type(one)) == name for one in gc.get_objects())

    assert references() == 0
    kept = [type(f"Short{n}", (), {})() for n in range(300)]
    mem_top(limit=1)
    del kept
    gc.collect()
    assert references() == 0
