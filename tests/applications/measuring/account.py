"""The account of memory: how much of the resident memory of ordinary programs stays unexplained."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from measuring.application import HERE, ApplicationError
from measuring.environments import CACHE, lock, make
from measuring.series import MemTop

PROGRAMS = HERE / "programs"
PYTHON = "3.12"
STEPS = 5
LIBRARIES = {"sqlalchemy_rows": "SQLite", "xml_trees": "libxml2"}
"""Programs with a C library that keeps much memory for itself: no object of Python leads to it."""


def names() -> list[str]:
    return sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "runner")


def about(name: str) -> str:
    """Returns the first sentence of a program's docstring."""
    return (PROGRAMS / f"{name}.py").read_text(encoding="utf-8").strip('"').partition('"""')[0].strip().rstrip(".")


def measure(name: str, command: MemTop, locks: bool = False) -> None:
    """Takes a snapshot of a program after each of its steps."""
    binaries = make(PROGRAMS, PYTHON)
    if locks:
        lock(PROGRAMS, binaries)
    folder = CACHE / "programs" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    with subprocess.Popen(
        [str(binaries / "python"), str(PROGRAMS / "runner.py"), name],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            for number in range(STEPS):
                assert program.stdin
                assert program.stdout
                program.stdin.write("step\n")
                program.stdin.flush()
                if program.stdout.readline() != "done\n":
                    raise ApplicationError(f"program {name} failed in step {number}")
                command.dump(program.pid, folder / f"{number}.parquet")
        finally:
            program.kill()


def judge(name: str, command: MemTop) -> dict[str, Any]:
    return command.judge(CACHE / "programs" / name)


def has_results(folder: Path) -> bool:
    return (folder / "answer.json").exists()
