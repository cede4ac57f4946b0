"""A future that is never done collects the callbacks of all who wait for the shutdown."""
# leaked: tuple|function|Waiter|method
# holder: shutdown|_callbacks|callbacks
# advice: future-callbacks
import asyncio

loop = asyncio.new_event_loop()
shutdown = loop.create_future()


class Waiter:
    def __init__(self, n):
        self.n = n

    def stopped(self, future):
        self.n = None


def step(i):
    shutdown.add_done_callback(Waiter(i).stopped)
