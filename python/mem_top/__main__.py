"""The command `mem_top`, also as `python -m mem_top`."""

import sys

from . import _native


def main() -> int:
    """Runs the command with the arguments of this process; returns its exit status."""
    return _native.run_cli(["mem_top", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
