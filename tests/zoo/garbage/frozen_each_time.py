"""A server freezes the heap before each fork, also the garbage that is there by then."""
# garbage: Job
# cause: frozen
import gc


class Job:
    def __init__(self, number):
        self.text = f"job {number} " + "j" * 5000
        self.me = self


def step(i):
    for number in range(3):
        Job(i * 3 + number)
    gc.freeze()
