"""Tasks of asyncio that are done, with exceptions that were fetched."""
# none: true
import asyncio

loop = asyncio.new_event_loop()


class Reply:
    def __init__(self, n):
        self.n = n
        self.me = self


async def handle(n):
    reply = Reply(n)
    await asyncio.sleep(0)
    if n % 5 == 0:
        raise ValueError(n)
    return reply


async def serve(i):
    await asyncio.gather(handle(i), handle(i + 1), return_exceptions=True)


def step(i):
    loop.run_until_complete(serve(i))
