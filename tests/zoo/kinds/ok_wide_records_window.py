"""The last two thousand records with ten attributes each."""
# none: true
# explained: true
from collections import deque


class Record:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = self.h = self.i = self.j = None


window = deque(maxlen=2000)


def step(i):
    window.extend(Record() for _ in range(60))
