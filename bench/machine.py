"""What the figures were measured on: processor, memory, interpreter, libraries, date. No host name, no paths."""

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path


def describe(peers: list[str]) -> dict[str, str]:
    """The machine, the interpreter and the libraries, in the order in which they are shown."""
    facts = {
        "date": datetime.date.today().isoformat(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "mem_top": _ours(),
        "peers": ", ".join(peers) or "none",
    }
    load = busy()
    if load is not None:
        facts["load before"] = f"{load:.1f}"
    return facts


def busy() -> float | None:
    """How many processes ran on average over the last minute; None where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def _ours() -> str:
    try:
        return importlib.metadata.version("mem_top")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    except (AttributeError, OSError, ValueError):
        return "unknown"
