"""Every view shows the same numbers for the same heap: text, JSON, the page, Python, and each export."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from exports import by_class, export, mem_top, read_pprof, report, saved_shop

import mem_top as package


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_shop(tmp_path_factory.mktemp("shop"), 300)


@pytest.fixture(scope="module")
def told(shop: Path) -> Any:
    """The report as JSON, which the other views are held against."""
    return report(shop)


def with_garbage(told: Any) -> dict[str, tuple[int, int]]:
    """Count and bytes by type, of all objects that a snapshot has."""
    return by_class(told["types"] + told["garbage"]["types"], "type", "count", "bytes")


def spoken_bytes(text: str) -> float:
    """`2.8 MB` as a number."""
    number, unit = text.split()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def test_the_report_adds_up(told: Any) -> None:
    for whole, types in ((told["total"], told["types"]), (told["garbage"], told["garbage"]["types"])):
        assert (sum(row["count"] for row in types), sum(row["bytes"] for row in types)) == (
            whole["count"],
            whole["bytes"],
        )
    assert told["types_omitted"] == told["garbage"]["types_omitted"] == 0
    assert len(told["top"]) == told["total"]["count"]


def test_text(shop: Path, told: Any) -> None:
    text = mem_top("report", "--limit", 0, "--color", "never", shop).stdout
    objects, size, references = re.search(r"^([\d,]+) objects, ([\d.]+ \w+), ([\d,]+) references", text, re.M).groups()
    assert int(objects.replace(",", "")) == told["total"]["count"]
    assert int(references.replace(",", "")) == told["references"]
    assert spoken_bytes(size) == pytest.approx(told["total"]["bytes"], rel=0.05)
    table = text.split("types by retained size\n")[1].split("\n\n")[0].splitlines()[1:]
    rows = [re.match(r" *([\d,]+) +([\d.]+ \w+) +([\d.]+ \w+) +(\S+)$", line).groups() for line in table]
    assert len(rows) == len(told["types"])
    for row, (count, size, retained, name) in zip(told["types"], rows, strict=True):
        assert (name, int(count.replace(",", ""))) == (row["type"], row["count"])
        assert spoken_bytes(size) == pytest.approx(row["bytes"], rel=0.06)
        assert spoken_bytes(retained) == pytest.approx(row["retained_bytes"], rel=0.06)
    largest = text.split("objects by retained size\n")[1].split("\n\n")[0].splitlines()[1:21]
    for row, line in zip(told["top"], largest, strict=False):
        assert row["address"] in line
        assert spoken_bytes(" ".join(line.split()[:2])) == pytest.approx(row["retained_bytes"], rel=0.06)


def test_python(shop: Path, told: Any) -> None:
    snapshot = package.load(shop)
    assert (snapshot.objects, snapshot.bytes) == (told["total"]["count"], told["total"]["bytes"])
    of_python = json.loads(json.dumps(snapshot.report(limit=None).to_dict()))
    assert of_python == told
    types = snapshot.types(limit=None).to_dict()["types"]
    assert {row["type"]: row["count"] for row in types} == {row["type"]: row["count"] for row in told["types"]}


def test_the_page(shop: Path, told: Any, tmp_path: Path) -> None:
    page = tmp_path / "shop.html"
    assert mem_top("report", "--html", page, shop).returncode == 0
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S)
    data = json.loads(block)
    assert {name: data["answer"][name] for name in ("total", "references", "roots")} == {
        name: told[name] for name in ("total", "references", "roots")
    }
    assert data["answer"]["top"] == told["top"][:10]
    rows = [dict(zip(data["types"]["columns"], row, strict=True)) for row in data["types"]["rows"]]
    assert [(row["type"], row["objects"], row["bytes"], row["retained"]) for row in rows] == [
        (row["type"], row["count"], row["bytes"], row["retained_bytes"]) for row in told["types"][: len(rows)]
    ]
    assert len(rows) + data["types"]["omitted"] == len(told["types"])
    assert (data["tree"]["objects"], data["tree"]["total"]) == (
        told["total"]["count"],
        told["accumulation"]["total_bytes"],
    )


def test_the_dump(shop: Path, told: Any, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    export(shop, "json", file)
    dump = json.loads(file.read_text())
    assert dump["total"] == told["total"]
    assert dump["garbage"] == {name: told["garbage"][name] for name in ("count", "bytes")}
    assert by_class([row for row in dump["types"] if row["count"]], "type", "count", "bytes") == by_class(
        told["types"], "type", "count", "bytes"
    )
    one_each = [
        {"type": dump["types"][row["type"]]["type"], "count": 1, "bytes": row["bytes"]} for row in dump["objects"]
    ]
    assert by_class(one_each, "type", "count", "bytes") == with_garbage(told)
    retained = {row["address"]: row["retained_bytes"] for row in dump["objects"]}
    assert {row["address"]: row["retained_bytes"] for row in told["top"]}.items() <= retained.items()
    assert sum(len(row["references"]) for row in dump["objects"]) <= told["references"]


def test_the_heapsnapshot(shop: Path, told: Any, tmp_path: Path) -> None:
    file = tmp_path / "shop.heapsnapshot"
    export(shop, "heapsnapshot", file)
    written = json.loads(file.read_text())
    nodes, strings = written["nodes"], written["strings"]
    rows = [
        {"type": strings[nodes[at + 1]], "count": 1, "bytes": nodes[at + 3]}
        for at in range(0, len(nodes), 7)
        if nodes[at + 3]
    ]
    assert by_class(rows, "type", "count", "bytes") == with_garbage(told)
    assert written["snapshot"]["mem_top"]["objects"] == told["total"]["count"] + told["garbage"]["count"]


def test_the_stacks(shop: Path, told: Any, tmp_path: Path) -> None:
    pytest.importorskip("google.protobuf")
    files = {form: tmp_path / form for form in ("pprof", "speedscope", "collapsed")}
    for form, file in files.items():
        export(shop, form, file)
    _, samples = read_pprof(files["pprof"])

    # The innermost frame ends with the type of what stands there, and a chain of its kind with dots.
    found: dict[str, tuple[int, int]] = {}
    for stack, (objects, size) in samples:
        name = "dict" if len(stack) == 1 else stack[0].rpartition(": ")[2].removesuffix("…")
        known = found.get(name, (0, 0))
        found[name] = (known[0] + objects, known[1] + size)
    assert found == with_garbage(told)

    by_stack: dict[tuple[str, ...], int] = {}
    for stack, (_, size) in samples:
        by_stack[stack[::-1]] = by_stack.get(stack[::-1], 0) + size
    lines = (line.rpartition(" ") for line in files["collapsed"].read_text().splitlines())
    assert {tuple(stack.split(";")): int(size) for stack, _, size in lines} == by_stack
    speedscope = json.loads(files["speedscope"].read_text())
    names = [frame["name"] for frame in speedscope["shared"]["frames"]]
    space = speedscope["profiles"][0]
    weights: dict[tuple[str, ...], int] = {}
    for sample, weight in zip(space["samples"], space["weights"], strict=True):
        stack = tuple(names[frame] for frame in sample)
        weights[stack] = weights.get(stack, 0) + weight
    assert weights == by_stack
