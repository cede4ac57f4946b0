"""The judge of the zoo is just: it lets right answers pass, and no wrong one. Answers are made by hand here."""

import copy
import re
from pathlib import Path

import pytest
from zoo_judge import Expected, accused, disagreement, expected, faults, memory_faults, schema_faults

ZOO = Path(__file__).parent / "zoo"
CASES = sorted(
    path for folder in (ZOO, ZOO / "more") for path in folder.glob("*.py") if path.name not in ("drive.py", "runner.py")
)

LEAKED = {"type": "case.Order", "count": 1200, "growth": [300, 300, 300], "bytes": 43_200}
SUSPECT = {
    "rank": 1,
    "holder": "case.shipped",
    "holder_type": "list",
    "cause": "container",
    "leaked": [{**LEAKED, "type": "builtins.dict"}, LEAKED],
    "count": 1200,
    "growth": [300, 300, 300],
    "retained_bytes": 500_000,
    "retained_growth_bytes": 375_000,
    "share_of_growth": 0.93,
    "confidence": 1,
    "evidence": ["It grew in each of 3 intervals."],
    "own_holder": "case.shipped",
    "fingerprint": "5f3a",
    "path": [{"label": "case", "type": "module"}, {"label": ".shipped", "type": "list"}],
    "summary": "The list case.shipped takes in 300 case.Order a round.",
}
ANSWER = {
    "schema_version": 1,
    "command": "leaks",
    "verdict": "leak",
    "reason": "One place grew in each interval.",
    "detectable_growth_bytes": 1000,
    "snapshots": [{"taken_at": "2024-01-01T00:00:00Z", "objects": 9, "bytes": 900, "rss": 9000, "pause_ms": 0.5}] * 4,
    "suspects": [SUSPECT],
    "candidates": [],
    "memory": {part: [0, 1, 2, 3] for part in ("rss", "python", "allocator_free", "native_known", "unexplained")},
}
PLAIN = Expected(leaked="Order", holder="shipped")
NATIVE = Expected(leaked="Order", native="refcount")
INNOCENT = Expected(innocent=True)
MALLOC = Expected(innocent=True, native="rss")
BESIDE = Expected(leaked="Order", holder="shipped", native="rss")
PLAIN_OR_DOUBT = Expected(leaked="Order", holder="shipped", verdict="leak|inconclusive")
ITEM = {"label": "[*]", "type": "case.Order"}
SECOND = {**SUSPECT, "rank": 2, "share_of_growth": 0.05, "path": [{"label": "case.other", "type": "list"}]}

FORGOTTEN = {
    **SECOND,
    "holder": None,
    "cause": "native reference",
    "share_of_growth": 0.02,
    "path": [{"label": "native reference", "type": ""}],
}


def answer(**changes: object) -> dict:
    """The answer above, or with the fields named otherwise; `first` changes those of its suspect."""
    made = copy.deepcopy(ANSWER)
    made["suspects"][0].update(changes.pop("first", {}))
    made.update(changes)
    return made


def quiet(verdict: str, **changes: object) -> dict:
    return answer(verdict=verdict, suspects=[], **changes)


def candidate(**changes: object) -> dict:
    return {**SUSPECT, "doubt": "It may be a cache that is not full yet.", **changes}


def part(verdict: str, growth: int) -> dict:
    return {"verdict": verdict, "bytes": growth, "reason": "It grew."}


def part_of_account(growth: list) -> dict:
    return {"part": "objects", "growth": growth, "growth_bytes": sum(growth)}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (PLAIN, answer()),
        (PLAIN, answer(first={"holder": "case.orders", "path": [{"label": ".shipped", "type": "list"}]})),
        (PLAIN, answer(suspects=[SUSPECT, SECOND])),
        (PLAIN, answer(first={"share_of_growth": None, "count": None, "retained_bytes": None, "own_holder": None})),
        (PLAIN, answer(extra=1, first={"extra": "2"}, candidates=[candidate()])),
        (Expected(leaked=".", holder=r"case\.shipped"), answer()),
        (NATIVE, answer(first={"holder": None, "holder_type": None, "cause": "native reference", "path": []})),
        (NATIVE, answer(first={"holder": "native reference to list", "cause": "native reference"})),
        (INNOCENT, quiet("no growth")),
        (INNOCENT, quiet("inconclusive", candidates=[candidate()])),
        (Expected(innocent=True, verdict="no growth|inconclusive"), quiet("inconclusive")),
        (MALLOC, quiet("native growth")),
        (BESIDE, answer(verdict="native growth", verdicts=[part("native growth", 90), part("leak", 3)])),
        (PLAIN, answer(verdicts=[part("native growth", 9), part("leak", 3)])),
        (PLAIN_OR_DOUBT, quiet("inconclusive", candidates=[candidate()])),
        (Expected(leaked=".", holder=".", says="takes in 300", alone=True), answer()),
        (Expected(leaked=".", holder=".", also="other"), answer(suspects=[SUSPECT, SECOND])),
        (PLAIN, answer(account={"resident_growth_bytes": 6, "parts": [part_of_account([1, 2, 3])]})),
        (PLAIN, answer(suspects=[SUSPECT, {**FORGOTTEN, "rank": 2}, {**FORGOTTEN, "rank": 3}])),
    ],
)
def test_right_answers_pass(case, said):
    assert faults(case, said) == []


