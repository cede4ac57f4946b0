"""The live view in a real terminal: tmux plays the terminal, a shell starts the view, and keys are typed.

The view replays snapshots of a real heap, so that nothing depends on a running process. After each test the terminal
must be as it was: the same settings, the same screen, its cursor, no mouse.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300.0
"""Seconds that end a hang: a debug build on a busy machine takes its time."""

LEAK = """
import sys
import mem_top

class Session:
    def __init__(self, user):
        self.user = user
        self.cart = []

by_token = {}
for nth in range(8):
    for request in range(750):
        by_token[f"token-{nth}-{request}"] = Session(request % 100)
    mem_top.snapshot().save(f"{sys.argv[1]}/{nth}.parquet")
"""


@pytest.fixture(scope="module")
def replay() -> Path:
    """The example that replays snapshots."""
    missing = [tool for tool in ("tmux", "cargo", "bash") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not found: the live view is tested in a terminal of tmux")
    build = ["cargo", "build", "--quiet", "--package", "memtop-tui", "--example", "replay"]
    subprocess.run(build, check=True, cwd=ROOT, timeout=3000)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "debug" / "examples" / "replay"


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight snapshots of a program that forgets no session."""
    folder = tmp_path_factory.mktemp("snapshots")
    program = folder / "leak.py"
    program.write_text(LEAK)
    subprocess.run([sys.executable, program, folder], check=True, timeout=300)
    return sorted(folder.glob("*.parquet"))


class Terminal:
    """A terminal with a shell in it."""

    def __init__(self, folder: Path, width: int = 100, height: int = 30) -> None:
        self.socket = f"mem-top-{uuid.uuid4().hex[:12]}"
        environment = {**os.environ, "TERM": "xterm-256color", "HISTFILE": ""}
        for name in ("NO_COLOR", "TMUX", "PROMPT_COMMAND", "RUST_BACKTRACE"):
            environment.pop(name, None)
        (folder / "rc").write_text("PS1='ready> '\n")
        shell = "bash --noprofile --rcfile rc -i"
        size = ["-x", str(width), "-y", str(height)]
        command = ["tmux", "-L", self.socket, "-f", os.devnull, "new-session", "-d", *size, "-c", str(folder), shell]
        subprocess.run(command, check=True, env=environment, timeout=300)
        self.wait(lambda: "ready>" in self.screen(), "a prompt")
        self.before = self.settings()

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.socket, *arguments], check=True, capture_output=True, text=True, timeout=300
        )
        return done.stdout

    def screen(self, *, escapes: bool = False) -> str:
        """What is on the screen."""
        return self.tmux("capture-pane", "-p", *(["-e"] if escapes else []))

    def press(self, *keys: str) -> None:
        """Presses keys, by the names that tmux has for them."""
        self.tmux("send-keys", *keys)

    def write(self, text: str) -> None:
        """Types a text as it is."""
        self.tmux("send-keys", "-l", text)

    def click(self, column: int, line: int) -> None:
        """Clicks, both counted from 1: the terminal's report of it, as the program reads it."""
        for end in "Mm":
            self.write(f"\x1b[<0;{column};{line}{end}")

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def wait(self, met: Callable[[], object], what: str) -> None:
        """Waits until something is so."""
        until = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < until, f"waited in vain for {what}\n{self.screen()}"
            time.sleep(0.05)

    def shows(self, *texts: str) -> str:
        """Waits until all texts are on the screen together."""
        self.wait(lambda: (screen := self.screen()) and all(text in screen for text in texts), " and ".join(texts))
        return self.screen()

    def run(self, *command: str | Path) -> None:
        """Starts a command; when it ends, its status is on the screen."""
        self.write(" ".join(str(word) for word in command) + "; echo status=$?")
        self.press("Enter")

    def ended(self, status: int) -> str:
        """Waits for the command's end; the terminal must be as it was."""
        shown = self.shows(f"status={status}")
        assert self.settings() == self.before
        flags = self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{mouse_sgr_flag}")
        assert flags.split() == ["0", "1", "0", "0"], "another screen, no cursor, or a mouse is left"
        return shown

    def settings(self) -> str:
        """What `stty -a` says of the terminal, of lines, echo and signals."""
        tty = self.tmux("display-message", "-p", "#{pane_tty}").strip()
        said = subprocess.run(["stty", "-a", "-F", tty], check=True, capture_output=True, text=True, timeout=300)
        return re.sub(r"rows \d+; columns \d+; ", "", said.stdout)

    def pid(self) -> int:
        """The process that runs in front."""
        pane = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        children = Path(f"/proc/{pane}/task/{pane}/children").read_text().split()
        return int(children[-1])

    def close(self) -> None:
        self.tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path, replay: Path) -> Iterator[Terminal]:
    shown = Terminal(tmp_path)
    yield shown
    shown.close()


