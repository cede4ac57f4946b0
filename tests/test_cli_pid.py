"""The command on running processes, from outside: its answers about them, and that they run on."""

import json
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import FAST, HOLDER, LEAKS, ON_LINUX, Start, answer, command, fails, mem_top, runs_on

pytestmark = ON_LINUX


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
