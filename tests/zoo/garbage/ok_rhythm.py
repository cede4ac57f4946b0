"""Cycles that the collector frees by itself, again and again."""
# none: true
import gc


class Message:
    def __init__(self, number):
        self.body = f"message {number} " + "m" * 500
        self.original = self


def setup():
    gc.set_threshold(110, 3, 3)


def step(i):
    Message(i)
