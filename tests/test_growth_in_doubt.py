"""Growth that may or may not be a leak: limits that owners state, bursts, small batches. In process and from outside."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import ON_LINUX, mem_top

Driven = Callable[[str, list[int]], dict[str, Any]]
"""Runs a program with a function `grow(n)`, takes a snapshot after each call of it, and returns the answer."""

INSIDE = """
import json, sys
import mem_top
series = []
for n in {counts}:
    grow(n)
    series.append(mem_top.snapshot())
json.dump(mem_top.leaks(*series).to_dict(), sys.stdout)
"""
OUTSIDE = """
import sys
print("ready", flush=True)
for line in sys.stdin:
    grow(int(line))
    print("done", flush=True)
"""


def inside(source: str, counts: list[int]) -> dict[str, Any]:
    program = textwrap.dedent(source) + INSIDE.format(counts=counts)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Driven]:
    running: list[subprocess.Popen[str]] = []

    def run(source: str, counts: list[int]) -> dict[str, Any]:
        program = textwrap.dedent(source) + OUTSIDE
        case = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(case)
        assert case.stdin and case.stdout and case.stdout.readline() == "ready\n"
        files = [tmp_path / f"{number}.parquet" for number in range(len(counts))]
        for file, count in zip(files, counts, strict=True):
            case.stdin.write(f"{count}\n")
            case.stdin.flush()
            assert case.stdout.readline() == "done\n"
            dumped = mem_top("dump", case.pid, "-o", file)
            assert dumped.returncode == 0, dumped.stderr
        told = mem_top("leaks", "--json", *files)
        assert told.returncode in (0, 1, 3), told.stderr
        answer: dict[str, Any] = json.loads(told.stdout)
        return answer

    yield run
    for case in running:
        case.kill()
        case.communicate()


VALUE = """
class Value:
    def __init__(self, n):
        self.n = n
"""
OWNERS = {
    "attributes": """
    class Cache:
        def __init__(self):
            self.max_entries = 5000
            self.data = {}
    cache = Cache()
    data = lambda: cache.data
    """,
    "dict": """
    class Cache:
        pass
    cache = Cache()
    cache.__dict__.update(maxsize=5000, data={})
    data = lambda: cache.data
    """,
    "slots": """
    class Cache:
        __slots__ = ("_capacity", "data")
        def __init__(self):
            self._capacity, self.data = 5000, {}
    cache = Cache()
    data = lambda: cache.data
    """,
    "owner of the owner": """
    class Store:
        def __init__(self):
            self.data = {}
    class Cache:
        def __init__(self):
            self.cache_size, self.store = 5000, Store()
    cache = Cache()
    data = lambda: cache.store.data
    """,
    "subclass": """
    class Cache(dict):
        def __init__(self):
            self.limit = 5000
    cache = Cache()
    data = lambda: cache
    """,
}
GROW = """
def grow(n, done=[0]):
    for _ in range(n):
        done[0] += 1
        data()["key %d" % done[0]] = Value(done[0])
"""


def only_doubt(answer: dict[str, Any]) -> str:
    assert answer["verdict"] == "inconclusive", (answer["reason"], [one["summary"] for one in answer["suspects"]])
    doubt: str = answer["candidates"][0]["doubt"]
    return doubt


@pytest.mark.parametrize("owner", OWNERS)
def test_a_limit_in_an_attribute_is_a_doubt(owner: str) -> None:
    source = VALUE + textwrap.dedent(OWNERS[owner]) + GROW
    assert "size limit" in only_doubt(inside(source, [300, 300, 300, 300]))
    # Beyond its limit, it leaks.
    assert inside(source, [3000, 1500, 1500, 1500])["verdict"] == "leak"


def test_a_counter_of_items_is_not_a_limit() -> None:
    source = (
        VALUE
        + """
class Queue:
    def __init__(self):
        self.size, self.items = 0, []
queue = Queue()
def grow(n):
    for _ in range(n):
        queue.items.append(Value(n))
        queue.size += 1
    queue.size += 7
"""
    )
    assert inside(source, [300, 300, 300, 300])["verdict"] == "leak"


STATEMENTS = """
    import queue
    import sqlite3
    import threading

    local = threading.local()
    work = [queue.SimpleQueue() for _ in range(3)]
    done = queue.SimpleQueue()

    def run(tasks):
        local.connection = sqlite3.connect(":memory:", cached_statements=128)
        number = 0
        while True:
            for _ in range(tasks.get()):
                local.connection.execute("select %d" % number).fetchall()
                number += 1
            done.put(None)

    for tasks in work:
        threading.Thread(target=run, args=(tasks,), daemon=True).start()

    def grow(n):
        for tasks in work:
            tasks.put(n)
        for tasks in work:
            done.get()
"""


class TestFromOutside:
    pytestmark = ON_LINUX

    def test_each_connection_has_a_limit_of_its_own(self, outside: Driven) -> None:
        assert "size limit" in only_doubt(outside(STATEMENTS, [30, 30, 30, 30]))

    def test_a_limit_in_an_attribute_is_a_doubt(self, outside: Driven) -> None:
        source = VALUE + textwrap.dedent(OWNERS["attributes"]) + GROW
        assert "size limit" in only_doubt(outside(source, [300, 300, 300, 300]))


SESSIONS = """
    class Session:
        def __init__(self, n):
            self.text = "x" * 1000 + str(n)
    sessions = []
    def grow(n):
        sessions.extend(Session(len(sessions)) for _ in range(n))
"""


def test_growth_in_bursts_is_not_overlooked() -> None:
    answer = inside(SESSIONS, [10, 200, 0, 0, 300, 0])
    assert "2 of 5 intervals" in only_doubt(answer)
    assert answer["candidates"][0]["holder"] == "__main__.sessions"
    # Megabytes that keep coming are a leak.
    answer = inside(SESSIONS, [10, 0, 0, 500, 500, 0, 500, 500])
    assert answer["verdict"] == "leak"
    assert "in 4 of 7 intervals" in answer["suspects"][0]["summary"]


def test_a_few_small_items_may_be_a_batch() -> None:
    source = VALUE + "rows = []\ndef grow(n): rows.extend(Value(n) for _ in range(n))\n"
    assert "emptied" in only_doubt(inside(source, [20, 20, 20, 20]))
    assert inside(source, [200, 200, 200, 200])["verdict"] == "leak"


def test_cancelled_timers_are_a_doubt() -> None:
    source = """
    import asyncio
    loop = asyncio.new_event_loop()
    async def wait(n):
        for _ in range(n):
            loop.call_later(3600, print).cancel()
    live = [loop.call_later(3600, print) for _ in range(1000)]
    def grow(n):
        loop.run_until_complete(wait(n))
    """
    assert "cancelled timers" in only_doubt(inside(source, [150, 150, 150, 150]))
