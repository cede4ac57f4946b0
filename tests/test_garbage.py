"""Garbage and uncollectable cycles: the cases of `tests/zoo/garbage`, from within, from outside and by the collector.

Each case runs four rounds of 300 steps, with a snapshot after each: in its own process, and from outside on an old and
on this CPython.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_zoo import ROUNDS, STEPS, ZOO, child, missing
from test_zoo_outside import mem_top, standing, tell
from zoo_judge import expected, faults

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import interpreters

CASES = sorted((ZOO / "garbage").glob("*.py"))
FOUND = {version: path for version in ("3.8", "3.13", "3.15") if (path := interpreters.find(version))}


def judge(path: Path, answer: dict[str, Any]) -> None:
    wrong = faults(expected(path.read_text(encoding="utf-8")), answer)
    assert not wrong, "\n".join([*wrong, answer["reason"]])


def skip_without_packages(path: Path) -> None:
    if absent := missing(path):
        pytest.skip(f"needs {', '.join(absent)}")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_from_within(path: Path, tmp_path: Path) -> None:
    skip_without_packages(path)
    driven = child(str(ZOO / "drive.py"), str(path), str(STEPS), str(ROUNDS), str(tmp_path))
    assert driven.returncode == 0, driven.stderr[-3000:]
    judge(path, json.loads(driven.stdout))


def from_outside(python: str, path: Path, folder: Path) -> "tuple[dict[str, Any], list[str]]":
    files = [str(folder / f"{number}.parquet") for number in range(ROUNDS)]
    with standing(python, path) as case:
        for file in files:
            tell(case, "round", "done")
            dumped = mem_top("dump", str(case.pid), "-o", file)
            assert dumped.returncode == 0, dumped.stderr
    told = mem_top("leaks", "--json", *files)
    assert told.returncode in (0, 1, 3), told.stderr
    return json.loads(told.stdout), files


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_from_outside(path: Path, tmp_path: Path) -> None:
    skip_without_packages(path)
    judge(path, from_outside(sys.executable, path, tmp_path)[0])


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
@pytest.mark.parametrize("version", FOUND)
@pytest.mark.parametrize("name", ["zone_remembers_moment", "collector_off", "frozen_each_time", "ok_rhythm"])
def test_other_versions(version: str, name: str, tmp_path: Path) -> None:
    path = ZOO / "garbage" / f"{name}.py"
    judge(path, from_outside(FOUND[version], path, tmp_path)[0])


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
def test_a_report_names_the_hidden_reference_and_the_collector(tmp_path: Path) -> None:
    _, files = from_outside(sys.executable, ZOO / "garbage" / "zone_remembers_moment.py", tmp_path)
    told = mem_top("report", "--json", files[-1])
    answer = json.loads(told.stdout)
    assert answer["uncollectable"]["hidden_by"] == ["datetime.datetime"]
    assert answer["uncollectable"]["count"] >= STEPS * ROUNDS * 4
    assert answer["collector"]["enabled"] and not answer["collector"]["frozen"]
    text = mem_top("report", files[-1]).stdout
    assert "in cycles that the collector never frees: through datetime.datetime" in " ".join(text.split())
    assert "the collector is on; thresholds" in " ".join(text.split())


STATE = """
import gc, json, mem_top
gc.set_threshold(900, 12, 11)
LINE
def state():
    numbers = gc.get_stats()
    return {
        "enabled": gc.isenabled(),
        # 3.12 freezes some objects itself when it starts.
        "frozen": gc.get_freeze_count() > 1000,
        "thresholds": list(gc.get_threshold()),
        "collections": [of["collections"] for of in numbers],
        "collected": [of["collected"] for of in numbers],
    }
before = state()
told = mem_top.snapshot().to_dict()["collector"]
print(json.dumps([before, told, state()]))
"""


@pytest.mark.parametrize("line", ["", "gc.disable()", "gc.freeze()", "gc.collect()", "gc.set_threshold(0)"])
def test_the_state_of_the_collector_is_what_gc_says(line: str) -> None:
    ran = child("-c", STATE.replace("LINE", line))
    assert ran.returncode == 0, ran.stderr
    before, told, after = json.loads(ran.stdout)
    for name in ("enabled", "frozen", "thresholds"):
        assert told[name] == before[name], name
    # Between the two, the youngest generation may have been collected.
    for name in ("collections", "collected"):
        assert all(least <= one <= most for least, one, most in zip(before[name], told[name], after[name])), name
