"""The collector is off, for speed, and every message refers to itself."""
# garbage: Message
# cause: off
import gc


class Message:
    def __init__(self, number):
        self.body = f"message {number} " + "m" * 5000
        self.original = self


def setup():
    gc.disable()


def step(i):
    Message(i)
