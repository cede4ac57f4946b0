"""Documents, comments and messages avoid the expressions that docs/style.md rules out.

A finding is reported as file:line, the rule, and the words. In documents, code and quoted output are skipped. In sources,
comments and string literals are checked, except in unit tests.

`python tests/test_language.py crates/heap/src` lists the findings of a folder or a file.
"""

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

DOCUMENTS = ["*.md", "docs/**/*.md", "examples/**/*.md"]
"""Documents that must have no finding."""
GENERATED = {"docs/benchmarks.md"}

SOURCES = sorted(str(folder.relative_to(ROOT)) for folder in [*ROOT.glob("crates/*/src"), ROOT / "python" / "mem_top"])
"""Folders of sources, each of which must have no finding beyond what NOT_YET_CLEAN allows."""

NOT_YET_CLEAN: dict[str, int] = {}
"""Folders of sources that still have findings, and at most how many. Lower a number, never raise it."""


@dataclass(frozen=True)
class Rule:
    """An expression that is avoided, and what is written instead."""

    name: str
    pattern: re.Pattern[str]
    instead: str
    kinds: frozenset[str]
    """The kinds of passages that it applies to."""


EVERYWHERE = frozenset({"document", "header", "doc", "comment", "string"})
NOUNS_OF_C = "api|calls?|code|compilers?|extensions?|functions?|headers?|libraries|library|modules?|names?|objects?"
NOUNS_OF_C += "|sources?|stacks?|strings?|structs?|structures?|types?"

RULES = [
    Rule(
        "headless header",
        re.compile(r"\A(What|Who|Where|How|Whether)\b"),
        "begin with a noun or a verb",
        frozenset({"header"}),
    ),
    Rule(
        "headless clause",
        re.compile(r"\A(What|Who)\b(?!.*\?\Z)"),
        "begin with a noun or a verb",
        frozenset({"doc", "cell"}),
    ),
    Rule(
        "is no NOUN",
        re.compile(
            r"(?<!there )(?<!There )\b(is|are|was|were) no (?!(longer|more|less|fewer|later|earlier|sooner|better|worse"
            r"|larger|smaller|different|need|use|matter|one|other|such)\b)[a-z]\w*"
        ),
        "is not a NOUN",
        EVERYWHERE | {"cell"},
    ),
    Rule(
        "told",
        re.compile(r"\b([Tt]old|[Tt]ells)\b"),
        "reported, shown, recognised, distinguished",
        EVERYWHERE | {"cell"},
    ),
    Rule(
        "of C",
        re.compile(rf"\bof C\b(?!\+\+|\s(?i:{NOUNS_OF_C})\b)"),
        "C type, C struct, written in C",
        EVERYWHERE | {"cell"},
    ),
    Rule(
        "stands",
        re.compile(r"\b([Ss]tands|[Ss]tood)\b(?! for\b)|\bstand(ing)? still\b"),
        "is located, is stored, is paused",
        EVERYWHERE | {"cell"},
    ),
    Rule("comes to be", re.compile(r"\b(comes?|came) to be\b"), "becomes, is created", EVERYWHERE | {"cell"}),
]


@dataclass(frozen=True)
class Passage:
    """A text that reads as one, with the line on which each of its lines begins."""

    kind: str
    lines: tuple[tuple[int, str], ...]

    def findings(self) -> Iterator[tuple[int, Rule, str]]:
        text = " ".join(line for _, line in self.lines)
        for rule in RULES:
            if self.kind in rule.kinds:
                for found in rule.pattern.finditer(text):
                    yield self.line_at(found.start()), rule, found[0]

    def line_at(self, offset: int) -> int:
        for number, line in self.lines:
            if offset <= len(line):
                return number
            offset -= len(line) + 1
        raise AssertionError("an offset beyond the passage")


def of_markdown(text: str) -> Iterator[Passage]:
    """Paragraphs and cells of tables, without code."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])  # noqa: E731
    text = re.sub(r"^```.*?^```$", blank, text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.DOTALL)
    # A span of code becomes a word that no rule knows, so that the words around it are not neighbours.
    text = re.sub(r"`[^`]+`", lambda found: "`" + re.sub(r"[^\n]", "_", found[0][1:-1]) + "`", text)
    paragraph: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        is_row = line.startswith("|")
        begins = re.match(r"\s*([*-]|\d+\.|#+) ", line)
        if paragraph and (is_row or begins or not line.strip()):
            yield Passage("document", tuple(paragraph))
            paragraph = []
        if is_row:
            for cell in re.split(r"(?<!\\)\|", line)[1:-1]:
                yield Passage("cell", ((number, cell.strip()),))
        elif line.strip():
            paragraph.append((number, line.strip()))
    if paragraph:
        yield Passage("document", tuple(paragraph))


RUST = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\\n])'""", re.DOTALL
)


def plain(text: str) -> str:
    """The text without what is not language: spans of code, and what a format string puts in."""
    return re.sub(r"\{[^{}]*\}", "{_}", re.sub(r"`[^`]+`", "`_`", text))


