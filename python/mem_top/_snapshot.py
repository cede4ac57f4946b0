"""Snapshots: the whole heap at one moment, and the questions to it.

The GIL is held while objects are copied, and only then; every question is answered without it.
"""

from __future__ import annotations

import gc
import os

from . import _native
from ._answers import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Literal

__all__ = ["Snapshot", "leaks", "load", "snapshot"]


class Snapshot:
    """The heap of a process at one moment. It holds none of its objects: names, numbers and addresses alone."""

    __slots__ = ("__weakref__", "_native")

    def __init__(self, native: _native.Snapshot) -> None:
        self._native = native

    @property
    def pause(self) -> float | None:
        """How long the process stood still for it, in seconds."""
        return self._native.pause

    @property
    def objects(self) -> int:
        """How many objects there are. Garbage that awaits the collector, and mem_top's own objects, are left out."""
        return self._native.objects

    @property
    def bytes(self) -> int:
        """What they take, in bytes: the sum of their shallow sizes."""
        return self._native.bytes

    @property
    def rss(self) -> int | None:
        """Resident memory of the process in bytes, without what snapshots take."""
        return self._native.rss

    @property
    def taken_at(self) -> datetime:
        """When it was taken (UTC)."""
        from datetime import datetime, timezone

        return datetime.fromtimestamp(self._native.taken_at / 1e6, timezone.utc)

    @property
    def work(self) -> float | None:
        """The units of work that the program had done."""
        return self._native.work

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the capture."""
        return tuple(self._native.notes)

    def types(self, limit: int | None = 10) -> Answer:
        """The types of the heap: how many objects, their shallow bytes, and the bytes that they retain together."""
        return Answer(*self._native.types(_limit(limit)))

    def top(self, by: Literal["retained", "shallow", "refs"] = "retained", limit: int | None = 10) -> Answer:
        """The largest objects: by what would be freed with them, by their own size, or by their references."""
        return Answer(*self._native.top(by, _limit(limit)))

    def why(self, asked: object, limit: int | None = 10) -> Answer:
        """Who keeps it alive, as paths from modules, frames and threads.

        `asked` is a class or the name of a type (all its objects, clustered by how they are held), an address, or
        any other object (by its address).
        """
        if type(asked) is int:
            return Answer(*self._native.why_address(asked, _limit(limit)))
        if type(asked) is str:
            return Answer(*self._native.why_type(asked, None, _limit(limit)))
        if issubclass(type(asked), type):
            name: str = type.__dict__["__qualname__"].__get__(asked)
            return Answer(*self._native.why_type(name, id(asked), _limit(limit)))
        return Answer(*self._native.why_address(id(asked), _limit(limit)))

    def diff(self, older: Snapshot, limit: int | None = 10, any_process: bool = False) -> Answer:
        """Which types became more or larger since an older snapshot."""
        return Answer(*self._native.diff(older._native, _limit(limit), any_process))

    def memory(self) -> Answer:
        """What resident memory is made of, each part named; the parts add up to it."""
        return Answer(*self._native.memory())

    def report(self, limit: int | None = 10) -> Answer:
        """Everything at a look: where memory accumulates, types, largest objects, memory, the cost of the capture."""
        return Answer(*self._native.report(_limit(limit)))

    def save(self, path: str | os.PathLike[str], retained: bool = True) -> int:
        """Writes it to one Parquet file, which only the user can read; returns the size of the file in bytes.

        With `retained`, each object's retained size is in it. The file appears when it is complete, in the place of
        one of that name.
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
        """The report as dicts, lists, texts and numbers, for JSON."""
        return self.report().to_dict()


def _limit(limit: int | None) -> int | None:
    if limit is not None and limit < 0:
        raise ValueError(f"limit must be 0 or more, or None for all, not {limit}")
    return limit


def snapshot(work: float | None = None, *, collect: bool = False, with_keys: bool = False) -> Snapshot:
    """Captures the heap of this process.

    `work` is how many units of work the program has done so far (requests, tasks): growth is then told per unit as
    well as per minute. No collection is needed, since garbage is recognised and counted apart; `collect` asks for one
    all the same. `with_keys` keeps the keys of dicts, which can be secrets: without, only names are kept.
    """
    if collect:
        gc.collect()
    return Snapshot(_native.snapshot(None if work is None else float(work), with_keys))


def load(path: str | os.PathLike[str]) -> Snapshot:
    """Reads a snapshot that was saved to a file.

    Raises FileNotFoundError or OSError if the file cannot be read, and ValueError if it is no snapshot, is damaged or
    of a newer version.
    """
    return Snapshot(_native.load(os.fspath(path)))


def leaks(*snapshots: Snapshot, limit: int | None = 10) -> Answer:
    """What grows over snapshots of one process: suspects by rank, with evidence, and a verdict over all.

    Four snapshots or more make a sure answer, two give candidates, one shows where memory accumulates. They may be
    given in any order.
    """
    if not snapshots:
        raise ValueError("leaks() needs snapshots: four or more, some minutes of work apart")
    return Answer(*_native.leaks([one._native for one in snapshots], _limit(limit)))


def store(snapshot: Snapshot) -> _native.StoredSnapshot:
    """Puts a snapshot into a temporary file, so that it takes no memory until `leaks_of_stored` asks for it."""
    return _native.store(snapshot._native)


def leaks_of_stored(snapshots: list[_native.StoredSnapshot], limit: int | None = 10) -> Answer:
    """As `leaks`, of stored snapshots: two at most are in memory at once."""
    return Answer(*_native.leaks_of_stored(snapshots, _limit(limit)))
