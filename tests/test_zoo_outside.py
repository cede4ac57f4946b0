"""The leak zoo from outside: programs without mem_top in them, on old and new CPythons, read by their process numbers.

Each plain case is looked at twice: stopped after each of four rounds of 300 steps, with a saved file each, and while it
keeps stepping. The odd ones run on this interpreter, with saved files.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_zoo import LEAST_RIGHT, ODD, PLAIN, ROUNDS, STEPS, ZOO, missing
from zoo_judge import accused, expected, faults

from mem_top import _native

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import interpreters

WANTED = ["3.9", "3.11", "3.15"]
FOUND = {version: path for version in WANTED if (path := interpreters.find(version))}

LOOKS = 3
"""How often a program that keeps stepping is looked at, if the answer is in doubt: it steps unevenly on a busy machine."""

KNOWN_MISSES: dict[str, str] = {}
"""Odd cases that are not named right from outside, each with the reason why not."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")


def mem_top(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mem_top", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        timeout=300,
    )


@contextmanager
def standing(python: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    case = subprocess.Popen(
        [python, str(ZOO / "runner.py"), str(path), str(STEPS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield case
    finally:
        case.kill()
        case.communicate()


def tell(case: "subprocess.Popen[str]", what: str, answer: str) -> None:
    assert case.stdin and case.stdout
    case.stdin.write(what + "\n")
    case.stdin.flush()
    assert case.stdout.readline() == answer + "\n", f"status {case.poll()}"


def judged(path: Path, told: "subprocess.CompletedProcess[str]") -> tuple[list[str], dict[str, Any]]:
    if told.returncode not in (0, 1, 3):
        return [f"status {told.returncode}: {told.stderr[-2000:]}"], {"verdict": "", "suspects": []}
    answer = json.loads(told.stdout)
    return faults(expected(path.read_text(encoding="utf-8")), answer), answer


def from_files(python: str, path: Path, folder: Path) -> tuple[list[str], dict[str, Any]]:
    folder.mkdir()
    files = [str(folder / f"{number}.parquet") for number in range(ROUNDS)]
    with standing(python, path) as case:
        for file in files:
            tell(case, "round", "done")
            # In this process: to start one for each file takes as long again. Its standard error is pytest's.
            assert _native.run_cli(["mem_top", "dump", str(case.pid), "-o", file]) == 0
    return judged(path, mem_top("leaks", "--json", *files))


def while_stepping(python: str, path: Path) -> list[str]:
    with standing(python, path) as case:
        tell(case, "round", "done")
        tell(case, "go", "going")
        options = ["--json", "--count", str(ROUNDS), "--interval", "1.5s", "--budget", "50%"]
        for _ in range(LOOKS):
            found, answer = judged(path, mem_top("leaks", str(case.pid), *options))
            if answer["verdict"] != "inconclusive":
                break
        return found


def all_of(paths: list[Path], work: Any, workers: int) -> dict[str, Any]:
    with ThreadPoolExecutor(workers) as pool:
        return dict(zip([path.stem for path in paths], pool.map(work, paths), strict=True))


def plain_on(version: str) -> list[Path]:
    if version not in FOUND:
        pytest.skip(f"no CPython {version} here")
    return [path for path in PLAIN if not expected(path.read_text(encoding="utf-8")).requires]


@pytest.mark.parametrize("version", WANTED)
def test_plain_cases_are_named_from_files(version: str, tmp_path: Path) -> None:
    python = FOUND.get(version, "")
    found = all_of(plain_on(version), lambda path: from_files(python, path, tmp_path / path.stem)[0], 2)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("version", WANTED)
def test_plain_cases_are_named_while_they_keep_stepping(version: str) -> None:
    python = FOUND.get(version, "")
    found = all_of(plain_on(version), lambda path: while_stepping(python, path), 4)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_odd_cases_are_no_worse_than_from_inside(tmp_path: Path) -> None:
    paths = [path for path in ODD if not missing(path)]
    found = all_of(paths, lambda path: from_files(sys.executable, path, tmp_path / path.stem), 2)
    wrong = {name: why for name, (why, _) in found.items() if why}
    told = "\n".join(f"{name}: {'; '.join(why)}" for name, why in wrong.items())
    innocent = {path.stem for path in paths if expected(path.read_text(encoding="utf-8")).innocent}
    assert not [name for name, (_, answer) in found.items() if name in innocent and accused(answer)], told
    assert wrong.keys() <= KNOWN_MISSES.keys(), told
    assert len(found) - len(wrong) >= LEAST_RIGHT - (len(ODD) - len(paths)), told
