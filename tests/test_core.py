"""Core files, in the place of a process: what the command says of them, and what it refuses."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PATTERN = Path("/proc/sys/kernel/core_pattern")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="core files are read on Linux only")

CRASH = """
import os
class Session:
    def __init__(self, number):
        self.cart = [number]
sessions = {f"tok-{number}": Session(number) for number in range(5000)}
os.abort()
"""


def without_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core file of a program that ended with 5,000 sessions."""
    pattern = PATTERN.read_text().strip()
    if "|" in pattern or "/" in pattern:
        pytest.skip(f"this machine puts core files elsewhere: kernel.core_pattern is {pattern}")
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("no core file may be written here: its limit is 0")
    directory = tmp_path_factory.mktemp("core")
    done = subprocess.run([sys.executable, "-c", CRASH], cwd=directory, preexec_fn=without_limit, check=False)
    assert done.returncode == -signal.SIGABRT
    files = list(directory.iterdir())
    if not files:
        pytest.skip("the system wrote no core file")
    return files[0]


def command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "mem_top", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def answer(*arguments: object) -> Any:
    done = command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_report_of_a_core_file_names_where_memory_accumulates(core: Path) -> None:
    report = answer("report", core, "--exe", sys.executable)
    assert report["capture"]["method"] == "remote"
    assert report["capture"]["pause_ms"] is None
    assert not report["capture"]["approximate"]
    assert any("core file" in note for note in report["capture"]["notes"])
    assert report["memory"]["rss"] is None, "what the system counted is in no core file"
    sessions = next(one for one in report["types"] if one["type"] == "__main__.Session")
    assert sessions["count"] == 5000
    assert report["accumulation"]["points"][0]["path"]["text"].startswith("__main__.sessions")


def test_without_exe_the_files_are_taken_from_where_they_were(core: Path) -> None:
    assert answer("report", core)["total"] == answer("report", core, "--exe", sys.executable)["total"]
    done = command("why", core, "__main__.Session")
    assert done.returncode == 0, done.stderr
    assert "__main__.sessions[*]" in done.stdout


def test_a_core_file_is_saved_as_a_snapshot(core: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "heap.parquet"
    assert command("dump", core, "-o", snapshot).returncode == 0
    assert answer("report", snapshot)["total"] == answer("report", core)["total"]


@pytest.mark.parametrize(
    ("exe", "message", "hint"),
    [
        ("/bin/sh", "/bin/sh: not the file that the process ran", "the exact build"),
        ("/nowhere/python", "/nowhere/python: cannot be read", "check the path"),
        ("/", "/: cannot be read: it is not a regular file", ""),
    ],
)
def test_a_program_that_the_process_did_not_run_is_refused(core: Path, exe: str, message: str, hint: str) -> None:
    done = command("report", core, "--exe", exe)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert hint in done.stderr


def test_options_that_mean_nothing_for_a_file_are_refused(core: Path) -> None:
    done = command("report", core, "--no-pause")
    assert done.returncode == 2
    assert "--no-pause says how a process is captured" in done.stderr


def test_what_is_no_core_file_is_told(tmp_path: Path) -> None:
    program = shutil.which("ls")
    assert program
    done = command("report", program)
    assert done.returncode == 2
    assert "not a core file of a 64-bit process: it is another type of ELF file" in done.stderr
    cut = tmp_path / "core"
    cut.write_bytes(b"\x7fELF")
    done = command("report", cut)
    assert done.returncode == 2
    assert "not a core file" in done.stderr
