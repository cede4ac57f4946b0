"""Each request connects a receiver with weak=False, and the signal keeps it."""
# leaked: function|Request|cell
# holder: on_paid
# requires: blinker
# advice: strong-signal-receivers
import blinker

on_paid = blinker.Signal()


class Request:
    def __init__(self, i):
        self.body = [i] * 20


def step(i):
    request = Request(i)

    def paid(sender):
        return request

    on_paid.connect(paid, weak=False)
