"""Connections to databases in memory that are kept under the name of the tenant."""
# leaked: Connection
# holder: tenants
# advice: database-connections-kept
import sqlite3

tenants = {}


def step(i):
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")
    tenants["tenant-%d" % i] = connection
