"""Sessions with a time to live, in a steady state."""
# none: true
class Session:
    def __init__(self, n):
        self.n = n
        self.data = {"cart": []}


class Store:
    def __init__(self):
        self.by_token = {}
        self.now = 0

    def sweep(self):
        for token in [t for t, (born, _) in self.by_token.items() if born < self.now - 100]:
            del self.by_token[token]


store = Store()


def step(i):
    store.now = i
    store.by_token["token-%d" % i] = (i, Session(i))
    if i % 10 == 0:
        store.sweep()
