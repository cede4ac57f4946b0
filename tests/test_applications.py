"""The measurement of real applications: its judge and its tables, and one tiny application with a planted leak."""

import dataclasses
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "applications"))
from measuring import account, application, series, tables
from measuring import accusations as judge

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "tests" / "applications"

MEMORY = {"rss": [50_000_000, 60_000_000], "unexplained": [1_000_000, 1_300_000]}
SUSPECT = {
    "holder": "shop.carts",
    "cause": "container",
    "leaked": [{"type": "shop.Cart"}],
    "growth": [10, 12],
    "bytes_growth": [1000, 1200],
    "path": [{"label": "shop"}, {"label": ".carts"}],
}


def answer(**fields: Any) -> dict[str, Any]:
    account = {"parts": [{"part": "unexplained", "bytes": 600_000, "growth_bytes": -100_000}]}
    return {"verdict": "no growth", "suspects": [], "candidates": [], "memory": MEMORY, "account": account, **fields}


def entry(**fields: str) -> dict[str, str]:
    return {
        "application": "shop",
        "holder": r"^shop\.carts$",
        "class": "bounded",
        "reason": "at most 100 carts",
        **fields,
    }


def test_suspects_and_native_growth_are_accusations() -> None:
    found = judge.accusations("shop", "worker", answer(verdict="leak", suspects=[SUSPECT]))
    assert [(one.holder, one.leaked, one.bytes, one.growth) for one in found] == [
        ("shop.carts", "shop.Cart", 2200, (10, 12))
    ]
    (native,) = judge.accusations("shop", "worker", answer(verdict="native growth"))
    assert (native.holder, native.bytes) == (judge.NATIVE, 10_000_000)
    both = answer(verdict="leak", verdicts=["leak", "native growth"], suspects=[SUSPECT])
    assert len(judge.accusations("shop", "worker", both)) == 2
    assert judge.accusations("shop", "worker", answer()) == []


def test_a_suspect_without_a_holder_has_its_path_or_its_cause() -> None:
    assert judge.path_of({**SUSPECT, "holder": None}) == "shop.carts"
    assert judge.path_of({**SUSPECT, "holder": None, "path": [], "cause": "native reference"}) == "native reference"


def test_the_first_entry_that_covers_an_accusation_decides() -> None:
    entries = judge.known(
        {"accusation": [entry(leaked="Other", **{"class": "false"}), entry(), entry(application="*", holder=".")]}
    )
    found = judge.accusations("shop", "worker", answer(suspects=[SUSPECT]))
    (one,) = judge.classify(found, entries)
    assert (one.kind, one.reason) == ("bounded", "at most 100 carts")
    (other,) = judge.classify(judge.accusations("x", "main", answer(suspects=[SUSPECT])), entries[:2])
    assert other.kind == judge.UNKNOWN


@pytest.mark.parametrize(
    "wrong",
    [
        entry(**{"class": "harmless"}),
        entry(reason="cache"),
        entry(holder="("),
        entry(place="x"),
        {key: value for key, value in entry().items() if key != "reason"},
    ],
)
def test_an_entry_that_lacks_something_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(judge.ExpectationError, match="accusation 1 of"):
        judge.known({"accusation": [wrong]})


