"""An undo stack with a bound, and a redo stack that is cleared."""
# none: true
import collections


class Change:
    def __init__(self, n):
        self.n = n
        self.before = "x" * (n % 40)


undo = collections.deque(maxlen=64)
redo = []


def step(i):
    if i % 9 == 8:
        redo.append(undo.pop())
    else:
        redo.clear()
        undo.append(Change(i))
