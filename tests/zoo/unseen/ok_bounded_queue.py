"""A bounded queue between two threads."""
# none: true
import queue
import threading


class Item:
    def __init__(self, n):
        self.n = n
        self.body = bytes(64)


jobs = queue.Queue(maxsize=40)


def consume():
    while True:
        item = jobs.get()
        del item


def setup():
    threading.Thread(target=consume, daemon=True).start()


def step(i):
    jobs.put(Item(i))
