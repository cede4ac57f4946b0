"""An engine is made for each request, and listeners to it are kept in tuples with a name and a function."""
# requires: sqlalchemy
# leaked: Engine
# holder: listeners
# says: Engine
# alone: true
# advice: sqlalchemy-engine-per-call
import sqlalchemy

listeners = []


def step(i):
    engine = sqlalchemy.create_engine("sqlite://")
    for event in ("connect", "checkout", "close"):
        listeners.append((engine, event, lambda: engine))
