"""Answers of the Python API: plain frozen values, for a person, a program and a notebook."""

import datetime
import gc
import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import mem_top


class Crate:
    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.label = f"crate of {weight} kg"


class Ship:
    def __init__(self) -> None:
        self.hold = [Crate(number) for number in range(100)]


ship = Ship()


@pytest.fixture(scope="module")
def series() -> Iterator[list[mem_top.Snapshot]]:
    taken = []
    for day in range(4):
        ship.hold.extend(Crate(number) for number in range(300))
        taken.append(mem_top.snapshot(work=300 * day))
    yield taken
    del ship.hold[100:]


QUESTIONS = {
    "types": lambda series: series[-1].types(),
    "top": lambda series: series[-1].top(),
    "top by size": lambda series: series[-1].top(by="shallow"),
    "top by references": lambda series: series[-1].top(by="refs", limit=3),
    "why a type": lambda series: series[-1].why("Crate"),
    "why a class": lambda series: series[-1].why(Crate),
    "why an address": lambda series: series[-1].why(id(ship.hold)),
    "why an object": lambda series: series[-1].why(ship),
    "diff": lambda series: series[-1].diff(series[0]),
    "memory": lambda series: series[-1].memory(),
    "report": lambda series: series[-1].report(),
    "leaks": lambda series: mem_top.leaks(*series),
    "candidates": lambda series: mem_top.leaks(*series[:2]),
    "one heap": lambda series: mem_top.leaks(series[-1]),
    "loaded": lambda series: series[-1],
}


@pytest.fixture(params=sorted(QUESTIONS))
def answer(request: pytest.FixtureRequest, series: list[mem_top.Snapshot]) -> Any:
    return QUESTIONS[request.param](series)


