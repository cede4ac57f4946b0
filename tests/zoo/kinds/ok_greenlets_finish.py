"""Each request waits in a greenlet until twenty others have come."""
# requires: greenlet
# none: true
from collections import deque

import greenlet

waiting = deque()


class Request:
    def __init__(self, number):
        self.name = "request-%d" % number


def depth(request, levels):
    if levels:
        return depth(request, levels - 1)
    return greenlet.getcurrent().parent.switch(request)


def step(i):
    worker = greenlet.greenlet(depth)
    worker.switch(Request(i), 10)
    waiting.append(worker)
    if len(waiting) > 20:
        done = waiting.popleft()
        done.switch("answer")
        assert done.dead
