"""Exports, read back by who they are for: DevTools' own loader, Google's protobuf, speedscope's schema, Graphviz."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from exports import export, mem_top, missing, read_heapsnapshot, read_pprof, readers, report, saved_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_shop(tmp_path_factory.mktemp("shop"), 500)


@pytest.fixture(scope="module")
def told(shop: Path) -> Any:
    return report(shop)


def everything(told: Any) -> tuple[int, int]:
    """Objects and bytes of a heap, with its garbage."""
    return told["total"]["count"] + told["garbage"]["count"], told["total"]["bytes"] + told["garbage"]["bytes"]


# --- heapsnapshot ---


def test_devtools_opens_it_and_finds_what_we_find(shop: Path, told: Any, tmp_path: Path) -> None:
    file = tmp_path / "shop.heapsnapshot"
    assert "Chrome opens it" in export(shop, "heapsnapshot", file)
    read = read_heapsnapshot(file, many=400)
    assert read["problems"] == []
    objects, size = everything(told)
    written = json.loads(file.read_text())
    head, groups = written["snapshot"], written["nodes"][4]
    assert read["nodes"] == head["node_count"] == objects + 1 + groups
    assert (read["bytes"], head["mem_top"]["objects"], head["mem_top"]["pruned"]) == (size, objects, 0)

    # The largest, in order: what holds objects without being one aside, and what garbage could retain.
    enough = told["garbage"]["bytes"]
    theirs = [(one["class"], one["retained"]) for one in read["top"] if one["bytes"] and one["retained"] > enough]
    ours = [(one["type"], one["retained_bytes"]) for one in told["top"] if one["retained_bytes"] > enough]
    ours = ours[: len(theirs)]
    assert len(ours) > 100
    assert [retained for _, retained in theirs] == [retained for _, retained in ours]
    assert sorted(theirs)[-100:] == sorted(ours)[-100:]

    # The suspect is found by its class, near a root.
    classes = {one["class"]: one for one in read["classes"]}
    sessions = next(row for row in told["types"] if row["type"] == "__main__.Session")
    lost = next(row for row in told["garbage"]["types"] if row["type"] == "__main__.Session")
    assert classes["__main__.Session"]["count"] == sessions["count"] + lost["count"] == 501
    holder = next(one for one in read["top"] if one["class"] == "__main__.Sessions")
    assert holder["distance"] < 10
    assert holder["retained"] > 500 * 1000


def test_two_exports_of_one_heap_are_the_same(shop: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.heapsnapshot", tmp_path / "2.heapsnapshot"
    export(shop, "heapsnapshot", first)
    export(shop, "heapsnapshot", second)
    assert first.read_bytes() == second.read_bytes()


# --- Stacks ---


def test_pprof_reads_as_protobuf_says(shop: Path, told: Any, tmp_path: Path) -> None:
    pytest.importorskip("google.protobuf")
    file = tmp_path / "shop.pb.gz"
    export(shop, "pprof", file)
    types, samples = read_pprof(file)
    assert types == [("inuse_objects", "count"), ("inuse_space", "bytes")]
    assert tuple(sum(values) for values in zip(*(values for _, values in samples), strict=True)) == everything(told)
    sessions = next(
        (stack, values)
        for stack, values in samples
        if stack[0] == "[*]: __main__.Session" and "garbage" not in stack[-1]
    )
    assert sessions[0][-1] == "module __main__"
    assert sessions[1][0] == 500
    garbage = sum(values[0] for stack, values in samples if stack[-1] == "garbage that awaits the collector")
    assert garbage == told["garbage"]["count"] > 0


def test_go_reads_the_profile(shop: Path, tmp_path: Path) -> None:
    if not shutil.which("go"):
        pytest.skip("go is not there")
    file = tmp_path / "shop.pb.gz"
    export(shop, "pprof", file)
    done = subprocess.run(
        ["go", "tool", "pprof", "-top", "-cum", str(file)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "__main__.Session" in done.stdout


def test_speedscope_keeps_to_its_schema(shop: Path, told: Any, tmp_path: Path) -> None:
    fastjsonschema = pytest.importorskip("fastjsonschema")
    file = tmp_path / "shop.speedscope.json"
    export(shop, "speedscope", file)
    schema = readers() / "speedscope" / "dist" / "release" / "file-format-schema.json"
    written = json.loads(file.read_text())
    valid = fastjsonschema.compile(json.loads(schema.read_text()))
    valid(written)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        valid({**written, "profiles": [{"type": "sampled"}]})
    space, objects = written["profiles"]
    assert (sum(objects["weights"]), sum(space["weights"])) == everything(told)


def test_collapsed_lines_are_stacks_and_bytes(shop: Path, told: Any, tmp_path: Path) -> None:
    file = tmp_path / "shop.collapsed"
    export(shop, "collapsed", file)
    lines = [line.rpartition(" ") for line in file.read_text().splitlines()]
    assert sum(int(size) for _, _, size in lines) == everything(told)[1]
    stacks = [stack.split(";") for stack, _, _ in lines]
    assert all(frame for stack in stacks for frame in stack)
    assert len({tuple(stack) for stack in stacks}) == len(stacks)


# --- Drawings ---


@pytest.mark.parametrize("of", [None, "Session", "dict"])
def test_graphviz_draws_it(shop: Path, tmp_path: Path, of: "str | None") -> None:
    if not shutil.which("dot"):
        missing("Graphviz is not there")
    file = tmp_path / "shop.dot"
    export(shop, "dot", file, *(["--of", of] if of else []))
    drawn = subprocess.run(["dot", "-Tsvg", str(file)], capture_output=True, text=True, timeout=300, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stderr == ""
    text = drawn.stdout
    assert "module " in text
    if of != "dict":
        assert all(name in text for name in ("module __main__", ".sessions", "Session"))


def test_an_address_is_drawn_too(shop: Path, told: Any, tmp_path: Path) -> None:
    address = next(one["address"] for one in told["top"] if one["type"] == "__main__.Sessions")
    file = tmp_path / "one.dot"
    export(shop, "dot", file, "--of", address)
    assert address in file.read_text()


# --- The command ---


def test_the_file_is_its_owners_and_replaced_as_a_whole(shop: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "out", tmp_path / "other"
    other.write_text("not mine")
    file.symlink_to(other)
    export(shop, "collapsed", file)
    assert stat.S_IMODE(file.lstat().st_mode) == 0o600
    assert other.read_text() == "not mine"
    before = file.read_bytes()
    export(shop, "collapsed", file)
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


@pytest.mark.parametrize("form", ["collapsed", "json", "heapsnapshot", "speedscope", "dot"])
def test_a_reader_that_goes_away_has_read_enough(shop: Path, form: str) -> None:
    command = [sys.executable, "-m", "mem_top", "export", str(shop), "--to", form, "-o", "-"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout and child.stderr
    assert child.stdout.read(10)
    child.stdout.close()
    assert (child.wait(60), child.stderr.read()) == (0, b"")
    child.stderr.close()


def test_what_it_cannot_do_it_says(shop: Path, tmp_path: Path) -> None:
    def fails(*arguments: object) -> str:
        done = mem_top("export", shop, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        return done.stderr

    out = tmp_path / "out"
    assert "hint: did you mean __main__.Session" in fails("--to", "dot", "-o", out, "--of", "__main__.Sesion")
    assert "--of says what --to dot draws" in fails("--to", "json", "-o", out, "--of", "Session")
    assert "no object lies at 0x7" in fails("--to", "dot", "-o", out, "--of", "0x7")
    assert "is a directory" in fails("--to", "json", "-o", tmp_path)
    assert "there is no directory" in fails("--to", "json", "-o", tmp_path / "none" / "out")
    assert "/dev/full" in fails("--to", "json", "-o", "/dev/full")
    assert "possible values: heapsnapshot, pprof" in fails("--to", "jpeg", "-o", out)
    assert not out.exists()


def test_a_full_disk_is_told(shop: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full is not there")
    command = [sys.executable, "-m", "mem_top", "export", str(shop), "--to", "json", "-o", "-"]
    with full.open("w") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the export cannot be written")
