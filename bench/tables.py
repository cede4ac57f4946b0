"""The figures as Markdown: tables that also read well in a terminal, and the page around them.

Pure functions from figures to text; nothing is measured, written or printed here.
"""

from collections.abc import Mapping, Sequence

from figures import Figures, Heap, Outcome, Target
from rows import Row

_HEAD = (
    "row",
    "x gc.collect()",
    "least … most",
    "CPU ms",
    "wall ms",
    "extra peak MB",
    "peak B/object",
    "kept MB",
    "kept B/object",
    "rounds",
)
_NONE = "-"

Results = Mapping[Heap, Mapping[str, Outcome]]


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, *body)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    rule = "|".join(["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]])
    lines.insert(1, f"|{rule}|")
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def number(value: float | None, digits: int = 3) -> str:
    """A number with about so many significant digits, never in powers of ten, and no more decimals than digits."""
    if value is None:
        return _NONE
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    text = f"{value:,.{max(0, digits - whole)}f}"
    return "0" if float(text.replace(",", "")) == 0 else text


def section(heap: Heap, outcomes: Mapping[str, Outcome], targets: Sequence[Target]) -> str:
    """The table of one heap, why rows have no figures, and the derived lines."""
    known = [outcome.figures for outcome in outcomes.values() if outcome.figures]
    title = f"## {heap.size:,} objects, {heap.shape}"
    if known and known[0].heap is not None:
        title += f" ({known[0].objects:,} gc-tracked, {known[0].heap / 1e6:,.0f} MB)"
    parts = [title, table(_HEAD, [_cells(outcome) for outcome in outcomes.values()])]
    reasons = [
        f"- {one.row}: {'failed' if one.failed else 'skipped'}: {one.failed or one.skipped}"
        for one in outcomes.values()
        if not one.figures
    ]
    if reasons:
        parts.append("\n".join(reasons))
    if any(line.value is not None for line in targets):
        parts.append(table(("derived", "measured", "target", "met"), [_target(line) for line in targets]))
    return "\n\n".join(parts)


def _cells(outcome: Outcome) -> list[str]:
    of = outcome.figures
    if of is None:
        return [outcome.row, "FAILED" if outcome.failed else "skipped", *[_NONE] * (len(_HEAD) - 2)]
    return [
        outcome.row,
        number(of.ratio.median),
        f"{number(of.ratio.least)} … {number(of.ratio.most)}" if of.rounds > 1 else _NONE,
        number(of.cpu * 1e3),
        number(of.wall * 1e3),
        number(_mega(of.peak)) + ("*" if of.peak_method != "VmHWM" and of.peak is not None else ""),
        number(of.each(of.peak)),
        number(_mega(of.kept)),
        number(of.each(of.kept)),
        str(of.rounds),
    ]


def _mega(size: float | None) -> float | None:
    return None if size is None else size / 1e6


def _target(line: Target) -> list[str]:
    limit = _NONE if line.limit is None else f"{'≥' if line.at_least else '≤'} {line.limit:g}"
    if line.stretch is not None:
        limit += f" (stretch {line.stretch:g})"
    met = {True: "yes", False: "NO", None: "not measured" if line.value is None else _NONE}[line.met]
    if line.met and line.stretch is not None and line.value is not None and line.value <= line.stretch:
        met += ", the stretch too"
    return [line.text, f"{number(line.value)} {line.unit}" if line.value is not None else _NONE, limit, met]


def sections(results: Results, targets: Mapping[Heap, Sequence[Target]]) -> str:
    """All the heaps' tables."""
    return "\n\n".join(section(heap, outcomes, targets[heap]) for heap, outcomes in results.items())


def page(
    results: Results,
    targets: Mapping[Heap, Sequence[Target]],
    rows: Sequence[Row],
    machine: Mapping[str, str],
    seed: int,
) -> str:
    """The whole page for `docs/benchmarks.md`."""
    about = "\n".join(f"- {name}: {fact}" for name, fact in machine.items())
    what = "\n".join(
        f"- **{row.name}**{f' ({row.peer})' if row.peer and str(row.peer) not in row.name else ''}: {row.what}."
        for row in rows
    )
    note = ""
    known: list[Figures] = [o.figures for outcomes in results.values() for o in outcomes.values() if o.figures]
    if any(figures.peak_method != "VmHWM" for figures in known):
        note = (
            "\n\\* The high-water mark could not be reset here: this is by how much the call raised the process' "
            "greatest size so far, so it can be too small.\n"
        )
    return f"""# Benchmarks

Written by `make bench`; not edited by hand.

{about}

To repeat it: `make bench`, on a quiet machine; `BENCH_LARGE=1 make bench` adds 10,000,000 objects (some 3 GB for \
the heap, and twice that for some rows). `.venv/bin/python bench/run.py --help` tells how to run a part of it.

How it is measured:

- One fresh process for each row and round; in every round each row has its turn, so that a change of the machine's \
speed meets them all. Each process builds the same heap first (seed {seed}): instances with a dict and with slots, \
dicts, lists, tuples, sets, closures and strings. In **plain** they hang in a tree of small containers, none with more \
than 1,000 items; in **large** one list and one dict hold them all, and a list and a set hold 100,000 strings and more.
- **x gc.collect()** is the CPU time of the thread, as a multiple of a `gc.collect()` with nothing to collect, timed \
just before it in the same process; the two alternate, the process' figure is the median of its pairs, and the table \
has the median over the rounds with the least and the most. Making and dropping the result are both timed.
- **extra peak** is by how much the resident size rose above what it was, during the first call; **kept** is by how \
much it is larger after that call, its result dropped and a `gc.collect()`. What a row imports was imported before. \
MB are 10^6 bytes; an object is a gc-tracked one.
- Rows that take many times a `gc.collect()` have one round from 1,000,000 objects on. Where not even a second call \
fits a process' time, the first call is the figure.
- Automatic collection is on, as in the programs that are looked at: what a row's own objects set off is its cost.

{sections(results, targets)}
{note}
## The rows

{what}
"""
