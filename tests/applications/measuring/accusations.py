"""Judges the answers of `mem_top leaks` about the applications. Pure: data in, data out.

An accusation is a suspect, or the verdict that native memory grows. `expected.toml` says of each known accusation
whether it is right, bounded or false; an accusation without an entry is unknown, and somebody must look into it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

CLASSES = ("right", "bounded", "false")
UNKNOWN = "unknown"
NATIVE = "(native growth)"
"""The place of an accusation that names no object."""

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Accusation:
    """An accusation in an answer."""

    application: str
    role: str
    holder: str
    leaked: str
    bytes: int
    growth: tuple[int, ...]
    kind: str = UNKNOWN
    reason: str = ""


@dataclass(frozen=True)
class Known:
    """An entry of `expected.toml`. The patterns are searched in the place and in the first leaked type."""

    application: str
    holder: re.Pattern[str]
    leaked: re.Pattern[str]
    kind: str
    reason: str

    def covers(self, one: Accusation) -> bool:
        return (
            self.application in (one.application, "*")
            and self.holder.search(one.holder) is not None
            and self.leaked.search(one.leaked) is not None
        )


class ExpectationError(Exception):
    """An entry of `expected.toml` is wrong."""


def known(data: Mapping[str, Any]) -> list[Known]:
    """Reads the entries; refuses those that lack something."""
    found = []
    for number, entry in enumerate(data.get("accusation", []), start=1):
        where = f"accusation {number} of expected.toml"
        unknown = entry.keys() - {"application", "holder", "leaked", "class", "reason"}
        lacking = {"application", "holder", "class", "reason"} - entry.keys()
        if unknown or lacking:
            raise ExpectationError(f"{where}: unknown fields {sorted(unknown)}, missing fields {sorted(lacking)}")
        if entry["class"] not in CLASSES:
            raise ExpectationError(f"{where}: class {entry['class']!r} is not one of {', '.join(CLASSES)}")
        if len(entry["reason"].split()) < 3:
            raise ExpectationError(f"{where}: give a reason that can be checked")
        try:
            holder, leaked = re.compile(entry["holder"]), re.compile(entry.get("leaked", ""))
        except re.error as error:
            raise ExpectationError(f"{where}: {error}") from error
        found.append(Known(entry["application"], holder, leaked, entry["class"], entry["reason"]))
    return found


def path_of(suspect: Mapping[str, Any]) -> str:
    """Returns the path of a suspect: its holder, or the way to it if it has none."""
    return str(suspect["holder"] or "".join(step["label"] for step in suspect["path"]) or suspect["cause"])


def accusations(application: str, role: str, answer: Answer) -> list[Accusation]:
    """Lists the accusations of an answer."""
    found = []
    for suspect in answer["suspects"]:
        leaked = suspect["leaked"][0]["type"] if suspect["leaked"] else ""
        size = sum(suspect["bytes_growth"])
        found.append(Accusation(application, role, path_of(suspect), leaked, size, tuple(suspect["growth"])))
    # Several verdicts may hold at once; older answers have one.
    if NATIVE.strip("()") in {str(verdict) for verdict in answer.get("verdicts", [])} | {answer["verdict"]}:
        rss = [size for size in answer["memory"]["rss"] if size is not None]
        grown = rss[-1] - rss[0] if rss else 0
        steps = tuple(later - earlier for earlier, later in itertools.pairwise(rss))
        found.append(Accusation(application, role, NATIVE, "", grown, steps))
    return found


def classify(found: Iterable[Accusation], entries: Sequence[Known]) -> list[Accusation]:
    """Gives each accusation its class; the first entry that covers it decides."""
    classified = []
    for one in found:
        entry = next((entry for entry in entries if entry.covers(one)), None)
        fields = asdict(one) | ({"kind": entry.kind, "reason": entry.reason} if entry else {})
        classified.append(Accusation(**fields))
    return classified


def naming(answer: Answer, pattern: str) -> str:
    """Says how an answer names a planted leak: as a suspect, as a candidate, or not at all (missed)."""
    for found, word in ((answer["suspects"], "suspect"), (answer["candidates"], "candidate")):
        for one in found:
            path = "".join(step["label"] for step in one["path"])
            if re.search(pattern, path_of(one)) or re.search(pattern, path):
                return word
    return "missed"


@dataclass(frozen=True)
class Shares:
    """Shares of resident memory and of its growth; None where they are unknown."""

    of_resident: float | None
    of_growth: float | None


def without_a_holder(answer: Answer) -> Shares:
    """The part of resident memory that no object of Python holds: memory of C libraries, and unexplained memory."""
    rest = answer["memory"]["unexplained"]
    return shares(answer, rest[0], rest[-1])


def unexplained(answer: Answer) -> Shares:
    """The part of resident memory of which nothing is known, neither a holder nor an allocator nor a mapping."""
    part = next(one for one in answer["account"]["parts"] if one["part"] == "unexplained")
    now = part["bytes"]
    return shares(answer, None if now is None else now - part["growth_bytes"], now)


def shares(answer: Answer, before: int | None, now: int | None, least_growth: int = 2_000_000) -> Shares:
    """Returns the shares of a part of memory. That of the growth is None if the process grew by less than `least_growth`
    bytes, since a share of next to nothing means nothing."""
    rss = answer["memory"]["rss"]
    if not rss or rss[0] is None or not rss[-1] or before is None or now is None:
        return Shares(None, None)
    grown = rss[-1] - rss[0]
    return Shares(now / rss[-1], None if grown < least_growth else (now - before) / grown)
