"""An engine is made for each request; five are in use at a time."""
# requires: sqlalchemy
# none: true
from collections import deque

import sqlalchemy

listeners = deque()


def step(i):
    engine = sqlalchemy.create_engine("sqlite://")
    for event in ("connect", "checkout", "close"):
        listeners.append((engine, event, lambda: engine))
    if len(listeners) > 15:
        for _ in range(3):
            listeners.popleft()
