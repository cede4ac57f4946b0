"""The Gearman example: the leak of old is there, mem_top's rows name it, and they tell when it is mended."""

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


def reports(*arguments: str) -> list[str]:
    """What the example prints, one report a round: each round makes 600 jobs of each kind."""
    if not shutil.which("gearmand", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        missing = "gearmand is missing: apt-get install gearman-job-server"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    if not (ROOT / ".cache" / "gearman" / "python3_gearman").exists() and not has_pip():
        pytest.skip("the example fetches its library by pip, which this environment lacks")
    run = [sys.executable, str(ROOT / "examples" / "gearman" / "run.py"), "--jobs", "600", "--rounds", "3", *arguments]
    done = subprocess.run(run, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parts = done.stdout.split("== round ")[1:]
    assert len(parts) == 3
    return parts


CONNECTIONS = r"<class 'collections\.defaultdict'> defaultdict\(<class 'collections\.deque'>, \{<GearmanJobRequest "
HANDLES = r"<class 'dict'> \{'H:[^']*': <GearmanJobRequest "
REQUESTS = r"<class 'python3_gearman\.job\.GearmanJobRequest'>"


def columns(report: str, row: str) -> tuple[int, str]:
    found = re.search(rf"^(\d+)\t([+-]\d+|)\t{row}", report, re.MULTILINE)
    assert found, (row, report)
    return int(found[1]), found[2]


def test_the_leak_of_old_is_named():
    for report in reports()[1:]:
        # 600 mails stay for sure. Of the thumbnails more do, the faster the machine: each is two references here.
        for row, least in ((CONNECTIONS, 500), (HANDLES, 600), (REQUESTS, 600)):
            assert int(columns(report, row)[1]) >= least, (row, report)


def test_with_the_fix_nothing_stays():
    for report in reports("--client", "fixed")[1:]:
        assert "GearmanJob" not in report
        grown = [int(growth) for growth in re.findall(r"^\d+\t([+-]\d+)\t", report, re.MULTILINE)]
        assert len(grown) >= 20
        assert max(grown) < 100


def test_a_new_client_shows_as_new_containers_and_a_level_number_of_requests():
    for report in reports("--client", "renewed")[1:]:
        for row in (CONNECTIONS, HANDLES):
            count, growth = columns(report, row)
            assert growth == "", report
            assert 500 <= count <= 1210, report
        count, growth = columns(report, REQUESTS)
        assert 600 <= count <= 1210, report
        assert abs(int(growth)) < 300, report


def test_it_says_what_is_missing(tmp_path):
    # No gearmand on any path that is looked into: the example is told another PATH, and finds none in /usr/sbin.
    run = [sys.executable, "-c", PROGRAM, str(ROOT / "examples" / "gearman" / "run.py")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=300)
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
