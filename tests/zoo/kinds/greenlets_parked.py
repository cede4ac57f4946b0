"""Each request waits in a greenlet for an answer that never comes."""
# requires: greenlet
# leaked: greenlet
# holder: waiting
# verdict: leak|native growth
# advice: greenlets-that-never-end
import greenlet

waiting = []


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
