"""The benchmark's own tests: the arithmetic, the tables, the heap, and that no failure is lost."""

import argparse
import gc
import json
import platform
import random
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import figures
import heap
import machine
import memory
import peers
import rows
import run
import tables
from figures import Heap, Outcome, Target
from measure import Measured, Pair

PLAIN = Heap(1_000_000, "plain")
LARGE = Heap(1_000_000, "large")


def pair(cpu: float, yard: float) -> Pair:
    return {"cpu": cpu, "wall": 2 * cpu, "yard_cpu": yard, "yard_wall": yard}


def measured(ratio: float, peak: int | None = 4_000_000, kept: int | None = 1_000_000) -> Measured:
    pairs = [pair(ratio * yard, yard) for yard in (0.5, 0.25, 1.0)]
    return {
        "objects": 1_000_000,
        "heap": 200_000_000,
        "peak": peak,
        "peak_method": "VmHWM",
        "kept": kept,
        "facts": {},
        "pairs": pairs,
    }


def outcomes(**ratios: float) -> dict[str, Outcome]:
    names = {"counters": rows.COUNTERS, "whole": rows.OURS, "old": rows.OLD, "safe": rows.SAFE}
    return {names[key]: Outcome(names[key], figures.figures([measured(value)])) for key, value in ratios.items()}


def line(lines: list[Target], text: str) -> Target:
    return next(line for line in lines if line.text == text)


def test_a_disturbed_pair_does_not_change_the_ratio() -> None:
    assert figures.ratio([pair(1, 2), pair(9, 1), pair(2, 4)]) == 0.5


def test_a_row_has_the_median_of_its_rounds_with_least_and_most() -> None:
    of = figures.figures([measured(3.0), measured(1.0), measured(1.5)])
    assert of.ratio == figures.Spread(1.5, 1.0, 3.0)
    assert of.rounds == 3
    assert of.each(of.peak) == 4.0
    assert of.wall == 2 * of.cpu


def test_memory_that_the_system_does_not_tell_is_none_and_no_zero() -> None:
    of = figures.figures([measured(1.0, peak=None, kept=None)])
    assert of.peak is None
    assert of.kept is None
    assert of.each(of.peak) is None
    assert tables.number(of.peak) == "-"


def test_no_rounds_are_an_error() -> None:
    with pytest.raises(ValueError, match="no round"):
        figures.figures([])


def test_targets_are_met_at_their_limit_and_missed_beyond() -> None:
    lines = figures.targets(PLAIN, outcomes(counters=0.25, whole=1.5, old=3.0))
    assert line(lines, "mem_top(collect=False) against gc.collect()").met is True
    assert line(lines, "mem_top() against gc.collect()").met is False
    faster = line(lines, "mem_top() faster than mem_top 0.2.1")
    assert faster.value == 2.0
    assert faster.met is False
    assert line(lines, "mem_top(): extra peak memory").value == 4.0
    assert line(lines, "mem_top(): memory kept after the call").value == 0.5


def test_the_large_heap_has_its_own_target() -> None:
    lines = figures.targets(LARGE, outcomes(whole=1.0, old=11.0))
    assert line(lines, "mem_top() faster than mem_top 0.2.1").met is False


def test_a_target_without_its_rows_is_not_met() -> None:
    failed = {**outcomes(whole=1.0), rows.OLD: Outcome(rows.OLD, failed="no network")}
    of = line(figures.targets(PLAIN, failed), "mem_top() faster than mem_top 0.2.1")
    assert of.value is None
    assert of.met is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.0001, "0"),
        (0.0946, "0.095"),
        (0.5, "0.500"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (-1.5, "-1.50"),
    ],
)
def test_numbers_are_readable(value: float | None, text: str) -> None:
    assert tables.number(value) == text


