"""Queries with cursors that are read and dropped."""
# none: true
import sqlite3

db = sqlite3.connect(":memory:")
db.execute("create table t (id integer primary key, name text)")
db.executemany("insert into t values (?, ?)", [(n, "name%d" % n) for n in range(100)])


def step(i):
    rows = db.execute("select * from t where id > ?", (i % 50,)).fetchall()
    assert rows
