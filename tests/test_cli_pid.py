"""The command on running processes, from outside: what it says of them, and that they run on."""

import contextlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="other processes are read on Linux only"),
    pytest.mark.skipif(
        hasattr(os, "geteuid") and os.geteuid() != 0 and YAMA.exists() and YAMA.read_text().strip() != "0",
        reason="who is not root may trace descendants only here",
    ),
]

LEAKS = """
import time

class Session:
    def __init__(self, number):
        self.number = number
        self.cart = [number]

class Registry:
    def __init__(self):
        self.by_token = {}

registry = Registry()

def serve(seconds):
    number, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(20):
            number += 1
            registry.by_token[f"tok-{number}"] = Session(number)
        time.sleep(0.02)
"""
HOLDER = "__main__.registry.by_token"
# On a busy machine a pause is long; a test does not wait for a hundred times as long.
FAST = ("--budget", "100%")

Start = Callable[..., "subprocess.Popen[str]"]


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


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mem_top", *map(str, arguments)]


def mem_top(*arguments: object, timeout: float = 300, **how: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=timeout, check=False, **how)


def answer(*arguments: object, status: int = 0, **how: Any) -> Any:
    """The answer as JSON."""
    done = mem_top(*arguments, "--json", **how)
    assert done.returncode == status, done.stderr + done.stdout
    return json.loads(done.stdout)


def fails(*arguments: object, **how: Any) -> tuple[str, list[str]]:
    """Why it failed, and the hints."""
    done = mem_top(*arguments, **how)
    assert (done.returncode, done.stdout) == (2, ""), done
    error, *hints = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert all(hint.startswith("hint: ") for hint in hints), done.stderr
    return error.removeprefix("error: "), [hint.removeprefix("hint: ") for hint in hints]


def runs_on(child: "subprocess.Popen[str]") -> bool:
    """Whether it is neither ended, nor stopped, nor traced by anybody."""
    state = Path(f"/proc/{child.pid}/status").read_text()
    return child.poll() is None and bool(re.search(r"^State:\t[SRD] ", state, re.M)) and "TracerPid:\t0\n" in state


# --- One look ---


def test_a_look_has_the_three_counters_and_the_pause(leaking: "subprocess.Popen[str]") -> None:
    told = answer(leaking.pid)
    assert told["command"] == "mem_top"
    assert told["capture"]["pid"] == leaking.pid
    assert told["capture"]["method"] == "remote"
    assert 0 < told["capture"]["pause_ms"] < 5000
    assert told["capture"]["approximate"] is False
    everything = answer(leaking.pid, "--limit", 0)
    assert "__main__.Session" in {row["type"] for row in everything["types"]}
    assert everything["tracked"]["count"] == sum(row["count"] for row in everything["types"]) == len(everything["refs"])
    for rows, number in (("refs", "references"), ("bytes", "bytes"), ("retained", "retained_bytes")):
        numbers = [row[number] for row in told[rows]]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) == 10
    memory = told["memory"]
    parts = [memory[part] or 0 for part in ("python", "allocator_free", "native_known", "file_backed", "unexplained")]
    assert memory["rss"] == sum(parts)
    text = mem_top(leaking.pid, "--once").stdout
    assert all(f"\n{section}: " in text for section in ("refs", "bytes", "types", "retained", "resident memory")), text
    assert "paused for" in text
    assert runs_on(leaking)


def test_report_and_why_of_a_process(leaking: "subprocess.Popen[str]") -> None:
    report = answer("report", leaking.pid)
    assert report["capture"]["method"] == "remote"
    assert report["capture"]["pause_ms"] > 0
    assert "paused for" in mem_top("report", leaking.pid).stdout
    why = answer("why", leaking.pid, "__main__.Session")
    assert why["clusters"][0]["path"]["text"] == f"{HOLDER}[*]"
    assert why["capture"]["pid"] == leaking.pid
    address = why["clusters"][0]["example"]
    text = mem_top("why", leaking.pid, address).stdout
    assert f"  {HOLDER}[*]\n" in text
    assert "paused for" in text
    assert runs_on(leaking)


