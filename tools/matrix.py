#!/usr/bin/env python3
"""Installs the wheel into a fresh environment of every CPython from 3.10 to 3.15, and runs the Python tests there.

An interpreter that is missing is a skip, said with how to get it; with --all-required it is a failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = [f"3.{minor}" for minor in range(10, 16)]


def test(python: str, wheel: Path, folder: Path, arguments: list[str]) -> int:
    """Runs the tests in a new environment in `folder`; gives pytest's exit status."""
    # Debian's interpreters come without ensurepip: this one's pip installs into the other.
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    inside = str(folder / "bin" / "python")
    requirements = ROOT / "requirements-test.txt"
    pip = [sys.executable, "-m", "pip", "--python", inside, "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", str(wheel), "--requirement", str(requirements)], check=True)
    # -P and the folder: the tests see the installed package, never the sources beside them.
    return subprocess.run([inside, "-m", "pytest", *arguments], cwd=ROOT).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="the folder that holds the wheel")
    parser.add_argument("--all-required", action="store_true", help="a missing interpreter is a failure")
    parser.add_argument("--only", action="append", metavar="VERSION", help="this version alone; may be repeated")
    arguments, rest = parser.parse_known_args()
    (wheel,) = arguments.wheel.glob("mem_top-*.whl")
    listed = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "interpreters.py"), "--json"], check=True, capture_output=True, text=True
    )
    found = json.loads(listed.stdout)
    rows = []
    failed = False
    for version in arguments.only or SUPPORTED:
        start = time.monotonic()
        if version not in found:
            failed |= arguments.all_required
            rows.append(
                (
                    version,
                    "MISSING: see `make interpreters`"
                    if arguments.all_required
                    else "skipped: not found, see `make interpreters`",
                )
            )
            continue
        print(f"\n== CPython {version}: {found[version]}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            status = test(found[version], wheel.resolve(), Path(folder) / "venv", rest)
        failed |= status != 0
        rows.append(
            (version, f"{'passed' if status == 0 else f'FAILED ({status})'} in {time.monotonic() - start:.0f} s")
        )
    print()
    for version, result in rows:
        print(f"CPython {version}: {result}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
