"""Which process on which host an answer is of: in a namespace, after exec, from inside as from outside."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mem_top

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other processes are read on Linux only")

SAYS_AND_WAITS = """
import os, sys
import mem_top

mem_top.snapshot().save(sys.argv[1])
print("ready", os.getpid(), flush=True)
sys.stdin.readline()
"""

EXECS = """
import os, sys
print("ready", os.getpid(), flush=True)
if sys.stdin.readline() == "again\\n":
    os.execv(sys.executable, [sys.executable, *sys.argv])
sys.stdin.readline()
"""


def command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "mem_top", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def answer(*arguments: object) -> "dict[str, object]":
    done = command(*arguments, "--json")
    assert done.returncode in (0, 1, 3), done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


@contextlib.contextmanager
def running(*line: object) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(list(map(str, line)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def first_of_its_namespace(program: Path, snapshot: Path) -> "Iterator[int]":
    """A program that knows itself as process 1, and the number that it has here."""
    if not shutil.which("unshare"):
        pytest.skip("unshare is not there")
    unshare = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]
    with running(*unshare, sys.executable, program, snapshot) as process:
        assert process.stdout
        if process.stdout.readline() != "ready 1\n":
            pytest.skip("this machine lets no namespace be made")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(children[0])


def test_a_process_in_a_namespace_has_the_number_that_was_asked_for(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SAYS_AND_WAITS)
    inside, saved = tmp_path / "inside.parquet", tmp_path / "saved"
    with first_of_its_namespace(program, inside) as pid:
        named = f"PID {pid} (1 in its namespace), program.py, CPython "
        for arguments in (
            [pid, "--once"],
            ["report", pid],
            ["why", pid, "dict"],
            ["dump", pid, "-o", tmp_path / "outside.parquet"],
            ["leaks", pid, "--count", "2", "--interval", "100ms", "--save", saved],
            ["diff", inside, pid],
        ):
            text = command(*arguments).stdout
            assert text.startswith(named), text
            assert f", on {socket.gethostname()}, " in text.splitlines()[0]
        capture = answer("report", pid)["capture"]
        assert isinstance(capture, dict)
        assert (capture["pid"], capture["namespace_pid"], capture["host"]) == (pid, 1, socket.gethostname())
        rows = answer("ps")["processes"]
        assert isinstance(rows, list)
        assert [row["namespace_pid"] for row in rows if row["pid"] == pid] == [1]
        assert sorted(file.name for file in saved.iterdir()) == [f"mem_top-{pid}-{number}.parquet" for number in (1, 2)]
        # From inside it only knows itself as 1; it is the same process all the same.
        told = answer("leaks", inside, tmp_path / "outside.parquet", *sorted(saved.iterdir()))
        snapshots = told["snapshots"]
        assert isinstance(snapshots, list)
        assert len(snapshots) == 4
    of_another = tmp_path / "other.parquet"
    with first_of_its_namespace(program, of_another):
        refused = command("diff", inside, of_another)
        assert refused.returncode == 2
        assert "are of different processes (PID 1 and another process that had PID 1)" in refused.stderr


def test_a_workers_row_and_file_have_the_number_that_was_asked_for(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SAYS_AND_WAITS)
    with first_of_its_namespace(program, tmp_path / "a") as one, first_of_its_namespace(program, tmp_path / "b") as two:
        pids = sorted([one, two])
        text = command(os.getpid(), "--children", "--once").stdout
        assert all(f" {pid} (1 in its namespace)  " in text for pid in pids), text
        saved = tmp_path / "saved"
        arguments = ["--children", "--count", "2", "--interval", "100ms", "--save", saved]
        told = answer("leaks", os.getpid(), *arguments)
        processes = told["processes"]
        assert isinstance(processes, list)
        assert {process["capture"]["pid"] for process in processes} >= set(pids)
        names = {file.name for file in saved.iterdir()}
        assert {f"mem_top-{pid}-{number}.parquet" for pid in pids for number in (1, 2)} <= names


def test_what_stands_in_the_directory_is_not_replaced(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SAYS_AND_WAITS)
    saved = tmp_path / "saved"
    saved.mkdir()
    with running(sys.executable, program, tmp_path / "a") as process:
        assert process.stdout
        process.stdout.readline()
        first = saved / f"mem_top-{process.pid}-1.parquet"
        first.write_text("precious")
        done = command("leaks", process.pid, "--count", "2", "--interval", "100ms", "--save", saved)
        assert first.read_text() == "precious"
        behind = [str(saved / f"mem_top-{process.pid}-{number}.parquet") for number in (2, 3)]
        assert all(f"saved as {path}, behind those that are there" in done.stderr for path in behind), done.stderr
        assert all(mem_top.load(path).objects > 0 for path in behind)


@pytest.mark.parametrize("fixed", [[], ["setarch", "-R"]], ids=["random addresses", "fixed addresses"])
def test_snapshots_before_and_after_exec_are_not_compared(tmp_path: Path, fixed: "list[str]") -> None:
    if fixed and not shutil.which("setarch"):
        pytest.skip("setarch is not there")
    program = tmp_path / "program.py"
    program.write_text(EXECS)
    before, still, after = (tmp_path / f"{name}.parquet" for name in ("before", "still", "after"))
    with running(*fixed, sys.executable, program) as process:
        assert process.stdin
        assert process.stdout
        if not process.stdout.readline():
            pytest.skip("addresses cannot be fixed on this machine")
        for file in (before, still):
            assert command("dump", process.pid, "-o", file).returncode == 0
        process.stdin.write("again\n")
        process.stdin.flush()
        process.stdout.readline()
        assert command("dump", process.pid, "-o", after).returncode == 0
        became = (
            f"PID {process.pid}, which called exec in between and so became another program (program.py both times)"
        )
        for arguments in (["diff", before, after], ["diff", before, process.pid], ["leaks", before, still, after]):
            refused = command(*arguments)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert became in refused.stderr
            assert "hint: " in refused.stderr
    assert command("diff", before, still).returncode == 0
    assert command("diff", before, after, "--any-process").returncode == 0
    older, newer = mem_top.load(before), mem_top.load(after)
    with pytest.raises(ValueError, match="called exec"):
        newer.diff(older)
    with pytest.raises(ValueError, match="called exec"):
        mem_top.leaks(older, newer)


def test_answers_from_inside_say_which_process_they_are_of() -> None:
    snapshot = mem_top.snapshot()
    answers = [snapshot.types(), snapshot.top(), snapshot.memory(), snapshot.report(), snapshot.why("dict")]
    answers += [mem_top.leaks(snapshot), mem_top.snapshot().diff(snapshot)]
    for told in answers:
        first = str(told).splitlines()[0]
        assert first.startswith(f"PID {os.getpid()}, "), first
        assert f", on {socket.gethostname()}, " in first
        fields = told.to_dict()
        capture = fields["new"]["capture"] if "new" in fields else fields["capture"]
        assert (capture["pid"], capture["namespace_pid"]) == (os.getpid(), os.getpid())
        assert capture["host"] == socket.gethostname()
        assert f"PID {os.getpid()}, " in told._repr_html_()