def start(terminal: Terminal, replay: Path, snapshots: list[Path], *options: str | Path) -> None:
    """Starts the view, waits until it accuses, and freezes it: when all snapshots were shown, nothing grows any more."""
    terminal.run(replay, "--interval", "0.3", "--budget", "1", *options, *snapshots)
    terminal.shows("leak:", "__main__.by_token")
    terminal.press("f")
    terminal.shows("■ frozen")


def selected(terminal: Terminal) -> list[str]:
    """The lines in which something is shown in reverse."""
    return [
        re.sub(r"\x1b\[[\d;]*m", "", line) for line in terminal.screen(escapes=True).splitlines() if "\x1b[7m" in line
    ]


def test_it_is_started_sorted_filtered_and_left(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    start(terminal, replay, snapshots)
    shown = terminal.shows("resident", "stopped for", "RETAINED▼", "Types", "Holders")
    assert "leak.py" in shown and "CPython 3." in shown
    terminal.press("1")
    terminal.shows("OBJECTS▼")
    terminal.press(">")
    terminal.shows("SHALLOW▼")
    terminal.press("I")
    terminal.shows("SHALLOW▲")
    terminal.press("/")
    terminal.write("main__ sess")
    shown = terminal.shows("/main__ sess", "__main__.Session", "1 row")
    assert not [line for line in shown.splitlines() if line.endswith(" dict")]
    terminal.press("Enter")
    terminal.shows("f go on")
    terminal.press("f")
    terminal.shows("● ", "f freeze")
    terminal.press("q")
    assert "leak:" not in terminal.ended(0)


def test_enter_shows_who_keeps_it_and_escape_goes_back(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    start(terminal, replay, snapshots)
    terminal.press("/")
    terminal.write("__main__.Session")
    terminal.press("Enter", "Enter")
    terminal.shows("Who keeps them alive", "__main__.by_token[*]", "Examples")
    terminal.press("Enter")
    terminal.shows("Who keeps it alive", "Without this one it would be freed", "refcount")
    terminal.press("Escape")
    terminal.shows("Who keeps them alive")
    terminal.press("Escape")
    terminal.shows("RETAINED▼")
    terminal.press("Escape", "Tab")
    terminal.shows("HELD BY", "__main__.by_token (dict)")
    terminal.press("Enter")
    terminal.shows("Why it is suspected", "Theil–Sen", "module __main__")
    terminal.press("?")
    terminal.shows("Moving about", "any other key closes this")
    terminal.press("x", "q")
    terminal.ended(0)


def test_it_follows_the_terminals_size(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    start(terminal, replay, snapshots)
    for width, height, sign in [
        (60, 15, "TYPE"),
        (20, 5, "q quit"),
        (3, 2, ""),
        (140, 45, "BYTES/MIN"),
        (80, 24, "TREND"),
    ]:
        terminal.resize(width, height)
        terminal.shows(sign)
    # It still listens.
    terminal.press("Enter")
    terminal.shows("Who keeps them alive")
    terminal.press("q")
    terminal.ended(0)


def test_a_process_that_dies_stays_to_be_looked_at(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    terminal.run(replay, "--interval", "0.3", "--budget", "1", "--die", *snapshots)
    terminal.shows("■ ended", "the last snapshot was shown", "this is its last state", "leak:")
    terminal.press("Enter")
    terminal.shows("Who keeps them alive")
    terminal.press("Escape", "q")
    terminal.ended(0)


def test_control_c_leaves_it(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    start(terminal, replay, snapshots)
    terminal.press("/", "x", "C-c")
    terminal.ended(0)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_in_order(terminal: Terminal, replay: Path, snapshots: list[Path], name: str) -> None:
    number = signal.Signals[name]
    start(terminal, replay, snapshots)
    os.kill(terminal.pid(), number)
    terminal.ended(128 + number)


def test_when_its_terminal_is_gone_it_ends(tmp_path: Path, replay: Path, snapshots: list[Path]) -> None:
    terminal = Terminal(tmp_path)
    try:
        start(terminal, replay, snapshots)
        pid = terminal.pid()
    finally:
        terminal.close()
    until = time.monotonic() + PATIENCE
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until, "it runs on, for nobody"
        time.sleep(0.1)


@pytest.mark.parametrize("way", ["key", "signal"])
def test_control_z_stops_it_and_fg_brings_it_back(
    terminal: Terminal, replay: Path, snapshots: list[Path], way: str
) -> None:
    start(terminal, replay, snapshots)
    if way == "key":
        terminal.press("C-z")
    else:
        os.kill(terminal.pid(), signal.SIGTSTP)
    # What stops it is SIGSTOP: 128 and 19.
    terminal.shows("Stopped", "status=147")
    assert terminal.settings() == terminal.before
    terminal.press("C-l")
    terminal.wait(lambda: "status" not in terminal.screen(), "an empty screen")
    terminal.write("fg; echo status=$?")
    terminal.press("Enter")
    terminal.shows("leak:", "RETAINED▼")
    terminal.press("q")
    terminal.ended(0)


def test_a_panic_leaves_a_sane_terminal_and_says_why(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    terminal.run(replay, "--panic", "title", *snapshots)
    assert "asked to panic" in terminal.ended(101)


def test_a_panic_of_a_capture_is_told_on_the_screen(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    terminal.run(replay, "--panic", "capture", *snapshots)
    terminal.shows("mem_top itself failed: asked to panic", "■ ended")
    terminal.press("q")
    assert "panicked" not in terminal.ended(0)


def test_snapshots_and_reports_are_written(
    terminal: Terminal, replay: Path, snapshots: list[Path], tmp_path: Path
) -> None:
    # The path of a temporary folder is long, the more so in one of several processes.
    terminal.resize(250, 30)
    start(terminal, replay, snapshots, "--out", tmp_path)
    terminal.press("s")
    terminal.shows("snapshot written to", "replayed.parquet")
    terminal.press("r")
    terminal.shows("report written to")
    assert "verdict: leak" in (tmp_path / "replayed.txt").read_text()
    assert (tmp_path / "replayed.parquet").read_bytes()[:4] == b"PAR1"
    shutil.rmtree(tmp_path)
    terminal.press("s")
    terminal.shows("no snapshot written")
    terminal.press("q")


def test_the_mouse_chooses_a_row_and_a_column(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    start(terminal, replay, snapshots)
    lines = terminal.screen().splitlines()
    header = next(place for place, line in enumerate(lines) if "RETAINED▼" in line)
    terminal.click(8, header + 1)
    terminal.shows("OBJECTS▼")
    lines = terminal.screen().splitlines()
    terminal.click(30, header + 4)
    terminal.wait(lambda: lines[header + 3].strip() in "".join(selected(terminal)), "the third row to be chosen")
    terminal.click(30, header + 4)
    terminal.shows("Who keeps them alive")
    terminal.press("q")
    terminal.ended(0)


def test_without_colour_there_is_none(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    colour = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|38|48|9[0-7])[;m]")
    start(terminal, replay, snapshots)
    assert colour.search(terminal.screen(escapes=True))
    terminal.press("q")
    terminal.ended(0)
    terminal.write("clear; export NO_COLOR=1")
    terminal.press("Enter")
    start(terminal, replay, snapshots)
    assert not colour.search(terminal.screen(escapes=True))
    assert selected(terminal), "the cursor is seen"
    terminal.press("q")
    terminal.ended(0)


def test_several_processes_have_a_row_each_and_a_sum(terminal: Terminal, replay: Path, snapshots: list[Path]) -> None:
    terminal.run(replay, "--fleet", "--interval", "0.3", "--budget", "1", *snapshots)
    terminal.shows("8 processes", "RESIDENT▼", "all together")
    terminal.wait(lambda: terminal.screen().count("leak.py") >= 8, "a row each")
    terminal.press("Down", "Enter")
    terminal.shows("Types", "RETAINED▼", "Esc all")
    terminal.press("Escape")
    terminal.shows("all together")
    terminal.press("q")
    terminal.ended(0)


def test_without_a_terminal_it_says_so(replay: Path, snapshots: list[Path]) -> None:
    done = subprocess.run([replay, *snapshots], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "replay: the live view needs a terminal for its input and its output\n"