def test_keys_are_told_only_if_that_is_asked_for(leaking: "subprocess.Popen[str]") -> None:
    assert "tok-" not in mem_top("why", leaking.pid, "Session", "--limit", "0").stdout
    address = answer("why", leaking.pid, "Session")["clusters"][0]["example"]
    assert "by_token['tok-" in mem_top("why", leaking.pid, address, "--with-keys").stdout


def test_without_a_pause_every_output_says_that_it_is_approximate(leaking: "subprocess.Popen[str]") -> None:
    pid = leaking.pid
    for arguments in ([pid], ["report", pid], ["why", pid, "dict"]):
        told = answer(*arguments, "--no-pause")
        assert told["capture"]["approximate"] is True
        assert told["capture"]["pause_ms"] is None
        assert "approximate" in mem_top(*arguments, "--no-pause").stdout
    # What is copied while it changes may make no sense, the more likely the longer it takes.
    for _ in range(20):
        series = mem_top("leaks", pid, "--count", 3, "--interval", "500ms", "--no-pause")
        if series.returncode != 2:
            break
    assert "approximate" in series.stdout, series.stderr
    assert "not paused" in series.stderr


# --- Files of it ---


def test_a_dump_is_a_snapshot_for_its_owner_alone(leaking: "subprocess.Popen[str]", tmp_path: Path) -> None:
    first = tmp_path / "1.parquet"
    told = answer("dump", leaking.pid, "-o", first)
    assert (told["file"], told["bytes"], told["replaced"]) == (str(first), first.stat().st_size, False)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert answer("report", first)["capture"]["pid"] == leaking.pid
    assert b"tok-1" not in first.read_bytes()
    time.sleep(0.3)
    grown = {row["type"]: row["growth"] for row in answer("diff", first, leaking.pid)["types"]}
    assert grown["__main__.Session"] > 0
    text = mem_top("diff", first, leaking.pid).stdout
    assert "the newer: captured from outside the process; paused for" in text
    again = mem_top("dump", leaking.pid, "-o", first)
    assert "replacing the file that was there" in again.stdout
    assert runs_on(leaking)


