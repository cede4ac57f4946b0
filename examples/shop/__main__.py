"""`python -m shop`: opens the shop on this machine, until ^C or SIGTERM. Status 0 then, 2 if it cannot open."""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys

from . import reports, sessions
from .app import app
from .server import Server

GRACE = 5.0
"""How many seconds requests that are under way have at the end."""


def positive(text: str) -> float:
    """A number of seconds."""
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ValueError(text)
    return seconds


def rows(text: str) -> int:
    """A number of rows."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def port(text: str) -> int:
    """A port, or 0."""
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError(text)
    return number


def main() -> int:
    """Serves until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m shop", description="A web shop that leaks its sessions.")
    parser.add_argument("--port", type=port, default=8000, help="where to listen on 127.0.0.1; 0: any (default: 8000)")
    parser.add_argument(
        "--expire", type=positive, metavar="SECONDS", help="the fix: forget sessions after so long without a request"
    )
    parser.add_argument(
        "--mem-top-every",
        type=positive,
        metavar="SECONDS",
        help="print mem_top() from time to time (must be installed)",
    )
    parser.add_argument(
        "--mem-top-limit", type=rows, default=10, metavar="ROWS", help="rows of a section (default: 10)"
    )
    parser.add_argument(
        "--mem-top-snapshots", metavar="FOLDER", help="save a snapshot of the heap there with each report"
    )
    options = parser.parse_args()

    sessions.expire_after = options.expire
    try:
        server = Server("127.0.0.1", options.port, app)
    except OSError as error:
        print(f"shop: cannot listen on port {options.port}: {error.strerror}", file=sys.stderr)
        print("hint: --port 0 takes one that is free", file=sys.stderr)
        return 2

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, frame: server.stop())
    try:
        if options.mem_top_every:
            reports.start(options.mem_top_every, options.mem_top_limit, server.stop, options.mem_top_snapshots)
    except ImportError as error:
        print(f"shop: --mem-top-every needs mem_top: {error}", file=sys.stderr)
        print(f"hint: leave it out, or install mem_top for {sys.executable}", file=sys.stderr)
        server.server_close()
        return 2

    reports.write(f"listening on http://127.0.0.1:{server.server_port} (pid {os.getpid()})")
    server.serve_forever(poll_interval=0.1)
    if not server.finish(GRACE):
        print("shop: some requests did not end in time", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
