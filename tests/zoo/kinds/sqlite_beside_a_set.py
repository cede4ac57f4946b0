"""A table of SQLite in memory gets a row of 30 kB each time, and the program keeps its key."""
# leaked: str
# holder: keys
# native: rss
import sqlite3

database = sqlite3.connect(":memory:")
database.execute("create table pages (address text, body blob)")
keys = set()


def step(i):
    address = "https://host/%d" % i
    keys.add(address)
    database.execute("insert into pages values (?, zeroblob(30000))", (address,))
