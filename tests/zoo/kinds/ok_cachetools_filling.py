"""A cache of cachetools for two thousand answers, which is not full yet."""
# requires: cachetools
# none: true
# verdict: inconclusive
import cachetools


class Answer:
    def __init__(self, number):
        self.text = "answer %d" % number


@cachetools.cached(cachetools.LRUCache(maxsize=2000))
def answer(number):
    return Answer(number)


def step(i):
    answer(i)
