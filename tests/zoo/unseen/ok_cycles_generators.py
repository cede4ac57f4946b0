"""Generators that refer to themselves and are left half-way."""
# none: true
class Job:
    def __init__(self, n):
        self.n = n
        self.runner = self.run()

    def run(self):
        scratch = [self.n] * 8
        while True:
            yield scratch


def step(i):
    next(Job(i).runner)
