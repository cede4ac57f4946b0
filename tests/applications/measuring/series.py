"""Measures one application: as it is, and with a planted leak under traffic of several patterns."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring.application import CATALOGUE, Application, ApplicationError, Run, Traffic, load
from measuring.environments import CACHE, lock, make, version_of


@dataclass(frozen=True)
class Pattern:
    """How the traffic goes while snapshots are taken."""

    intervals: tuple[float, ...]
    """Seconds between two snapshots."""
    idle: tuple[int, ...] = ()
    """The intervals without traffic."""
    held: tuple[int, ...] = ()
    """The snapshots with requests in progress."""


PATTERNS = {
    "steady": Pattern((4, 4, 4, 4)),
    "in progress": Pattern((4, 4, 4, 4), held=(1, 3)),
    "pauses": Pattern((4, 3, 3, 4, 3, 4), idle=(1, 2, 4)),
    "unequal": Pattern((7, 2, 5, 3)),
}
"""The patterns of the traffic with a planted leak."""

COUNT = 5
INTERVAL = 6
"""The snapshots of an application as it is, and the seconds between two."""


class MemTop:
    """The command that is measured."""

    def __init__(self, command: Path) -> None:
        self._command = str(command)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["nice", "-n", "5", self._command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        if done.returncode not in (0, 1, 3):
            raise ApplicationError(f"mem_top {' '.join(arguments)}: status {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def watch(self, pid: int, save: Path) -> None:
        """Has mem_top take the series of a running process itself, and keeps the snapshots."""
        options = ["--count", str(COUNT), "--interval", f"{INTERVAL}s", "--budget", "50%", "--save", str(save)]
        answer = self.run("leaks", str(pid), "--json", "--limit", "0", *options)
        (save / "live.json").write_text(answer, encoding="utf-8")

    def dump(self, pid: int, file: Path) -> None:
        self.run("dump", str(pid), "-o", str(file))

    def judge(self, folder: Path) -> dict[str, Any]:
        """Returns the answer about the saved snapshots of a folder and keeps it there; as text too if it accuses."""
        files = [str(path) for path in sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)]
        answer = self.run("leaks", "--json", "--limit", "0", *files)
        (folder / "answer.json").write_text(answer, encoding="utf-8")
        answered: dict[str, Any] = json.loads(answer)
        (folder / "answer.txt").unlink(missing_ok=True)
        if answered["verdict"] != "no growth":
            text = self.run("leaks", "--limit", "0", *files)
            (folder / "answer.txt").write_text(text, encoding="utf-8")
        return answered


def begin(name: str, app: Application, binaries: Path, planted: bool) -> Run:
    """Starts an application in an empty folder."""
    folder = CACHE / "runs" / name / ("planted" if planted else "plain")
    shutil.rmtree(folder, ignore_errors=True)
    run = Run(folder / "files", binaries, planted, state={"source": CATALOGUE / name})
    try:
        app.prepare(run)
        app.start(run)
    except BaseException:
        run.stop()
        raise
    return run


def plain(app: Application, run: Run, command: MemTop) -> None:
    """Takes the series of an application as it is, of all its processes at once."""
    traffic = Traffic(app, run)
    try:
        traffic.resume()
        traffic.until(app.warm_up)
        processes = app.processes(run)
        folders = {pid: run.folder.parent / f"{role}-{pid}" for pid, role in processes.items()}
        for folder in folders.values():
            folder.mkdir()
        with ThreadPoolExecutor(len(processes)) as pool:
            for watched in [pool.submit(command.watch, pid, folder) for pid, folder in folders.items()]:
                watched.result()
        traffic.check()
    finally:
        traffic.stop()
        note_failures(run, traffic)


def planted(app: Application, run: Run, command: MemTop) -> None:
    """Takes a series for each pattern, of the processes that have a planted leak."""
    traffic = Traffic(app, run)
    try:
        traffic.resume()
        traffic.until(app.warm_up)
        for name, pattern in PATTERNS.items():
            pids = {pid: role for pid, role in app.processes(run).items() if role in app.planted}
            folders = {pid: run.folder.parent / f"{name.replace(' ', '_')}-{role}-{pid}" for pid, role in pids.items()}
            for folder in folders.values():
                folder.mkdir()
            due = 0.0
            for number in range(len(pattern.intervals) + 1):
                # A snapshot is due at its time, however long the one before took.
                if number:
                    traffic.wait(due - time.monotonic())
                due = time.monotonic() + (pattern.intervals[number] if number < len(pattern.intervals) else 0)
                # An idle interval has no traffic at all, not even while its snapshots are taken.
                if number in pattern.idle:
                    traffic.pause()
                held: AbstractContextManager[None] = traffic.held() if number in pattern.held else nullcontext()
                with held:
                    for pid, folder in folders.items():
                        command.dump(pid, folder / f"{number}.parquet")
                if number not in pattern.idle:
                    traffic.resume()
        traffic.check()
    finally:
        traffic.stop()
        note_failures(run, traffic)


def note_failures(run: Run, traffic: Traffic) -> None:
    lines = [f"{traffic.done} units of work, {len(traffic.failures)} failures", *traffic.failures]
    (run.folder.parent / "traffic.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def measure(name: str, command: MemTop, parts: set[str], locks: bool = False) -> None:
    """Runs one application, and keeps the snapshots of its processes."""
    app = load(name)
    binaries = make(CATALOGUE / name, app.python)
    if locks:
        lock(CATALOGUE / name, binaries)
    for part in sorted(parts):
        run = begin(name, app, binaries, part == "planted")
        try:
            (planted if part == "planted" else plain)(app, run, command)
        finally:
            run.stop()
            if "site" in run.state:
                run.state["site"].close()
    facts = {
        "title": app.title,
        "kind": app.kind,
        "version": f"{app.main} {version_of(binaries, app.main)}",
        "python": app.python,
    }
    (CACHE / "runs" / name / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def judge(name: str, command: MemTop) -> None:
    """Asks mem_top for its answers about the snapshots that were kept."""
    for folder in sorted({file.parent for file in (CACHE / "runs" / name).rglob("*.parquet")}):
        command.judge(folder)
