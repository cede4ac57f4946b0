"""Watching: a background thread that takes snapshots and reports each suspect once, when it is certain.

A few snapshots are kept and thinned out over time, so that the series covers the whole time. They have only numbers and
names, and keep no object alive. They are in temporary files, because several copies of the heap in memory would end a
process that is near its memory limit.
"""

from __future__ import annotations

import threading

from ._answers import Answer, Record
from ._native import drop_every_second, period_within_budget
from ._snapshot import leaks_of_stored, snapshot, store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger
    from types import TracebackType
    from typing import Any

    from ._native import StoredSnapshot

# The most snapshots in a series. Beyond it, every other one is dropped, and the interval doubles.
_MAX_SNAPSHOTS = 8
# The least number of snapshots, and the least confidence, with which a suspect is reported.
_MIN_SNAPSHOTS = 4
_MIN_CONFIDENCE = 0.8
# The largest share of the time for which the process may be paused.
_PAUSE_BUDGET = 0.01


def _logger() -> Logger:
    import logging

    return logging.getLogger("mem_top")


class _Watcher(threading.Thread):
    """The background thread. Its own class identifies it as mem_top's."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(name="mem_top", daemon=True)
        self._watch = watch

    def run(self) -> None:
        self._watch._run()


class Watch:
    """A running watch; see `mem_top.watching`."""

    def __init__(self, every: float, callback: Callable[[Record], object] | None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable with a suspect, not {type(callback).__name__}")
        if not every > 0:
            raise ValueError(f"every must be more than 0 seconds, not {every}")
        self._every = float(every)
        self._callback = callback
        # Not None, so that the first snapshot counts too, even if it is taken before the first tick.
        self._work = 0.0
        self._series: list[StoredSnapshot] = []
        self._reported: set[str] = set()
        self._answer: Answer | None = None
        self._stop = threading.Event()
        # Two locks, so that a tick does not wait for a look, which takes seconds.
        self._counting = threading.Lock()
        self._looking = threading.Lock()
        self._watcher: _Watcher | None = None

    def tick(self, units: float = 1) -> None:
        """Count units of work that were done."""
        with self._counting:
            self._work += units

    @property
    def answer(self) -> Answer | None:
        """The answer from the snapshots so far; None until there are two."""
        return self._answer

    def look(self) -> Answer | None:
        """Take a snapshot now, and return the answer from the series."""
        with self._looking:
            self._series.append(store(snapshot(self._work)))
            if len(self._series) > _MAX_SNAPSHOTS:
                self._series = drop_every_second(self._series)
                self._every *= 2
            if len(self._series) >= 2:
                self._answer = leaks_of_stored(self._series)
            answer, enough = self._answer, len(self._series) >= _MIN_SNAPSHOTS
        if answer is not None and enough:
            self._report(answer)
        return answer

    def _report(self, answer: Answer) -> None:
        for suspect in answer.suspects:
            if suspect.confidence < _MIN_CONFIDENCE or suspect.fingerprint in self._reported:
                continue
            self._reported.add(suspect.fingerprint)
            _logger().warning("memory leak: %s", suspect.summary)
            if self._callback is not None:
                self._callback(suspect)
        # Growth that no object accounts for has no suspect.
        for one in answer.verdicts:
            if one.verdict in ("leak", "no growth", "inconclusive") or one.verdict in self._reported:
                continue
            self._reported.add(one.verdict)
            _logger().warning("%s: %s", one.verdict, one.reason)

    def _run(self) -> None:
        wait = self._every
        # The first snapshot is taken at once: growth is measured from it.
        while True:
            try:
                self.look()
            except Exception:
                # A look that fails must not disturb the program.
                _logger().exception("mem_top could not examine the heap")
            pause = (self._series[-1].pause or 0.0) if self._series else 0.0
            wait = max(self._every, period_within_budget(pause, _PAUSE_BUDGET))
            if self._stop.wait(wait):
                return

    def __enter__(self) -> Watch:
        if self._watcher is not None:
            raise RuntimeError("this watch was already started; call mem_top.watching() for a new one")
        self._watcher = _Watcher(self)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop watching. Waits for a look in progress."""
        self._stop.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    def to_dict(self) -> dict[str, Any]:
        """The last answer, ready for JSON."""
        return {} if self._answer is None else self._answer.to_dict()


def watching(every: float = 60, callback: Callable[[Record], object] | None = None) -> Watch:
    """Watch the heap from a background thread: `with watching() as watch: …`.

    Takes a snapshot every `every` seconds, or less often if the process would be paused for more than 1 % of the time.
    Reports each suspect once, when it is certain: as a warning of the logger `mem_top`, and by calling `callback` with
    the suspect, from that thread. `watch.tick()` counts a unit of work, so that growth is reported per unit.
    """
    return Watch(every, callback)
