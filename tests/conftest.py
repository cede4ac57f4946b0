"""What the tests share: mem_top 0.2.1, programs that they start, how they are spread over processes, and what differs in CI."""

import gc
import importlib.util
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import LEAKS, Start

# What is started in the background of a shell ignores ^C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
OLD = ROOT / ".cache" / "mem_top-0.2.1" / "mem_top.py"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The number of processes for `-n auto`: one more than processors, since most tests wait for a child some time."""
    return (os.cpu_count() or 1) + 1


TOGETHER = {
    "test_answers", "test_core", "test_export", "test_gearman", "test_libraries", "test_notebook", "test_own_memory", "test_page",
    "test_same_answers", "test_same_numbers", "test_snapshot_format", "test_snapshot_labels", "test_snapshot_truth",
    "test_torture", "test_tui", "test_zoo",
}  # fmt: skip
"""Files that make something costly once for all of their tests: each runs in one process."""

EARLY = [
    "test_watching", "test_nasty", "test_differential", "test_lifecycle", "test_snapshot_lifecycle", "test_growth",
]  # fmt: skip
"""Files that look at the process that runs them again and again: later it has loaded twice as much."""

LONG = [
    "test_zoo_unseen", "test_zoo_outside", "test_zoo", "test_torture", "test_tui", "test_page", "test_cli_servers",
    "test_cli_pid", "test_cli_run",
]  # fmt: skip
"""Files that begin before the others, so that at the end no process is left alone with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the tests, and keeps those of a file together that share something costly."""

    def order(item: pytest.Item) -> int:
        name = item.path.stem
        # Last comes what fills its process for good: the heaps that all other tests look at are a third as large.
        first = EARLY + LONG
        return first.index(name) if name in first else len(first) + (name == "test_notebook")

    items.sort(key=order)
    for item in items:
        if item.path.stem in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the torture suite took: in CI it is to be short."""
    for seconds in getattr(sys.modules.get("test_torture"), "TOOK", []):
        terminalreporter.write_line(f"the torture suite took {seconds:.0f} s, on {os.cpu_count()} processors")


@pytest.fixture(scope="session")
def old() -> types.ModuleType:
    """mem_top 0.2.1, under another name: the yardstick of all rows."""
    if not OLD.exists():
        missing = "mem_top 0.2.1 is not there: `make test` fetches it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    spec = importlib.util.spec_from_file_location("mem_top_0_2_1", OLD)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """No test pays for another's garbage."""
    yield
    gc.collect()


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., "Result"]:
    """Runs a program in a process of its own."""

    def run(source: str, *arguments: str, timeout: float = 300, **environment: str) -> Result:
        program = tmp_path / "program.py"
        program.write_text(source)
        done = subprocess.run(
            [sys.executable, str(program), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **environment},
            cwd=tmp_path,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs, each ready when it has said so; ends them with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: str) -> "subprocess.Popen[str]":
        program = tmp_path / f"program{len(started)}.py"
        program.write_text(source)
        child = subprocess.Popen(
            [sys.executable, str(program), *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        started.append(child)
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


@pytest.fixture
def leaking(start: Start) -> "subprocess.Popen[str]":
    return start(LEAKS + "\nprint('ready', flush=True)\nserve(120)\n")


class Result:
    """How a process ended. A negative status is the signal that killed it."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def check(self) -> str:
        assert self.status == 0, f"status {self.status}\n{self.out}\n{self.err}"
        return self.out
