"""Snapshots of the whole heap at one moment, and the questions about them.

The GIL is held only while objects are copied; every question is answered without it.
"""

from __future__ import annotations

import gc
import os

from . import _native
from ._answers import Answer, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any, Literal

__all__ = ["Snapshot", "leaks", "load", "processes", "snapshot"]


class Snapshot:
    """The heap of a process at one moment: names, numbers and addresses. It keeps no object of the program alive."""

    __slots__ = ("__weakref__", "_native")

    def __init__(self, native: _native.Snapshot) -> None:
        self._native = native

    @property
    def pid(self) -> int:
        """The process that it is of."""
        return self._native.process[0]

    @property
    def python(self) -> str:
        """The version of CPython that the process runs, such as `3.12.1`."""
        return self._native.process[1]

    @property
    def program(self) -> str:
        """The name of the program that the process runs."""
        return self._native.program

    @property
    def pause(self) -> float | None:
        """The time for which the process was paused, in seconds."""
        return self._native.pause

    @property
    def objects(self) -> int:
        """The number of objects, without garbage and without mem_top's own objects."""
        return self._native.objects

    @property
    def bytes(self) -> int:
        """The sum of the shallow sizes of these objects, in bytes."""
        return self._native.bytes

    @property
    def rss(self) -> int | None:
        """Resident memory of the process in bytes, without the memory of snapshots."""
        return self._native.rss

    @property
    def taken_at(self) -> datetime:
        """The time of the snapshot (UTC)."""
        from datetime import datetime, timezone

        return datetime.fromtimestamp(self._native.taken_at / 1e6, timezone.utc)

    @property
    def work(self) -> float | None:
        """The units of work that the program had done, as passed to `snapshot()`."""
        return self._native.work

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks about the capture that a reader should know."""
        return tuple(self._native.notes)

    def types(self, limit: int | None = 10) -> Answer:
        """The types of the heap, with the number of their objects, and the shallow and retained bytes of these."""
        return Answer(*self._native.types(_limit(limit)))

    def top(self, by: Literal["retained", "shallow", "refs"] = "retained", limit: int | None = 10) -> Answer:
        """The largest objects, by retained size, by their own size, or by their number of references."""
        return Answer(*self._native.top(by, _limit(limit)))

    def why(self, asked: object, limit: int | None = 10) -> Answer:
        """Why objects are alive: paths to them from modules, frames and threads.

        `asked` is a class or the name of a type (for all its objects, clustered by how they are held), an address as a
        number or as `hex()` writes it, or any other object, which is looked up by its address.
        """
        if type(asked) is int:
            return Answer(*self._native.why_address(asked, None, _limit(limit)))
        if type(asked) is str and (address := _address(asked)) is not None:
            return Answer(*self._native.why_address(address, None, _limit(limit)))
        if type(asked) is str:
            return Answer(*self._native.why_type(asked, None, _limit(limit)))
        if issubclass(type(asked), type):
            name: str = type.__dict__["__qualname__"].__get__(asked)
            return Answer(*self._native.why_type(name, id(asked), _limit(limit)))
        return Answer(*self._native.why_address(id(asked), id(type(asked)), _limit(limit)))

    def diff(self, older: Snapshot, limit: int | None = 10, any_process: bool = False) -> Answer:
        """The types that gained objects or bytes since an older snapshot."""
        return Answer(*self._native.diff(_native_of(older, "diff()"), _limit(limit), any_process))

    def memory(self) -> Answer:
        """The parts of resident memory, which add up to it."""
        return Answer(*self._native.memory())

    def report(self, limit: int | None = 10) -> Answer:
        """An overview: where memory accumulates, types, the largest objects, memory, and the cost of the capture."""
        return Answer(*self._native.report(_limit(limit)))

    def save(self, path: str | os.PathLike[str], retained: bool = True) -> int:
        """Write the snapshot to a Parquet file that only this user can read, and return the size of the file in bytes.

        With `retained`, the file has the retained size of each object. It appears under its name when it is complete,
        and replaces an existing file.
        """
        return self._native.save(os.fspath(path), retained)

    def __repr__(self) -> str:
        pid, version = self._native.process
        pause = "" if self.pause is None else f", pause {self.pause * 1000:.1f} ms"
        return (
            f"<mem_top.Snapshot of PID {pid} (CPython {version}) at {self.taken_at:%Y-%m-%d %H:%M:%S} UTC: "
            f"{self.objects:,} objects, {self.bytes:,} bytes{pause}>"
        )

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers, ready for JSON."""
        return self.report().to_dict()


