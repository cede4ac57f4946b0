"""The magics for IPython: what a cell leaves behind, by name."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import mem_top

# IPython's own use of what newer versions of Python warn of.
pytestmark = pytest.mark.filterwarnings("ignore")

LEAK = """\
%%mem_top_growth --repeat 5
class Ware: pass
kept.extend(Ware() for _ in range(300))
"""


@pytest.fixture(scope="module")
def shell() -> Iterator[Any]:
    # Where IPython cannot be installed, or does not know this Python yet. It is imported as late as can be: its 140,000
    # objects would be in every heap of the tests before.
    interactiveshell = pytest.importorskip("IPython.core.interactiveshell", exc_type=ImportError)
    config = pytest.importorskip("traitlets.config")
    # No history: it would be written by a thread that goes on.
    shell = interactiveshell.InteractiveShell.instance(config=config.Config({"HistoryManager": {"enabled": False}}))
    shell.colors = "NoColor"
    shell.run_line_magic("load_ext", "mem_top")
    yield shell
    shell.run_line_magic("reset", "-f")
    interactiveshell.InteractiveShell.clear_instance()


def shown(shell: Any, cell: str) -> Any:
    """What a cell prints, and the texts and the HTML that it displays."""
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        shell.run_cell(cell, store_history=False)
    return captured


def test_the_report_of_the_kernel_is_the_value_of_the_line(shell):
    shown(shell, "answer = %mem_top --limit 2")
    answer = shell.user_ns.pop("answer")
    assert type(answer) is mem_top.Answer
    assert len(answer.types) == 2
    assert "<table" in answer._repr_html_()


def test_the_counters(shell):
    said = shown(shell, "%mem_top --counters --limit 1").stdout
    assert said.split()[0] == "refs:"
    assert "types:" in said


def test_what_a_cell_leaves_behind_each_time_is_named(shell):
    shell.user_ns["kept"] = []
    outputs = shown(shell, LEAK).outputs
    assert len(shell.user_ns["kept"]) == 1500
    leaks, diff = (output.data for output in outputs)
    assert "\nverdict: leak\n" in leaks["text/plain"]
    assert ".kept (a list) gained 300 " in leaks["text/plain"]
    assert "about 300 items per unit of work" in leaks["text/plain"]
    assert "Ware" in diff["text/plain"]
    assert all("<table" in one["text/html"] for one in (leaks, diff))
    del shell.user_ns["kept"]


def test_a_cell_that_leaves_nothing_is_not_accused(shell):
    outputs = shown(shell, "%%mem_top_growth -r 5\nnumbers = [object() for _ in range(300)]\n").outputs
    assert "verdict: leak" not in outputs[0].data["text/plain"]


def test_once_is_no_accusation(shell):
    shell.user_ns["kept"] = []
    outputs = shown(shell, "%%mem_top_growth\nkept.extend(object() for _ in range(3000))\n").outputs
    text = outputs[0].data["text/plain"]
    assert "\nverdict: inconclusive\n" in text
    assert "suspect" not in text
    del shell.user_ns["kept"]


def test_a_cell_that_fails_is_not_run_again(shell):
    shell.user_ns["runs"] = []
    captured = shown(shell, "%%mem_top_growth -r 5\nruns.append(1)\n1 / (len(runs) < 2)\n")
    assert shell.user_ns.pop("runs") == [1, 1]
    assert "ZeroDivisionError" in captured.stdout
    assert "the cell failed in run 2 of 5" in captured.stdout
    assert len(captured.outputs) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%mem_top --limit many", "'many' is not a number"),
        ("%mem_top --limit -1", "--limit"),
        ("%%mem_top_growth --repeat 0\n1", "--repeat must be 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(shell, line, message):
    captured = shown(shell, line)
    assert message in captured.stdout + captured.stderr


def test_ipython_is_imported_by_nobody_else():
    program = "import sys, mem_top; mem_top.snapshot(); print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "False\n"