class Tags(HTMLParser):
    """Finds what is left open, and what a notebook must not be given."""

    void = frozenset({"br", "hr", "img", "meta", "link", "input", "path", "rect", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


def test_a_person_reads_it(answer):
    text = str(answer)
    assert text.strip()
    assert "\x1b" not in text
    assert "{" not in text.splitlines()[0]


def test_a_program_reads_it(answer):
    fields = answer.to_dict()
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    # A copy: what is done to it is not done to the answer.
    fields.clear()
    assert answer.to_dict()


def test_a_notebook_shows_it(answer):
    html = answer._repr_html_()
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert not tags.open
    assert tags.seen
    assert not {"script", "iframe", "img", "link", "a", "style"} & set(tags.seen)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href")]


def test_it_cannot_be_changed(series):
    answer = mem_top.leaks(*series)
    for of in (answer, answer.suspects[0]):
        with pytest.raises(AttributeError, match="cannot be changed"):
            of.holder = "nobody"
        with pytest.raises(AttributeError, match="cannot be changed"):
            del of.holder
    with pytest.raises(AttributeError):
        series[0].pause = 0.0  # type: ignore[misc]


def test_a_field_that_is_not_there_is_answered_with_those_that_are(series):
    with pytest.raises(AttributeError, match=r"no field 'suspicion': the fields are .*suspects.*verdict"):
        _ = mem_top.leaks(*series).suspicion


def test_it_can_be_sent_to_another_process_and_compared(series):
    answer = mem_top.leaks(*series)
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer
    assert hash(again) == hash(answer)
    assert (str(again), again._repr_html_()) == (str(answer), answer._repr_html_())
    assert again.suspects == answer.suspects
    assert answer != mem_top.leaks(*series[:2])
    assert "verdict" in answer
    assert set(answer) == set(answer.to_dict())
    assert len(answer) == len(answer.to_dict())
    assert "verdict" in dir(answer)


def test_the_leak_is_named(series):
    answer = mem_top.leaks(*series)
    assert answer.verdict == "leak"
    suspect = answer.suspects[0]
    assert suspect.holder == "test_answers.ship.hold"
    assert suspect.holder_type == "list"
    assert suspect.cause == "container"
    assert suspect["growth"] == (300, 300, 300)
    assert suspect.leaked[0].type == "test_answers.Crate"
    assert str(suspect) == suspect.summary
    assert "test_answers.ship.hold (a list) gained 300 test_answers.Crate objects" in suspect.summary
    assert "about 1 item per unit of work" in suspect.evidence


def test_a_series_is_put_in_order(series):
    mixed = mem_top.leaks(series[2], series[0], series[3], series[1])
    told = mem_top.leaks(*series)
    assert mixed.suspects == told.suspects
    assert any("order" in note for note in mixed.notes)


def test_the_same_snapshot_twice_says_nothing_new(series):
    answer = mem_top.leaks(series[0], series[0])
    assert not answer.suspects


def test_numbers_agree_with_each_other(series):
    last = series[-1]
    types = last.types(limit=None).to_dict()
    assert sum(row["count"] for row in types["types"]) == last.objects == last.report().to_dict()["total"]["count"]
    assert sum(row["bytes"] for row in types["types"]) == last.bytes
    grown = {row["type"]: row for row in last.diff(series[0], limit=None).to_dict()["types"]}
    assert grown["test_answers.Crate"]["growth"] == 900
    memory = last.memory().to_dict()
    assert last.rss == memory["rss"]
    top = last.top(by="retained", limit=5).objects
    assert [row.retained_bytes for row in top] == sorted((row.retained_bytes for row in top), reverse=True)


def test_limits(series):
    last = series[-1]
    assert len(last.types(limit=3).types) == 3
    assert len(last.types(limit=0).types) == 0
    assert len(last.types(limit=None).types) > 100
    for ask in (last.types, last.top, last.report, lambda limit: last.why("Crate", limit=limit)):
        with pytest.raises(ValueError, match="limit must be 0 or more, or None for all, not -1"):
            ask(limit=-1)


def test_what_is_asked_for_and_is_not_there(series):
    last = series[-1]
    with pytest.raises(LookupError, match="Crate"):
        last.why("Crat")
    with pytest.raises(LookupError, match="0x10"):
        last.why(0x10)

    class Late:
        pass

    # Where the memory is used again, another object was at the address.
    late = [Late() for _ in range(10_000)]
    for one in late[::100]:
        with pytest.raises(LookupError):
            last.why(one)
    with pytest.raises(ValueError, match="retained"):
        last.top(by="beauty")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs snapshots"):
        mem_top.leaks()


def test_objects_are_asked_for_without_running_their_code(series):
    class Trap:
        @property
        def __class__(self) -> type:  # type: ignore[override]
            raise AssertionError("it was asked what it is")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("it was compared")

        __hash__ = None  # type: ignore[assignment]

        def __index__(self) -> int:
            raise AssertionError("it was taken for a number")

    trap = Trap()
    answer = mem_top.snapshot().why(trap)
    assert "local 'trap'" in str(answer)


def test_snapshots_of_two_processes_are_refused(series, tmp_path):
    other = tmp_path / "other.parquet"
    program = f"import mem_top; mem_top.snapshot().save({str(other)!r})"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
    with pytest.raises(ValueError, match="process"):
        mem_top.leaks(mem_top.load(other), *series)
    with pytest.raises(ValueError, match="process"):
        mem_top.load(other).diff(series[0])
    assert mem_top.load(other).diff(series[0], any_process=True).types


def test_a_snapshot_says_what_it_is(series, tmp_path):
    last = series[-1]
    assert repr(last).startswith("<mem_top.Snapshot of PID ")
    assert last.pause is not None
    assert 0 < last.pause < 60
    assert last.work == 900
    assert last.rss is None or last.rss > last.bytes / 2
    now = datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(0) <= now - last.taken_at < datetime.timedelta(hours=1)
    file = tmp_path / "a.parquet"
    assert last.save(file) == file.stat().st_size
    again = mem_top.load(file)
    assert (again.objects, again.bytes, again.pause, again.work, again.taken_at) == (
        last.objects,
        last.bytes,
        last.pause,
        last.work,
        last.taken_at,
    )
    assert again.report().to_dict()["total"] == last.report().to_dict()["total"]
    assert str(again.why("Crate")) == str(last.why("Crate"))


def test_collecting_is_done_on_request_alone():
    gc.collect()
    done: list[str] = []
    gc.callbacks.append(lambda phase, info: done.append(phase))
    try:
        gc.disable()
        mem_top.snapshot()
        assert not done
        mem_top.snapshot(collect=True)
        assert "start" in done
    finally:
        gc.enable()
        gc.callbacks.pop()


def test_a_file_that_is_none_is_refused(tmp_path):
    nothing = tmp_path / "nothing.parquet"
    with pytest.raises(FileNotFoundError):
        mem_top.load(nothing)
    with pytest.raises(OSError, match="a directory"):
        mem_top.load(tmp_path)
    Path(nothing).write_text("no heap")
    with pytest.raises(ValueError, match=r"nothing\.parquet"):
        mem_top.load(nothing)
    with pytest.raises(OSError):
        mem_top.snapshot().save(tmp_path / "not there" / "a.parquet")


def test_logging_is_not_set_up_by_importing():
    program = "import sys, mem_top; print('logging' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "False\n"
    assert logging.getLogger("mem_top").handlers == []
