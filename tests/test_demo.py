"""The demo: what it makes of reports, written by hand here, and the whole of it."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))

import demo_reports  # noqa: E402

# --- The analysis ---


def printed(number: int, refs: dict[str, str] | None = None, types: dict[str, str] | None = None) -> list[str]:
    """The lines of one report. A row is its text and its growth."""
    lines = [f"--- mem_top report {number} after {number * 2.5:.2f} s", "refs:"]
    lines += [f"1000\t{growth}\t<class 'dict'> {text}" for text, growth in (refs or {}).items()]
    lines += ["", "bytes:", "4096\t {'not': 'a row with growth'}", "", "types:"]
    lines += [f"1000\t{growth}\t<class '{name}'>" for name, growth in (types or {}).items()]
    return [*lines, f"--- end of report {number}"]


def series(section: str, **rows: list[str | None]) -> list[demo_reports.Report]:
    """Reports from the growth of each row, None where the row is missing; the first report, a baseline, comes on top.
    `__` in a name stands for a dot."""
    lines = printed(1)
    for at in range(len(next(iter(rows.values())))):
        shown = {name.replace("__", "."): row[at] for name, row in rows.items() if row[at] is not None}
        lines += printed(at + 2, **{section: shown})
    return demo_reports.read_reports(lines)


def found(section: str, **rows: list[str | None]) -> dict[str, tuple[int | None, ...]]:
    return {each.name: each.growth for each in demo_reports.kept_growing(series(section, **rows))}


def test_reports_are_read_from_between_their_lines():
    lines = [
        "listening on http://127.0.0.1:1 (pid 1)",
        "types:",
        "5\t+50\t<class 'noise'>",
        *printed(1, {"{'a': 1}": ""}, {"shop.Session": "+7", "list": "-2"}),
        "refs:",
        *printed(2, {}, {}),
        "--- mem_top report 3 after 7.50 s",
        "refs:",
        "5\t+50\t<class 'dict'> {} of a report that was cut off",
    ]
    first, second = demo_reports.read_reports(lines)
    assert (first.seconds, second.seconds) == (2.5, 5.0)
    assert first.growth == {
        ("refs", "<class 'dict'> {'a': 1}"): None,
        ("types", "<class 'shop.Session'>"): 7,
        ("types", "<class 'list'>"): -2,
    }
    assert second.growth == {}
    assert first.text.startswith("refs:\n1000\t\t<class 'dict'> {'a': 1}\n")
    assert first.text.endswith("\t<class 'list'>")


def test_a_new_beginning_ends_a_report_that_was_cut_off():
    lines = [*printed(1, {}, {"shop.Session": "+7"})[:-1], *printed(2, {}, {"shop.Line": "+1"})]
    (report,) = demo_reports.read_reports(lines)
    assert report.growth == {("types", "<class 'shop.Line'>"): 1}


def test_what_grew_in_every_interval_is_named_and_nothing_else():
    assert found(
        "types",
        shop__Session=["+1512", "+1498", "+1505", "+1500"],
        shop__Entry=["+180", "+20", "+0", "+0"],
        shop__Pause=["+100", "+0", "+100", "+100"],
        shop__Shrinks=["+100", "+100", "+100", "-1"],
        shop__Noise=["+3", "+1", "+2", "+4"],
    ) == {"shop.Session": (1512, 1498, 1505, 1500)}


def test_a_full_cache_is_not_accused_though_its_first_intervals_grew():
    assert found("refs", cache=["+300", "+200", "+100", "+50", "+0", "+0"]) == {}


def test_a_row_may_come_into_the_reports_late_but_not_go():
    assert found(
        "refs",
        late=[None, "", "+50", "+60", "+70", "+80"],
        too_late=[None, None, None, "", "+50", "+50"],
        gone=["+50", "+50", "+50", "+50", "+50", None],
        gap=["+50", "+50", None, "+50", "+50", "+50"],
        unknown=["+50", "+50", "", "+50", "+50", "+50"],
    ) == {"dict late": (None, None, 50, 60, 70, 80)}


def test_two_intervals_are_too_few():
    assert found("types", shop__Session=["+99", "+99"]) == {}
    assert found("types", shop__Session=["+99", "+99", "+99"]) == {"shop.Session": (99, 99, 99)}
    assert demo_reports.kept_growing([]) == []


def test_growth_in_the_first_report_counts_for_nothing():
    reports = demo_reports.read_reports(
        line for number in range(1, 5) for line in printed(number, {}, {"shop.Session": "+5" if number == 1 else "+50"})
    )
    assert [each.growth for each in demo_reports.kept_growing(reports)] == [(50, 50, 50)]


def test_rows_with_the_same_text_are_not_mixed_up():
    block = ["refs:", "9\t+50\t<class 'list'> [0, 0", "9\t+60\t<class 'list'> [0, 0", "9\t+70\t<class 'list'> [0, 0"]
    assert demo_reports.growth_of_rows(block) == {("refs", "<class 'list'> [0, 0"): None}


def test_tabs_and_headings_in_an_object_do_not_confuse():
    rows = demo_reports.growth_of_rows(
        ["refs:", "9\t+50\t<class 'dict'> {'types:': 'a\tb'}", "types:", "3\t+1\t<class 'x'>"]
    )
    assert rows == {("refs", "<class 'dict'> {'types:': 'a\tb'}"): 50, ("types", "<class 'x'>"): 1}


def leak() -> list[demo_reports.Report]:
    lines = []
    for number in range(1, 6):
        step = 0 if number == 1 else 1000 + number
        lines += printed(
            number,
            {"{'t0k': <shop.Session obj": f"+{step}", "[another": f"+{step // 2}"},
            {"list": f"+{9 * step}", "shop.Line": f"+{step // 2}", "shop.Session": f"+{step}"},
        )
    return demo_reports.read_reports(lines)


def test_types_of_the_program_come_first_and_the_fastest_of_them():
    assert [each.name for each in demo_reports.kept_growing(leak())] == [
        "shop.Session",
        "shop.Line",
        "dict {'t0k': <shop.Session obj",
        "dict [another",
        "list",
    ]


def test_the_holder_is_what_grows_in_step():
    session, line, kept_in, half, plain = suspects = demo_reports.kept_growing(leak())
    assert demo_reports.holder(session, suspects) == kept_in
    assert demo_reports.holder(line, suspects) == half
    assert demo_reports.holder(plain, suspects) is None


def test_the_conclusion_names_the_type_its_growth_and_where_it_is_kept():
    lines = demo_reports.conclusion(demo_reports.kept_growing(leak()), 4)
    assert lines[0] == "These counters grew in every interval, of 4:"
    assert re.fullmatch(r"  \+1,002 \+1,003 \+1,004 \+1,005 +objects +shop\.Session", lines[2])
    assert lines[-2].startswith("The first suspect is shop.Session: ")
    assert lines[-1] == "  {'t0k': <shop.Session obj"
    without = [each for each in demo_reports.kept_growing(leak()) if each.section != "refs"]
    assert demo_reports.conclusion(without, 4)[-1].endswith("its objects are made and never freed.")
    assert "list" in demo_reports.conclusion(without[-1:], 4)[-1]
    assert demo_reports.conclusion([], 4) == ["No counter grew in each of the 4 intervals."]


def test_the_conclusion_keeps_to_its_width():
    long = [demo_reports.Suspect("refs", "dict {" + "x" * 500, (1234567,) * 7)]
    assert max(map(len, demo_reports.conclusion(long, 7))) <= 120


# --- The whole ---


def run_demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        timeout=300,
    )


def shop_is_gone(err: str) -> bool:
    pid = re.search(r"\(pid (\d+)\)", err)
    assert pid, err
    try:
        os.kill(int(pid[1]), 0)
    except ProcessLookupError:
        return True
    return False


def test_the_demo_points_at_the_sessions_and_not_at_the_cache(tmp_path):
    page = tmp_path / "demo.html"
    # A shop that stands still for an interval has no sessions to count in it: on a busy machine it is watched for longer.
    for seconds in (6, 12, 24):
        done = run_demo("--seconds", str(seconds), "--html", str(page))
        assert done.returncode == 0, done.stderr
        if "The first suspect is shop.sessions.Session" in done.stdout:
            break
    assert done.stdout.endswith(f"as a page: open {page.as_uri()} in a browser\n")
    assert "shop.sessions.by_token" in page.read_text(encoding="utf-8")
    counters, _, end = done.stdout.partition("What the snapshots say")
    end, _, outside = end.partition("captured from outside")
    interval = f"{seconds * 1000 / 11:.0f}ms"
    assert re.search(rf"^\$ mem_top leaks \d+ --count 4 --interval {interval}$", outside, re.MULTILINE)
    if "It could not be captured:" in outside:
        assert "hint: " in outside
    else:
        assert "shop.sessions.by_token (a dict) gained" in outside.replace("\n", " ")
    assert "The first suspect is shop.sessions.Session" in counters
    # A dot is a report that had more of other types: of a shop that is slow in its first seconds. It prints 7
    # or 8 of them, and fewer where the machine is busy.
    assert re.search(r"^  ((\+\d+|·) +){3,}\+\d+ +objects +shop\.sessions\.Session$", counters, re.MULTILINE)
    # The cache fills up meanwhile, and may be in doubt for that; it is accused by none.
    accused = [counters, *(re.split(r"^candidate\b", part, flags=re.MULTILINE)[0] for part in (end, outside))]
    assert [part for part in accused if "shop.cache" in part or "OrderedDict" in part] == []
    assert "verdict: leak" in end
    first = re.split(r"^suspect\b", end, flags=re.MULTILINE)[1].replace("\n", " ")
    assert "shop.sessions.by_token (a dict) gained" in first
    assert "shop.sessions.Session" in first.partition("items by type")[0]
    assert "\x1b" not in done.stdout + done.stderr
    assert re.search(r"\d+ visitors, [\d,]+ requests, \d+ reports", done.stderr)
    assert shop_is_gone(done.stderr)


def test_the_demo_acquits_a_shop_that_expires_its_sessions():
    done = run_demo("--seconds", "8", "--expire", "1")
    assert done.returncode == 1, done.stdout
    assert "No counter grew in each of the 7 intervals." in done.stdout
    assert "verdict: leak" not in done.stdout
    assert shop_is_gone(done.stderr)


def test_without_mem_top_the_demo_fails_with_a_hint(tmp_path):
    (tmp_path / "mem_top.py").write_text("raise ImportError('mem_top is not here')")
    done = run_demo("--seconds", "5", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "mem_top is not here" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hint: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("wrong", [["--seconds", "3"], ["--seconds", "nan"], ["--expire", "0"]])
def test_wrong_arguments_are_refused(wrong):
    done = run_demo(*wrong)
    assert done.returncode == 2
    assert f"argument {wrong[0]}: invalid" in done.stderr


def test_a_shop_that_dies_fails_the_demo():
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "demo.py"), "--seconds", "20"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr
        opened = re.search(r"\(pid (\d+)\)", process.stderr.readline())
        assert opened
        os.kill(int(opened[1]), signal.SIGKILL)
        err = process.communicate(timeout=300)[1]
    assert process.returncode == 2
    assert "the shop ended by itself, with status -9" in err or "failed: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)])
def test_an_interrupted_demo_stops_the_shop(signum, status):
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "demo.py"), "--seconds", "60"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr
        first = process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(signum)
        err = process.communicate(timeout=300)[1]
    assert process.returncode == status
    assert "Traceback" not in err
    assert shop_is_gone(first)


@pytest.mark.parametrize(
    ("choice", "colour"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_a_choice(choice, colour):
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    subprocess.run(
        [sys.executable, "-c", "import demo; print(demo.in_colour())"],
        stdout=theirs,
        cwd=EXAMPLES,
        env={**environment, "TERM": "xterm", **choice},
        check=True,
    )
    os.close(theirs)
    assert os.read(ours, 100).decode().strip() == str(colour)
    os.close(ours)


def test_on_a_terminal_one_line_is_rewritten_and_there_is_colour():
    ours, theirs = pty.openpty()
    said = bytearray()

    def read() -> None:
        try:
            while piece := os.read(ours, 65536):
                said.extend(piece)
        except OSError:
            pass  # Linux says that the other end is closed with an error.

    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "demo.py"), "--seconds", "4"],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "NO_COLOR": "", "TERM": "xterm", "PYTHONUTF8": "1"},
    )
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        status = process.wait(120)
    finally:
        process.kill()
        process.wait()
    reader.join(20)
    os.close(ours)
    text = said.decode()
    assert status == 0, text
    assert text.count("\r\x1b[K[#") > 5
    assert "\x1b[1mWhat the snapshots" in text
