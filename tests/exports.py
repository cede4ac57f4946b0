"""What reads exports back: pprof by the declared messages, DevTools by its own loader, all by the standard library."""

import contextlib
import fcntl
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
READERS = Path(__file__).parent / "readers"
CACHE = ROOT / ".cache" / "readers"

SHOP = """
import sys
import mem_top


class Item:
    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name


class Session:
    def __init__(self, number):
        self.token = f"token {number}"
        self.cart = [Item(f"item {number % 7}")] * 3
        self.note = "x" * (1000 + number % 2)


class Sessions:
    def __init__(self):
        self.by_token = {}


sessions = Sessions()
for number in range(int(sys.argv[2])):
    sessions.by_token[f"token {number}"] = Session(number)
import gc

gc.disable()
lost = [Session(-1), []]
lost[1].append(lost)
del lost
mem_top.snapshot().save(sys.argv[1])
"""


def saved_shop(folder: Path, sessions: int) -> Path:
    """A snapshot of a shop that keeps so many sessions, with some garbage."""
    program, file = folder / "shop.py", folder / "shop.parquet"
    program.write_text(SHOP)
    subprocess.run([sys.executable, str(program), str(file), str(sessions)], check=True, timeout=300)
    return file


def mem_top(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mem_top", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def report(file: Path) -> Any:
    """All that is in a snapshot, as `mem_top report` tells it."""
    done = mem_top("report", "--json", "--limit", 0, file)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def export(file: Path, form: str, out: Path, *more: object) -> str:
    """Writes an export; what was said."""
    done = mem_top("export", file, "--to", form, "-o", out, *more)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


def missing(what: str) -> None:
    """Skips a test for which something is not there; where all must be there, it fails."""
    pytest.fail(what) if os.environ.get("CI") else pytest.skip(what)


def read_pprof(file: Path) -> tuple[list[tuple[str, str]], list[tuple[tuple[str, ...], tuple[int, ...]]]]:
    """The types of values of a profile, and its samples: the stack, the innermost frame first, and the values.

    Read by Google's own library, by a declaration of the messages after `profile.proto`.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    messages: dict[str, list[tuple[str, int, int, str, bool]]] = {
        "ValueType": [("type", 1, kinds.TYPE_INT64, "", False), ("unit", 2, kinds.TYPE_INT64, "", False)],
        "Sample": [("location_id", 1, kinds.TYPE_UINT64, "", True), ("value", 2, kinds.TYPE_INT64, "", True)],
        "Line": [("function_id", 1, kinds.TYPE_UINT64, "", False), ("line", 2, kinds.TYPE_INT64, "", False)],
        "Location": [("id", 1, kinds.TYPE_UINT64, "", False), ("line", 4, kinds.TYPE_MESSAGE, "Line", True)],
        "Function": [
            ("id", 1, kinds.TYPE_UINT64, "", False),
            ("name", 2, kinds.TYPE_INT64, "", False),
            ("system_name", 3, kinds.TYPE_INT64, "", False),
        ],
        "Profile": [
            ("sample_type", 1, kinds.TYPE_MESSAGE, "ValueType", True),
            ("sample", 2, kinds.TYPE_MESSAGE, "Sample", True),
            ("location", 4, kinds.TYPE_MESSAGE, "Location", True),
            ("function", 5, kinds.TYPE_MESSAGE, "Function", True),
            ("string_table", 6, kinds.TYPE_STRING, "", True),
            ("time_nanos", 9, kinds.TYPE_INT64, "", False),
            ("comment", 13, kinds.TYPE_INT64, "", True),
            ("default_sample_type", 14, kinds.TYPE_INT64, "", False),
        ],
    }
    declared = descriptor_pb2.FileDescriptorProto(name="profile.proto", package="perftools", syntax="proto3")
    for name, fields in messages.items():
        message = declared.message_type.add(name=name)
        for field, number, kind, of, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            message.field.add(
                name=field, number=number, type=kind, label=label, type_name=f".perftools.{of}" if of else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(declared)
    profile: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("perftools.Profile"))()
    profile.ParseFromString(gzip.decompress(file.read_bytes()))
    assert profile.string_table[0] == ""
    text = profile.string_table
    names = {function.id: text[function.name] for function in profile.function}
    lines = {location.id: names[location.line[0].function_id] for location in profile.location}
    assert 0 not in names
    assert 0 not in lines
    types = [(text[kind.type], text[kind.unit]) for kind in profile.sample_type]
    samples = [
        (tuple(lines[location] for location in sample.location_id), tuple(sample.value)) for sample in profile.sample
    ]
    assert text[profile.default_sample_type] == "inuse_space"
    return types, samples


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keeps other test processes from installing the readers at the same time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def readers() -> Path:
    """The modules of npm that read exports, at the versions that `tests/readers` pins; fetched once."""
    if not (shutil.which("node") and shutil.which("npm")):
        missing("node and npm are not there, which run the loader of DevTools")
    with alone():
        stamp = CACHE / "installed"
        wanted = (READERS / "package-lock.json").read_bytes()
        if not stamp.exists() or stamp.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(READERS / name, CACHE / name)
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
                cwd=CACHE,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            if done.returncode != 0:
                missing(f"npm cannot fetch what reads exports: {done.stderr}")
            stamp.write_bytes(wanted)
    return CACHE / "node_modules"


def read_heapsnapshot(file: Path, many: int = 200) -> Any:
    """What the loader and the worker of DevTools find in a file."""
    modules = readers()
    loader = CACHE / "devtools.mjs"
    sources = [READERS / "devtools.js", READERS / "build.js"]
    with alone():
        if not loader.exists() or any(source.stat().st_mtime > loader.stat().st_mtime for source in sources):
            subprocess.run(["node", str(READERS / "build.js"), str(modules), str(loader)], check=True, timeout=300)
    done = subprocess.run(
        ["node", "--max-old-space-size=8192", str(loader), str(file), str(many)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by_class(rows: list[Any], name: str, count: str, size: str) -> dict[str, tuple[int, int]]:
    """Count and bytes by type; two types of one name are one."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        known = found[row[name]]
        found[row[name]] = (known[0] + row[count], known[1] + row[size])
    return dict(found)
