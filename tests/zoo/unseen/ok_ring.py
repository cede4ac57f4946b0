"""A ring buffer of a fixed number of slots."""
# none: true
class Ring:
    def __init__(self, size):
        self.slots = [None] * size
        self.at = 0

    def put(self, value):
        self.slots[self.at] = value
        self.at = (self.at + 1) % len(self.slots)


class Sample:
    __slots__ = ("t", "v")

    def __init__(self, t, v):
        self.t, self.v = t, v


ring = Ring(128)


def step(i):
    ring.put(Sample(i * 0.1, [i]))
