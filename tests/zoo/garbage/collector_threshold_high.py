"""The collector is to run after a hundred million new objects."""
# garbage: Order
# cause: high threshold
import gc


class Order:
    def __init__(self, number):
        self.lines = [f"order {number} line {n} " + "o" * 900 for n in range(6)]
        self.lines.append(self)


def setup():
    gc.set_threshold(100_000_000)


def step(i):
    Order(i)
