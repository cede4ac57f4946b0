"""Hits by path, where each path is unique."""
# leaked: str
# holder: hits
import collections


class Stats:
    def __init__(self):
        self.hits = collections.Counter()
        self.total = 0


stats = Stats()


def step(i):
    stats.hits["/item/%d?session=%d" % (i, i * 31)] += 1
    stats.total += 1
