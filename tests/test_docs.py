"""The documentation is true: its examples run, its links lead somewhere, what it names is there.

An example is run if its fence says `python run`: in a process of its own, with the installed mem_top. Checked by text
are links and their anchors, the signature, the names of `make` targets and files, and the table of dependency rules.
"""

import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mem_top import mem_top

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, info: str) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        if fence["info"].strip() == info:
            yield Block(page, text.count("\n", 0, fence.start()) + 1, info, fence["text"])


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def run(example: Block) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-"],
        input=example.text,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


EXAMPLES = [example for page in PAGES for example in blocks(page, "python run")]


def test_there_are_examples() -> None:
    assert {example.page.name for example in EXAMPLES} >= {"README.md", "mem_top.md"}
    assert sum(len(promised(example)) for example in EXAMPLES) >= 3


def promised(example: Block) -> list[str]:
    """What comments right behind a print() say that it prints."""
    comments = re.findall(r"^ *print\(.*\)\n((?: *# .+\n)+)", example.text, re.MULTILINE)
    return re.findall(r"# (.+)", "".join(comments))


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example_runs_and_prints_what_its_comments_say(example: Block) -> None:
    said = run(example).splitlines()
    for line in promised(example):
        assert line in said


def rows(report: str) -> dict[str, list[tuple[str, str]]]:
    """For each section of a report, or of what the README shows of one, the first two columns of its rows."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in report.splitlines():
        if line in ("refs:", "bytes:", "types:"):
            current = sections[line] = []
        elif "\t" in line:
            num, growth, _ = line.split("\t", 2)
            current.append((num, growth))
    return sections


def test_readme_shows_what_its_program_prints() -> None:
    readme = ROOT / "README.md"
    (shown,) = blocks(readme, "text shows")
    last = "refs:" + run(next(blocks(readme, "python run"))).rpartition("refs:")[2]
    lines = set(re.sub(r"0x[0-9a-f]+", "0x", last).splitlines())
    leaking = [line for line in re.sub(r"0x[0-9a-f]+", "0x", shown.text).splitlines() if "Session" in line]
    assert len(leaking) == 3
    in_refs, in_bytes, in_types = leaking
    assert in_types in lines
    # How long an address is, and so where the text is cut, differs; a dict's bytes differ by version.
    assert in_refs.split("0x")[0] in {line.split("0x")[0] for line in lines}
    assert in_bytes.split("\t")[2].split("0x")[0] in {line.split("\t")[-1].split("0x")[0] for line in lines}
    really = rows(last)
    assert really.keys() == rows(shown.text).keys()
    assert really["refs:"][0] == rows(shown.text)["refs:"][0]


def signatures() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for call in re.findall(r"<!-- signature -->\n```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
            found.append((page.name, call))
    return found


@pytest.mark.parametrize(("page", "call"), signatures(), ids=[page for page, _ in signatures()])
def test_signature_is_the_real_one(page: str, call: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"def {call.strip()}: ...", namespace)
    written = inspect.signature(namespace["mem_top"])  # type: ignore[arg-type]
    real = inspect.signature(mem_top)

    def plain(signature: inspect.Signature) -> list[tuple[object, ...]]:
        return [(name, given.kind, given.default) for name, given in signature.parameters.items()]

    assert plain(written) == plain(real)


def test_the_signature_is_shown() -> None:
    assert {page for page, _ in signatures()} == {"README.md", "mem_top.md"}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{link}: there is no such file"
        assert target.is_relative_to(ROOT), f"{link}: leads out of the repository"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z][a-z-]*)", page.read_text(encoding="utf-8")))
    assert named <= targets


def test_architecture_names_files_that_are_there() -> None:
    page = ROOT / "ARCHITECTURE.md"
    sections = re.split(r"^### ", prose(page), flags=re.MULTILINE)[1:]
    named = 0
    for section in sections:
        folder = re.match(r"`(crates/\w+)`\n", section)
        for cell in re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE):
            for file in re.findall(r"`([\w/.]+\.(?:rs|pyi?))`", cell):
                path = ROOT / folder[1] / "src" / file if folder else ROOT / file
                assert path.is_file(), f"{file}: there is no such file"
                named += 1
    assert named > 20


def test_architecture_has_the_dependency_rules_that_are_tested() -> None:
    table = (
        (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("<!-- dependency rules -->\n")[1].split("\n\n")[0]
    )
    written = {}
    stands = set()
    for row in table.splitlines()[2:]:
        crate, may_use, _, state = (cell.strip() for cell in row.strip("|").split("|"))
        written[crate.strip("`")] = set(re.findall(r"`(\w+)`", may_use))
        if state == "stands":
            stands.add(crate.strip("`"))
    source = (ROOT / "crates/cli/tests/architecture.rs").read_text(encoding="utf-8")
    rules = source.split("const MAY_USE", 1)[1].split("];", 1)[0].split("= &[", 1)[1]
    tested = {
        crate: set(re.findall(r'"(\w+)"', may_use))
        for crate, may_use in re.findall(r'\("(\w+)", &\[([^\]]*)\]\)', rules)
    }
    assert written == tested
    assert stands == {manifest.parent.name for manifest in ROOT.glob("crates/*/Cargo.toml")}, "a crate's state is wrong"
