"""A cache of cachetools whose size was set to infinity."""
# requires: cachetools
# leaked: Answer
# holder: answers
# advice: cachetools-without-limit
import math

import cachetools


class Answer:
    def __init__(self, number):
        self.text = "answer %d" % number


answers = cachetools.Cache(maxsize=math.inf)


def step(i):
    answers["question %d" % i] = Answer(i)
