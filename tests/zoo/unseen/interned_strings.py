"""Strings are interned by hand, in a table that never forgets."""
# leaked: str
# holder: _pool
class Interner:
    def __init__(self):
        self._pool = {}

    def __call__(self, text):
        return self._pool.setdefault(text, text)


intern = Interner()


def step(i):
    intern("tenant-%d/host-%d" % (i, i % 10))
