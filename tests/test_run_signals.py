"""The signals of programs that `mem_top run` starts: they get what is sent to mem_top, and find what they would find."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other processes are read on Linux only")

# What no program can catch, what tells of a fault of the receiver's own, and what tells of its own children.
NOT_PASSED_ON = {
    signal.SIGKILL,
    signal.SIGSTOP,
    signal.SIGCHLD,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGSEGV,
    signal.SIGSYS,
}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mem_top", "run", "--interval", "50ms", "--budget", "100%", *map(str, arguments)]


@contextlib.contextmanager
def running(program: Path, source: str, **how: object) -> "Iterator[subprocess.Popen[str]]":
    """mem_top with a program that has said that it is ready."""
    program.write_text(source)
    process = subprocess.Popen(  # type: ignore[call-overload]
        command(program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )
    ready, _, pid = process.stdout.readline().partition(" ")
    try:
        assert ready == "ready"
        yield process
    finally:
        # Without mem_top, the program would go on.
        process.kill()
        process.wait()
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None or process.returncode < 0:
                os.kill(int(pid), signal.SIGKILL)
        if process.stdout and not process.stdout.closed:
            process.communicate()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def until(what: str, holds: object) -> None:
    """Waits until something holds; a few minutes end a hang."""
    for _ in range(30_000):
        if holds():  # type: ignore[operator]
            return
        time.sleep(0.01)
    pytest.fail(f"in vain: {what}")


CATCHES_ALL = """
import os, signal, sys, time

def caught(number, frame):
    print(number, flush=True)

for number in signal.valid_signals() - {%s}:
    signal.signal(number, caught)
print("ready", os.getpid(), flush=True)
while True:
    # pause() would sleep over a signal that comes right before it.
    time.sleep(0.05)
"""


def test_every_signal_that_can_be_passed_on_reaches_the_program(tmp_path: Path) -> None:
    left_out = ", ".join(str(int(number)) for number in NOT_PASSED_ON)
    with running(tmp_path / "program.py", CATCHES_ALL % left_out) as process:
        assert process.stdout
        everything = sorted(set(signal.valid_signals()) - NOT_PASSED_ON)
        assert signal.SIGTTIN in everything
        assert len(everything) > 40
        for number in everything:
            process.send_signal(number)
            assert process.stdout.readline() == f"{int(number)}\n"
        # None of them stopped or ended mem_top, which a signal to the program alone does not either.
        assert process.poll() is None
        assert state(process.pid) in "RS"


ENDS_WHEN_TOLD = """
import os, signal, sys, time
ignored = [number for number in range(1, 65) if number in signal.valid_signals()
           and signal.getsignal(number) == signal.SIG_IGN]
print("ready", os.getpid(), flush=True)
print(*ignored, flush=True)
time.sleep(float(sys.stdin.readline()))
sys.exit(7)
"""


@pytest.mark.parametrize("ignored", [[], [signal.SIGCHLD], [signal.SIGHUP, signal.SIGINT, signal.SIGCHLD]])
def test_a_program_ignores_what_it_would_ignore_without_mem_top(tmp_path: Path, ignored: "list[int]") -> None:
    def ignore() -> None:
        # What runs in the background of a shell, or by nohup, ignores some.
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    # Python itself ignores these two.
    own = {signal.SIGPIPE, signal.SIGXFSZ}
    for seconds in (0.5, 2, 8, 32):
        with running(tmp_path / "program.py", ENDS_WHEN_TOLD, preexec_fn=ignore) as process:
            assert process.stdout
            assert set(map(int, process.stdout.readline().split())) == {*ignored, *own}
            if signal.SIGHUP in ignored:
                process.send_signal(signal.SIGHUP)
            _, said = process.communicate(f"{seconds}\n", timeout=300)
            # Where the signal of children is ignored, mem_top waits for its child all the same.
            assert process.returncode == 7
        # And looks at it: twice, if this machine is not too slow for that.
        if "verdict: " in said:
            return
        assert "too early to report growth" in said
    pytest.fail("it was never looked at twice")


# --- At a terminal ---

# What a shell does with a job: a group of its own, in the foreground; its stops and its end are written down.
SHELL = """
import json, os, signal, sys

log, *command = sys.argv[1:]
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(command[0], command)
try:
    os.setpgid(job, job)
except OSError:
    pass  # It has done so itself, and runs its program already.
