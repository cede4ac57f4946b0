"""The command `mem_top`, also as `python -m mem_top`."""

import signal
import sys

from . import _native


def main() -> int:
    """Run the command with the arguments of this process, and return its exit status."""
    # The command handles ^C itself. Python's handler would only record it until the command has ended.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_cli(["mem_top", *sys.argv[1:]], sys.executable or None)


if __name__ == "__main__":
    sys.exit(main())
