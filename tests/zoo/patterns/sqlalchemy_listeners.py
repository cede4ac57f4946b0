"""A listener is registered with the engine for each request."""
# leaked: function|Audit|method|cell
# holder: sqlalchemy|engine
# requires: sqlalchemy
# advice: sqlalchemy-listeners
from sqlalchemy import create_engine, event

engine = create_engine("sqlite://")


class Audit:
    def __init__(self, i):
        self.rows = [i] * 20


def step(i):
    audit = Audit(i)

    def before(*arguments):
        audit.rows.append(arguments)

    event.listen(engine, "before_cursor_execute", before)