@pytest.mark.parametrize(
    ("case", "said", "why"),
    [
        (PLAIN, answer(first={"holder": "case.sent", "path": [{"label": ".sent", "type": "list"}]}), "the holder is"),
        (PLAIN, answer(first={"leaked": [{**LEAKED, "type": "case.Line"}]}), "it names ['case.Line']"),
        (PLAIN, answer(first={"leaked": []}), "it names []"),
        (PLAIN, quiet("inconclusive", candidates=[candidate()]), "not 'leak'"),
        (PLAIN, quiet("no growth"), "not 'leak'"),
        (PLAIN, answer(first={"holder": None, "cause": "native reference", "path": []}), "the holder is None"),
        (NATIVE, answer(), "not 'native reference'"),
        (INNOCENT, answer(), "an innocent is accused: The list"),
        (INNOCENT, quiet("leak"), "with 0 suspects"),
        (INNOCENT, answer(verdict="inconclusive"), "with 1 suspects"),
        (INNOCENT, quiet("native growth"), "grow natively"),
        (Expected(innocent=True, verdict="no growth"), quiet("inconclusive"), "not 'no growth'"),
        (MALLOC, quiet("no growth"), "not 'native growth'"),
        (MALLOC, answer(), "not 'native growth'"),
        (BESIDE, quiet("native growth", verdicts=[part("native growth", 9)]), "beside the native growth"),
        (BESIDE, answer(), "not 'native growth'"),
        (PLAIN_OR_DOUBT, quiet("inconclusive"), "nothing is named"),
        (PLAIN_OR_DOUBT, quiet("inconclusive", candidates=[candidate(leaked=[])]), "it names []"),
        (Expected(leaked=".", holder=".", says="takes out"), answer(), "it says 'The list"),
        (Expected(leaked=".", holder=".", also="other"), answer(), "'other' is not named"),
        (
            Expected(leaked=".", holder=".", also="other"),
            answer(suspects=[{**SECOND, "rank": 1}, {**SUSPECT, "rank": 2, "share_of_growth": 0}]),
            "'other' is not named",
        ),
        (Expected(leaked=".", holder=".", alone=True), answer(suspects=[SUSPECT, SECOND]), "one thing leaks"),
        (
            Expected(leaked=".", holder=".", explained=True),
            answer(memory={**ANSWER["memory"], "unexplained": [0, 0, 0, 9_000_000]}),
            "are unexplained",
        ),
        (PLAIN, answer(first={"share_of_growth": 1.2}), "the shares of growth are"),
        (PLAIN, answer(first={"share_of_growth": -0.1}), "the shares of growth are"),
        (PLAIN, answer(first={"count": 45, "growth": [25, 25, 24]}), "45 items, of which 74 are new"),
        (PLAIN, answer(suspects=[SUSPECT, {**SECOND, "path": [*SUSPECT["path"], ITEM]}]), "which it is a part of"),
        (PLAIN, answer(verdicts=[part("leak", 3), part("native growth", 9)]), "not in the order of their bytes"),
        (PLAIN, answer(verdicts=[part("native growth", 90), part("leak", 3)]), "and 'native growth' of"),
        (
            PLAIN,
            answer(account={"resident_growth_bytes": 7, "parts": [part_of_account([1, 2, 3])]}),
            "the parts of the growth are 6 B of 7 B",
        ),
        (
            PLAIN,
            answer(account={"resident_growth_bytes": 6, "parts": [{**part_of_account([1, 2]), "growth_bytes": 6}]}),
            "which is not 6 B",
        ),
    ],
)
def test_wrong_answers_are_found_out(case, said, why):
    assert any(why in fault for fault in faults(case, said)), faults(case, said)


