"""Finds the counters that kept growing in the reports that the shop of the demo printed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

LEAST_GROWTH = 10
"""Growth of fewer in an interval proves nothing: threads and requests come and go."""

LEAST_INTERVALS = 3
"""Of fewer intervals one cannot say that something kept growing."""


@dataclass(frozen=True)
class Report:
    """One report: the growth of each row of `refs` and `types` by its text; None where it is not known."""

    seconds: float
    text: str
    growth: dict[tuple[str, str], int | None]


@dataclass(frozen=True)
class Suspect:
    """A counter that grew in every interval in which its growth is known."""

    section: str
    name: str
    growth: tuple[int | None, ...]
    """By interval. None only before the row came into the reports."""

    @property
    def known(self) -> tuple[int, ...]:
        """The growth of the intervals in which it is known."""
        return tuple(number for number in self.growth if number is not None)

    @property
    def own(self) -> bool:
        """Whether it is a type that some module defines, and not one of the interpreter's."""
        return self.section == "types" and "." in self.name


BEGIN = re.compile(r"--- mem_top report \d+ after ([\d.]+) s")
END = re.compile(r"--- end of report \d+")
CLASS = re.compile(r"<class '([^']+)'>")


def read_reports(lines: Iterable[str]) -> list[Report]:
    """The reports among the lines that the shop printed. One that has no end is left out."""
    reports = []
    block: list[str] | None = None
    seconds = 0.0
    for line in lines:
        begins = BEGIN.fullmatch(line)
        if begins:
            block, seconds = [], float(begins[1])
        elif END.fullmatch(line):
            if block is not None:
                reports.append(Report(seconds, "\n".join(block), growth_of_rows(block)))
            block = None
        elif block is not None:
            block.append(line)
    return reports


def growth_of_rows(lines: Iterable[str]) -> dict[tuple[str, str], int | None]:
    """The growth of each row of `refs` and `types`. Rows of one section with the same text cannot be told apart:
    their growth is not known."""
    found: dict[tuple[str, str], int | None] = {}
    section = ""
    for line in lines:
        if line in ("refs:", "bytes:", "types:"):
            section = line[:-1]
        elif section in ("refs", "types") and line.count("\t") >= 2:
            _, growth, text = line.split("\t", 2)
            key = section, text
            found[key] = int(growth) if growth and key not in found else None
    return found


def kept_growing(reports: list[Report]) -> list[Suspect]:
    """The counters that grew in every interval, likeliest first: types of the program, objects with many references,
    types of the interpreter; in each the fastest first, by the slowest interval.

    Nothing is known of a row before it comes into the reports; from then on it must never be missing, and must be seen
    to grow in half of all intervals at least.
    """
    intervals = reports[1:]
    enough = max(LEAST_INTERVALS, math.ceil(len(intervals) / 2))
    suspects = []
    for section, text in dict.fromkeys(key for report in intervals for key in report.growth):
        growth = [report.growth.get((section, text)) for report in intervals]
        first = next((at for at, number in enumerate(growth) if number is not None), len(growth))
        known = [number for number in growth[first:] if number is not None and number >= LEAST_GROWTH]
        if len(known) == len(growth) - first >= enough:
            name = CLASS.sub(r"\1", text, count=1)
            suspects.append(Suspect(section, name, tuple(growth)))
    return sorted(suspects, key=lambda each: (not each.own, each.section != "refs", -min(each.known), each.name))


def holder(suspect: Suspect, suspects: list[Suspect]) -> Suspect | None:
    """The object whose references grow in step with the suspect: within a twentieth in every interval, in which both
    are known."""
    for each in suspects:
        both = [
            (ours, theirs)
            for ours, theirs in zip(suspect.growth, each.growth, strict=True)
            if ours is not None and theirs is not None
        ]
        if each.section == "refs" and both and all(abs(ours - theirs) * 20 <= ours for ours, theirs in both):
            return each
    return None


def conclusion(suspects: list[Suspect], intervals: int, width: int = 120) -> list[str]:
    """What the demo says at its end."""
    if not suspects:
        return [f"No counter grew in each of the {intervals} intervals."]
    lines = [f"These counters grew in every interval, of {intervals}:", ""]
    units = {"types": "objects", "refs": "references"}
    growth = [" ".join("·" if number is None else f"{number:+,}" for number in each.growth) for each in suspects]
    longest = max(map(len, growth))
    for each, numbers in zip(suspects, growth, strict=True):
        lines.append(f"  {numbers:{longest}} {units[each.section]:10}  {shortened(each.name, width - longest - 15)}")
    first = suspects[0]
    lines.append("")
    if not first.own:
        return [*lines, f"The first suspect is {shortened(first.name, width - 21)}"]
    kept_in = holder(first, suspects)
    if kept_in is None:
        return [*lines, f"The first suspect is {first.name}: its objects are made and never freed."]
    kind, _, start = kept_in.name.partition(" ")
    lines.append(f"The first suspect is {first.name}: as many are made as references come into one {kind}, this one:")
    return [*lines, f"  {shortened(start, width - 2)}"]


def shortened(text: str, width: int) -> str:
    """At most so many characters, and 20 in any case."""
    width = max(width, 20)
    return text if len(text) <= width else text[: width - 1] + "…"
