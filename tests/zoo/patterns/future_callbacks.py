"""Each request waits for a shutdown that does not come, and leaves its callback with it."""
# leaked: function|Request|tuple|cell|method
# holder: stopping
# advice: future-callbacks
import asyncio

loop = asyncio.new_event_loop()
stopping = loop.create_future()


class Request:
    def __init__(self, i):
        self.body = [i] * 20

    def cancel(self, future):
        self.body.clear()


def step(i):
    stopping.add_done_callback(Request(i).cancel)
