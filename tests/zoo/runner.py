"""Runs one case of the zoo without mem_top in the process, to be read from outside. CPython 3.8 or later.

    python tests/zoo/runner.py CASE.py STEPS

A round of so many steps for each line on standard input, answered with a line; after a line that says `go`, steps without
end, some two hundred a second, until standard input is closed.
"""

import importlib.util
import os
import sys
import threading
import time


def load(path):
    """The case, as a module of the name `case`: so the headers call it."""
    spec = importlib.util.spec_from_file_location("case", path)
    case = importlib.util.module_from_spec(spec)
    sys.modules["case"] = case
    spec.loader.exec_module(case)
    return case


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    case, steps = load(sys.argv[1]), int(sys.argv[2])
    if hasattr(case, "setup"):
        case.setup()
    done = 0
    for line in sys.stdin:
        if line == "go\n":
            break
        for _ in range(steps):
            case.step(done)
            done += 1
        out.write("done\n")
        out.flush()
    else:
        os._exit(0)
    threading.Thread(target=leave, daemon=True).start()
    out.write("going\n")
    out.flush()
    while True:
        case.step(done)
        done += 1
        time.sleep(0.005)


def leave():
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
