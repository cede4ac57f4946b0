"""The account of growth: native memory is found wherever it is, and does not hide behind a small leak, nor it behind native
memory. From outside, with saved files, on several versions; and from within."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_zoo import STEPS, child
from test_zoo_outside import ROUNDS, ZOO, mem_top, standing, tell

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import interpreters

NATIVE = ZOO / "native"
WANTED = ["3.9", "3.12", "3.13"]
FOUND = {version: path for version in WANTED if (path := interpreters.find(version))}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")


def outside(version: str, name: str, folder: Path) -> tuple[dict[str, Any], int]:
    """The answer about a program of `tests/zoo/native` from outside, and the exit status."""
    if version not in FOUND:
        pytest.skip(f"no CPython {version} here")
    files = [str(folder / f"{number}.parquet") for number in range(ROUNDS)]
    with standing(FOUND[version], NATIVE / f"{name}.py") as case:
        for file in files:
            tell(case, "round", "done")
            dumped = mem_top("dump", str(case.pid), "-o", file)
            assert dumped.returncode == 0, dumped.stderr
    told = mem_top("leaks", "--json", *files)
    answer = json.loads(told.stdout)
    adds_up(answer)
    return answer, told.returncode


def inside(name: str, folder: Path) -> dict[str, Any]:
    driven = child(str(ZOO / "drive.py"), str(NATIVE / f"{name}.py"), str(STEPS), str(ROUNDS), str(folder))
    assert driven.returncode == 0, driven.stderr
    answer: dict[str, Any] = json.loads(driven.stdout)
    adds_up(answer)
    return answer


def adds_up(answer: dict[str, Any]) -> None:
    account = answer["account"]
    assert sum(part["growth_bytes"] for part in account["parts"]) == account["resident_growth_bytes"]
    for part in account["parts"]:
        assert sum(part["growth"]) == part["growth_bytes"]
    sizes = [one["bytes"] for one in answer["verdicts"]]
    assert sizes == sorted(sizes, reverse=True)
    assert all(0 <= one["share_of_growth"] <= 1 for one in answer["suspects"])


def grew_most(answer: dict[str, Any]) -> str:
    part: str = answer["account"]["parts"][0]["part"]
    return part


@pytest.mark.parametrize("version", WANTED)
@pytest.mark.parametrize(
    ("name", "part"),
    [("blocks_of_pymalloc", "pymalloc"), ("blocks_of_malloc", "malloc"), ("forgotten_mappings", "mappings")],
)
def test_native_growth_is_found_where_it_is(version: str, name: str, part: str, tmp_path: Path) -> None:
    answer, status = outside(version, name, tmp_path)
    assert (answer["verdict"], answer["suspects"], status) == ("native growth", [], 1), answer["reason"]
    assert grew_most(answer) == part, answer["account"]["parts"]
    assert answer["account"]["malloc"]["library"] == "glibc"
    # It explains nearly all of the growth.
    unexplained = next(one for one in answer["account"]["parts"] if one["part"] == "unexplained")
    assert abs(unexplained["growth_bytes"]) < 0.05 * answer["account"]["resident_growth_bytes"]


@pytest.mark.parametrize(
    ("name", "part"),
    [("blocks_of_pymalloc", "pymalloc"), ("blocks_of_malloc", "malloc"), ("forgotten_mappings", "mappings")],
)
def test_native_growth_is_found_from_within(name: str, part: str, tmp_path: Path) -> None:
    answer = inside(name, tmp_path)
    assert (answer["verdict"], answer["suspects"]) == ("native growth", []), answer["reason"]
    native = {one["part"]: one["growth_bytes"] for one in answer["account"]["parts"]}
    assert native[part] > 0.8 * answer["verdicts"][0]["bytes"], answer["account"]


def test_interned_strings_are_never_freed_on_3_12(tmp_path: Path) -> None:
    answer, status = outside("3.12", "names_interned", tmp_path)
    assert (answer["verdict"], answer["suspects"], status) == ("native growth", [], 1), answer["reason"]
    assert grew_most(answer) == "interned_strings"
    assert "interned strings" in answer["reason"]


def test_interned_strings_are_freed_on_other_versions(tmp_path: Path) -> None:
    answer, status = outside("3.13", "names_interned", tmp_path)
    assert (answer["verdict"], status) == ("no growth", 0), answer["reason"]


def test_a_small_leak_does_not_hide_a_large_one(tmp_path: Path) -> None:
    answer, status = outside("3.13", "malloc_beside_a_list", tmp_path)
    assert [one["verdict"] for one in answer["verdicts"]] == ["native growth", "leak"]
    assert (answer["verdict"], status) == ("native growth", 1)
    [suspect] = answer["suspects"]
    assert (suspect["holder"], suspect["share_of_growth"] < 0.01) == ("case.seen", True)
    native, leak = (one["bytes"] for one in answer["verdicts"])
    assert native > 80_000_000 and leak < 1_000_000
    assert "case.seen keeps growing" in answer["reason"] and "malloc" in answer["reason"]


def test_memory_that_is_freed_is_not_native_growth(tmp_path: Path) -> None:
    answer, _ = outside("3.13", "freed_peaks", tmp_path)
    assert answer["verdict"] == "no growth", answer["reason"]
    assert "resident memory" in answer["reason"]
    malloc = answer["account"]["malloc"]
    assert malloc["trimmable"] <= malloc["free"]
