"""Watching from a background thread: what leaks is told once, by name; the program does not notice."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import mem_top
from mem_top import _watching

LONG = 300.0


class Ware:
    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"ware {number}"


class Shop:
    def __init__(self) -> None:
        self.seen: list[Ware] = []

    def serve(self, customers: int = 200) -> None:
        self.seen.extend(Ware(number) for number in range(customers))


@pytest.fixture
def shop() -> Iterator[Shop]:
    global kept
    kept = Shop()
    yield kept
    del kept


kept: Shop


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks as often as was asked for, also where a loaded machine takes long for each."""
    monkeypatch.setattr(_watching, "_PAUSE_BUDGET", 1.0)


def until(what: Callable[[], object], longest: float = LONG) -> None:
    end = time.monotonic() + longest
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def test_a_suspect_is_told_once_by_name(shop, caplog):
    told: list[Any] = []
    with (
        caplog.at_level(logging.WARNING, logger="mem_top"),
        mem_top.watching(every=LONG, callback=told.append) as watch,
    ):
        until(lambda: watch._series)
        for _ in range(5):
            shop.serve()
            watch.tick(200)
            watch.look()
    assert [one.holder for one in told] == ["test_watching.kept.seen"]
    warnings = [record.getMessage() for record in caplog.records]
    assert [one for one in warnings if "test_watching.kept.seen" in one] == warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("memory leak: test_watching.kept.seen (a list) gained ")
    assert told[0].confidence >= 0.8
    assert any("about 1 item per unit of work" in one for one in told[0].evidence)


def test_the_thread_looks_by_itself(shop, often):
    with mem_top.watching(every=0.05) as watch:
        stop = time.monotonic() + LONG
        while (watch.answer is None or not watch.answer.suspects) and time.monotonic() < stop:
            shop.serve()
            time.sleep(0.02)
    assert watch.answer is not None
    assert watch.answer.verdict == "leak"
    assert watch.answer.suspects[0].holder == "test_watching.kept.seen"
    assert watch.to_dict() == json.loads(json.dumps(watch.answer.to_dict()))


def test_what_does_not_grow_is_told_of_nobody(caplog):
    told: list[Any] = []
    watch = mem_top.watching(every=LONG, callback=told.append)
    with caplog.at_level(logging.WARNING, logger="mem_top"):
        for _ in range(5):
            watch.look()
    assert not told
    assert not caplog.records
    assert watch.answer is not None
    assert not watch.answer.suspects


def test_nothing_is_told_by_the_unit_where_none_was_counted(shop):
    watch = mem_top.watching(every=LONG)
    for _ in range(4):
        shop.serve()
        watch.look()
    assert watch.answer is not None
    suspect = watch.answer.suspects[0]
    assert suspect.holder == "test_watching.kept.seen"
    assert "unit" not in str(watch.answer)
    assert suspect.rate["items_per_unit"] is None


def test_work_is_counted_while_a_look_takes_its_time(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(work: float | None) -> mem_top.Snapshot:
        begun.set()
        assert go_on.wait(LONG)
        return mem_top.snapshot(work)

    monkeypatch.setattr(_watching, "snapshot", slow)
    with mem_top.watching(every=LONG) as watch:
        assert begun.wait(LONG)
        ticking = threading.Thread(target=watch.tick, args=(3,))
        ticking.start()
        ticking.join(LONG / 3)
        waits = ticking.is_alive()
        go_on.set()
    assert not waits
    assert watch._work == 3


LONG_SERIES = """
import mem_top
watch = mem_top.watching(every=10)
firsts = set()
for count in range(1, 20):
    watch.tick()
    watch.look()
    assert len(watch._series) <= 8
    works = [one.work for one in watch._series]
    firsts.add(works[0])
    assert works[-1] == count
    assert works == sorted(works)
assert firsts == {1}
assert watch._every > 10
"""


def test_a_long_series_is_thinned_out_and_keeps_its_first_and_last(python):
    # In a process of its own, whose heap is small: so many are looked at.
    python(LONG_SERIES).check()


def test_a_callback_that_fails_is_logged_and_the_watch_goes_on(shop, often, caplog):
    def fail(suspect: object) -> None:
        raise LookupError("no pager there")

    with mem_top.watching(every=0.05, callback=fail) as watch:
        stop = time.monotonic() + LONG
        while "no pager there" not in caplog.text and time.monotonic() < stop:
            shop.serve()
            time.sleep(0.02)
        seen = watch._series[-1]
        until(lambda: watch._series[-1] is not seen)
    assert "mem_top could not examine the heap" in caplog.text


def test_looks_are_rarer_where_they_cost_much(monkeypatch):
    waits: list[float] = []

    class Costly:
        pause = 0.5

        def __init__(self, work: float | None) -> None:
            pass

    watch = mem_top.watching(every=1)
    monkeypatch.setattr(_watching, "snapshot", Costly)
    monkeypatch.setattr(_watching, "store", lambda taken: taken)
    monkeypatch.setattr(_watching, "leaks_of_stored", lambda series: None)
    monkeypatch.setattr(watch._stop, "wait", lambda wait: waits.append(wait) or len(waits) == 3)
    watch._run()
    # Half a second may be 1 % of the time.
    assert waits == pytest.approx([50, 50, 50])


def test_it_ends_with_its_block_and_leaves_no_thread():
    before = threading.active_count()
    with mem_top.watching(every=LONG):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_it_can_be_ended_from_its_own_callback(shop, often):
    ended = threading.Event()

    def end(suspect: object) -> None:
        watch.stop()
        ended.set()

    with mem_top.watching(every=0.05, callback=end) as watch:
        stop = time.monotonic() + LONG
        while not ended.is_set() and time.monotonic() < stop:
            shop.serve()
            time.sleep(0.02)
    assert ended.is_set()


@pytest.mark.parametrize("every", [0, -1, float("nan")])
def test_an_interval_is_more_than_nothing(every):
    with pytest.raises(ValueError, match="every must be more than 0 seconds"):
        mem_top.watching(every=every)


def test_it_begins_once():
    with mem_top.watching(every=LONG) as watch, pytest.raises(RuntimeError, match="was already started"):
        watch.__enter__()


def test_the_watch_is_in_no_answer():
    with mem_top.watching(every=LONG) as watch:
        until(lambda: watch._series)
        types = {row.type for row in mem_top.snapshot().types(limit=None).types}
    assert not [name for name in types if name.startswith("mem_top.")]
