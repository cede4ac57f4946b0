"""Replies that never come: pending futures by the id of the request."""
# leaked: Future|Call
# holder: pending
# advice: futures-never-removed
import asyncio

loop = asyncio.new_event_loop()


class Call:
    def __init__(self, n):
        self.n = n
        self.reply = loop.create_future()


class Channel:
    def __init__(self):
        self.pending = {}

    async def call(self, n):
        call = self.pending[n] = Call(n)
        try:
            await asyncio.wait_for(asyncio.shield(call.reply), 0)
        except asyncio.TimeoutError:
            pass


channel = Channel()


def step(i):
    loop.run_until_complete(channel.call(i))