def test_a_table_is_aligned_and_its_cells_are_safe() -> None:
    lines = tables.table(("a", "long head"), [("x|y\nz", "1"), ("", "22")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines == [
        "| a      | long head |",
        "|--------|----------:|",
        "| x\\|y z |         1 |",
        "|        |        22 |",
    ]


def test_a_section_shows_what_failed_and_what_was_skipped_with_reasons() -> None:
    results = {
        **outcomes(whole=1.1),
        "a": Outcome("a", failed="ValueError: odd"),
        "b": Outcome("b", skipped="it takes minutes"),
    }
    text = tables.section(PLAIN, results, figures.targets(PLAIN, results))
    assert re.search(r"^\| a +\| +FAILED \|", text, re.M)
    assert re.search(r"^\| b +\| +skipped \|", text, re.M)
    assert "- a: failed: ValueError: odd\n- b: skipped: it takes minutes" in text
    assert re.search(r"^\| mem_top\(\) against gc\.collect\(\) +\| +1\.10 x \| +≤ 1\.3 \| +yes \|$", text, re.M)


def test_a_lower_bound_of_the_peak_is_marked_and_explained() -> None:
    of = measured(1.0)
    of["peak_method"] = "ru_maxrss"
    results = {PLAIN: {rows.OURS: Outcome(rows.OURS, figures.figures([of]))}}
    text = tables.page(results, {PLAIN: []}, rows.ROWS, {"date": "today"}, 1)
    assert "4.00*" in text
    assert "can be too small" in text


def test_the_page_tells_every_row_and_nothing_of_where_it_ran() -> None:
    results = {PLAIN: outcomes(counters=0.1, whole=1.1, old=9.0)}
    facts = machine.describe(["objgraph 3.7.0"])
    text = tables.page(results, {on: figures.targets(on, of) for on, of in results.items()}, rows.ROWS, facts, 1)
    assert all(f"- **{row.name}**" in text for row in rows.ROWS)
    assert "the stretch too" in text
    assert platform.node() not in text
    assert str(run.ROOT) not in text
    assert str(Path.home()) not in text


@pytest.mark.parametrize("shape", heap.SHAPES)
def test_the_heap_has_the_size_and_the_shape_that_were_asked_for(shape: str) -> None:
    before = {id(obj) for obj in gc.get_objects()}
    # Tests keep objects of their own: the heap comes on top of them.
    asked = len(before) + 60_000
    root = heap.build(asked, shape)
    gc.collect()
    objects = gc.get_objects()
    assert abs(len(objects) - asked) < 0.03 * asked
    widest = max(
        len(obj) for obj in objects if id(obj) not in before and type(obj) in (dict, list, set) and obj is not before
    )
    assert widest <= heap.WIDEST if shape == "plain" else widest >= heap.LARGE
    kinds = {type(obj).__name__ for obj in objects if id(obj) not in before}
    assert {"User", "Order", "dict", "list", "tuple", "set", "function", "cell"} <= kinds
    del root


def test_the_same_seed_gives_the_same_heap() -> None:
    def told(seed: int) -> str:
        add, root = heap._large(random.Random(seed))
        add(3)
        return re.sub("0x[0-9a-f]+", "", repr(root[:2]))  # type: ignore[index]

    assert told(1) == told(1) != told(2)


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="round"):
        heap.build(60_000, "round")


def test_the_peak_of_a_call_is_seen_though_it_is_over() -> None:
    # Else what an earlier test has let go of is taken again, and nothing is added.
    memory.release_free()
    method, extra = memory.start_peak()
    held = bytearray(b"x") * 50_000_000
    del held
    seen = extra()
    if method == "VmHWM":
        assert seen is not None
        assert seen > 45_000_000


def options(*arguments: str) -> argparse.Namespace:
    return run.parse(["--no-peers", "--quick", *arguments])


def test_a_row_is_measured_in_a_process_of_its_own() -> None:
    of = run.run_row(rows.by_name(rows.COLLECT), Heap(heap.SMALLEST, "plain"), None, options())
    assert abs(of["objects"] - heap.SMALLEST) < 0.03 * heap.SMALLEST
    assert len(of["pairs"]) == 2
    assert 0.3 < figures.ratio(of["pairs"]) < 3


def test_a_process_that_raises_tells_why() -> None:
    unknown = rows.Row("unknown", "", rows.by_name(rows.COLLECT).setup, lambda result, objects: True)
    with pytest.raises(run.RowError, match="KeyError: 'unknown'"):
        run.run_row(unknown, Heap(heap.SMALLEST, "plain"), None, options())


def test_a_process_that_does_not_end_is_ended() -> None:
    with pytest.raises(run.RowError, match=r"more than 0\.01 s"):
        run.run_row(rows.by_name(rows.COLLECT), Heap(heap.SMALLEST, "plain"), None, options("--timeout", "0.01"))


def test_a_failing_row_is_shown_once_and_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []

    def run_row(row: rows.Row, *_: object) -> Measured:
        calls.append(row.name)
        if row.name == rows.SAFE:
            raise run.RowError("it broke")
        return measured(1.0)

    monkeypatch.setattr(run, "run_row", run_row)
    assert run.main(["--no-peers", "--quick", "--rounds", "3", "--shapes", "plain", "--json"]) == 1
    told = {row["row"]: row for row in json.loads(capsys.readouterr().out)["heaps"][0]["rows"]}
    assert told[rows.SAFE]["failed"] == "it broke"
    assert told[rows.OURS]["figures"]["rounds"] == 3
    assert calls.count(rows.SAFE) == 1
    assert calls.count(rows.OURS) == 3
    assert len(set(calls[: len(told)])) == len(told), "each row has its turn before any has its second"


def test_slow_rows_have_one_round_on_a_million_objects_and_the_slowest_is_skipped_beyond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "run_row", lambda *_: measured(20.0))
    monkeypatch.setattr(peers, "install", lambda *_: Path())
    asked = run.parse(["--rounds", "2"])
    million, ten = (run.run_heap(Heap(size, "plain"), rows.ROWS, asked) for size in (10**6, 10**7))
    assert {name: of.figures.rounds for name, of in million.items() if of.figures} == {
        row.name: 1 if row.slow else 2 for row in rows.ROWS
    }
    assert [name for name, of in ten.items() if of.skipped] == ["Pympler summarize"]


