"""The error reporter keeps tracebacks, and so the frames with all their locals."""
# leaked: traceback|frame|ZeroDivisionError|Request|tuple
# holder: reports|pending
import sys


class Request:
    def __init__(self, n):
        self.n = n
        self.body = bytes(500)


class Reporter:
    def __init__(self):
        self.pending = []

    def capture(self):
        self.pending.append(sys.exc_info())


reporter = Reporter()


def view(request):
    local_rows = [request.n] * 3
    return len(local_rows) / (request.n - request.n)


def step(i):
    try:
        view(Request(i))
    except ZeroDivisionError:
        reporter.capture()
