"""The benchmark can be repeated: each row that needs nothing fetched or built runs, on a small heap, and tells figures.

What it measures is no matter here; on a small heap, beside other work, figures say nothing.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_row_of_ours_runs() -> None:
    asked = [text for row in ("snapshot", "leaks()", "mem_top(", "load()", "gc.") for text in ("--rows", row)]
    options = ["--sizes", "50000", "--rounds", "1", "--pairs", "1", "--no-peers", "--json", *asked]
    command = [sys.executable, str(ROOT / "bench" / "run.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    heaps = json.loads(done.stdout)["heaps"]
    assert [heap["shape"] for heap in heaps] == ["plain", "large"]
    for heap in heaps:
        told = {row["row"]: row["figures"] for row in heap["rows"]}
        assert {"snapshot() and retained sizes", "leaks() over five snapshots", "snapshot.save()", "load()"} <= set(
            told
        )
        assert all(figures is not None for figures in told.values()), told