def test_a_peer_that_cannot_be_installed_fails_its_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def install(*_: object) -> Path:
        raise peers.PeerError("no network")

    monkeypatch.setattr(run, "run_row", lambda *_: measured(1.0))
    monkeypatch.setattr(peers, "install", install)
    of = run.run_heap(PLAIN, rows.ROWS, run.parse([]))
    assert {row.name for row in rows.ROWS if row.peer} == {
        name for name, one in of.items() if one.failed == "no network"
    }


def test_only_a_whole_run_writes_the_page_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_LARGE", raising=False)
    assert run.parse([]).output == run.PAGE
    assert run.parse([]).sizes == [100_000, 1_000_000]
    for partial in (["--quick"], ["--no-peers"], ["--rows", "mem_top"], ["--sizes", "100000"], ["--shapes", "large"]):
        assert run.parse(partial).output is None
    monkeypatch.setenv("BENCH_LARGE", "1")
    assert run.parse([]).sizes == [100_000, 1_000_000, 10_000_000]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--sizes", "10"], "must be 50000 or more: 10"),
        (["--rounds", "0"], "must be 1 or more: 0"),
        (["--shapes", "round"], "unknown: round"),
        (["--rows", "nothing"], "no row is left"),
    ],
)
def test_wrong_options_are_refused(wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.parse(wrong)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_every_row_of_ours_runs_on_a_small_heap(capsys: pytest.CaptureFixture[str]) -> None:
    """All that need nothing fetched or built. What they measure is no matter here."""
    asked = [text for row in ("snapshot", "leaks()", "mem_top(", "load()", "gc.") for text in ("--rows", row)]
    options = ["--sizes", "50000", "--rounds", "1", "--pairs", "1", "--no-peers", "--json", *asked]
    assert run.main(options) == 0
    told = capsys.readouterr()
    heaps = json.loads(told.out)["heaps"]
    assert [one["shape"] for one in heaps] == ["plain", "large"]
    for one in heaps:
        found = {row["row"]: row["figures"] for row in one["rows"]}
        assert {rows.PAUSE, rows.RETAINED, rows.LEAKS, rows.SAVE, rows.LOAD} <= set(found)
        assert all(row is not None for row in found.values()), told.err
