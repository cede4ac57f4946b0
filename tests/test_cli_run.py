"""The command on programs that it runs itself: `mem_top run`."""

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from command_line import FAST, HOLDER, LEAKS, ON_LINUX, command, fails, mem_top

pytestmark = ON_LINUX


def run_program(tmp_path: Path, source: str, *arguments: object, **how: Any) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "program.py").write_text(source)
    return mem_top("run", *arguments, cwd=tmp_path, **how)


def test_a_program_has_its_streams_and_its_status_to_itself(tmp_path: Path) -> None:
    source = "import sys\nprint(sys.argv[1:], input())\nprint('oops', file=sys.stderr)\nsys.exit(7)\n"
    done = run_program(tmp_path, source, "program.py", "--limit", "x", input="a line\n")
    assert (done.returncode, done.stdout) == (7, "['--limit', 'x'] a line\n")
    assert done.stderr.splitlines()[0] == "oops"
    assert "too early to report growth" in done.stderr
    module = run_program(tmp_path, "print(__name__, __file__)", "-m", "program")
    assert module.stdout.startswith("__main__ ")
    python = run_program(tmp_path, "", sys.executable, "-c", "print(40 + 2)")
    assert (python.returncode, python.stdout) == (0, "42\n")


def test_at_the_end_of_a_program_its_leak_is_named(tmp_path: Path) -> None:
    source = LEAKS + "\nserve(6)\nprint('done')\nraise SystemExit(3)\n"
    done = run_program(tmp_path, source, "--interval", "1s", *FAST, "-o", "leaks.json", "--json", "program.py")
    assert (done.returncode, done.stdout, done.stderr) == (3, "done\n", "")
    told = json.loads((tmp_path / "leaks.json").read_text())
    assert told["verdict"] == "leak"
    assert told["suspects"][0]["holder"] == HOLDER
    text = run_program(tmp_path, source, "--interval", "1s", *FAST, "program.py")
    assert "\nverdict: leak\n" in text.stderr
    printed = run_program(tmp_path, source, "--interval", "1s", *FAST, "-o", "-", "program.py")
    assert printed.stdout.startswith("done\n")
    assert "\nverdict: leak\n" in printed.stdout
    assert (printed.stderr, (tmp_path / "-").exists()) == ("", False)


def test_signals_reach_the_program(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import signal, time\n"
        "def usr(number, frame):\n    print('usr', flush=True)\n"
        "signal.signal(signal.SIGUSR1, usr)\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(0.1)\n"
    )
    process = subprocess.Popen(
        command("run", "--interval", "200ms", "program.py"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == "usr\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM


def test_what_cannot_be_run_is_a_failure(tmp_path: Path) -> None:
    error, hints = fails("run", "no-such-program")
    assert error == "no such program or script: no-such-program"
    assert hints


def test_the_answer_of_a_run_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("of somebody else")
    planted = tmp_path / "leaks.txt"
    planted.symlink_to(elsewhere)
    source = LEAKS + "\nserve(3)\nprint('done')\n"
    done = run_program(tmp_path, source, "--interval", "300ms", *FAST, "-o", "leaks.txt", "program.py")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert not planted.is_symlink()
    assert stat.S_IMODE(planted.stat().st_mode) == 0o600
    assert "\nverdict: " in planted.read_text()
    assert elsewhere.read_text() == "of somebody else"
    # What cannot be written is said before the program runs.
    error, _ = fails("run", "-o", "none/leaks.txt", "program.py", cwd=tmp_path)
    assert "there is no directory none" in error
