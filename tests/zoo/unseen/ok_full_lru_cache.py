"""functools.lru_cache with a bound, full from early on."""
# none: true
import functools


class Plan:
    def __init__(self, n):
        self.parts = [n, n * 2]


@functools.lru_cache(maxsize=200)
def plan(n):
    return Plan(n)


def step(i):
    plan(i)
    plan(i // 2)
