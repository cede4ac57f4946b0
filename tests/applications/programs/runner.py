"""Runs a program of this folder step by step: a line of standard input is a step, and is answered when it is done."""

import importlib
import sys

program = importlib.import_module(sys.argv[1])
# The first step is the warm-up: imports, caches and pools that a first use fills.
for number, _ in enumerate(sys.stdin):
    program.step(number)
    print("done", flush=True)
