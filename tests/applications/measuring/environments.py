"""Environments for the applications: one each, with the pinned versions and an interpreter of the wanted version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measuring.application import ApplicationError

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache" / "applications"
sys.path.insert(0, str(ROOT / "tools"))

import interpreters  # noqa: E402


def pins(folder: Path) -> Path:
    """Returns the file with all versions, or the one with the chosen ones alone where there is no such file yet."""
    locked = folder / "requirements.lock"
    return locked if locked.exists() else folder / "requirements.txt"


def make(folder: Path, version: str) -> Path:
    """Makes the environment of a folder with a `requirements.txt`, unless it is there; returns its `bin`."""
    python = interpreters.find(version)
    if python is None:
        raise ApplicationError(f"CPython {version} was not found\nhint: see `make interpreters`")
    place = CACHE / "environments" / folder.name
    made = place / ".made"
    # An environment from before the versions were written down has the same versions.
    chosen = f"{python}\n{(folder / 'requirements.txt').read_text()}"
    wanted = f"{chosen}\n{pins(folder).read_text()}"
    if made.exists() and made.read_text() in (wanted, chosen):
        return place / "bin"
    print(f"installing {folder.name}", flush=True)
    made.unlink(missing_ok=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    for command in (
        [python, "-m", "venv", "--clear", str(place)],
        [*pip, "install", "--prefer-binary", "--no-compile", "--requirement", str(pins(folder))],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise ApplicationError(f"the environment of {folder.name} could not be made:\n{done.stdout[-3000:]}")
    made.write_text(wanted if pins(folder).name == "requirements.lock" else chosen)
    return place / "bin"


def lock(folder: Path, binaries: Path) -> None:
    """Writes all versions of an environment to `requirements.lock`."""
    command = [
        str(binaries / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "freeze",
        "--all",
        "--exclude",
        "pip",
    ]
    frozen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line for line in frozen.splitlines() if " @ " not in line and not line.startswith("-e")]
    head = "# Written by `tools/applications.py --lock`: all versions of the environment.\n"
    (folder / "requirements.lock").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


def version_of(binaries: Path, distribution: str) -> str:
    """Returns the installed version of a distribution."""
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    command = [str(binaries / "python"), "-c", code, distribution]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
