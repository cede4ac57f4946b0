"""Asynchronous generators are left half-way and kept in a list of cursors."""
# leaked: async_generator|Page
# holder: cursors
import asyncio

loop = asyncio.new_event_loop()


class Page:
    def __init__(self, n):
        self.rows = list(range(n % 5))


class Client:
    def __init__(self):
        self.cursors = []

    async def scan(self, n):
        page = Page(n)
        while True:
            yield page


client = Client()


async def first(i):
    cursor = client.scan(i)
    client.cursors.append(cursor)
    await cursor.__anext__()


def step(i):
    loop.run_until_complete(first(i))