def test_only_the_first_suspect_counts():
    second = {**SUSPECT, "rank": 2, "share_of_growth": 0.05}
    said = answer(
        first={"holder": "case.x", "path": []}, suspects=[{**SUSPECT, "holder": "case.x", "path": []}, second]
    )
    assert len(faults(PLAIN, said)) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], "answer is no object"),
        ({key: value for key, value in ANSWER.items() if key != "reason"}, "answer has no reason"),
        (answer(schema_version=True), "answer.schema_version is True"),
        (answer(schema_version=2), "it is version 2"),
        (answer(verdict="maybe"), "there is no verdict 'maybe'"),
        (answer(first={"growth": None}), "answer.suspects[0].growth is no list"),
        (answer(first={"growth": [1, 2]}), "2 growths for 3 intervals"),
        (answer(first={"growth": [1, 2.5, 3]}), "answer.suspects[0].growth[1] is 2.5"),
        (answer(first={"rank": 2}), "not in the order"),
        (answer(first={"cause": "magic"}), "there is no cause 'magic'"),
        (answer(first={"path": [{"label": "case"}]}), "answer.suspects[0].path[0] has no type"),
        (quiet("inconclusive", candidates=[SUSPECT]), "answer.candidates[0] has no doubt"),
        (answer(memory={**ANSWER["memory"], "rss": [1]}), "memory.rss has 1 numbers for 4 snapshots"),
        (answer(memory={**ANSWER["memory"], "python": ["1"]}), "answer.memory.python[0] is '1'"),
    ],
)
def test_an_answer_of_another_form_is_refused(said, why):
    assert any(why in fault for fault in schema_faults(said)), schema_faults(said)
    assert faults(PLAIN, said)


def test_accused():
    assert accused(answer())
    assert accused(answer(verdict="inconclusive"))
    assert not accused(quiet("inconclusive", candidates=[candidate()]))


def test_answers_agree_in_verdict_and_first_holder():
    assert disagreement(answer(), answer(reason="other", first={"count": 7})) == []
    assert disagreement(answer(), answer(first={"holder": "case.other"}))
    assert disagreement(quiet("no growth"), quiet("inconclusive"))
    assert disagreement(answer(), quiet("leak"))


def test_a_tenth_or_a_megabyte_may_stay_unexplained():
    def memory(rss, unexplained):
        return answer(memory={**ANSWER["memory"], "rss": [5, 5, 5, 5 + rss], "unexplained": [7, 9, 9, 7 + unexplained]})

    assert memory_faults(memory(0, 1_000_000)) == []
    assert memory_faults(memory(50_000_000, 5_000_000)) == []
    assert memory_faults(memory(50_000_000, -9_000_000)) == []
    assert memory_faults(memory(50_000_000, 5_000_001))
    assert memory_faults(memory(5_000_000, 1_000_001))


# --- Headers ---


def test_a_header_is_read():
    source = '"""Title."""\n# requires: a, b c\n# leaked: A|B\n# holder: x\\.y: z\nimport a\n# leaked: later\n'
    assert expected(source) == Expected(leaked="A|B", holder=r"x\.y: z", requires=("a", "b", "c"))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "# none: false",
        "# none: true\n# leaked: A",
        "# none: true\n# holder: a",
        "# leaked: A",
        "# leaked: A\n# leaked: B\n# holder: a",
        "# leaked: A\n# native: refcount\n# holder: a",
        "# leaked: A\n# native: magic",
        "# leeked: A\n# holder: a",
        "# holder: a",
        "# none: true\n# also: a",
        "# none: true\n# alone: true",
        "# leaked: A\n# holder: a\n# alone: false",
        "# leaked: A\n# holder: a\n# innocent: true",
        "# leaked: A\n# holder: a\n# says: (",
    ],
)
def test_a_header_that_says_nothing_or_what_cannot_be_is_refused(header):
    with pytest.raises((ValueError, re.error)):
        expected(f'"""Title."""\n{header}\n')


def test_every_case_says_what_is_to_be_named():
    found = [expected(path.read_text(encoding="utf-8")) for path in CASES]
    assert len(found) == 12 + 82
    assert sum(case.innocent for case in found) == 23
    assert sum(case.native == "refcount" for case in found) == 2
    assert sum(case.native == "rss" for case in found) == 1
