"""Names the memory leak in a Python program.

    from mem_top import mem_top

    # From time to time:
    logging.debug(mem_top())
    # print(mem_top())

    # The counters that keep growing are the suspects.

See `mem_top.mem_top` for what each counter means.
"""

import sys

if sys.version_info >= (3, 13):
    import sysconfig

    # Said before the extension is loaded: it reads the heap by the layout of the builds with a GIL.
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        from pathlib import Path

        raise ImportError(Path(__file__).with_name("_free_threaded.txt").read_text(encoding="utf-8").strip())
    del sysconfig
del sys

from ._counters import VerboseFileWarning, mem_top  # noqa: E402
from ._native import __version__  # noqa: E402

__all__ = ["VerboseFileWarning", "__version__", "mem_top"]
