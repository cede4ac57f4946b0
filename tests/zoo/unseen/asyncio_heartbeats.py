"""An asyncio server starts a heartbeat for each client and forgets to cancel it when the client goes."""
# leaked: Task|coroutine|Client|TimerHandle|Future
# holder: heartbeat|_scheduled|scheduled|client|loop
import asyncio

loop = asyncio.new_event_loop()


class Client:
    def __init__(self, n):
        self.n = n
        self.buffer = bytearray(128)
        self.pings = 0


async def heartbeat(client):
    while True:
        await asyncio.sleep(3600)
        client.pings += 1


async def serve(i):
    client = Client(i)
    asyncio.ensure_future(heartbeat(client))
    await asyncio.sleep(0)
    client.buffer.extend(b"GET /")


def step(i):
    loop.run_until_complete(serve(i))
