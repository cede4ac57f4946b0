"""Calls mem_top() from time to time and writes the reports to standard output, each between two lines of its own.

With a folder, a snapshot of the whole heap is saved there with each report.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

BEGIN = "--- mem_top report {number} after {seconds:.2f} s"
END = "--- end of report {number}"


def start(seconds: float, limit: int, stopped: Callable[[], None], folder: str | None = None) -> None:
    """Starts a thread that reports every so many seconds. When nobody reads any more it calls `stopped`.

    ImportError if mem_top is not installed.
    """
    from mem_top import mem_top, snapshot

    def watch() -> None:
        started = time.monotonic()
        number = 0
        while True:
            number += 1
            # By the clock, so that the intervals are equal however long a report takes.
            time.sleep(max(0.0, started + number * seconds - time.monotonic()))
            report = mem_top(
                limit=limit,
                refs_format="{num}\t{growth}\t{type} {obj}",
                types_format="{num}\t{growth}\t{obj}",
            )
            if folder is not None:
                snapshot().save(os.path.join(folder, f"{number:02}.parquet"))
            heading = BEGIN.format(number=number, seconds=time.monotonic() - started)
            try:
                write("\n".join([heading, report.strip("\n"), END.format(number=number)]))
            except OSError:
                stopped()
                return

    threading.Thread(target=watch, name="mem_top", daemon=True).start()


def write(text: str) -> None:
    """Lines to standard output, at once. OSError if nobody reads them."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Or the interpreter tries once more at its end, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
