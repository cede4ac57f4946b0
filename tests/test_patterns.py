"""What to do about a leak: the right advice for the patterns that are frequent, none where no pattern fits, and the
patterns of one's own.

The header of a program of the zoo says which advice is right for it, and the judge of the zoo compares: a program
without one must get none. So the other tests of the zoo see wrong advice too; here are the programs of `zoo/patterns`.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command_line import mem_top
from test_zoo import ZOO, judged, missing
from zoo_judge import expected

import mem_top as package

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted((ZOO / "patterns").glob("*.py"))

FREQUENT = {
    "lru-cache-on-method", "lru-cache-without-limit", "logging-handler-per-call", "logger-per-object", "mock-calls",
    "strong-signal-receivers", "finished-tasks-kept", "queue-without-limit", "asyncio-queue-without-limit",
    "executor-backlog", "exceptions-kept", "django-debug-queries", "matplotlib-figures", "ipython-out", "metric-labels",
    "classes-per-call", "finalize-keeps-object", "context-variable", "thread-local", "linecache-of-generated-code",
    "sqlalchemy-session-kept", "client-per-call", "slice-keeps-buffer", "timers-far-away",
}  # fmt: skip
"""The patterns that come up most often. Each has a program in the zoo, with the real library where there is one."""


def test_every_frequent_pattern_has_a_program() -> None:
    sources = [
        path.read_text(encoding="utf-8") for path in ZOO.rglob("*.py") if path.name not in ("drive.py", "runner.py")
    ]
    assert {case.advice for case in map(expected, sources)} >= FREQUENT


def test_each_program_gets_its_advice() -> None:
    paths = [path for path in PROGRAMS if not missing(path)]
    assert len(paths) >= 6, "six of them need no library"
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(judged, paths))
    wrong = {path.stem: found for path, (found, _) in zip(paths, answers, strict=True) if found}
    assert not wrong, "\n".join(f"{name}: {'; '.join(found)}" for name, found in wrong.items())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="reads TOML")
def test_the_page_has_the_table_of_all_patterns() -> None:
    if not (ROOT / "crates").exists():
        pytest.skip("the sources are not here")
    done = subprocess.run([sys.executable, ROOT / "tools" / "patterns.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


OWN = """
[[pattern]]
id = "orders-shipped"
title = "Orders that were shipped are kept"
advice = "Archive an order when it is shipped."
link = "https://wiki.example.com/orders?<b>"
when = [{ path = ["*.shipped"], items = ["*.Order"] }]
"""


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Saved snapshots of a program of the zoo."""
    folder = tmp_path_factory.mktemp("series")
    command = [sys.executable, str(ZOO / "drive.py"), str(ZOO / "unbounded_list.py"), "300", "4", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return [str(folder / f"{number}.parquet") for number in range(4)]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def test_patterns_of_ones_own(series: list[str], own: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = mem_top("leaks", "--json", "--patterns", own, "--html", page, *series)
    assert done.returncode == 1, done.stderr
    advice = json.loads(done.stdout)["suspects"][0]["advice"]
    assert advice == {
        "pattern": "orders-shipped",
        "title": "Orders that were shipped are kept",
        "text": "Archive an order when it is shipped.",
        "link": "https://wiki.example.com/orders?<b>",
    }
    html = page.read_text(encoding="utf-8")
    assert "What to do" in html
    assert "Archive an order when it is shipped." in html
    assert "<b>" not in html
    text = mem_top("leaks", "--patterns", own, *series).stdout
    assert "what to do\n       Orders that were shipped are kept (orders-shipped).\n       Archive an order" in text
    assert json.loads(mem_top("leaks", "--json", *series).stdout)["suspects"][0]["advice"] is None


def test_patterns_of_ones_own_in_python(series: list[str], own: Path) -> None:
    snapshots = list(map(package.load, series))
    assert package.leaks(*snapshots).suspects[0].advice is None
    answer = package.leaks(*snapshots, patterns=own)
    assert answer.suspects[0].advice.pattern == "orders-shipped"
    assert "Archive an order" in str(answer)
    assert "Archive an order" in answer._repr_html_()
    own.write_text("[[pattern]]\nid = 'x'\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"cannot read patterns from {own}: line 1: missing field"):
        package.leaks(*snapshots, patterns=own)
    with pytest.raises(FileNotFoundError):
        package.leaks(*snapshots, patterns=own.with_name("gone.toml"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no [[pattern]]"),
        ("pattern = 3", "line 1: "),
        ("[[pattern]]\nid = ", "line 2: "),
        (OWN.replace("https://wiki.example.com", "javascript:alert(1)//"), "begins with neither https:// nor http://"),
        (OWN + OWN, "line 9: the id 'orders-shipped' is there twice"),
        (OWN.replace("items", "item_types"), "unknown field `item_types`"),
    ],
)
def test_patterns_that_are_not_valid(text: str, why: str, own: Path, series: list[str]) -> None:
    own.write_text(text, encoding="utf-8")
    done = mem_top("leaks", "--patterns", own, *series)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot read patterns from {own}: " in done.stderr
    assert why in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other processes can be read on Linux only")
def test_patterns_are_read_before_anything_takes_time(tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    for arguments in (["leaks", "1"], ["run", "-m", "this"]):
        done = mem_top(arguments[0], "--patterns", gone, *arguments[1:])
        assert done.returncode == 2
        assert f"cannot read patterns from {gone}: No such file" in done.stderr
        assert "Zen" not in done.stdout
