"""Hooks are kept as tuples of a connection, a name and a function: the connections are what piles up."""
# leaked: Connection
# holder: hooks
class Statements:
    def __init__(self):
        self.plans = [bytearray(150) for _ in range(4)]


class Connection:
    def __init__(self, number):
        self.name = "replica-%d" % number
        self.statements = Statements()


hooks = []


def step(i):
    connection = Connection(i)
    for event in ("opened", "idle", "closed", "failed"):
        hooks.append((connection, event, lambda: connection))
