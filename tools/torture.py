#!/usr/bin/env python3
"""The torture suite on every CPython from 3.10 to 3.14, with the built wheel: lying types, odd programs, real libraries.

For each Python there are environments in .cache/torture, `current` and `older`, with what `requirements-*.txt` in
`tests/torture` pin; they are made anew when those change. The answer is a table, a case a row and an environment a
column; the exit status is 1 if a case fails, or an interpreter is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORTURE = ROOT / "tests" / "torture"
CACHE = ROOT / ".cache" / "torture"
SUPPORTED = [f"3.{minor}" for minor in range(10, 15)]
OLDER = ["3.10", "3.11", "3.12"]
"""Which versions have wheels of the older libraries."""

Results = dict[str, tuple[str, str]]
"""What became of a case, and why if it did not pass."""


def environment(version: str, name: str, python: str, wheel: Path) -> str:
    """Makes an environment, or takes the one that is there; gives its interpreter."""
    folder = CACHE / version / name
    inside = folder / "bin" / "python"
    requirements = [TORTURE / f"requirements-{name}.txt", ROOT / "requirements-test.txt"]
    # Of what the Python tests need the suite takes pytest alone: the rest may pin other versions of the same libraries.
    (pytest,) = [line for line in requirements[1].read_text().splitlines() if line.startswith("pytest==")]
    wanted = f"{python}\n{pytest}\n{requirements[0].read_text()}"
    made = folder / ".made"
    # Debian's interpreters come without ensurepip: this one's pip installs into the other.
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "--disable-pip-version-check", "--quiet", "install"]
    if not made.exists() or made.read_text() != wanted:
        print(f"installing {folder.relative_to(ROOT)}", flush=True)
        made.unlink(missing_ok=True)
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
        only = ["--only-binary", ":all:", "--requirement", str(requirements[0]), pytest]
        subprocess.run([*pip, *only], check=True)
        made.write_text(wanted)
    subprocess.run([*pip, "--no-deps", "--force-reinstall", str(wheel)], check=True)
    return str(inside)


def run(inside: str, version: str, name: str, arguments: list[str]) -> Results:
    """Runs the suite in an environment."""
    report = CACHE / version / f"{name}.xml"
    report.unlink(missing_ok=True)
    # What lies needs no libraries: once for each Python is enough.
    cases = ["tests/torture"] if name == "current" else ["tests/torture/test_libraries.py"]
    variables = {**os.environ, "TORTURE_ENVIRONMENT": name}
    command = [inside, "-m", "pytest", *cases, f"--junit-xml={report}", "--tb=short", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=variables)
    if not report.exists():
        return {"(all)": ("FAILED", f"pytest ended with status {done.returncode}")}
    results: Results = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        key = f"{case.get('classname', '').rpartition('.')[2].removeprefix('test_')}: {parameter(case.get('name', ''))}"
        results[key] = ("passed", "")
        for kind, said in (("failure", "FAILED"), ("error", "FAILED"), ("skipped", "skipped")):
            found = case.find(kind)
            if found is not None:
                results[key] = (said, (found.get("message") or "").strip())
    return results


def parameter(name: str) -> str:
    """The case in a test's name: `test_types_that_lie[lies.py-list]` is `list`."""
    inside = name.partition("[")[2].rstrip("]")
    return inside.partition(".py-")[2] or inside or name


def table(results: dict[str, Results]) -> None:
    rows = sorted({case for column in results.values() for case in column})
    width = max(map(len, rows), default=0)
    print("\n" + " " * width, *(f"{name:>13}" for name in results))
    for case in rows:
        print(f"{case:{width}}", *(f"{column.get(case, ('', ''))[0]:>13}" for column in results.values()))
    for kind in ("skipped", "FAILED"):
        for name, column in results.items():
            for case, (said, why) in column.items():
                if said == kind:
                    print(f"{kind} {name}, {case}: {why.splitlines()[0] if why else ''}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, required=True, help="the folder that holds the wheel")
    parser.add_argument("--only", action="append", metavar="VERSION", help="this version alone; may be repeated")
    parser.add_argument("--environment", choices=["current", "older"], help="this environment alone")
    arguments, rest = parser.parse_known_args()
    (wheel,) = arguments.wheel.glob("mem_top-*.whl")
    listed = [sys.executable, str(ROOT / "tools" / "interpreters.py"), "--json"]
    found = json.loads(subprocess.run(listed, check=True, capture_output=True, text=True).stdout)
    results: dict[str, Results] = {}
    start = time.monotonic()
    for version in arguments.only or SUPPORTED:
        for name in [arguments.environment] if arguments.environment else ["current", "older"]:
            column = f"{version} {name}"
            if name == "older" and version not in OLDER:
                print(f"{column}: skipped, there are no wheels of these for CPython {version}")
            elif version not in found:
                results[column] = {"(all)": ("FAILED", "not found: see `make interpreters`")}
            else:
                print(f"\n== CPython {column}: {found[version]}", flush=True)
                try:
                    inside = environment(version, name, found[version], wheel.resolve())
                except subprocess.CalledProcessError as error:
                    results[column] = {"(all)": ("FAILED", f"it could not be installed: {error}")}
                    continue
                results[column] = run(inside, version, name, rest)
    table(results)
    counts = [said for column in results.values() for said, _ in column.values()]
    passed, failed, skipped = (counts.count(said) for said in ("passed", "FAILED", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped in {time.monotonic() - start:.0f} s")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
