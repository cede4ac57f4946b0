"""Rows of a cursor are kept with their descriptions."""
# leaked: Row|tuple
# holder: results
import sqlite3

db = sqlite3.connect(":memory:")
db.row_factory = sqlite3.Row


class Repository:
    def __init__(self):
        self.results = []

    def find(self, n):
        self.results.extend(db.execute("select ? as id, 'name' || ? as name", (n, n)))


repository = Repository()


def step(i):
    repository.find(i)
