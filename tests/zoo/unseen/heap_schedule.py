"""Timers far in the future, on a heap; cancelled ones stay until their time."""
# leaked: tuple|Timer|list
# holder: heap|queue
import heapq


class Timer:
    def __init__(self, when, callback):
        self.when, self.callback, self.cancelled = when, callback, False

    def __lt__(self, other):
        return self.when < other.when


class Reactor:
    def __init__(self):
        self.heap = []
        self.now = 0

    def call_at(self, when, callback):
        timer = Timer(when, callback)
        heapq.heappush(self.heap, timer)
        return timer

    def run(self):
        self.now += 1
        while self.heap and self.heap[0].when <= self.now:
            heapq.heappop(self.heap)


reactor = Reactor()


def step(i):
    reactor.call_at(reactor.now + 100000 - i % 17, print).cancelled = True
    reactor.run()
