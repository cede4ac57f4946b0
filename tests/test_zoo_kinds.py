"""The kinds of leaks that a service has in production, and their innocent twins: `tests/zoo/kinds`.

Each program runs four rounds of 300 steps, from within and from outside. Some are also run with rounds of unequal length.
The table in `tests/zoo/README.md` lists the programs of each kind.
"""

import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from test_zoo import ZOO, judged, missing
from test_zoo_outside import from_files
from zoo_judge import accused, expected

KINDS = sorted((ZOO / "kinds").glob("*.py"))

KNOWN_MISSES: dict[str, str] = {}
"""Programs that are not named right, each with the reason why not. No innocent is among them."""

UNEVEN = {
    "800,100,400,200": [
        "metric_labels",
        "unbounded_list",
        "kinds/cachetools_without_bound",
        "kinds/request_in_a_thread",
    ],
    "100,200,400,800": [
        "more/coupon_fill",
        "kinds/ok_jobs_in_bursts",
        "kinds/ok_cachetools_filling",
        "unseen/ok_hand_lru",
    ],
}
"""Numbers of steps in each round, and the programs that are judged as they are with even rounds."""


def wrong_of(paths: list[Path], judge: Callable[[Path], tuple[list[str], dict[str, Any]]]) -> dict[str, list[str]]:
    """The faults of the answer about each program; no innocent may be accused."""
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(paths, pool.map(judge, paths), strict=True))
    wrong = {path.stem: faults for path, (faults, _) in found.items() if faults}
    slandered = [path.stem for path, (_, answer) in found.items() if is_innocent(path) and accused(answer)]
    assert not slandered, as_text(wrong)
    return wrong


def is_innocent(path: Path) -> bool:
    return expected(path.read_text(encoding="utf-8")).innocent


def as_text(wrong: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}: {'; '.join(faults)}" for name, faults in wrong.items())


def test_each_is_named_or_acquitted_from_within() -> None:
    paths = [path for path in KINDS if not missing(path)]
    wrong = wrong_of(paths, judged)
    assert wrong.keys() <= KNOWN_MISSES.keys(), as_text(wrong)


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
def test_each_is_named_or_acquitted_from_outside(tmp_path: Path) -> None:
    paths = [path for path in KINDS if not missing(path)]
    wrong = wrong_of(paths, lambda path: from_files(sys.executable, path, tmp_path / path.stem))
    assert wrong.keys() <= KNOWN_MISSES.keys(), as_text(wrong)


@pytest.mark.parametrize("steps", UNEVEN)
def test_rounds_of_unequal_length_change_nothing(steps: str) -> None:
    paths = [ZOO / f"{name}.py" for name in UNEVEN[steps]]
    paths = [path for path in paths if not missing(path)]
    wrong = wrong_of(paths, lambda path: judged(path, steps))
    assert not wrong, as_text(wrong)


def test_every_program_is_in_the_table_of_kinds() -> None:
    table = (ZOO / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(?:(\w+)/)?(\w+)`", table.split("## Kinds")[1]))
    assert {("", path.stem) for path in KINDS} <= listed
    # Further programs are in other folders.
    assert all((ZOO / folder / f"{name}.py").is_file() for folder, name in listed if folder)


def test_a_third_is_innocent() -> None:
    assert sum(map(is_innocent, KINDS)) >= len(KINDS) // 3


def test_known_misses_are_guilty_programs() -> None:
    assert KNOWN_MISSES.keys() <= {path.stem for path in KINDS if not is_innocent(path)}
    assert all(KNOWN_MISSES.values())