while True:
    _, status = os.waitpid(job, os.WUNTRACED)
    stopped = os.WIFSTOPPED(status)
    with open(log, "a") as file:
        print(json.dumps({"job": job, "stopped": stopped, "status": None if stopped else
              os.waitstatus_to_exitcode(status)}), file=file)
    if not stopped:
        break
    # The shell reads its next command: fg.
    os.tcsetpgrp(0, os.getpgrp())
    sys.stdin.readline()
    os.tcsetpgrp(0, job)
    os.killpg(job, signal.SIGCONT)
"""

AT_A_TERMINAL = """
import os, pathlib, signal, sys, time

log = pathlib.Path(sys.argv[1])

def say(text):
    with log.open("a") as file:
        print(text, file=file)

%s
signal.signal(signal.SIGCONT, lambda *_: say("continued"))
say(f"ready {os.getpid()}")
try:
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    say("interrupted")
    sys.exit(5)
"""


class Terminal:
    """A terminal with a shell in it that runs a program by mem_top."""

    def __init__(self, folder: Path, source: str) -> None:
        self.jobs, self.said = folder / "jobs", folder / "said"
        self.jobs.touch()
        self.said.touch()
        (folder / "program.py").write_text(source)
        (folder / "shell.py").write_text(SHELL)
        shell = [sys.executable, str(folder / "shell.py"), str(self.jobs)]
        self.shell, self.keyboard = pty.fork()
        if self.shell == 0:
            os.execv(shell[0], [*shell, *command(folder / "program.py", self.said)])
        until("the program begins", lambda: "ready" in self.said.read_text())
        self.program = int(self.said.read_text().split()[1])

    def types(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def told(self) -> "list[dict[str, object]]":
        return [json.loads(line) for line in self.jobs.read_text().splitlines()]

    def close(self) -> None:
        for pid in (self.program, self.shell):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.shell, 0)
        os.close(self.keyboard)


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, AT_A_TERMINAL % getattr(request, "param", ""))
    yield opened
    opened.close()


def test_a_terminal_stops_both_and_continues_both_again_and_again(terminal: Terminal) -> None:
    for time_ in range(1, 4):
        terminal.types(b"\x1a")
        until("the job is stopped", lambda count=time_: len(terminal.told()) == count)
        assert terminal.told()[-1]["stopped"]
        # mem_top may be stopped while it reads the program: then it is a stop of the tracer's.
        assert state(terminal.program) in ("T", "t")
        assert state(int(str(terminal.told()[-1]["job"]))) == "T"
        terminal.types(b"fg\n")
        until("the program goes on", lambda count=time_: terminal.said.read_text().count("continued") >= count)
        until("both run", lambda: state(terminal.program) != "T" != state(int(str(terminal.told()[-1]["job"]))))
    terminal.types(b"\x03")
    until("the job ends", lambda: not terminal.told()[-1]["stopped"])
    assert terminal.told()[-1]["status"] == 5
    assert terminal.said.read_text().endswith("interrupted\n")


@pytest.mark.parametrize("terminal", ["signal.signal(signal.SIGTSTP, lambda *_: say('not now'))"], indirect=True)
def test_a_program_that_does_not_stop_for_its_terminal_is_looked_at_further(terminal: Terminal) -> None:
    terminal.types(b"\x1a")
    until("the program was asked", lambda: "not now" in terminal.said.read_text())
    terminal.types(b"\x03")
    until("the job ends", lambda: terminal.told())
    assert [told["stopped"] for told in terminal.told()] == [False]
    assert terminal.told()[-1]["status"] == 5


def test_a_stop_that_is_sent_to_mem_top_stops_both(terminal: Terminal) -> None:
    job = int(Path(f"/proc/{terminal.program}/stat").read_text().rpartition(") ")[2].split()[1])
    os.kill(job, signal.SIGTSTP)
    until("the job is stopped", lambda: terminal.told())
    assert terminal.told()[-1]["stopped"]
    assert state(terminal.program) in ("T", "t")
    terminal.types(b"fg\n")
    until("the program goes on", lambda: "continued" in terminal.said.read_text())
    os.kill(job, signal.SIGTERM)
    until("the job ends", lambda: not terminal.told()[-1]["stopped"])
    assert terminal.told()[-1]["status"] == 128 + signal.SIGTERM
