"""Watching: snapshots from time to time in a background thread, and a suspect told once it is sure.

A few snapshots are kept: the first ones, thinned out as time goes on, so that the series covers all of it. They are
numbers and names alone; nothing of the program is kept alive. They lie in temporary files without names, for in a process
that is near its limit several copies of its heap would end it.
"""

from __future__ import annotations

import threading

from ._answers import Answer, Record
from ._snapshot import leaks_of_stored, snapshot, store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger
    from types import TracebackType
    from typing import Any

    from ._native import StoredSnapshot

# A series of so many says enough; then every other one goes, and the interval doubles.
_MOST = 8
# What must be there before anybody is accused.
_LEAST = 4
_SURE = 0.8
# The process stands still for at most this share of the time.
_BUDGET = 0.01


def _logger() -> Logger:
    import logging

    return logging.getLogger("mem_top")


class _Watcher(threading.Thread):
    """The background thread; a class of its own, so that it is known for mem_top's."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(name="mem_top", daemon=True)
        self._watch = watch

    def run(self) -> None:
        self._watch._run()


class Watch:
    """See `mem_top.watching`."""

    def __init__(self, every: float, callback: Callable[[Record], object] | None) -> None:
        if not every > 0:
            raise ValueError(f"every must be more than 0 seconds, not {every}")
        self._every = float(every)
        self._callback = callback
        # From the start, so that the first snapshot counts too, whatever was done before the first tick.
        self._work = 0.0
        self._series: list[StoredSnapshot] = []
        self._told: set[str] = set()
        self._answer: Answer | None = None
        self._stop = threading.Event()
        # Two of them: who says that work was done does not wait for a look, which takes seconds.
        self._counting = threading.Lock()
        self._looking = threading.Lock()
        self._watcher: _Watcher | None = None

    def tick(self, units: float = 1) -> None:
        """Says that so many units of work were done."""
        with self._counting:
            self._work += units

    @property
    def answer(self) -> Answer | None:
        """What the snapshots so far say; None until there are two."""
        return self._answer

    def look(self) -> Answer | None:
        """Takes a snapshot now, and says what the series says."""
        with self._looking:
            self._series.append(store(snapshot(self._work)))
            if len(self._series) > _MOST:
                # The first and the last stay.
                self._series = self._series[:-1:2] + self._series[-1:]
                self._every *= 2
            if len(self._series) >= 2:
                self._answer = leaks_of_stored(self._series)
            answer, enough = self._answer, len(self._series) >= _LEAST
        if answer is not None and enough:
            self._tell(answer)
        return answer

    def _tell(self, answer: Answer) -> None:
        for suspect in answer.suspects:
            if suspect.confidence < _SURE or suspect.fingerprint in self._told:
                continue
            self._told.add(suspect.fingerprint)
            _logger().warning("memory leak: %s", suspect.summary)
            if self._callback is not None:
                self._callback(suspect)

    def _run(self) -> None:
        wait = self._every
        # The first snapshot at once: what is there at the start is what growth is measured by.
        while True:
            try:
                self.look()
            except Exception:
                # Whatever happens to a look, the program must not notice.
                _logger().exception("mem_top could not look at the heap")
            pause = (self._series[-1].pause or 0.0) if self._series else 0.0
            wait = max(self._every, pause / _BUDGET)
            if self._stop.wait(wait):
                return

    def __enter__(self) -> Watch:
        if self._watcher is not None:
            raise RuntimeError("this watch has begun already")
        self._watcher = _Watcher(self)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it; a look under way is waited for."""
        self._stop.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    def to_dict(self) -> dict[str, Any]:
        """The last answer, for JSON."""
        return {} if self._answer is None else self._answer.to_dict()


def watching(every: float = 60, callback: Callable[[Record], object] | None = None) -> Watch:
    """Watches the heap from a background thread: `with watching() as watch: …`.

    Takes a snapshot every so many seconds (less often if that would make the process stand still for more than 1 % of
    the time), and tells a suspect once it is sure: as a warning of the logger `mem_top`, and by a call of `callback`
    with the suspect, from that thread. `watch.tick()` says that a unit of work was done, so that growth is told per
    unit.
    """
    return Watch(every, callback)
