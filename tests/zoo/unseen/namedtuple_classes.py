"""A named tuple class is made for each query, and each row of the cache refers to its own."""
# leaked: type|Row
# holder: last_rows|results
import collections


class Database:
    def __init__(self):
        self.last_rows = {}

    def query(self, n):
        Row = collections.namedtuple("Row", ["id", "name"])
        self.last_rows[n] = Row(n, "name")
        return self.last_rows[n]


db = Database()


def step(i):
    db.query(i)
