"""Magics for IPython and notebooks: `%load_ext mem_top` adds `%mem_top` and `%%mem_top_growth`.

Only this module imports IPython, and IPython loads it on request. A magic shows an ordinary answer: text in a terminal,
HTML in a notebook.
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
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


@magics_class
class MemTopMagics(Magics):
    """The magics of mem_top."""

    # Declared as None by IPython, which sets them.
    shell: Any
    magics: Any

    @magic_arguments()
    @argument("-l", "--limit", type=_count, default=10, help="rows per table (10)")
    @argument("-c", "--counters", action="store_true", help="show the three counters of mem_top() instead")
    @line_magic("mem_top")
    def report(self, line: str) -> Answer | None:
        """Show the heap of this kernel: where memory accumulates, types, the largest objects, and memory.

        The answer is also the value of the line: `answer = %mem_top`.
        """
        options = parse_argstring(self.report, line)
        if options.counters:
            print(mem_top(limit=options.limit))
            return None
        return snapshot().report(limit=options.limit)

    @magic_arguments()
    @argument(
        "-r", "--repeat", type=_count, default=1, help="how often to run the cell (1); from 3 on, leaks are named"
    )
    @argument("-l", "--limit", type=_count, default=10, help="rows per table (10)")
    @cell_magic("mem_top_growth")
    def growth(self, line: str, cell: str) -> None:
        """Run a cell, and show which objects it leaves behind, and where they are held.

        After one run, growth is only a candidate, because objects that a cell sets up once are not a leak. With
        `--repeat 5`, growth in every run is named.
        """
        options = parse_argstring(self.growth, line)
        if not options.repeat:
            raise UsageError("--repeat must be 1 or more")
        series = [snapshot(0.0)]
        for done in range(options.repeat):
            if not self._run(cell):
                # IPython has shown the traceback.
                print(f"the cell failed in run {done + 1} of {options.repeat}; the answer shows what it left behind")
                series.append(snapshot(float(done)))
                break
            series.append(snapshot(done + 1.0))
        self._show(series, options.limit)

    def _run(self, cell: str) -> bool:
        # Without history, whose texts and results would grow.
        return bool(self.shell.run_cell(cell, store_history=False).success)

    def _show(self, series: list[Snapshot], limit: int) -> None:
        display(leaks(*series, limit=limit))
        display(series[-1].diff(series[0], limit=limit))


def register(ipython: InteractiveShell) -> None:
    """Register the magics."""
    ipython.register_magics(MemTopMagics)
