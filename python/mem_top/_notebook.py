"""Magics for IPython and notebooks: `%load_ext mem_top` gives `%mem_top` and `%%mem_top_growth`.

IPython is imported here alone, and only when it asks for this extension. What a magic shows is an answer as any other:
text in a terminal, HTML in a notebook.
"""

from __future__ import annotations

import argparse

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from ._answers import Answer
from ._counters import mem_top
from ._snapshot import Snapshot, leaks, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["MemTopMagics", "register"]


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


@magics_class
class MemTopMagics(Magics):
    """See the module."""

    # What IPython declares to be None, and sets.
    shell: Any
    magics: Any

    @magic_arguments()
    @argument("-l", "--limit", type=_count, default=10, help="rows a table (10)")
    @argument("-c", "--counters", action="store_true", help="the three counters of mem_top() instead")
    @line_magic("mem_top")
    def report(self, line: str) -> Answer | None:
        """What is in the heap of this kernel: where memory accumulates, types, the largest objects, memory.

        It is the value of the line too: `answer = %mem_top`.
        """
        options = parse_argstring(self.report, line)
        if options.counters:
            print(mem_top(limit=options.limit))
            return None
        return snapshot().report(limit=options.limit)

    @magic_arguments()
    @argument("-r", "--repeat", type=_count, default=1, help="how often the cell runs (1); from 3 on, leaks are named")
    @argument("-l", "--limit", type=_count, default=10, help="rows a table (10)")
    @cell_magic("mem_top_growth")
    def growth(self, line: str, cell: str) -> None:
        """What a cell leaves behind: runs it, and shows which types became more, and what grew, held where.

        Once, growth can be no more than a candidate: what a cell sets up the first time is no leak. With `--repeat 5`
        what grows each time is named.
        """
        options = parse_argstring(self.growth, line)
        if not options.repeat:
            raise UsageError("--repeat must be 1 or more")
        series = [snapshot(0.0)]
        for done in range(options.repeat):
            if not self._run(cell):
                # Its traceback was shown.
                print(f"the cell failed at its run {done + 1} of {options.repeat}: this is what it left behind")
                series.append(snapshot(float(done)))
                break
            series.append(snapshot(done + 1.0))
        self._show(series, options.limit)

    def _run(self, cell: str) -> bool:
        # Not in the history, whose texts and results would grow.
        return bool(self.shell.run_cell(cell, store_history=False).success)

    def _show(self, series: list[Snapshot], limit: int) -> None:
        display(leaks(*series, limit=limit))
        display(series[-1].diff(series[0], limit=limit))


def register(ipython: InteractiveShell) -> None:
    """Makes the magics known."""
    ipython.register_magics(MemTopMagics)
