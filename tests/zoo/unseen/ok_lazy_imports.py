"""Modules are imported when they are first needed, in the first half of the run."""
# none: true
# verdict: no growth|inconclusive
import importlib

NAMES = ["colorsys", "fractions", "statistics", "wave", "quopri", "sndhdr_", "plistlib", "netrc", "mailbox", "cmd"]


def step(i):
    if i % 50 == 0:
        try:
            importlib.import_module(NAMES[i // 50 % len(NAMES)])
        except ImportError:
            pass
