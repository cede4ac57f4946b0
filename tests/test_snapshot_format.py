"""A snapshot's file is what its specification says, for readers that know nothing of mem_top: DuckDB and pyarrow.

Both are needed for it and are asked for by name; where they are not installed the tests are skipped, since neither has
wheels for every CPython that mem_top runs on.
"""

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

import mem_top

duckdb = pytest.importorskip("duckdb")
parquet = pytest.importorskip("pyarrow.parquet")

PAGE = Path(__file__).parent.parent / "docs" / "snapshot-format.md"
QUERIES = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class Session:
    def __init__(self, number: int) -> None:
        self.user = f"user {number}"
        self.cart = [number]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A snapshot with known objects in it, and the folder where it is saved as a.parquet."""
    kept = {f"token-{number}": Session(number) for number in range(500)}
    ring: list[Any] = [Session(-1)]
    ring.append(ring)
    del ring
    snapshot = mem_top.snapshot()
    folder = tmp_path_factory.mktemp("snapshot")
    snapshot.save(folder / "a.parquet")
    yield snapshot, folder, len(kept)


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            query.replace("'a.parquet'", f"'{folder}/a.parquet'")
        ).fetchall()
        return rows


def by_api(snapshot: mem_top.Snapshot) -> dict[str, tuple[int, int]]:
    """By name of a type: objects and bytes. Two types of one name are told together."""
    types: dict[str, tuple[int, int]] = {}
    for row in snapshot.types(limit=None).to_dict()["types"]:
        count, size = types.get(row["type"], (0, 0))
        types[row["type"]] = (count + row["count"], size + row["bytes"])
    return types


def test_duckdb_agrees_with_the_answers(saved):
    snapshot, folder, _ = saved
    query = "SELECT type, count(*), sum(size) FROM 'a.parquet' WHERE NOT own AND NOT garbage GROUP BY 1"
    assert {kind: (count, size) for kind, count, size in ask(folder, query)} == by_api(snapshot)


def test_pyarrow_agrees_with_the_answers(saved):
    snapshot, folder, _ = saved
    file = parquet.ParquetFile(folder / "a.parquet", page_checksum_verification=True)
    table = file.read(["type", "size", "own", "garbage"])
    found: dict[str, tuple[int, int]] = {}
    for row in table.to_pylist():
        if not row["own"] and not row["garbage"]:
            count, size = found.get(row["type"], (0, 0))
            found[row["type"]] = (count + 1, size + row["size"])
    assert found == by_api(snapshot)


def test_the_query_of_everybody_works_as_it_stands(saved):
    _, folder, sessions = saved
    rows = ask(folder, "SELECT type, count(*), sum(size) FROM 'a.parquet' GROUP BY 1")
    name = f"{Session.__module__}.{Session.__qualname__}"
    # One more awaits the collector.
    assert [count for kind, count, _ in rows if kind == name] == [sessions + 1]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split("\n")[0][:40])
def test_documented_queries_run(saved, query):
    assert ask(saved[1], query), "it found nothing"


def test_references_lead_to_rows(saved):
    _, folder, sessions = saved
    query = f"""
        SELECT count(*) FROM (SELECT unnest(referents) AS r FROM 'a.parquet') JOIN 'a.parquet' AS target ON target.id = r.id
        WHERE target.type = '{Session.__module__}.{Session.__qualname__}' AND NOT target.garbage"""
    assert ask(folder, query) == [(sessions,)]
    dangling = "SELECT count(*) FROM (SELECT unnest(referents).id AS to_id FROM 'a.parquet') WHERE to_id NOT IN (SELECT id FROM 'a.parquet')"
    assert ask(folder, dangling) == [(0,)]


def test_no_contents_and_no_tokens_are_in_it(saved):
    _, folder, _ = saved
    content = ask(folder, "SELECT DISTINCT r.label FROM (SELECT unnest(referents) AS r FROM 'a.parquet')")
    assert not [label for (label,) in content if label and "token-" in label]
    assert stat.S_IMODE(os.stat(folder / "a.parquet").st_mode) == 0o600
