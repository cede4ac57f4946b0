"""A heap of jobs at a steady length; the oldest are done in order of priority."""
# none: true
import heapq
import random

random.seed(11)
heap = []


class Job:
    def __init__(self, n):
        self.n = n


def step(i):
    heapq.heappush(heap, (random.random(), i, Job(i)))
    if len(heap) > 80:
        heapq.heappop(heap)
