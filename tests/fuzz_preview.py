"""Random objects, nested and knotted, whose previews must begin as their reprs do; and random heaps, whose counts must
be gc's own.

    python tests/fuzz_preview.py --seconds 600 [--seed N]

A failure names the seed of its object, with which `--seed N --seconds 0` makes it again. `tests/test_preview.py` does
the same for a moment.
"""

from __future__ import annotations

import argparse
import collections
import gc
import random
import re
import sys
import time
import warnings

from random_objects import Raising, random_object

from mem_top import _native, mem_top

# What may not stand in a line of a log as it is: it must be shown as `repr()` shows such characters within a string.
UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def escaped(text: str) -> str:
    return UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def oracle(one: object) -> str:
    Raising.told = True
    try:
        return escaped(repr(one))
    finally:
        Raising.told = False


WIDTHS = (None, 0, 1, 2, 3, 7, 20, 100)


def check(one: object) -> None:
    """Holds the preview against the repr, at many widths."""
    try:
        whole = oracle(one)
    except Exception:
        # Of its own: its repr raises also without us, such as for a knot in what guards against none.
        for width in WIDTHS:
            _native.preview(one, width, False)
            _native.preview(one, width, True)
        return
    for width in (*WIDTHS, len(whole) - 1, len(whole), len(whole) + 1):
        if width is None or width >= 0:
            shown = _native.preview(one, width, False)
            if shown != whole[:width]:
                raise AssertionError(difference(one, width, shown, whole[:width]))
            safe = _native.preview(one, width, True)
            assert width is None or len(safe) <= width
            assert not UNSAFE.search(safe)
            safe.encode()


def difference(one: object, width: int | None, shown: str, right: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(shown, right, strict=False)) if a != b), min(len(shown), len(right)))
    near = slice(max(0, at - 60), at + 60)
    return f"{type(one)} at width {width}, from {near.start}: {shown[near]!r} is not {right[near]!r}"


def run(seed: int) -> None:
    rng = random.Random(seed)
    check(random_object(rng, rng.choice((1, 2, 3, 4)), raising=seed % 3 == 0))


def check_counts(seed: int) -> None:
    """One heap: the counts of its types against those of the collector's own list."""
    rng = random.Random(seed)
    kept = [random_object(rng, 3, raising=False) for _ in range(200)]
    gc.collect()
    gc.disable()
    try:
        report = mem_top(limit=5000, width=500, safe=True, sep="\0", **FORMATS)
        expected = collections.Counter(type.__repr__(type(one)) for one in gc.get_objects())
    finally:
        gc.enable()
    rows = [row.split("\1") for row in report.split("types:")[1].strip("\0").split("\0")]
    counted = collections.Counter[str]()
    for num, name in rows:
        counted[name] += int(num)
    for name in {*counted, *(escaped(name) for name in expected)}:
        right = sum(number for each, number in expected.items() if escaped(each) == name)
        # What the call and this function hold meanwhile: lists, dicts, tuples, and what goes with a generator.
        assert abs(counted[name] - right) <= 6, (name, counted[name], right)
    assert kept


FORMATS = {"refs_format": "", "bytes_format": "", "types_format": "{num}\1{obj}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    print(f"seed {arguments.seed}, CPython {sys.version.split()[0]}", flush=True)
    seed = arguments.seed
    end = time.monotonic() + arguments.seconds
    try:
        while True:
            run(seed)
            if seed % 1000 == 0:
                check_counts(seed)
            seed += 1
            if time.monotonic() >= end:
                break
    except BaseException:
        print(f"at --seed {seed}", file=sys.stderr)
        raise
    print(f"{seed - arguments.seed:,} objects: no difference")


if __name__ == "__main__":
    main()
