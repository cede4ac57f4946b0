#!/usr/bin/env python3
"""Installs the wheel into a fresh environment of every CPython from 3.10 to 3.15, and runs the Python tests there.

An interpreter that is missing is a skip, said with how to get it; with --all-required it is a failure.

What one Python shows for all is left to `make test`: the terminal, the browser, exports, documents, processes of other
versions.
With --but-own so is all that needs no other layout: this Python's own version, our own examples, waiting and watching;
the torture suite and the odd cases of the leak zoo run on the versions named below. A continuous integration has half an
hour; `make test-all` and `make torture` by hand run everything.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = [f"3.{minor}" for minor in range(10, 16)]
ELSEWHERE = [
    "test_zoo_unseen", "test_zoo_outside", "test_tui", "test_page", "test_export", "test_cli_pid", "test_cli_servers",
    "test_cli_run", "test_core", "test_run_signals", "test_own_memory", "test_docs", "test_zoo_judge",
]  # fmt: skip
"""Tests of which one Python is enough."""
OWN_IS_ENOUGH = [
    "test_demo", "test_gearman", "test_shop", "test_shop_server", "test_bench", "test_watching", "test_notebook",
    "test_identity", "test_language", "test_applications", "test_zoo_kinds",
]  # fmt: skip
"""What is left out with --but-own: `make test` runs it on this Python."""
ODD_CASES = ["3.15"]
"""Where the odd cases of the leak zoo run, with --but-own."""
OF_OTHER_VERSIONS = [
    "tests/test_garbage.py::test_other_versions", "tests/test_account.py::test_native_growth_is_found_where_it_is",
]  # fmt: skip
"""Tests that look into processes of several versions from one, which are left out with --but-own."""
TORTURE = {"3.12": ["--ignore=tests/torture/test_torture.py"], "3.15": []}
"""Where the torture suite runs, with --but-own, and what of it does not: 3.12 has wheels of the oldest libraries."""


def environment(python: str, wheel: Path, folder: Path) -> str:
    """Makes a new environment with the wheel in `folder`; gives its interpreter."""
    # Debian's interpreters come without ensurepip: this one's pip installs into the other.
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    inside = str(folder / "bin" / "python")
    requirements = ROOT / "requirements-test.txt"
    pip = [sys.executable, "-m", "pip", "--python", inside, "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", str(wheel), "--requirement", str(requirements)], check=True)
    return inside


def test(inside: str, arguments: list[str]) -> int:
    """Runs the tests in an environment; gives pytest's exit status."""
    # -P and the folder: the tests see the installed package, never the sources beside them.
    return subprocess.run(
        [inside, "-m", "pytest", "-n", "auto", "--dist", "loadgroup", *arguments], cwd=ROOT
    ).returncode


def left_out(version: str) -> list[str]:
    """The arguments for pytest that leave out what this Python's tests cover for a version."""
    arguments = [f"--ignore-glob=*/{name}.py" for name in OWN_IS_ENOUGH]
    arguments += [f"--deselect={name}" for name in OF_OTHER_VERSIONS]
    if version not in ODD_CASES:
        arguments.append("--deselect=tests/test_zoo.py::test_the_odd_ones")
    return arguments + TORTURE.get(version, ["--ignore=tests/torture"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="the folder that holds the wheel")
    parser.add_argument("--all-required", action="store_true", help="a missing interpreter is a failure")
    parser.add_argument("--only", action="append", metavar="VERSION", help="this version alone; may be repeated")
    parser.add_argument("--but-own", action="store_true", help="what `make test` covers on this Python is left out")
    arguments, rest = parser.parse_known_args()
    rest += [f"--ignore=tests/{name}.py" for name in ELSEWHERE]
    own = f"3.{sys.version_info.minor}"
    (wheel,) = arguments.wheel.glob("mem_top-*.whl")
    listed = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "interpreters.py"), "--json"], check=True, capture_output=True, text=True
    )
    found = json.loads(listed.stdout)
    wanted = [version for version in arguments.only or SUPPORTED if not (arguments.but_own and version == own)]
    rows = [(own, "left to `make test`")] if arguments.but_own else []
    failed = False
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        # The next environment is made while the tests run in this one.
        environments = {
            version: pool.submit(environment, found[version], wheel.resolve(), Path(folder) / version)
            for version in wanted
            if version in found
        }
        for version in wanted:
            if version not in found:
                failed |= arguments.all_required
                word = "MISSING" if arguments.all_required else "skipped: not found"
                rows.append((version, f"{word}, see `make interpreters`"))
                continue
            print(f"\n== CPython {version}: {found[version]}", flush=True)
            start = time.monotonic()
            inside = environments[version].result()
            status = test(inside, rest + (left_out(version) if arguments.but_own else []))
            shutil.rmtree(Path(folder) / version)
            failed |= status != 0
            word = "passed" if status == 0 else f"FAILED ({status})"
            rows.append((version, f"{word} in {time.monotonic() - start:.0f} s"))
    print()
    for version, result in rows:
        print(f"CPython {version}: {result}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
