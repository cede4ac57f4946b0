"""A sliding window by minute, in a dict of lists: old minutes are dropped."""
# none: true
import collections

window = collections.OrderedDict()


class Hit:
    def __init__(self, n):
        self.n = n


def step(i):
    window.setdefault(i // 20, []).append(Hit(i))
    while len(window) > 8:
        window.popitem(last=False)
