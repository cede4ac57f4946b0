"""The arithmetic: from what the processes measured to the figures of a row, and from those to the targets.

Pure functions over plain values. Nothing is rounded here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import rows
from measure import Measured, Pair


@dataclass(frozen=True)
class Spread:
    """The median over rounds, with the least and the most."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Figures:
    """A row on one heap, over its rounds. Seconds and bytes; None where the system does not tell."""

    rounds: int
    objects: int
    heap: float | None
    ratio: Spread
    """CPU time of the thread as a multiple of `gc.collect()`'s in the same process."""
    cpu: float
    wall: float
    peak: float | None
    peak_method: str
    kept: float | None
    facts: Mapping[str, float]
    """Numbers that the row tells of its result."""

    def each(self, size: float | None) -> float | None:
        """So many bytes for each gc-tracked object."""
        return None if size is None else size / self.objects


@dataclass(frozen=True)
class Outcome:
    """What became of a row on one heap: figures, or why there are none."""

    row: str
    figures: Figures | None = None
    failed: str | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class Heap:
    """One heap's size (as asked for, in gc-tracked objects) and shape."""

    size: int
    shape: str


@dataclass(frozen=True)
class Target:
    """A derived line: a number beside its limit, if it has one. `value` is None where a row that it needs has no figures."""

    text: str
    value: float | None
    limit: float | None
    at_least: bool = False
    unit: str = ""
    stretch: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value keeps the limit; None without a value or a limit."""
        if self.value is None or self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def ratio(pairs: Sequence[Pair]) -> float:
    """A process' ratio: the median over its pairs, so that a disturbed pair does not count."""
    return median(pair["cpu"] / pair["yard_cpu"] for pair in pairs)


def spread(values: Sequence[float]) -> Spread:
    """The median, least and most. Raises ValueError without values."""
    return Spread(median(values), min(values), max(values))


def figures(measured: Sequence[Measured]) -> Figures:
    """A row's figures from what its processes measured, one process a round. Raises ValueError without any."""
    if not measured:
        raise ValueError("no round was measured")
    return Figures(
        rounds=len(measured),
        objects=round(median(one["objects"] for one in measured)),
        heap=_median(one["heap"] for one in measured),
        ratio=spread([ratio(one["pairs"]) for one in measured]),
        cpu=median(median(pair["cpu"] for pair in one["pairs"]) for one in measured),
        wall=median(median(pair["wall"] for pair in one["pairs"]) for one in measured),
        peak=_median(one["peak"] for one in measured),
        peak_method=measured[0]["peak_method"],
        kept=_median(one["kept"] for one in measured),
        facts=measured[0]["facts"],
    )


def targets(heap: Heap, outcomes: Mapping[str, Outcome]) -> list[Target]:
    """The derived lines for one heap."""
    faster = {"plain": 2.3, "large": 12.0}[heap.shape]
    counters, whole = _figures(outcomes, rows.COUNTERS), _figures(outcomes, rows.OURS)
    lines = [
        Target(f"{rows.COUNTERS} against {rows.COLLECT}", _of(counters, _ratio), 0.25, unit="x", stretch=0.12),
        Target(f"{rows.OURS} against {rows.COLLECT}", _of(whole, _ratio), 1.3, unit="x"),
    ]
    for name, limit in ((rows.OLD, faster), (rows.OLD_ALONE, None)):
        old = _figures(outcomes, name)
        times = old.ratio.median / whole.ratio.median if old and whole else None
        lines.append(Target(f"{rows.OURS} faster than {name}", times, limit, at_least=True, unit="times"))
    for name in (rows.OURS, rows.COUNTERS, rows.SAFE):
        of = _figures(outcomes, name)
        lines.append(
            Target(f"{name}: extra peak memory", _of(of, lambda f: f.each(f.peak)), 16, unit="bytes an object")
        )
        lines.append(Target(f"{name}: memory kept after the call", _of(of, _kept_percent), 1, unit="% of the heap"))
    lines += _snapshot_targets(outcomes)
    return lines


def _snapshot_targets(outcomes: Mapping[str, Outcome]) -> list[Target]:
    pause, retained = _figures(outcomes, rows.PAUSE), _figures(outcomes, rows.RETAINED)
    leaks, save = _figures(outcomes, rows.LEAKS), _figures(outcomes, rows.SAVE)
    outside, stopped = _figures(outcomes, rows.OUTSIDE), _figures(outcomes, rows.OUTSIDE_PAUSE)
    million = leaks is not None and leaks.objects <= 1_100_000
    return [
        Target(f"{rows.PAUSE} against {rows.COLLECT}", _of(pause, _ratio), 0.40, unit="x", stretch=0.25),
        Target(f"{rows.PAUSE}, for each object", _of(pause, lambda f: f.wall * 1e9 / f.objects), None, unit="ns"),
        Target("snapshot(): extra peak memory", _of(pause, _peak_share), 0.8, unit="x the heap"),
        Target(f"{rows.RETAINED} against {rows.COLLECT}", _of(retained, _ratio), 1.0, unit="x"),
        Target(rows.LEAKS, _of(leaks, lambda f: f.wall), 10 if million else None, unit="s"),
        Target("the file, for 12 bytes an object and 3 a reference", _of(save, _file_share), 1, unit="x"),
        Target(rows.OUTSIDE_PAUSE, _of(stopped, lambda f: 1e3 * f.wall), None, unit="ms"),
        Target(
            f"{rows.OUTSIDE_PAUSE}, for 1.5 x one read of the same bytes + 20 ms",
            _of(stopped, lambda f: f.wall / (1.5 * f.facts["read"] + 0.02)),
            1,
            unit="x",
        ),
        Target(rows.OUTSIDE, _of(outside, lambda f: f.wall), _soon(outside), unit="s"),
        Target(
            f"{rows.OUTSIDE}: its memory",
            _of(outside, lambda f: f.facts["most"] / f.facts["rss"]),
            1.8,
            unit="x the process",
        ),
        Target("the file, for each object", _of(save, _file_each), None, unit="bytes"),
    ]


def _soon(of: Figures | None) -> float | None:
    """Seconds that a report may take: 2 up to 10^6 objects, 15 up to 10^7."""
    return None if of is None else 2 if of.objects <= 1_100_000 else 15


def _peak_share(of: Figures) -> float | None:
    return None if of.peak is None or not of.heap else of.peak / of.heap


def _file_share(of: Figures) -> float:
    return of.facts["bytes"] / (12 * of.facts["objects"] + 3 * of.facts["references"])


def _file_each(of: Figures) -> float:
    return of.facts["bytes"] / of.facts["objects"]


def _ratio(of: Figures) -> float:
    return of.ratio.median


def _kept_percent(of: Figures) -> float | None:
    return None if of.kept is None or not of.heap else 100 * of.kept / of.heap


def _figures(outcomes: Mapping[str, Outcome], name: str) -> Figures | None:
    return outcomes[name].figures if name in outcomes else None


def _of(of: Figures | None, number: Callable[[Figures], float | None]) -> float | None:
    """A number of a row's figures; None without them, or without a fact that it needs."""
    try:
        return None if of is None else number(of)
    except KeyError:
        return None


def _median(values: Iterable[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
