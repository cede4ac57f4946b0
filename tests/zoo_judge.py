"""Judges what `leaks` says of a case of the zoo by what the case's header says of itself. Pure: text and JSON in,
sentences out; an empty list is an acquittal. `tests/zoo/README.md` has the table of headers."""

import re
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

HEADER = re.compile(r"^# (\w+): (.+)$")
NATIVE = {"refcount", "rss"}
FLAGS = ("none", "alone", "explained")
VERDICTS = {
    "leak": 1,
    "no growth": 0,
    "native growth": 1,
    "garbage growth": 1,
    "uncollectable cycles": 1,
    "inconclusive": 3,
}
"""The verdicts, and the exit status of the command for each."""

SEVERITY = {"no growth": 0, "inconclusive": 1}
"""How bad a verdict is; all others are 2."""


@dataclass(frozen=True)
class Expected:
    """What a case says of itself; regular expressions as text."""

    leaked: str | None = None
    holder: str | None = None
    native: str | None = None
    verdict: str | None = None
    garbage: str | None = None
    cause: str | None = None
    innocent: bool = False
    requires: tuple[str, ...] = ()
    says: str | None = None
    also: str | None = None
    alone: bool = False
    explained: bool = False
    advice: str | None = None


def expected(source: str) -> Expected:
    """Reads the header of a case: the comments right under its first line. Refuses one that says nothing, or says what
    cannot be."""
    said: dict[str, str] = {}
    for line in source.splitlines()[1:]:
        header = HEADER.match(line)
        if not header:
            break
        if header[1] in said:
            raise ValueError(f"'{header[1]}' is said twice")
        said[header[1]] = header[2].strip()
    unknown = said.keys() - {field.name for field in fields(Expected)} - {"none"} | said.keys() & {"innocent"}
    if unknown:
        raise ValueError(f"unknown headers: {sorted(unknown)}")
    if any(said.get(flag, "true") != "true" for flag in FLAGS) or said.get("native", "rss") not in NATIVE:
        raise ValueError(f"neither {FLAGS} nor 'native' may be that: {said}")
    innocent = "none" in said
    if ("leaked" in said) + ("garbage" in said) + innocent != 1:
        raise ValueError("a case says what leaks, or which garbage grows, or that nothing does")
    if ("garbage" in said) != ("cause" in said):
        raise ValueError("garbage that grows has a cause, and nothing else has")
    if innocent and said.keys() & {"holder", "says", "also", "alone", "advice"}:
        raise ValueError("an innocent has no holder, and needs no advice")
    if "leaked" in said and ("holder" in said) == (said.get("native") == "refcount"):
        raise ValueError("what leaks has a holder, unless C code holds it")
    for pattern in ("leaked", "holder", "verdict", "says", "also"):
        re.compile(said.get(pattern, ""))
    return Expected(
        leaked=said.get("leaked"),
        holder=said.get("holder"),
        native=said.get("native"),
        verdict=said.get("verdict"),
        garbage=said.get("garbage"),
        cause=said.get("cause"),
        innocent=innocent,
        requires=tuple(said.get("requires", "").replace(",", " ").split()),
        says=said.get("says"),
        also=said.get("also"),
        alone="alone" in said,
        explained="explained" in said,
        advice=said.get("advice"),
    )


def faults(case: Expected, answer: dict[str, Any]) -> list[str]:
    """What is wrong with an answer, a sentence each."""
    wrong = schema_faults(answer)
    if wrong:
        return wrong
    verdict, suspects = answer["verdict"], answer["suspects"]
    # Several verdicts can hold at once; the first is that of the largest growth.
    verdicts = {verdict, *(one["verdict"] for one in answer.get("verdicts", []))}
    if ("leak" in verdicts) != bool(suspects):
        wrong.append(f"the verdict is '{verdict}' with {len(suspects)} suspects")
    if case.leaked and case.native == "rss" and "leak" not in verdicts:
        wrong.append(f"the leak beside the native growth is not found: {answer['reason']}")
    wrong += contradictions(answer)
    if case.explained:
        wrong += memory_faults(answer)
    grows = "native growth" if case.native == "rss" else "garbage growth" if case.garbage else None
    should = case.verdict or grows or (None if case.innocent else "leak")
    if should is not None and not re.search(should, verdict):
        wrong.append(f"the verdict is '{verdict}', not '{should}': {answer['reason']}")
    if case.innocent:
        wrong += [f"an innocent is accused: {one['summary']}" for one in suspects]
        if verdict == "native growth" and case.native != "rss":
            wrong.append(f"an innocent is said to grow natively: {answer['reason']}")
        if verdict in ("garbage growth", "uncollectable cycles"):
            wrong.append(f"an innocent is said to have garbage that grows: {answer['reason']}")
    elif case.garbage:
        wrong += garbage_faults(case, answer.get("garbage"))
    elif named := suspects or (answer["candidates"] if case.leaked and case.verdict else []):
        wrong += suspect_faults(case, named[0])
        places = ["".join(step["label"] for step in one["path"]) for one in named]
        if case.also and not any(re.search(case.also, place) for place in places[1:]):
            wrong.append(f"'{case.also}' is not named beside the first: {places}")
        if case.alone and len(named) > 1:
            wrong.append(f"one thing leaks, and {places} are named")
    elif case.leaked:
        wrong.append("nothing is named")
    return wrong + advice_faults(case, suspects + answer["candidates"])


