"""Reads a report back into rows."""

import re

SECTIONS = ("refs", "bytes", "types")


def sections(report: str) -> dict[str, list[str]]:
    """The lines of each section, with the default separator."""
    lines = report.split("\n")
    assert lines[0] == ""
    assert lines[-1] == ""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.endswith(":") and line[:-1] in SECTIONS:
            rows = found[line[:-1]] = []
        elif line:
            rows.append(line)
    assert tuple(found) == SECTIONS
    return found


def number(row: str) -> int:
    return int(re.match(r"\d+", row).group())  # type: ignore[union-attr]


def count_of(report: str, type_text: str) -> int:
    """The number of objects of a type, by its line in the section of types."""
    for row in sections(report)["types"]:
        num, text = row.split("\t", 1)
        if text.strip() == type_text:
            return int(num)
    return 0
