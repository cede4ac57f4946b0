"""The documentation is true: its examples run, its links lead somewhere, and the names in it exist.

An example with the fence `python run` runs in its own process, with the installed mem_top. Commands and their options are
compared with `--help`. Links and their anchors, the signature, `make` targets, names of files and types, and the
dependency rules are compared with the sources.
"""

import builtins
import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
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
    assert {example.page.name for example in EXAMPLES} >= {"mem_top.md", "python.md"}
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
    """For each section of a report, or of the part of one that a page shows, the first two columns of its rows."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in report.splitlines():
        if line in ("refs:", "bytes:", "types:"):
            current = sections[line] = []
        elif "\t" in line:
            num, growth, _ = line.split("\t", 2)
            current.append((num, growth))
    return sections


def test_the_page_shows_what_its_program_prints() -> None:
    page = ROOT / "docs" / "mem_top.md"
    (shown,) = blocks(page, "text shows")
    program = [example for example in blocks(page, "python run") if example.line < shown.line][-1]
    last = "refs:" + run(program).rpartition("refs:")[2]
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
    assert {page for page, _ in signatures()} == {"mem_top.md"}


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


@dataclass(frozen=True)
class Command:
    """A command line of mem_top that a page shows."""

    place: str
    name: str
    options: tuple[str, ...]


def commands() -> Iterator[Command]:
    """Of the blocks that are not output alone: the lines that begin with `mem_top`, continued by indented ones."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            if fence["info"].strip() not in ("", "console", "text"):
                continue
            lines = re.sub(r"\n +(?=[-\[])", " ", fence["text"]).splitlines()
            for line in lines:
                if found := re.match(r"(?:\$ )?mem_top (.*)", re.split(r" \| |#", line)[0]):
                    words = found[1].split()
                    name = words[0] if re.fullmatch(r"[a-z]+", words[0]) else ""
                    place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, fence.start()) + 1}"
                    yield Command(place, name, tuple(re.findall(r"(?<![\w-])--[a-z][a-z-]+", found[1])))