def advice_faults(case: Expected, named: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the advice: it must be that of the case, and where the case has none there may be none."""
    given = [(one.get("advice") or {}).get("pattern") for one in named]
    wrong = [f"the advice is '{one}', not '{case.advice}'" for one in given if one not in (None, case.advice)]
    # What C code holds has no path by which it could be known.
    if case.advice and named and given[0] is None and named[0]["cause"] != "native reference":
        wrong.append(f"the advice '{case.advice}' is missing")
    return wrong


def accused(answer: dict[str, Any]) -> bool:
    """Whether the answer names anybody."""
    return answer["verdict"] == "leak" or bool(answer["suspects"])


def single_verdict(verdicts: list[dict[str, Any]]) -> str:
    """The one of several verdicts that an answer begins with, as the documentation of the command has it."""
    worst = max(SEVERITY.get(one["verdict"], 2) for one in verdicts)
    first = next(one for one in verdicts if SEVERITY.get(one["verdict"], 2) == worst)
    leak = next((one for one in verdicts if one["verdict"] == "leak"), None)
    if first["verdict"] == "native growth" and leak and 20 * leak["bytes"] >= first["bytes"]:
        return "leak"
    return str(first["verdict"])


def contradictions(answer: dict[str, Any]) -> list[str]:
    """Where an answer contradicts itself."""
    wrong = []
    if account := answer.get("account"):
        parts = sum(part["growth_bytes"] for part in account["parts"])
        if parts != account["resident_growth_bytes"]:
            wrong.append(f"the parts of the growth are {parts:,} B of {account['resident_growth_bytes']:,} B")
        for part in account["parts"]:
            if sum(part["growth"]) != part["growth_bytes"]:
                wrong.append(f"{part['part']} grew by {part['growth']}, which is not {part['growth_bytes']:,} B")
    sizes = [one["bytes"] for one in answer.get("verdicts", [])]
    if sizes != sorted(sizes, reverse=True):
        wrong.append(f"the verdicts are not in the order of their bytes: {sizes}")
    if answer.get("verdicts") and answer["verdict"] != (single := single_verdict(answer["verdicts"])):
        wrong.append(f"the verdict is '{answer['verdict']}', and '{single}' of {answer['verdicts']}")
    shares = [one["share_of_growth"] or 0 for one in answer["suspects"]]
    if not all(0 <= share <= 1 for share in shares) or sum(shares) > 1.01:
        wrong.append(f"the shares of growth are {shares}")
    # All that native code holds has the same path.
    containers = [one for one in answer["suspects"] if one["cause"] == "container" and one["path"]]
    places = [[step["label"] for step in one["path"]] for one in containers]
    for part in places:
        for whole in places:
            if part is not whole and part[: len(whole)] == whole:
                wrong.append(f"{''.join(part)} is named beside {''.join(whole)}, which it is a part of")
    for one in answer["suspects"] + answer["candidates"]:
        for leaked in [one, *one["leaked"]]:
            if leaked["count"] is not None and leaked["count"] < sum(leaked["growth"]):
                wrong.append(f"{one['holder']}: {leaked['count']} items, of which {sum(leaked['growth'])} are new")
    return wrong


def garbage_faults(case: Expected, garbage: dict[str, Any] | None) -> list[str]:
    if garbage is None:
        return ["no garbage grew"]
    wrong = []
    types = [one["type"] for one in garbage["types"]]
    if not any(re.search(case.garbage or "", name) for name in types):
        wrong.append(f"the garbage is {types}, not '{case.garbage}'")
    if garbage["cause"] != case.cause:
        wrong.append(f"the cause is '{garbage['cause']}', not '{case.cause}'")
    return wrong


def suspect_faults(case: Expected, first: dict[str, Any]) -> list[str]:
    wrong = []
    leaked = [one["type"] for one in first["leaked"]]
    if not any(re.search(case.leaked or "", name) for name in leaked):
        wrong.append(f"it names {leaked}, not '{case.leaked}'")
    if case.says and not re.search(case.says, first["summary"]):
        wrong.append(f"it says '{first['summary']}', not '{case.says}'")
    if case.native == "refcount":
        # What C code holds may be a container of Python: the list of atexit, from 3.14 on.
        if first["cause"] != "native reference":
            wrong.append(f"the cause is '{first['cause']}' with the holder {first['holder']!r}, not 'native reference'")
    elif case.holder:
        path = "".join(step["label"] for step in first["path"])
        if not any(re.search(case.holder, name) for name in (first["holder"] or "", path)):
            wrong.append(f"the holder is {first['holder']!r} by the path {path!r}, not '{case.holder}'")
    return wrong


def disagreement(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Where two answers about the same snapshots differ in what matters: the verdict and the first holder."""

    def said(answer: dict[str, Any]) -> tuple[object, ...]:
        return (answer["verdict"], *((first["holder"], first["cause"]) for first in answer["suspects"][:1]))

    return [] if said(one) == said(other) else [f"{said(one)} is not {said(other)}"]


def memory_faults(answer: dict[str, Any]) -> list[str]:
    """Growth of resident memory that nothing explains: a tenth of all, or a megabyte, may stay so."""
    memory = answer["memory"]
    grown = {part: memory[part][-1] - memory[part][0] for part in ("rss", "unexplained")}
    if grown["unexplained"] <= max(1_000_000, grown["rss"] / 10):
        return []
    return [f"of {grown['rss']:,} B that resident memory grew by, {grown['unexplained']:,} B are unexplained"]


# --- The form of the answer. Further fields may be there: the schema grows by additions only. ---

Form = Any
"""A dict of fields; a list of one form, for any number of it; a tuple of alternatives, None for null; or a type."""

SUSPECT: dict[str, Form] = {
    "rank": int,
    "holder": (str, None),
    "holder_type": (str, None),
    "cause": str,
    "leaked": [{"type": str, "count": (int, None), "growth": [int], "bytes": (int, None)}],
    "count": (int, None),
    "growth": [int],
    "retained_bytes": (int, None),
    "retained_growth_bytes": (int, None),
    "share_of_growth": (Real, None),
    "confidence": (Real, None),
    "evidence": [str],
    "own_holder": (str, None),
    "fingerprint": str,
    "path": [{"label": str, "type": str}],
    "summary": str,
}
ANSWER: dict[str, Form] = {
    "schema_version": int,
    "command": str,
    "verdict": str,
    "reason": str,
    "detectable_growth_bytes": (int, None),
    "snapshots": [{"taken_at": str, "objects": int, "bytes": int, "rss": (int, None), "pause_ms": (Real, None)}],
    "suspects": [SUSPECT],
    "candidates": [{**SUSPECT, "doubt": str}],
    "memory": {part: [(int, None)] for part in ("rss", "python", "allocator_free", "native_known", "unexplained")},
}


def schema_faults(answer: object) -> list[str]:
    """Where an answer is not of the form that is promised."""
    wrong = list(misfits(answer, ANSWER, "answer"))
    if wrong or not isinstance(answer, dict):
        return wrong
    if (answer["schema_version"], answer["command"]) != (1, "leaks"):
        wrong.append(f"it is version {answer['schema_version']} of '{answer['command']}'")
    if answer["verdict"] not in VERDICTS:
        wrong.append(f"there is no verdict '{answer['verdict']}'")
    if [one["rank"] for one in answer["suspects"]] != list(range(1, len(answer["suspects"]) + 1)):
        wrong.append("suspects are not in the order of their ranks")
    count = len(answer["snapshots"])
    for name, part in answer["memory"].items():
        if isinstance(part, list) and len(part) != count:
            wrong.append(f"memory.{name} has {len(part)} numbers for {count} snapshots")
    for one in answer["suspects"] + answer["candidates"]:
        if one["cause"] not in {"native reference", "uncollectable cycle", "frames", "container"}:
            wrong.append(f"there is no cause '{one['cause']}'")
        for growth in (one["growth"], *(leaked["growth"] for leaked in one["leaked"])):
            if len(growth) != count - 1:
                wrong.append(f"{one['holder']}: {len(growth)} growths for {count - 1} intervals")
    return wrong


def misfits(value: object, form: Form, where: str) -> list[str]:
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        return [
            wrong
            for name, inner in form.items()
            for wrong in (
                misfits(value[name], inner, f"{where}.{name}") if name in value else [f"{where} has no {name}"]
            )
        ]
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [wrong for at, one in enumerate(value) for wrong in misfits(one, form[0], f"{where}[{at}]")]
    kinds = form if isinstance(form, tuple) else (form,)
    types = tuple(kind for kind in kinds if kind is not None)
    # True is an int to Python, but not in JSON.
    fits = None in kinds if value is None else isinstance(value, types) and not isinstance(value, bool)
    return [] if fits else [f"{where} is {value!r}"]
