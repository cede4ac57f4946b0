"""What the tests share: mem_top 0.2.1, and the difference between this machine and CI."""

import gc
import importlib.util
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# What is started in the background of a shell ignores ^C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
OLD = ROOT / ".cache" / "mem_top-0.2.1" / "mem_top.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last comes what fills this process for good: the heaps that all other tests look at are a third as large."""
    items.sort(key=lambda item: item.path.name == "test_notebook.py")


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

    def run(source: str, *arguments: str, timeout: float = 60, **environment: str) -> Result:
        import subprocess

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


class Result:
    """How a process ended. A negative status is the signal that killed it."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def check(self) -> str:
        assert self.status == 0, f"status {self.status}\n{self.out}\n{self.err}"
        return self.out
