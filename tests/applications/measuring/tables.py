"""The tables of the measurements, as Markdown, and their place in `docs/accuracy.md`. Pure: data in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from measuring.accusations import CLASSES, UNKNOWN, Accusation, Shares

UNEXPLAINED_BAR = 0.10
GROWTH_BAR = 0.05


@dataclass(frozen=True)
class Measured:
    """The results of one application."""

    name: str
    title: str
    version: str
    python: str
    processes: int
    """The number of processes that were captured as they are."""
    accusations: Sequence[Accusation]
    """Those of the application as it is, classified."""
    named: Mapping[str, Sequence[str]]
    """For each pattern of traffic, how the planted leak was named in each process: suspect, candidate or missed."""
    extra: Sequence[Accusation] = ()
    """Other accusations in the series with a planted leak, classified."""

    def count(self, kind: str) -> int:
        return sum(one.kind == kind for one in self.accusations)

    def missed(self) -> int:
        return sum(word == "missed" for words in self.named.values() for word in words)

    def wrong(self) -> bool:
        """Whether an accusation is false or unknown, or a planted leak was missed."""
        return any(one.kind in ("false", UNKNOWN) for one in [*self.accusations, *self.extra]) or self.missed() > 0


@dataclass(frozen=True)
class Accounted:
    """The account of one program: resident bytes, and the shares of them and of their growth that no object holds, and
    that are unexplained."""

    about: str
    resident: int
    grown: int
    without_a_holder: Shares
    unexplained: Shares
    library: str = ""
    """The C library of the program that keeps much memory for itself, if there is one."""

    def wrong(self) -> bool:
        """Whether a share is beyond its bar, in either direction: without such a library, also what has no holder."""
        of = [self.unexplained] if self.library else [self.unexplained, self.without_a_holder]
        shares = [pair for one in of for pair in ((one.of_resident, UNEXPLAINED_BAR), (one.of_growth, GROWTH_BAR))]
        return any(share is not None and abs(share) >= bar for share, bar in shares)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table; a vertical bar in a cell is escaped."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *(line(row) for row in rows)])


def named(words: Sequence[str]) -> str:
    """Returns how many processes a planted leak was named in, such as `2 of 2`."""
    if not words:
        return "–"
    found = sum(word != "missed" for word in words)
    candidates = sum(word == "candidate" for word in words)
    return f"{found} of {len(words)}" + (f" ({candidates} as a candidate)" if candidates else "")


def applications(results: Sequence[Measured], patterns: Sequence[str]) -> str:
    """Returns the section about the applications: a row each, then each accusation with what it is."""
    head = ["application", "CPython", "processes", *CLASSES, *(f"planted, {name}" for name in patterns)]
    rows = []
    for one in results:
        counts = [str(one.count(kind)) for kind in CLASSES]
        if unknown := one.count(UNKNOWN):
            counts[-1] += f" and {unknown} unknown"
        planted = [named(one.named.get(name, ())) for name in patterns]
        rows.append([f"{one.title} ({one.version})", one.python, str(one.processes), *counts, *planted])
    totals = [str(sum(one.count(kind) for one in results)) for kind in CLASSES]
    words = [[word for one in results for word in one.named.get(name, ())] for name in patterns]
    processes = str(sum(one.processes for one in results))
    rows.append(["all", "", processes, *totals, *(named(pattern) for pattern in words)])
    parts = [table(head, rows)]
    accusations = []
    for one in results:
        seen: set[tuple[str, str, str]] = set()
        for found in [*one.accusations, *one.extra]:
            if (key := (found.holder, found.leaked, found.kind)) not in seen:
                seen.add(key)
                leaked = f" ({code(found.leaked)})" if found.leaked else ""
                accusations.append(
                    [one.name, code(found.holder) + leaked, found.kind, found.reason or "not looked into"]
                )
    if accusations:
        parts.append(table(["application", "accusation", "class", "reason"], accusations))
    return "\n\n".join(parts)


def code(text: str, most: int = 110) -> str:
    """Returns a text in code style, shortened in the middle."""
    text = text.replace("`", "'")
    if len(text) > most:
        text = f"{text[: most // 2]}…{text[-(most // 2) :]}"
    return f"`{text}`"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def programs(results: Sequence[Accounted]) -> str:
    """Returns the section about the account of memory."""
    head = ["program", "resident", "without a holder", "unexplained", "grew by", "without a holder", "unexplained"]
    rows = [
        [
            one.about,
            f"{one.resident / 1e6:.1f} MB",
            percent(one.without_a_holder.of_resident) + (f" ({one.library})" if one.library else ""),
            percent(one.unexplained.of_resident),
            f"{one.grown / 1e6:.1f} MB",
            percent(one.without_a_holder.of_growth),
            percent(one.unexplained.of_growth),
        ]
        for one in results
    ]
    return table(head, rows)


def put(page: str, name: str, text: str) -> str:
    """Returns a page with the text between the markers `<!-- name -->` and `<!-- end of name -->`."""
    markers = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    page, found = markers.subn(lambda match: f"{match[1]}{text}\n{match[2]}", page)
    if found != 1:
        raise ValueError(f"the page has {found} places for {name!r}, not one")
    return page
