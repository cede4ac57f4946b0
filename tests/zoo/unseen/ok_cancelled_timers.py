"""Timers of asyncio that are cancelled; the loop sweeps them now and then."""
# none: true
import asyncio

loop = asyncio.new_event_loop()


class Request:
    def __init__(self, n):
        self.n = n

    def timed_out(self):
        pass


async def serve(i):
    for k in range(3):
        handle = asyncio.get_running_loop().call_later(3600, Request(i).timed_out)
        handle.cancel()
    await asyncio.sleep(0)


def step(i):
    loop.run_until_complete(serve(i))
