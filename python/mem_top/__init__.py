"""Names the memory leak in a Python program.

    from mem_top import mem_top

    # From time to time:
    logging.debug(mem_top())
    # print(mem_top())

    # The counters that keep growing are the suspects.

See `mem_top.mem_top` for what each counter means.
"""

import sys

# Said before the extension is loaded: it reads the heap by the layout of the builds with a GIL.
if hasattr(sys, "abiflags"):
    _free_threaded = "t" in sys.abiflags
else:
    import sysconfig

    _free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
if _free_threaded:
    from pathlib import Path

    raise ImportError(Path(__file__).with_name("_free_threaded.txt").read_text(encoding="utf-8").strip())
del sys, _free_threaded

from ._counters import VerboseFileWarning, mem_top  # noqa: E402
from ._native import __version__  # noqa: E402

__all__ = ["VerboseFileWarning", "__version__", "mem_top"]