def test_the_entries_are_valid_and_of_applications_that_exist() -> None:
    tomllib = pytest.importorskip("tomllib", reason="CPython 3.10 reads no TOML")
    entries = judge.known(tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8")))
    assert {one.application for one in entries} <= {*application.names(), "*"}


def test_a_planted_leak_is_named_as_a_suspect_a_candidate_or_missed() -> None:
    assert judge.naming(answer(suspects=[SUSPECT]), r"\bcarts") == "suspect"
    assert judge.naming(answer(candidates=[SUSPECT]), r"\bcarts") == "candidate"
    assert judge.naming(answer(suspects=[SUSPECT]), "orders") == "missed"


def test_shares_of_resident_memory_and_of_its_growth() -> None:
    assert judge.without_a_holder(answer()) == judge.Shares(1_300_000 / 60_000_000, 0.03)
    assert judge.unexplained(answer()) == judge.Shares(0.01, -0.01)
    still = {"rss": [50_000_000, 50_100_000], "unexplained": [1_000_000, 1_100_000]}
    assert judge.without_a_holder(answer(memory=still)).of_growth is None
    unknown = answer(memory={"rss": [None, None], "unexplained": [None, None]})
    assert judge.without_a_holder(unknown) == judge.unexplained(unknown) == judge.Shares(None, None)


def accused(kind: str) -> judge.Accusation:
    return judge.Accusation("shop", "main", "shop.a|b", "shop.Cart", 10, (1, 2), kind, "for a reason")


def test_the_table_counts_every_accusation_and_every_miss() -> None:
    one = tables.Measured(
        "shop",
        "A shop",
        "shop 1.0",
        "3.12",
        2,
        [accused("right"), accused("unknown")],
        {"steady": ["suspect", "missed"], "pauses": ["candidate", "suspect"]},
    )
    text = tables.applications([one], ["steady", "pauses"])
    assert "| A shop (shop 1.0) | 3.12 | 2 | 1 | 0 | 0 and 1 unknown | 1 of 2 | 2 of 2 (1 as a candidate) |" in text
    assert r"| shop | `shop.a\|b` (`shop.Cart`) | right | for a reason |" in text
    assert one.wrong()
    assert one.missed() == 1


def accounted(of_resident: float | None, of_growth: float | None) -> tables.Accounted:
    shares = judge.Shares(of_resident, of_growth)
    return tables.Accounted("a program", 1, 1, shares, judge.Shares(0.0, 0.0))


def test_a_share_beyond_its_bar_is_wrong_in_either_direction() -> None:
    assert not accounted(0.09, -0.04).wrong()
    assert accounted(-0.11, 0.0).wrong()
    assert accounted(0.0, 0.06).wrong()
    assert not accounted(None, None).wrong()
    assert not dataclasses.replace(accounted(0.5, 0.5), library="a library").wrong()


def test_a_table_is_put_between_its_markers() -> None:
    page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    assert tables.put(page, "x", r"new \1") == "a\n<!-- x -->\nnew \\1\n<!-- end of x -->\nb\n"
    with pytest.raises(ValueError, match="0 places"):
        tables.put(page, "y", "new")


def test_the_page_has_a_place_for_each_table() -> None:
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    for name in ("applications", "programs"):
        assert tables.put(page, name, "x") != page


@pytest.mark.parametrize("name", application.names())
def test_an_application_is_complete(name: str) -> None:
    app = application.load(name)
    assert app.title
    assert app.planted
    assert re.fullmatch(r"3\.\d+", app.python)
    pinned = (application.CATALOGUE / name / "requirements.txt").read_text(encoding="utf-8").split()
    assert any(re.fullmatch(rf"{re.escape(app.main)}==[\w.]+", line) for line in pinned), pinned
    sources = [path for path in (application.CATALOGUE / name).rglob("*.*") if path.suffix in (".py", ".cfg")]
    assert any("Visit(" in path.read_text(encoding="utf-8") for path in sources)


def test_there_are_at_least_ten_applications_and_ten_programs() -> None:
    assert len(application.names()) >= 10
    assert len(account.names()) >= 10
    assert all(account.about(name) for name in account.names())


class Tiny(application.Application):
    """A web service of the standard library, to try the measurement itself."""

    title = "a tiny service"
    kind = "test"
    main = "none"
    python = "3.11"
    planted = {"main": "seen"}
    rate = 40
    warm_up = 20

    def start(self, run: application.Run) -> None:
        run.start("python", "service.py")
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: application.Run, number: int) -> None:
        run.get(f"/{number}")


SERVICE = """
import http.server, os, time
from visits import PLANTED, Visit

class Handler(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_GET(self):
        if PLANTED:
            self.seen.append(Visit(self.path))
        if self.path == "/slow":
            time.sleep(2)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
def test_a_tiny_application_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "PATTERNS", {"steady": series.Pattern((1, 1, 1), held=(1,))})
    source = tmp_path / "source"
    source.mkdir()
    folder = tmp_path / "planted" / "files"
    folder.mkdir(parents=True)
    (folder / "service.py").write_text(SERVICE, encoding="utf-8")
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "python").symlink_to(sys.executable)
    command = tmp_path / "mem_top"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mem_top "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    run = application.Run(folder, binaries, planted=True, state={"source": source})
    mem_top = series.MemTop(command)
    try:
        Tiny().start(run)
        series.planted(Tiny(), run, mem_top)
    finally:
        run.stop()
    assert run.process
    assert run.process.poll() is not None
    (kept,) = (tmp_path / "planted").glob(f"steady-main-{run.pid}")
    found = mem_top.judge(kept)
    assert len(found["snapshots"]) == 4
    assert judge.naming(found, "seen") == "suspect"
    assert json.loads((kept / "answer.json").read_text()) == found


def test_an_application_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "python").symlink_to(sys.executable)
    run = application.Run(folder, binaries, planted=False, state={"source": tmp_path})
    run.start("python", "-c", "print('no database'); raise SystemExit(3)")
    with pytest.raises(application.ApplicationError, match=r"ended with status 3:\nno database"):
        run.wait_for("the first page", lambda: run.get("/").status == 200)
    run.stop()


def test_the_tool_knows_its_parts() -> None:
    if sys.version_info < (3, 11):
        pytest.skip("the tool needs CPython 3.11")
    path = ROOT / "tools" / "applications.py"
    specification = importlib.util.spec_from_file_location("applications_tool", path)
    assert specification
    assert specification.loader
    tool = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(tool)
    one = tables.Measured("shop", "A shop", "shop 1", "3.12", 1, [accused("false")], {"steady": ["missed"]})
    programs = [accounted(0.2, 0.0)]
    assert [line.partition(":")[0] for line in tool.complaints([one], programs)] == ["false", "missed", "unexplained"]
