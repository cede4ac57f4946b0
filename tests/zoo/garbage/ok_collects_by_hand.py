"""The collector is off, and the program collects when it is idle."""
# none: true
import gc


class Message:
    def __init__(self, number):
        self.body = f"message {number} " + "m" * 5000
        self.original = self


def setup():
    gc.disable()


def step(i):
    Message(i)
    if i % 290 == 289:
        gc.collect()