def test_a_dump_that_cannot_be_written_stops_nobody(leaking: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert "there is no directory" in fails("dump", leaking.pid, "-o", tmp_path / "none" / "x")[0]
    assert "is a directory" in fails("dump", leaking.pid, "-o", tmp_path)[0]
    assert list(tmp_path.glob("*.parquet")) == []


def test_digits_are_a_process_and_a_file_of_that_name_has_a_dot(
    leaking: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    answer("dump", leaking.pid, "-o", tmp_path / "99999999")
    assert fails("report", "99999999", cwd=tmp_path)[0] == "process 99999999: no such process"
    assert answer("report", "./99999999", cwd=tmp_path)["capture"]["pid"] == leaking.pid


# --- What grows ---


def test_the_leak_of_a_process_is_named(leaking: "subprocess.Popen[str]") -> None:
    done = mem_top("leaks", leaking.pid, "--count", 4, "--interval", "1s", *FAST, "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["suspects"][0]["holder"] == HOLDER
    assert told["suspects"][0]["leaked"][0]["type"] == "__main__.Session"
    assert len(told["snapshots"]) == 4
    assert all(row["pause_ms"] > 0 for row in told["snapshots"])
    lines = done.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"snapshot {number} of 4" for number in range(1, 5)]
    assert all("paused for" in line for line in lines)
    assert runs_on(leaking)


def test_snapshots_are_saved_and_give_the_same_answer(leaking: "subprocess.Popen[str]", tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    live = answer("leaks", leaking.pid, "--count", 4, "--interval", "500ms", *FAST, "--save", folder, status=1)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"mem_top-{leaking.pid}-{number}.parquet" for number in range(1, 5)]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert answer("leaks", *files, status=1) == live


def until(process: "subprocess.Popen[str]", text: str) -> None:
    """Reads what it says on standard error until a line has the text."""
    assert process.stderr
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"it never said {text!r}")


def interrupted(pid: int, after: str) -> tuple[int, str, str]:
    process = subprocess.Popen(
        command("leaks", pid, "--count", 50, "--interval", "800ms", *FAST),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(process, after)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_an_interruption_after_the_third_gives_the_answer_so_far(leaking: "subprocess.Popen[str]") -> None:
    status, out, err = interrupted(leaking.pid, "snapshot 3 of 50")
    assert status == 1, err
    assert "\nverdict: leak\n" in out
    assert "note: interrupted after 3 of 50 snapshots" in out
    assert HOLDER in out
    assert runs_on(leaking)


def test_an_interruption_before_the_third_has_no_answer(leaking: "subprocess.Popen[str]") -> None:
    status, out, err = interrupted(leaking.pid, "snapshot 1 of 50")
    assert (status, out) == (130, "")
    assert "error: interrupted after 1 of 50 snapshots: an answer needs at least 3\n" in err
    assert runs_on(leaking)


def test_of_a_process_that_ends_the_answer_is_until_then(start: Start) -> None:
    child = start(LEAKS + "\nprint('ready', flush=True)\nserve(5)\n")
    done = mem_top("leaks", child.pid, "--count", 100, "--interval", "700ms", *FAST)
    assert done.returncode in (1, 3), done.stderr
    assert re.search(r"note: the process ended after \d+ of 100 snapshots", done.stdout), done.stdout
    child = start("import time\nprint('ready', flush=True)\ntime.sleep(1.5)\n")
    done = mem_top("leaks", child.pid, "--interval", "60s")
    assert done.returncode == 2
    assert "ended after 1 of 5 snapshots: there is nothing to compare" in done.stderr


@pytest.fixture
def shop() -> Iterator["subprocess.Popen[str]"]:
    """The shop of the examples, with a visitor a hundredth of a second."""
    server = subprocess.Popen(
        [sys.executable, "-m", "shop", "--port", "0"],
        cwd=EXAMPLES,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout
    listening = re.search(r"(http://\S+)", server.stdout.readline())
    assert listening
    with visited(listening[1]):
        yield server
    server.kill()
    server.communicate()


@contextlib.contextmanager
def visited(address: str, visitors: int = 1) -> Iterator[None]:
    """Visitors without cookies, each with a new session at each request."""
    stop = threading.Event()

    def visit() -> None:
        while not stop.wait(0.01):
            with urllib.request.urlopen(address + "/", timeout=300) as page:
                page.read()

    threads = [threading.Thread(target=visit) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        # What is filled once (caches, imports) is filled.
        time.sleep(2)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def is_the_shops_leak(told: Any) -> None:
    assert told["verdict"] == "leak"
    assert told["suspects"][0]["holder"] == "shop.sessions.by_token"
    assert {leaked["type"] for leaked in told["suspects"][0]["leaked"]} >= {"shop.sessions.Session"}


def test_the_leak_of_the_shop_is_named_from_outside(shop: "subprocess.Popen[str]") -> None:
    is_the_shops_leak(answer("leaks", shop.pid, "--count", 4, "--interval", "2s", *FAST, status=1))
    assert runs_on(shop)


def test_the_static_binary_needs_nothing_but_proc(shop: "subprocess.Popen[str]", tmp_path: Path) -> None:
    binary = ROOT / "dist" / "mem_top"
    tools = [shutil.which(tool) for tool in ("unshare", "mount", "chroot", "env")]
    if not binary.exists() or None in tools or os.geteuid() != 0:
        pytest.skip("`make static` makes the binary, and only root makes an empty root for it")
    (tmp_path / "proc").mkdir()
    shutil.copy(binary, tmp_path / "mem_top")
    unshare, mount, chroot, env = map(str, tools)
    inside = f'{mount} --rbind /proc "$0/proc" && exec {env} -i {chroot} "$0" /mem_top "$@"'
    arguments = ["leaks", str(shop.pid), "--count", "4", "--interval", "2s", *FAST, "--json"]
    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", inside, str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip(f"this container makes no mounts: {done.stderr}")
    assert done.returncode == 1, done.stderr
    is_the_shops_leak(json.loads(done.stdout))


# --- Servers with workers ---

WORKERS = (
    LEAKS
    + """
import multiprocessing

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=serve, args=(120,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print("ready", flush=True)
    try:
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            worker.kill()
"""
)


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_a_leak_of_all_workers_is_named_once(start: Start) -> None:
    parent = start(WORKERS)
    workers = children(parent.pid)
    assert len(workers) == 3
    try:
        look = answer(parent.pid, "--children")
        assert {one["capture"]["pid"] for one in look["processes"]} == workers | {parent.pid}
        assert look["failures"] == []
        told = answer("leaks", parent.pid, "--children", "--count", 4, "--interval", "1s", *FAST, status=1)
        assert {one["pid"]: one["verdict"] for one in told["processes"]} == {
            parent.pid: "no growth",
            **dict.fromkeys(workers, "leak"),
        }
        (place,) = (one for one in told["suspects"] if one["holder"] == HOLDER)
        assert place["rank"] == 1
        assert set(place["pids"]) == workers
        assert place["items_growth_all"] > sum(place["growth"])
    finally:
        for pid in children(parent.pid):
            os.kill(pid, signal.SIGKILL)


def test_the_leak_of_a_server_is_named_once_for_all_its_workers() -> None:
    pytest.importorskip("gunicorn")
    options = ["--workers", "4", "--bind", "127.0.0.1:0", "--worker-tmp-dir", "/dev/shm"]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "shop.app:app"],
        cwd=EXAMPLES,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr
        lines = iter(server.stderr)
        address = next(found[1] for line in lines if (found := re.search(r"Listening at: (http://\S+)", line)))
        booted = 0
        while booted < 4:
            booted += "Booting worker" in next(lines)
        with visited(address, visitors=4):
            told = answer("leaks", server.pid, "--children", "--count", 4, "--interval", "3s", *FAST, status=1)
            workers = children(server.pid)
        assert len(workers) == 4
        assert {one["pid"] for one in told["processes"]} == workers | {server.pid}
        (place,) = (one for one in told["suspects"] + told["candidates"] if "by_token" in one["holder"])
        assert place["holder"] == "shop.sessions.by_token"
        assert place["rank"] == 1
        assert set(place["pids"]) == workers
        assert told["reason"].startswith("shop.sessions.by_token keeps growing in 4 of 5 processes")
    finally:
        server.terminate()
        server.communicate(timeout=300)


# --- Which processes there are, and which are none ---


def test_ps_lists_what_can_be_looked_into(leaking: "subprocess.Popen[str]") -> None:
    (row,) = (row for row in answer("ps")["processes"] if row["pid"] == leaking.pid)
    assert row["problem"] is None
    assert row["python"] == sys.version.split()[0].rstrip("+")
    assert row["rss"] > 1_000_000
    assert row["command"].endswith("program0.py")
    assert re.search(rf"^ *{leaking.pid} .*program0", mem_top("ps").stdout, re.M)


def test_what_is_no_python_process_is_told_with_what_to_do() -> None:
    sleep = subprocess.Popen(["sleep", "60"])
    try:
        error, hints = fails("report", sleep.pid)
        assert f"process {sleep.pid} (sleep) is not a Python process" in error
        assert "mem_top ps" in hints[0]
    finally:
        sleep.kill()
        sleep.wait()
    assert fails("report", sleep.pid)[0] == f"process {sleep.pid}: no such process"
    assert "not a valid PID" in mem_top("0").stderr
    assert fails("leeks") == ("no such command, process or file: leeks", ["did you mean `mem_top leaks`?"])
    assert "applies to a running process" in fails("leaks", "--interval", "5s", "x.parquet")[0]


# --- Programs that it runs ---


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
