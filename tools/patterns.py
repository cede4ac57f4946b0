#!/usr/bin/env python3
"""Writes the table of docs/patterns.md from the patterns that mem_top knows; with --check, says whether it is as it was.

Needs CPython 3.11 or later, which reads TOML.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = ROOT / "crates" / "analyze" / "patterns.toml"
PAGE = ROOT / "docs" / "patterns.md"
BEGIN, END = "<!-- the table of patterns -->\n", "<!-- end of the table of patterns -->\n"
PARTS = {
    "path": "path",
    "holder": "holder is",
    "through": "held through",
    "within": "held by",
    "item": "what accumulates is",
    "items": "items are",
    "also_held": "also held by",
    "cause": "cause",
}
SHOWN = 4
"""How many alternatives of a part are shown; the file has all."""


def patterns() -> list[dict[str, Any]]:
    """The patterns, in their order."""
    found: list[dict[str, Any]] = tomllib.loads(PATTERNS.read_text(encoding="utf-8"))["pattern"]
    return found


def condition(part: dict[str, list[str]]) -> str:
    """One condition, as a reader would say it."""
    said = []
    for key, words in PARTS.items():
        if texts := part.get(key):
            alternatives = " or ".join(f"`{text}`" for text in texts[:SHOWN])
            said.append(f"{words} {alternatives}" + (" or …" if len(texts) > SHOWN else ""))
    return ", ".join(said)


def table() -> str:
    """The table, a row for each pattern."""
    rows = ["| pattern | what happens | recognised by | what to do |", "|---|---|---|---|"]
    for one in patterns():
        when = "; or ".join(condition(part) for part in one["when"])
        cells = (f"[`{one['id']}`]({one['link']})", one["title"], when, one["advice"])
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def page(old: str) -> str:
    """The page with a new table."""
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def main() -> int:
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    if "--check" in sys.argv[1:]:
        if new != old:
            print("docs/patterns.md is out of date\nhint: run tools/patterns.py", file=sys.stderr)
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