def of_rust(text: str) -> Iterator[Passage]:
    """Comments and string literals. A comment is read by paragraphs, of which the first decides how it begins."""
    text = text.split("#[cfg(test)]\nmod tests {", 1)[0]
    kinds = {"//!": "header", "///": "doc"}
    paragraph: list[tuple[int, str]] = []
    kind, marker, last = "", "", -1
    for token in RUST.finditer(text):
        number = text.count("\n", 0, token.start()) + 1
        if token[0].startswith("//"):
            this = token[0][:3] if token[0][:3] in kinds else "//"
            words = plain(token[0][len(this) :].strip())
            is_new = this != marker or number != last + 1
            if paragraph and (is_new or not words or words.startswith(("* ", "- ", "#"))):
                yield Passage(kind, tuple(paragraph))
                paragraph, kind = [], "comment"
            if is_new:
                kind, marker = kinds.get(this, "comment"), this
            last = number
            if words:
                paragraph.append((number, words))
        elif '"' in token[0]:
            words = re.sub(r"\\\n\s*", "", plain(token[0].strip('br#"')))
            yield Passage("string", tuple((number + more, line) for more, line in enumerate(words.splitlines())))
    if paragraph:
        yield Passage(kind, tuple(paragraph))


def of_python(text: str) -> Iterator[Passage]:
    """Comments, docstrings and other string literals."""
    comment: list[tuple[int, str]] = []
    previous = tokenize.NEWLINE
    strings = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        number = token.start[0]
        if comment and (token.type != tokenize.COMMENT or number != comment[-1][0] + 1) and token.type != tokenize.NL:
            yield Passage("comment", tuple(comment))
            comment = []
        if token.type == tokenize.COMMENT:
            comment.append((number, plain(token.string.lstrip("#: "))))
        elif token.type in strings:
            is_docstring = previous in (tokenize.NEWLINE, tokenize.INDENT, tokenize.NL) and '"""' in token.string
            words = token.string.strip('rbuf"' + "'")
            kind = ("header" if number == 1 else "doc") if is_docstring else "string"
            paragraph: list[tuple[int, str]] = []
            for more, line in enumerate([*words.splitlines(), ""]):
                if line.strip():
                    paragraph.append((number + more, plain(line.strip())))
                elif paragraph:
                    yield Passage(kind, tuple(paragraph))
                    paragraph, kind = [], "comment" if is_docstring else "string"
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            previous = token.type
    if comment:
        yield Passage("comment", tuple(comment))


READERS = {".md": of_markdown, ".rs": of_rust, ".py": of_python, ".pyi": of_python}


def findings(files: list[Path]) -> list[str]:
    found = []
    for file in files:
        for passage in READERS[file.suffix](file.read_text(encoding="utf-8")):
            for line, rule, words in passage.findings():
                found.append(f'{file.relative_to(ROOT)}:{line}: {rule.name}: "{words}" ({rule.instead})')
    return found


def files_in(place: Path) -> list[Path]:
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [file for file in files if file.suffix in READERS]


def documents() -> list[Path]:
    files = sorted({file for pattern in DOCUMENTS for file in ROOT.glob(pattern)})
    return [file for file in files if str(file.relative_to(ROOT)) not in GENERATED]


@pytest.mark.parametrize("document", documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_document_has_plain_language(document: Path) -> None:
    found = findings([document])
    assert not found, "\n".join(["see docs/style.md", *found])


@pytest.mark.parametrize("folder", SOURCES)
def test_source_has_plain_language(folder: str) -> None:
    files = files_in(ROOT / folder)
    assert files
    found = findings(files)
    allowed = NOT_YET_CLEAN.get(folder, 0)
    assert len(found) <= allowed, "\n".join([f"{len(found)} findings, {allowed} allowed; see docs/style.md", *found])


def test_folders_that_are_not_clean_exist() -> None:
    assert NOT_YET_CLEAN.keys() <= set(SOURCES)


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (of_markdown, "It\nis no\nprocess.", [(2, "is no NOUN")]),
        (of_markdown, "It is no longer there, and is no more than that. There is no process.", []),
        (of_markdown, "A row `is no` noun; `told`.\n\n```\ntold\n```\n", []),
        (of_markdown, "| field | meaning |\n|---|---|\n| `a` | What is known. |", [(3, "headless clause")]),
        (of_markdown, "# What it costs\n\nWhat it costs is measured.", []),
        (of_markdown, "A type of C.\n\nA crash of C extensions.", [(1, "of C")]),
        (of_markdown, "The file\nthat stands there stands for another.", [(2, "stands")]),
        (of_rust, "//! What this does.\n//!\n//! What follows is a sentence.", [(1, "headless header")]),
        (of_rust, "//! A header.\n\n/// Who it is, over\n/// two lines.", [(3, "headless clause")]),
        (of_rust, "/// Who it is.\n/// It was\n/// told.\nfn f() {}", [(1, "headless clause"), (3, "told")]),
        (of_rust, 'fn f() { let a = "it is no \\\n  process"; }', [(1, "is no NOUN")]),
        (of_rust, "// Of the `type` `told`.\nlet told: &'a str = f('\"', '{told}');", []),
        (of_rust, "fn f() {}\n#[cfg(test)]\nmod tests {\n// told\n}", []),
        (of_python, '"""What this is."""\n# It was\n# told.\n', [(1, "headless header"), (3, "told")]),
        (
            of_python,
            'def f():\n    """Who it is."""\n    return "it stood"\n',
            [(2, "headless clause"), (3, "stands")],
        ),
        (of_python, 'told = f"{told}"\n', []),
    ],
)
def test_the_rules_find_what_they_should(read, text: str, expected: list[tuple[int, str]]) -> None:
    found = [(line, rule.name) for passage in read(text) for line, rule, _ in passage.findings()]
    assert sorted(found) == sorted(expected)


if __name__ == "__main__":
    for place in sys.argv[1:]:
        print(*findings(files_in(Path(place).resolve())), sep="\n")
