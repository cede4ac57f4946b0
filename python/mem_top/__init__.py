"""Finds memory leaks in a Python program.

The counters that keep growing are suspects:

    from mem_top import mem_top

    # From time to time:
    logging.debug(mem_top())

Snapshots of the whole heap show where a leak accumulates:

    import mem_top
    first = mem_top.snapshot()
    ...
    print(mem_top.leaks(first, second, third, fourth))
"""

import sys

# Checked before the extension is loaded, which assumes the heap layout of builds with a GIL.
if hasattr(sys, "abiflags"):
    _free_threaded = "t" in sys.abiflags
else:
    import sysconfig

    _free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
if _free_threaded:
    from pathlib import Path

    raise ImportError(Path(__file__).with_name("_free_threaded.txt").read_text(encoding="utf-8").strip())
del sys, _free_threaded

from ._answers import Answer, Record  # noqa: E402
from ._counters import VerboseFileWarning, mem_top  # noqa: E402
from ._native import __version__  # noqa: E402
from ._snapshot import Snapshot, leaks, load, processes, snapshot  # noqa: E402
from ._watching import Watch, watching  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(ipython: "InteractiveShell") -> None:
    """Registers the magics `%mem_top` and `%%mem_top_growth`. Called by `%load_ext mem_top`."""
    from ._notebook import register

    register(ipython)


__all__ = [
    "Answer",
    "Record",
    "Snapshot",
    "VerboseFileWarning",
    "Watch",
    "__version__",
    "leaks",
    "load",
    "mem_top",
    "processes",
    "snapshot",
    "watching",
]