def _native_of(snapshot: object, asked: str) -> _native.Snapshot:
    if not isinstance(snapshot, Snapshot):
        raise TypeError(
            f"{asked} needs snapshots, not {type(snapshot).__name__}\n"
            "hint: mem_top.snapshot() takes one, and mem_top.load(FILE) reads one"
        )
    return snapshot._native


def _address(text: str) -> int | None:
    """The number that `hex()` wrote, or None if it is the name of a type."""
    try:
        return int(text, 16) if text.startswith("0x") else None
    except ValueError:
        return None


def _limit(limit: int | None) -> int | None:
    if limit is not None and not isinstance(limit, int):
        raise TypeError(f"limit must be a number, or None for all, not {type(limit).__name__}")
    if limit is not None and limit < 0:
        raise ValueError(f"limit must be 0 or more, or None for all, not {limit}")
    return limit


def snapshot(work: float | None = None, *, collect: bool = False, with_keys: bool = False) -> Snapshot:
    """Capture the heap of this process.

    `work` is the number of units of work that the program has done so far (requests, tasks). With it, growth is
    reported per unit as well as per minute. `collect` runs a garbage collection first. It is not necessary, since
    garbage is recognised and counted separately. `with_keys` includes dict keys that are not identifiers, which may be
    secrets.
    """
    if collect:
        gc.collect()
    return Snapshot(_native.snapshot(None if work is None else float(work), with_keys))


def processes() -> tuple[Record, ...]:
    """The Python processes of this machine but this one, by their PIDs: those that `mem_top ps` lists.

    The fields are those of its JSON, such as `pid`, `python`, `rss`, `user`, `command`, and `problem`, which says why a
    process cannot be captured, and is None if it can.
    """
    import json

    return tuple(map(Record, json.loads(_native.processes())["processes"]))


def load(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot from a file.

    Raises FileNotFoundError or OSError if the file cannot be read, and ValueError if it is not a snapshot, is damaged,
    or needs a newer version of mem_top.
    """
    return Snapshot(_native.load(os.fspath(path)))


def leaks(
    *snapshots: Snapshot | Sequence[Snapshot], limit: int | None = 10, patterns: str | os.PathLike[str] | None = None
) -> Answer:
    """Find leaks in snapshots of one process: suspects by rank, with their evidence, and an overall verdict.

    Four or more snapshots give a certain answer, two give candidates, one shows where memory accumulates. Their order
    does not matter, and they can be given as one list. `patterns` is a TOML file with patterns of your own leaks and
    what to do about them, tried before those that mem_top knows.

    Raises ValueError if no snapshot is given, if they are of different processes, or if the patterns are not valid, and
    OSError if that file cannot be read.
    """
    if len(snapshots) == 1 and isinstance(snapshots[0], (list, tuple)):
        snapshots = tuple(snapshots[0])
    if not snapshots:
        raise ValueError("leaks() needs snapshots: pass four or more, some minutes of work apart")
    own = None
    if patterns is not None:
        with open(patterns, encoding="utf-8") as file:
            own = os.fspath(patterns), file.read()
    return Answer(*_native.leaks([_native_of(one, "leaks()") for one in snapshots], _limit(limit), own))


def store(snapshot: Snapshot) -> _native.StoredSnapshot:
    """Move a snapshot to a temporary file, so that it takes no memory until `leaks_of_stored` loads it."""
    return _native.store(snapshot._native)


def leaks_of_stored(snapshots: list[_native.StoredSnapshot], limit: int | None = 10) -> Answer:
    """Find leaks like `leaks`, in stored snapshots, of which at most two are in memory at once."""
    return Answer(*_native.leaks_of_stored(snapshots, _limit(limit)))
