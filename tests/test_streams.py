"""Snapshots through a pipe, where no file can be written: `-` is standard output, and standard input."""

import contextlib
import json
import os
import pty
import subprocess
import threading
from pathlib import Path

import pytest
from command_line import FAST, HOLDER, LEAKS, ON_LINUX, Start, command

pytestmark = ON_LINUX

SERVES = LEAKS + "print('ready', flush=True)\nserve(600)\n"


def run(*arguments: object, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command(*arguments), input=given, capture_output=True, timeout=300, check=False)


@pytest.fixture
def piped(start: Start) -> bytes:
    """A snapshot of a program that leaks, as it comes through a pipe."""
    done = run("dump", start(SERVES).pid, "-o", "-")
    assert done.returncode == 0, done.stderr
    assert b"objects saved to standard output (" in done.stderr
    return done.stdout


def test_a_snapshot_through_a_pipe_is_the_one_in_a_file(piped: bytes, tmp_path: Path) -> None:
    assert piped[:4] == piped[-4:] == b"PAR1"
    file = tmp_path / "1.parquet"
    file.write_bytes(piped)
    by_file, by_pipe = (run("report", "--json", name, given=piped) for name in (file, "-"))
    assert by_pipe.returncode == by_file.returncode == 0, by_pipe.stderr
    assert json.loads(by_pipe.stdout) == json.loads(by_file.stdout)
    assert HOLDER in run("why", "-", "__main__.Session", given=piped).stdout.decode()
    assert run("-", given=piped).stdout
    assert run("diff", file, "-", given=piped).returncode == 0


def test_a_core_file_that_is_named_like_standard_input_is_not_read_for_it(piped: bytes, tmp_path: Path) -> None:
    (tmp_path / "-").write_bytes(b"\x7fELF" + bytes(100))
    done = subprocess.run(command("report", "-"), input=piped, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_series_may_have_one_that_comes_through_a_pipe(start: Start, tmp_path: Path) -> None:
    program = start(SERVES)
    files = [tmp_path / f"{number}.parquet" for number in range(3)]
    for file in files:
        assert run("dump", program.pid, "-o", file).returncode == 0
    piped = run("dump", program.pid, "-o", "-").stdout
    done = run("leaks", "--json", *files, "-", given=piped)
    assert len(json.loads(done.stdout)["snapshots"]) == 4, done.stderr
    twice = run("leaks", "-", "-", given=piped)
    assert twice.returncode == 2
    assert b"- is given twice" in twice.stderr


def test_a_page_is_printed_in_place_of_the_answer(piped: bytes) -> None:
    done = run("report", "-", "--html", "-", given=piped)
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().startswith(b"<!doctype html>")
    assert done.stdout.rstrip().endswith(b"</html>")
    series = run("leaks", "-", "--html", "-", given=piped)
    assert series.stdout.lower().startswith(b"<!doctype html>")


@pytest.mark.parametrize("cut", [0, 3, 1000, -1])
def test_what_is_no_whole_snapshot_is_refused(piped: bytes, cut: int) -> None:
    done = run("report", "-", given=piped[:cut])
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: standard input: ")


def test_a_reader_that_leaves_early_is_an_error_of_the_snapshot(start: Start) -> None:
    with subprocess.Popen(
        command("dump", start(SERVES).pid, "-o", "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as dump:
        assert dump.stdout and dump.stderr
        dump.stdout.close()
        said = dump.stderr.read()
    assert dump.returncode == 2
    assert said.startswith(b"error: ")
    assert b"standard output" in said


def test_a_terminal_is_no_place_for_a_snapshot(start: Start) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            command("dump", start(SERVES).pid, "-o", "-"), stdout=theirs, stderr=subprocess.PIPE, timeout=300
        )
        assert done.returncode == 2
        assert b"a snapshot is binary and cannot be shown in a terminal" in done.stderr
        done = subprocess.run(command("report", "-"), stdin=theirs, stderr=subprocess.PIPE, timeout=300)
        assert done.returncode == 2
        assert b"standard input is a terminal" in done.stderr
        assert b"hint: " in done.stderr
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_series_says_how_long_it_takes_and_is_asked_for_in_short(start: Start) -> None:
    pid = start(SERVES).pid
    done = run("leaks", pid, "-n", "3", "-i", "100ms", *FAST, "--json")
    assert len(json.loads(done.stdout)["snapshots"]) == 3
    done = run("leaks", pid, "-d", "300ms", *FAST, "--json", "-l", "1")
    assert len(json.loads(done.stdout)["snapshots"]) == 5
    done = run("leaks", pid, "-d", "1s", "-i", "2s")
    assert done.returncode == 2
    assert b"--duration is shorter than --interval" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["leak", "4711"], "no such command, process or file: leak\nhint: did you mean `mem_top leaks`?"),
        (
            ["repotr", "4711", "--json"],
            "no such command, process or file: repotr\nhint: did you mean `mem_top report`?",
        ),
        (["completion", "bash"], "no such command, process or file: completion\nhint: `mem_top --help` lists"),
        (["11", "12"], "two processes were given, 11 and 12, and one is shown at a time\nhint: "),
    ],
)
def test_a_word_that_was_typed_wrong_is_named(words: "list[str]", said: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_a_dumb_terminal_gets_a_report_without_escapes(start: Start) -> None:
    pid = start(SERVES).pid
    ours, theirs = pty.openpty()
    said = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # Linux says that the other end is closed with an error.
            while piece := os.read(ours, 65536):
                said.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    environment = {**os.environ, "TERM": "dumb"}
    done = subprocess.run(
        command(pid), stdin=theirs, stdout=theirs, stderr=theirs, env=environment, timeout=300, check=False
    )
    os.close(theirs)
    reader.join(60)
    os.close(ours)
    assert done.returncode == 0, said
    assert f"PID {pid}".encode() in said
    assert b"\x1b" not in said
