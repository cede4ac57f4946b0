"""Twenty requests at a time, each with some parts; each round the requests have more parts, and all go."""
# none: true
from collections import deque


class Part:
    def __init__(self, number):
        self.text = "part %d" % number


class Request:
    def __init__(self, number):
        self.parts = [Part(number) for _ in range(number % 7 + number // 300)]


current = deque(maxlen=20)


def step(i):
    current.append(Request(i))
