"""The Gearman example: the leak of old is there, and mem_top's rows name it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def has_pip() -> bool:
    return subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0


def test_the_leak_of_old_is_named():
    if not shutil.which("gearmand", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        missing = "gearmand is missing: apt-get install gearman-job-server"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    if not (ROOT / ".cache" / "gearman" / "python3_gearman").exists() and not has_pip():
        pytest.skip("the example fetches its library by pip, which this environment lacks")
    run = [sys.executable, str(ROOT / "examples" / "gearman" / "run.py"), "--jobs", "600", "--rounds", "3"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    reports = done.stdout.split("== round ")[1:]
    assert len(reports) == 3
    for report in reports[1:]:
        # Each round forgets 600 jobs of each kind; a few thumbnails may be in time.
        for row in (
            r"<class 'collections\.defaultdict'> defaultdict\(<class 'collections\.deque'>, \{<GearmanJobRequest ",
            r"<class 'dict'> \{'H:[^']*': <GearmanJobRequest ",
            r"<class 'python3_gearman\.job\.GearmanJobRequest'>",
        ):
            found = re.search(rf"^(\d+)\t\+(\d+)\t{row}", report, re.MULTILINE)
            assert found, (row, report)
            assert int(found[2]) >= 500


def test_it_says_what_is_missing(tmp_path):
    # No gearmand on any path that is looked into: the example is told another PATH, and finds none in /usr/sbin.
    run = [sys.executable, "-c", PROGRAM, str(ROOT / "examples" / "gearman" / "run.py")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "gearmand is missing" in done.stderr
    assert "hint: apt-get install gearman-job-server" in done.stderr


PROGRAM = """
import runpy, shutil, sys
shutil.which = lambda *_, **__: None
sys.argv = sys.argv[1:]
import pathlib
path = pathlib.Path(sys.argv[0])
run = runpy.run_path(str(path))
run["main"].__globals__["fetch"] = lambda: None
sys.exit(run["main"]())
"""
