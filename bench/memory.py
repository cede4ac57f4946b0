"""How much memory this process has and has had, in bytes.

The high-water mark can be reset on Linux where /proc/self/clear_refs may be written. Elsewhere there is only
`ru_maxrss`, which never falls: what a call takes below an earlier peak is not seen, and the method's name says so.
"""

import ctypes
import sys
from collections.abc import Callable


def resident() -> int | None:
    """The resident size; None where there is no /proc. Exact: counted by pages, not by the kernel's running sums."""
    try:
        with open("/proc/self/smaps_rollup", encoding="ascii") as file:
            return _field(file.read(), "Rss:")
    except OSError:
        return _status("VmRSS:")


def release_free() -> None:
    """Hands free memory of the C allocator back, so that a call's extra memory cannot hide in it."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass  # not glibc


def start_peak() -> tuple[str, Callable[[], int | None]]:
    """Begins to watch the peak; returns the method's name and what answers the extra bytes since now."""
    before = _status("VmRSS:")
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        before = None
    if before is not None:
        start = before
        return "VmHWM", lambda: _less(_status("VmHWM:"), start)
    most = _most()
    return "ru_maxrss", lambda: _less(_most(), most)


def _less(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else max(0, now - before)


def _most() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    # Bytes on macOS, KiB elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _status(name: str) -> int | None:
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            return _field(file.read(), name)
    except OSError:
        return None


def _field(text: str, name: str) -> int | None:
    """The field of a /proc file that counts in kB."""
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return None