@cache
def help_of(command: str) -> str:
    arguments = [command, "--help"] if command else ["--help"]
    done = subprocess.run(
        [sys.executable, "-m", "mem_top", *arguments], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, f"mem_top {command}: there is no such command"
    return done.stdout


def test_commands_and_options_exist() -> None:
    shown = list(commands())
    assert {command.name for command in shown} >= {"", "leaks", "report", "diff", "why", "dump", "export", "ps", "run"}
    assert sum(len(command.options) for command in shown) > 20
    for command in shown:
        known = set(re.findall(r"--[a-z][a-z-]+", help_of(command.name)))
        assert known >= set(command.options), f"{command.place}: mem_top {command.name} has no such option"


ARCHITECTURE = ROOT / "ARCHITECTURE.md"
SOURCES = {
    file: file.read_text(encoding="utf-8")
    for folder in ("crates", "python")
    for file in sorted((ROOT / folder).rglob("*"))
    if file.suffix in (".rs", ".py", ".pyi") and "tests" not in file.parts
}
CRATES = {manifest.parent.name for manifest in ROOT.glob("crates/*/Cargo.toml")}


def is_defined(name: str, folder: Path) -> bool:
    """Whether a source below the folder defines a type, a trait, a function or a module of this name."""
    definition = re.compile(
        rf"^\s*(?:pub(?:\([a-z]+\))? )?(?:unsafe )?(?:struct|enum|trait|type|fn|mod|class|def) {re.escape(name)}\b"
        rf"|\b{re.escape(name)} as \b",
        re.MULTILINE,
    )
    return any(file.is_relative_to(folder) and definition.search(text) for file, text in SOURCES.items())


def sections(page: Path) -> Iterator[tuple[Path | None, str]]:
    """The sections of a page, with the folder of the crate that their heading names."""
    for section in re.split(r"^#+ ", prose(page), flags=re.MULTILINE):
        crate = re.match(r"`(crates/\w+)`", section)
        yield ROOT / crate[1] if crate else None, section


def missing_names(page: Path) -> Iterator[str]:
    """Names in backticks of files, folders and types that are not there.

    Within the section of a crate a name can be short: `walk/` is a folder of the crate, `Heap` one of its types.
    """
    for crate, section in sections(page):
        bases = [ROOT] if crate is None else [ROOT, crate, crate / "src", ROOT / "python" / "mem_top"]
        for name in re.findall(r"`([^`\n]+)`", section):
            if re.fullmatch(r"[\w.]+(/[\w.]+)*/?", name) and ("/" in name or re.search(r"\.(rs|pyi?|toml|md)$", name)):
                # A file of a name without a folder may be anywhere in the crate, or among its tests.
                found = any((base / name).exists() for base in bases)
                short = "/" not in name and any(ROOT.glob(f"crates/*/tests/{name}"))
                if not found and not short:
                    yield name
                continue
            is_type = re.fullmatch(r"[A-Z][a-z]\w*[a-z]", name) and not (
                hasattr(builtins, name) or (ROOT / name).exists()
            )
            if is_type or re.fullmatch(r"[a-z_]+(::\w+)+", name):
                # Every crate uses the types of `heap`.
                folders = [ROOT] if crate is None else [crate, ROOT / "crates" / "heap"]
                if not any(is_defined(name.rpartition("::")[2], folder) for folder in folders):
                    yield name


@pytest.mark.parametrize(
    "page", [ARCHITECTURE, *sorted((ROOT / "docs" / "design").glob("*.md"))], ids=lambda page: page.name
)
def test_names_of_files_and_types_are_there(page: Path) -> None:
    assert not list(missing_names(page)), f"{page.relative_to(ROOT)} names what is not there"


def test_a_name_that_is_not_there_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n`crates/heap/src/heap.rs` `crates/heap/src/gone.rs` `Makefile` `gone/` `graph::not_there` `MemoryError` `PTRACE_X`\n"
        "### `crates/heap`\n`heap.rs` `Heap` `GoneType` `Decoder` `architecture.rs` `gone.rs`\n"
    )
    gone = ["crates/heap/src/gone.rs", "gone/", "graph::not_there", "GoneType", "Decoder", "gone.rs"]
    assert list(missing_names(page)) == gone


def test_architecture_has_a_section_for_each_crate() -> None:
    named = {folder.name for folder, _ in sections(ARCHITECTURE) if folder}
    assert named == CRATES
    for folder, section in sections(ARCHITECTURE):
        if folder and folder.name != "python":
            assert "**Architecture Invariant:**" in section, f"{folder.name} has no invariant"


def test_architecture_has_the_dependency_rules_that_are_tested() -> None:
    page = ARCHITECTURE.read_text(encoding="utf-8")
    table = page.split("<!-- dependency rules -->\n")[1].split("\n\n")[0]
    written = {}
    for row in table.splitlines()[2:]:
        crate, may_use, _ = (cell.strip() for cell in row.strip("|").split("|"))
        written[crate.strip("`")] = set(re.findall(r"`(\w+)`", may_use))
    source = (ROOT / "crates/cli/tests/architecture.rs").read_text(encoding="utf-8")
    rules = source.split("const MAY_USE", 1)[1].split("];", 1)[0].split("= &[", 1)[1]
    tested = {
        crate: set(re.findall(r'"(\w+)"', may_use))
        for crate, may_use in re.findall(r'\("(\w+)",\s*&\[([^\]]*)\]', rules)
    }
    assert written == tested
    assert written.keys() == CRATES


def test_architecture_names_the_crates_with_unsafe_code() -> None:
    page = ARCHITECTURE.read_text(encoding="utf-8")
    section = page.split("## Unsafe code\n")[1].split("\n## ")[0]
    source = (ROOT / "crates/cli/tests/architecture.rs").read_text(encoding="utf-8")
    allowed = re.search(r"const UNSAFE: [^=]*= &\[([^\]]*)\]", source)
    assert allowed
    assert set(re.findall(r"`crates/(\w+)/", section)) == set(re.findall(r'"(\w+)"', allowed[1]))
